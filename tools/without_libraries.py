"""Takes out shared libraries that a library was linked with and that nobody calls: `… LIBRARY FOLDER NAME…`.

`layers/engine` does it to OpenCV, which brings FFmpeg and AVIF along: 33 MB of Lambda's 250, loaded at each start. What
only the removed libraries define becomes weak in the library's own table of symbols: null where nothing defines it, as
for a function that a compiler was told may not be there. To call it ends the process. The file keeps its size and its
layout: entries are taken out of its lists in place, by the ELF-64 specification and Linux' rules for symbols' versions.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

NEEDED, COUNT_OF_VERSIONS = 1, 0x6FFFFFFF
"""Entries of the dynamic section: a library to be loaded; of how many the versions are asked for."""
WEAK = 2
UNVERSIONED = 1


class Section(NamedTuple):
    """Where its header and itself lie in the file, and how long it is, in bytes."""

    head: int
    at: int
    size: int


class Elf:
    """A shared library of 64 bits, little endian, as a machine's bytes."""

    def __init__(self, path: Path) -> None:
        self.data = bytearray(path.read_bytes())
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path.name} is no shared library of 64 bits")
        (table,) = struct.unpack_from("<Q", self.data, 40)
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        places = [table + number * size for number in range(count)]
        heads = [struct.unpack_from("<IIQQQQ", self.data, place) for place in places]
        self.sections = {
            self._text(heads[names][4] + head[0]): Section(place, *head[4:])
            for place, head in zip(places, heads, strict=True)
        }

    def _text(self, at: int) -> str:
        return self.data[at : self.data.index(0, at)].decode()

    def name(self, offset: int) -> str:
        """Of a symbol, a library or a version."""
        return self._text(self.sections[".dynstr"].at + offset)

    def entries(self) -> Iterator[tuple[int, int, int]]:
        """Place, tag and value of each of the dynamic section."""
        section = self.sections[".dynamic"]
        for at in range(section.at, section.at + section.size, 16):
            yield at, *struct.unpack_from("<QQ", self.data, at)

    def needed(self) -> list[str]:
        """The libraries that are loaded with it."""
        return [self.name(value) for _, tag, value in self.entries() if tag == NEEDED]

    def symbols(self) -> Iterator[tuple[int, str, bool]]:
        """Place, name, and whether it is defined here."""
        section = self.sections[".dynsym"]
        for at in range(section.at + 24, section.at + section.size, 24):
            name, _, _, where = struct.unpack_from("<IBBH", self.data, at)
            yield at, self.name(name), where != 0

    def drop(self, libraries: Iterable[str], defined: set[str]) -> None:
        """Need the libraries no more, nor what they define."""
        gone = set(libraries)
        self._drop_versions(gone)
        kept = [(tag, value) for _, tag, value in self.entries() if tag != NEEDED or self.name(value) not in gone]
        for (at, _, _), entry in zip(list(self.entries()), kept + [(0, 0)] * len(gone), strict=False):
            struct.pack_into("<QQ", self.data, at, *entry)
        versions, symbols = self.sections[".gnu.version"].at, self.sections[".dynsym"].at
        for at, name, is_defined in self.symbols():
            if not is_defined and name in defined:
                self.data[at + 4] = WEAK << 4 | self.data[at + 4] & 15
                struct.pack_into("<H", self.data, versions + (at - symbols) // 24 * 2, UNVERSIONED)

    def _drop_versions(self, gone: set[str]) -> None:
        """Ask of a library that is gone for no version: an entry is skipped by the one before it."""
        at, before, dropped = self.sections[".gnu.version_r"].at, 0, 0
        while True:
            file, _, following = struct.unpack_from("<III", self.data, at + 4)
            if self.name(file) not in gone:
                before = at
            elif not before:
                raise ValueError(f"{self.name(file)} is the first of the versions")
            else:
                dropped += 1
                (distance,) = struct.unpack_from("<I", self.data, before + 12)
                struct.pack_into("<I", self.data, before + 12, distance + following if following else 0)
            if not following:
                break
            at += following
        (place, count) = next((at, value) for at, tag, value in self.entries() if tag == COUNT_OF_VERSIONS)
        struct.pack_into("<Q", self.data, place + 8, count - dropped)
        struct.pack_into("<I", self.data, self.sections[".gnu.version_r"].head + 44, count - dropped)


def main(library: Path, folder: Path, *beginnings: str) -> None:
    """Take out of a library those of a folder that are called so; delete them, and what is needed no more there."""
    elf, beside = Elf(library), {file.name: Elf(file) for file in folder.iterdir()}
    gone = {name for name in beside if name.startswith(beginnings)}
    if lost := [each for each in beginnings if not any(name.startswith(each) for name in beside)]:
        raise SystemExit(f"{folder} has no {', '.join(lost)}: the wheel is another one now")
    elf.drop(gone, {name for each in gone for _, name, is_defined in beside[each].symbols() if is_defined})
    library.write_bytes(elf.data)
    left, waiting = set[str](), elf.needed()
    while waiting:
        name = waiting.pop()
        if name in beside and name not in left:
            left.add(name)
            waiting += beside[name].needed()
    for name in beside.keys() - left:
        (folder / name).unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
