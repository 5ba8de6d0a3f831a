"""Face sets: an event's faces by one model, kept in one place. The port through which everything that writes, deletes
or counts faces speaks to wherever they are, and how they stay in step with the photos' records.

The record is the truth about a photo; another place only nominates it. So faces may be there before the record and
stay for a moment after it: who adds them looks at the record and at the event once more afterwards
(`FaceWriter.settle`), who deletes or switches writes first and removes the faces then. Of two that race, one sees the
other's write.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from facesearch.errors import FaceSetMissing, Throttled, UnusableImage
from facesearch.models import REKOGNITION, Event, FaceSet, FaceSetKind
from facesearch.records import Photo, PhotoStore

ATTEMPTS = 8
"""At a photo or an event that others change at the same time."""


class Region(NamedTuple):
    """A part of a photo, or a face's place in it, in fractions of the photo's width and height."""

    left: float
    top: float
    width: float
    height: float


WHOLE = Region(0, 0, 1, 1)


@dataclass(frozen=True)
class PhotoFile:
    """A photo for a service that finds the faces itself, as a JPEG that fits into one call.

    `cut` makes the same of parts of it, for photos with more faces than one call takes; it reads the photo once more.
    `only`: where the faces are that may be found; None = anywhere.
    """

    whole: bytes
    cut: Callable[[Sequence[Region]], list[bytes]]
    only: Sequence[Region] | None = None


@dataclass(frozen=True)
class PhotoFaces:
    """A photo on its way into a face set.

    Attributes:
        faces: by the set's model, packed by `packing.pack`; empty where that is none of ours.
        width, height: pixels as displayed.
        file: for a set that finds the faces itself; None = there are to be none.
    """

    image_id: uuid.UUID
    faces: bytes = field(repr=False)
    width: int
    height: int
    file: PhotoFile | None = None

    @classmethod
    def of(cls, photo: Photo, model: str) -> "PhotoFaces":
        """The faces by a model of a photo's record."""
        return cls(photo.image_id, photo.faces_by(model) or b"", photo.width, photo.height)


class FaceSetStore(Protocol):
    """One face set of one event."""

    def add(self, photos: Iterable[PhotoFaces]) -> int:
        """Have these photos' faces in it and no others of theirs; the same again has no face twice. Returns how many.
        `UnusableImage`: nobody can find faces in it; then it has none of them."""

    def delete_photos(self, image_ids: Collection[uuid.UUID]) -> int:
        """Delete these photos' faces; how many there were. Their records say before that they are gone, or change."""

    def delete(self) -> int:
        """Delete what the set has besides the photos' records, and what holds it; how many faces there were."""

    def count(self, image_ids: Collection[uuid.UUID] | None = None) -> int:
        """How many faces of these photos, or of all, are in it; at least 1 as long as something holds them."""

    def complete(self, advance: Callable[[int], None] = lambda _: None) -> bool:
        """Make good what it lacks of the faces in the photos' records, or raise `LaggingError`. Whether it now lacks
        nothing; `advance` is called with how many more photos were looked at."""


class LaggingError(Exception):
    """A face set could not be completed in time; the live one still answers. Run it again."""


class EventFaceSets(Protocol):
    """What a rebuild asks of events."""

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""

    def change_face_sets(self, before: Event, after: Event) -> bool:
        """Change the face sets from those of `before` to those of `after`, in one write; False if they are others by
        now, or the event is gone or being deleted.

        A search that began with another live one stores no result, as if something had been deleted.
        """


