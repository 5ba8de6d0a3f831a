"""What was measured, as tables."""

from collections.abc import Sequence

from facesearch.faces.index import native
from facesearch_cli.terminal import results
from tools.bench.index.measuring import CORES, Measured
from tools.bench.requests import Prices


def show(rows: Sequence[Measured], prices: Prices) -> None:
    """Print the tables."""
    out = results()
    out.print(
        "Medians in milliseconds; ratios to what the machine does with the same number of bytes, in the same run."
    )
    _table(
        ("faces", "build", "compact", "encode", "save", "file MB", "first cold", "page of tail", "nothing new"),
        [
            (
                *(f"{row.faces}", _ms(row.made.build), _ms(row.made.compact), _ms(row.made.encode)),
                *(_ms(row.made.save), f"{row.made.file_bytes / 1e6:.1f}", _ms(row.first_cold)),
                *(_ms(row.refresh_page), _ms(row.refresh_idle)),
            )
            for row in rows
        ],
    )
    _table(
        ("faces", "cold, S3", "raw", "ratio", "cold, file", "raw", "ratio", "resident / vectors"),
        [
            (
                *(f"{row.faces}", _ms(row.cold), _ms(row.store), f"{row.cold_ratio:.2f}"),
                *(_ms(row.cold_file), _ms(row.file), f"{row.cold_file_ratio:.2f}"),
                "-" if row.memory_ratio is None else f"{row.memory_ratio:.2f}",
            )
            for row in rows
        ],
    )
    out.print("raw: the same bytes into new memory in parts of 8 MiB, from S3 by plain HTTP, which then sends the same")
    out.print(
        "queries for the tail; from a file that the system has in memory by preadv (there the tail is in memory, too)."
    )
    _table(
        ("faces", "scan", "read", "ratio", "copy", "ratio", "float32", "a search's matching", "not levelled"),
        [
            (
                *(f"{row.faces}", _ms(row.scan), _ms(row.read), f"{row.match_ratio:.2f}"),
                *(
                    _ms(row.copied),
                    f"{row.scan / row.copied:.2f}",
                    _ms(row.float32),
                    _ms(row.match),
                    _ms(row.not_levelled),
                ),
            )
            for row in rows
        ],
    )
    speeds = ", ".join(f"{row.scanned / row.read / 1e9:.1f}" for row in rows)
    out.print(
        f"read: {CORES} threads XOR as many bytes as the scan reads, 64 bits at a time: {speeds} GB/s; copy: they copy"
    )
    out.print("them, every byte counted once. float32: numpy's X @ q and flatnonzero on the same vectors.")
    loop = "in C" if native.is_there() else "simsimd's; make setup compiles one in C where there is a compiler"
    out.print(f"The scan's inner loop is {loop}. Other ways: python -m tools.bench.scans (ADR 13).")
    _table(
        ("faces", "DynamoDB", "read units", "MB", "S3 GET", "MB", "dollars"),
        [
            (
                *(f"{row.faces}", f"{row.requests.dynamodb}", f"{row.requests.read_units:.0f}"),
                *(f"{row.requests.dynamodb_bytes / 1e6:.2f}", f"{row.requests.gets}"),
                *(f"{row.requests.s3_bytes / 1e6:.1f}", f"{row.requests.dollars(prices):.7f}"),
            )
            for row in rows
        ],
    )
    out.print(f"What one cold load asks for; dollars by {prices.region}'s prices of {prices.as_of}.")
    for row in rows:
        for complaint in row.too_slow:
            out.print(f"MISSED at {row.faces} faces: {complaint}")


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.{0 if seconds >= 0.1 else 1}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    results().print("\n" + "\n".join(lines))
