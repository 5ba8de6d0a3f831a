"""What deletions work on."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from facesearch.admin.links import EventLinks
from facesearch.admin.ports import EventLifecycle
from facesearch.deletion.log import ErasureLog
from facesearch.deletion.search import SearchDeletion
from facesearch.faces.exact_set import SnapshotBuilder
from facesearch.faces.index.snapshot import SnapshotStore
from facesearch.faces.sets import FaceSets, FaceWriter
from facesearch.models import Event
from facesearch.photos.objects import Objects
from facesearch.photos.watermark import WatermarkFiles
from facesearch.records import PhotoEraser
from facesearch.webhooks.watches.watch import Probes


class CdnCache:
    """Caches between the renditions and the world; of this class itself: none."""

    def delete(self, paths: Sequence[str], *, wait: bool = False) -> None:
        """Serve these paths no more; a `*` at the end stands for anything. With `wait`, until no edge does."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Everything that holds something of a photo or a person. `pool` runs leaf calls side by side."""

    photos: PhotoEraser
    log: ErasureLog
    searches: SearchDeletion
    renditions: Objects
    originals: Objects
    snapshots: SnapshotStore
    builder: SnapshotBuilder
    events: EventLifecycle
    links: EventLinks
    probes: Probes
    watermarks: WatermarkFiles
    sets: FaceSets
    pool: Executor
    cdn_cache: CdnCache = field(default_factory=CdnCache)

    def now(self, event: Event) -> Event:
        """The event as it is: a rebuild may have given it another face set."""
        return self.events.event(event.event_id) or event

    @property
    def writer(self) -> FaceWriter:
        return FaceWriter(sets=self.sets, photos=self.photos, event_now=self.events.event)
