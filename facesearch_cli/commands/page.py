"""`facesearch page …`."""

import gzip
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from facesearch.admin.page import BUILD_PREFIX, TEMPLATE, check_build
from facesearch.errors import InvalidRequest
from facesearch_cli.commands.common import AsJson, group, stack_of
from facesearch_cli.commands.links import say_lost
from facesearch_cli.errors import CommandError
from facesearch_cli.terminal import plural, print_json, results, say

app = group("The page that guests see.")
DIST = Path("web/dist")
MAX_FILES, MAX_FILE_BYTES, MAX_BYTES = 500, 2_000_000, 20_000_000
"""A build has some twenty files, the largest of 60 KB."""
READ_AT_ONCE = 65_536
_NAME = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_KEY = re.compile(f"{BUILD_PREFIX}(?:{_NAME}/){{0,3}}{_NAME}")


@app.command("publish")
def publish_page(
    context: typer.Context,
    dist: Annotated[Path, typer.Option(help="Folder of a build: make web.", file_okay=False)] = DIST,
    archive: Annotated[
        Path | None, typer.Option(help="In its place a release's face-search-page-….tar.gz.", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Upload a build of the guests' page, and render the pages of all links anew."""
    build = _checked(dict(_unpacked(archive) if archive is not None else _files_in(dist)))
    stack = stack_of(context)
    container = stack.container
    if container.page_hosts is None:
        raise CommandError("This stack shows no pages, for it has no CloudFront: deploy it with CloudFront first.")
    with stack.working():
        done = container.links.publish(build)
    lost = [link.link_id for link in done.lost]
    if as_json:
        print_json({"files": len(build), "links": done.links, "lost": lost, "failed": list(done.failed)})
    else:
        results().print(f"{plural(len(build), 'file')} published, {plural(done.links, 'link')} rendered anew")
    say_lost(lost)
    for message in done.failed:
        say(message)
    if done.failed:
        raise typer.Exit(1)


def build_in(folder: Path) -> dict[str, bytes]:
    """The files of a build, by their keys; none if nothing was built there."""
    return _checked(dict(_files_in(folder))) if (folder / TEMPLATE).is_file() else {}


def _files_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not (folder / TEMPLATE).is_file():
        raise CommandError(f"There is no build of the guest page in {folder}. Make one: make web")
    files = sorted(path for path in (folder / BUILD_PREFIX).rglob("*") if path.is_file())
    root = folder.resolve()
    for path in files[: MAX_FILES + 1]:
        key = path.relative_to(folder).as_posix()
        if path.resolve() != root / key:
            raise CommandError(f"{key} is a link, and what it leads to may be no part of a build.")
        yield key, _bounded(key, path.stat().st_size, path.read_bytes)


def _unpacked(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Nothing is written to the disk: what a name in the archive leads to does not matter.

    It is read to its end, where gzip tells what was damaged on the way.
    """
    try:
        with _BoundedGzip(archive) as reader:
            with tarfile.open(fileobj=reader, mode="r|") as packed:
                yield from _files_of(packed)
            while reader.read(READ_AT_ONCE):
                pass
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{archive} is no .tar.gz file that can be read: {error}") from None


def _files_of(packed: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for count, member in enumerate(packed):
        if count > 2 * MAX_FILES:
            raise CommandError("The archive has too many files for a build of the guest page.")
        # A sparse file is as large as it says, with nothing in it.
        file = packed.extractfile(member) if member.isfile() and not member.issparse() else None
        if file is not None:
            key = member.name.removeprefix("./")
            yield key, _bounded(key, member.size, file.read)


class _BoundedGzip(gzip.GzipFile):
    """Gives no more than a build could have: a header of a small archive, too, may claim any number of bytes."""

    left = MAX_BYTES

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.left -= len(content)
        if self.left < 0:
            raise CommandError("The archive unpacks to more than any build of the guest page.")
        return content


def _bounded(key: str, size: int, read: Callable[[], bytes]) -> bytes:
    if size > MAX_FILE_BYTES:
        raise CommandError(f"{key} has {size:,} bytes, more than any file of the guest page.")
    return read()


def _checked(build: dict[str, bytes]) -> dict[str, bytes]:
    if len(build) > MAX_FILES:
        raise CommandError("That is no build of the guest page, for it has too many files. Make one: make web")
    strange = [key for key in build if not _KEY.fullmatch(key)]
    if strange:
        raise CommandError(f"{strange[0][:200]!r} does not belong in a build of the guest page.")
    try:
        check_build(build)
    except InvalidRequest as error:
        raise CommandError(f"That is no build of the guest page. {error} Make one: make web") from None
    return build
