"""ONNX files: where they lie, and what one says of itself beside its network, which OpenCV does not give."""

from io import SEEK_CUR, BytesIO
from pathlib import Path
from typing import BinaryIO

_METADATA = 14
_KEY, _VALUE = 1, 2
_NUMBER, _BYTES = 0, 2  # the two kinds of field that the messages walked over have


def files(folder: Path, *names: str) -> list[str]:
    """The paths of models in a folder; FileNotFoundError if one is not there."""
    for name in names:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"no {name} in the models folder {folder}")
    return [str(folder / name) for name in names]


def metadata(model: Path, key: str) -> str:
    """A value of the file's metadata.

    The file is one protobuf message. Its fields are walked over without reading the network, which is nearly all of it:
    a few milliseconds, where the package `onnx` would weigh 20 MB.

    Raises:
        ValueError: there is no such key, or it is not such a file.
    """
    with model.open("rb") as file:
        while (field := _field(file)) is not None:
            if field[0] == _METADATA:
                entry = BytesIO(field[1])
                parts = dict(part for part in (_field(entry), _field(entry)) if part is not None)
                if parts.get(_KEY) == key.encode():
                    return parts[_VALUE].decode()
    raise ValueError(f"{model.name} has no metadata {key!r}")


def _field(file: BinaryIO) -> tuple[int, bytes] | None:
    """The next field's number and bytes; none of the bytes where they are not metadata's; None at the end."""
    tag = _varint(file)
    if tag is None:
        return None
    number, kind = tag >> 3, tag & 7
    size = _varint(file)
    if kind not in (_NUMBER, _BYTES) or size is None:
        raise ValueError("not an ONNX file")
    if kind == _NUMBER:
        return number, b""
    if number not in (_METADATA, _KEY, _VALUE):
        file.seek(size, SEEK_CUR)
        return number, b""
    return number, file.read(size)


def _varint(file: BinaryIO) -> int | None:
    """Seven bits a byte, the lowest first, the last byte below 128; None at the end."""
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value
    return None
