"""ONNX files: where they lie, what one says of itself beside its network, and one's network for pictures of any size.

The package `onnx` would weigh 20 MB: the files' few fields that matter here are walked over instead.
"""

from collections.abc import Iterator
from io import SEEK_CUR, BytesIO
from pathlib import Path
from typing import BinaryIO

_GRAPH, _METADATA = 7, 14
_KEY, _VALUE = 1, 2
_INPUT, _OUTPUT, _BETWEEN = 11, 12, 13
"""Of a graph: what it takes, what it gives, and what is said of all that it computes on the way."""
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
    a few milliseconds.

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


def of_any_size(model: Path) -> bytes:
    """A network of pictures, with all sizes taken out that the file states: height and width of its one input, and the
    shapes of what it computes, which follow. OpenCV ignores them; onnxruntime believes them.

    Raises:
        ValueError: it is not such a file.
    """
    return b"".join(
        _message(_GRAPH, b"".join(_without_sizes(content))) if number == _GRAPH else whole
        for number, content, whole in _fields(model.read_bytes())
    )


def _without_sizes(graph: bytes) -> Iterator[bytes]:
    for number, content, whole in _fields(graph):
        if number in (_INPUT, _OUTPUT):
            name = next(whole for key, _, whole in _fields(content) if key == _KEY)
            channels = b"".join(_message(1, size) for size in (b"\x08\x01", b"\x08\x03", b"", b""))  # 1, 3, any, any
            shape = _message(2, channels) if number == _INPUT else b""
            yield _message(number, name + _message(2, _message(1, b"\x08\x01" + shape)))  # of float32
        elif number != _BETWEEN:
            yield whole


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, content (none of a number's) and the whole of each field."""
    file, begin = BytesIO(message), 0
    while (tag := _varint(file)) is not None:
        size = _varint(file)
        if tag & 7 not in (_NUMBER, _BYTES) or size is None:
            raise ValueError("not an ONNX file")
        content = file.read(size) if tag & 7 == _BYTES else b""
        yield tag >> 3, content, message[begin : file.tell()]
        begin = file.tell()


def _message(number: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes((size & 127 | 128,)), size >> 7
    return bytes((number << 3 | _BYTES,)) + length + bytes((size,)) + content


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
