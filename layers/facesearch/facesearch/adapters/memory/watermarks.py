"""PNGs of watermarks, in memory; it passes the same contract tests as DynamoDB's."""

import hashlib
from dataclasses import dataclass, field

from typing_extensions import override

from facesearch.adapters.memory.stores import MemoryReader
from facesearch.errors import NotFound
from facesearch.photos.watermark import WatermarkFiles


@dataclass(frozen=True)
class MemoryWatermarkFiles(WatermarkFiles):
    """`reader` has the events."""

    reader: MemoryReader = field(default_factory=MemoryReader)
    files: dict[tuple[int, str], bytes] = field(default_factory=dict)

    @override
    def get(self, event_id: int, digest: str) -> bytes | None:
        return self.files.get((event_id, digest))

    @override
    def put(self, event_id: int, data: bytes) -> str:
        event = self.reader.events.get(event_id)
        if event is None or event.closing:
            raise NotFound(f"There is no event {event_id}, or it is being deleted.")
        digest = hashlib.sha256(data).hexdigest()
        self.files[event_id, digest] = data
        return digest

    @override
    def keep(self, event_id: int, digest: str) -> None:
        event = self.reader.events.get(event_id)
        named = event.watermark.picture if event is not None and event.watermark is not None else ""
        for key in [key for key in self.files if key[0] == event_id and key[1] not in (digest, named)]:
            del self.files[key]

    @override
    def delete(self, event_id: int) -> int:
        keys = [key for key in self.files if key[0] == event_id]
        return sum(self.files.pop(key) is not None for key in keys)

    @override
    def count(self, event_id: int) -> int:
        return sum(key[0] == event_id for key in self.files)
