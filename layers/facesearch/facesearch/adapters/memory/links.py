"""Twins of the links and of the pages' files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from typing_extensions import override

from facesearch.admin.links import LINKS_PER_ORG, GuestLink, LinkStore
from facesearch.admin.page import MAX_PAGE_BYTES, PageFiles
from facesearch.errors import InvalidRequest
from facesearch.models import ApiKey


@dataclass(frozen=True)
class MemoryLinkStore(LinkStore):
    """Over the dictionary of keys and tokens that `MemoryReader` reads."""

    keys: dict[str, ApiKey]
    kept: dict[str, GuestLink] = field(default_factory=dict)

    @override
    def add(self, link: GuestLink) -> None:
        if sum(1 for each in self.links(link.org_id) if not each.off) >= LINKS_PER_ORG:
            raise InvalidRequest(f"Organisation {link.org_id} has {LINKS_PER_ORG} links.")
        self.kept[link.link_id] = link
        self.keys[link.digest] = link.key

    @override
    def replace(self, before: GuestLink, after: GuestLink) -> bool:
        now = self.kept.get(before.link_id)
        if now is None or now.off or now.digest != before.digest:
            return False
        self.kept[after.link_id] = after
        del self.keys[before.digest]
        self.keys[after.digest] = after.key
        return True

    @override
    def switch_off(self, link: GuestLink) -> bool:
        now = self.kept.get(link.link_id)
        if now is None or now.off or now.digest != link.digest:
            return False
        self.kept[link.link_id] = replace(link, off=True)
        del self.keys[link.digest]
        return True

    @override
    def delete(self, link: GuestLink) -> None:
        self.kept.pop(link.link_id, None)
        self.keys.pop(link.digest, None)

    @override
    def links(self, org_id: int | None = None, event_id: int | None = None) -> Iterator[GuestLink]:
        for link in list(self.kept.values()):
            if org_id in (None, link.org_id) and event_id in (None, link.event_id):
                yield link


@dataclass(frozen=True)
class MemoryPageFiles(PageFiles):
    files: dict[str, bytes] = field(default_factory=dict)

    @override
    def read(self, key: str) -> str:
        content = self.files.get(key, b"")
        return content.decode() if len(content) <= MAX_PAGE_BYTES else ""

    @override
    def put(self, key: str, content: bytes) -> None:
        self.files[key] = content

    @override
    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.files.pop(key, None)