@dataclass(frozen=True)
class FaceSets:
    """The face sets of events: how those are opened that this deployment has, and the table of its kind `vectors`."""

    openers: Mapping[FaceSetKind, Callable[[Event, FaceSet], FaceSetStore]]
    vector_table: str = ""

    def require(self, kind: FaceSetKind) -> None:
        """Raise `FaceSetMissing` if this deployment has not what keeps that kind."""
        if kind not in self.openers:
            raise FaceSetMissing(kind)

    def actual(self, event: Event, face_set: FaceSet) -> FaceSet:
        """The face set, or what is left of it: without its table, the faces in the photos' records."""
        is_lost = face_set.kind is FaceSetKind.VECTORS and not self._has_table(event)
        return FaceSet(face_set.model) if is_lost else face_set

    def open(self, event: Event, face_set: FaceSet) -> FaceSetStore:
        """The face set, to be written to; `FaceSetMissing`: the deployment has none of that kind."""
        actual = self.actual(event, face_set)
        self.require(actual.kind)
        return self.openers[actual.kind](event, actual)

    def every(self, event: Event) -> list[FaceSetStore]:
        """Every face set that may have faces of the event, those included that are being deleted."""
        known = [event.faces, event.building, event.leaving, *self.strays(event)]
        if FaceSetKind.REKOGNITION in self.openers:
            known.append(REKOGNITION)
        return [self.open(event, face_set) for face_set in dict.fromkeys(known) if face_set is not None]

    def strays(self, event: Event) -> list[FaceSet]:
        """Face sets in vector items that the event does not name any more.

        Who was killed between adding a photo's faces and looking again has maybe left some when the set was deleted.
        """
        if not self._has_table(event):
            return []
        had = [FaceSet(model, FaceSetKind.VECTORS) for model in sorted(event.vector_models)]
        return [face_set for face_set in had if face_set not in (event.faces, event.building, event.leaving)]

    def _has_table(self, event: Event) -> bool:
        return FaceSetKind.VECTORS in self.openers and event.vector_table == self.vector_table


Written = dict[FaceSet, bytes]
"""What a run has added of a photo: the faces by their face set."""


@dataclass(frozen=True, kw_only=True)
class FaceWriter:
    """Keeps an event's face sets in step with a single photo, whatever happens to either meanwhile.

    `event_now` reads an event strongly consistent.
    """

    sets: FaceSets
    photos: PhotoStore
    event_now: Callable[[int], Event | None]

    def write(self, event: Event, photo: Photo, written: Written, file: PhotoFile | None = None) -> int:
        """Before a photo is recorded: add its faces to every face set of the event. How many the live one has.

        `settle` must follow with what is `written` here, also of a photo that the live one refuses (`UnusableImage`).
        """
        live = 0
        for face_set in event.face_sets if event.keeps_faces else ():
            faces = photo.faces_by(face_set.model) or b""
            seen = PhotoFaces(photo.image_id, faces, photo.width, photo.height, file)
            written[face_set] = faces
            try:
                count = self.sets.open(event, face_set).add([seen]) if faces or not face_set.is_ours else 0
            except UnusableImage:
                if face_set == event.faces:
                    raise
                continue
            live = count if face_set == event.faces else live
        return live

    def settle(self, event: Event, image_id: uuid.UUID, written: Written) -> list[FaceSet]:
        """After a photo was recorded, or found recorded: whatever its record and the event say now is done.

        The event may have other face sets since it was read, or be deleted; the photo may have been deleted, or have
        lost faces, or have been uploaded afresh. Returns the face sets from which its faces were deleted though they
        are wanted, and which nobody but another look can give them back.
        """
        deleted = set[FaceSet]()
        for _ in range(ATTEMPTS):
            now = self.event_now(event.event_id)
            if now is None or now.closing:  # its deletion may have looked already, and nobody else will
                for face_set in deleted.union(filter(_is_apart, written)):
                    self.sets.open(event, face_set).delete()
                return []
            event = now
            wanted = [each for each in event.face_sets if _is_apart(each)] if event.keeps_faces else []
            photo = self.photos.get(event.event_id, event.shards, image_id) if wanted else None
            has = {each: None if photo is None else photo.faces_by(each.model) for each in wanted}
            over = [each for each in written if _is_apart(each) and has.get(each) is None]
            for face_set in over:
                self.sets.open(event, face_set).delete_photos([image_id])
                del written[face_set]
            deleted.update(over)
            late = [each for each, faces in has.items() if each.is_ours and faces not in (None, written.get(each))]
            for face_set in late:
                if photo is not None:
                    self.sets.open(event, face_set).add([PhotoFaces.of(photo, face_set.model)])
                    written[face_set] = has[face_set] or b""
            if not over and not late:
                return [each for each in wanted if each in deleted and not each.is_ours and has[each] is not None]
        raise Throttled("UpdateItem", "Unprocessed")


def _is_apart(face_set: FaceSet) -> bool:
    """Whether its faces lie elsewhere than in the photos' records."""
    return face_set.kind is not FaceSetKind.EXACT
