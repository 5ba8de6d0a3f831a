"""A person: every face that a selfie finds goes, or every photo with one, until the same selfie finds nothing."""

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from typing_extensions import override

from facesearch.deletion.log import Erasing
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.receipts import Counts, Receipt
from facesearch.deletion.selfies import Progress, StoredSelfies
from facesearch.deletion.stores import Stores
from facesearch.errors import InvalidRequest
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import EmbeddedProbe
from facesearch.faces.engine import Embedding
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import FACE_BYTES, values_of
from facesearch.faces.sets import FaceWriter, Written
from facesearch.models import Event, FaceSetKind, PhotoMatch, SearchKey
from facesearch.records import Photo

ROUNDS = 20
"""Searches, each over what the one before has left. The second pass finds other faces when the surest are gone; two or
three rounds are usual."""
ATTEMPTS = 8
"""At the faces of one photo that others change at the same time."""


ProbeT = TypeVar("ProbeT")


class PersonMatcher(Protocol[ProbeT]):
    """The part of `matching.Matcher` that no search stands behind."""

    def probe(self, event: Event, selfies: Sequence[bytes]) -> ProbeT:
        """Read the selfies; see `Matcher.probe`."""

    def match(self, event: Event, probe: ProbeT) -> list[PhotoMatch]:
        """See `Matcher.match`."""

    def shows(self, event: Event, probe: ProbeT, selfies: Sequence[bytes], picture: bytes) -> bool:
        """Whether another selfie shows the person of the probe, which was read from `selfies`.

        Raises:
            UnusableImage, NoFaceFound: the picture cannot be compared.
        """


ProbeT_contra = TypeVar("ProbeT_contra", contravariant=True)


class FaceStripper(Protocol[ProbeT_contra]):
    """Takes faces out of photos that stay, wherever they are kept."""

    def strip(self, event: Event, probe: ProbeT_contra, image_ids: Iterable[uuid.UUID]) -> int:
        """Delete the person's faces in these photos; how many they were."""

    def strip_strays(self, event: Event, probe: ProbeT_contra) -> int:
        """Delete the person's faces that belong to no recorded photo, when no other is found any more; how many."""

    def left(self, probe: ProbeT_contra, found: Sequence[PhotoMatch]) -> int:
        """How many of the person's faces a last search has seen."""


class ProbeFinder(Protocol[ProbeT_contra]):
    """Knows whose probes are kept; see `probes.KeptProbes`."""

    def showing(self, event: Event, probe: ProbeT_contra) -> list[SearchKey]:
        """Searches whose kept probes show the person."""


@dataclass(frozen=True)
class PersonParts(Generic[ProbeT]):
    """What knows faces of one kind of face set. `kept`: None if that gives no probes away."""

    matcher: PersonMatcher[ProbeT]
    stripper: FaceStripper[ProbeT]
    kept: ProbeFinder[ProbeT] | None = None


@dataclass(frozen=True, kw_only=True)
class PersonDeletion:
    """The use case. The selfies and their embedding are kept nowhere.

    Attributes:
        parts: for the kind of an event's live face set.
        progress: is told of looking at stored selfies.
    """

    stores: Stores
    parts: Callable[[FaceSetKind], PersonParts[Any]]
    progress: Progress = lambda done, total: None

    @property
    def _photos(self) -> PhotoDeletion:
        return PhotoDeletion(stores=self.stores)

    def delete_person(
        self, event: Event, selfies: Sequence[bytes], files: Files | None = None, confidence: int | None = None
    ) -> Receipt:
        """Delete the person of some selfies from an event.

        Args:
            event: where; its confidence counts unless another is given.
            selfies: one to three pictures of the person.
            files: delete the photos themselves, and which files with them; None = the person's faces alone.
            confidence: percent, 1 to 100; a lower one takes more faces, also those of people who look alike.

        Raises:
            InvalidRequest: no such confidence.
            UnusableImage, NoFaceFound, OtherPerson: a selfie.
            RuntimeError: something is found again and again.
        """
        if confidence is not None and not 1 <= confidence <= 100:
            raise InvalidRequest("The confidence must be a whole percent from 1 to 100.")
        at, deleted, stripped = self._now(event, confidence), Counts(), dict[uuid.UUID, Erasing]()
        resumed = self._photos.is_unfinished(event)
        for _ in range(ROUNDS):
            parts = self.parts(at.faces.kind)
            probe = parts.matcher.probe(at, selfies)
            found = parts.matcher.match(at, probe)
            before, at = at, self._now(event, confidence)
            if at.faces != before.faces:  # what was found, or not, was half of the one face set and half of the other
                continue
            if not found:
                strays = parts.stripper.strip_strays(at, probe)
                deleted.faces += strays
                if not strays:
                    break
                continue
            stripped |= self._delete(at, parts.stripper, probe, found, files, deleted)
        else:
            raise RuntimeError("the selfie still finds faces; run it again")
        done = self._photos.carry_out(at, deleted, stripped.values())
        left, at = self._photos.count(at, done), self._now(event, confidence)
        parts = self.parts(at.faces.kind)
        probe = parts.matcher.probe(at, selfies)
        left.faces += parts.stripper.left(probe, parts.matcher.match(at, probe))
        self._end_watches(at, parts, probe, deleted, left)
        looked = StoredSelfies(self.stores, self.progress).delete_showing(
            at, lambda picture: parts.matcher.shows(at, probe, selfies, picture), deleted, left
        )
        return Receipt(event.event_id, deleted, left, resumed=resumed, looked=looked)

    def _end_watches(self, event: Event, parts: PersonParts[Any], probe: Any, deleted: Counts, left: Counts) -> None:
        """Forget the kept probes that show the person.

        Counted before they are looked for: whoever keeps one at this moment sees that, and looks again whether its
        search is still there.
        """
        if parts.kept is None:
            return
        self.stores.events.count_erasure(event.event_id)
        deleted.probes += sum(map(self.stores.watches.delete, parts.kept.showing(event, probe)))
        left.probes = len(parts.kept.showing(event, probe))

    def _now(self, event: Event, confidence: int | None) -> Event:
        """The event as it is: a rebuild may have given it another face set."""
        now = self.stores.events.event(event.event_id) or event
        return replace(now, confidence=confidence or event.confidence)

    def _delete(
        self,
        event: Event,
        stripper: FaceStripper[Any],
        probe: Any,
        found: Sequence[PhotoMatch],
        files: Files | None,
        deleted: Counts,
    ) -> dict[uuid.UUID, Erasing]:
        """One round; the photos that have lost faces and stay."""
        image_ids = [match.image_id for match in found]
        if files is not None:
            self._photos.begin(event, image_ids, files)
            self._photos.tombstone(event, self.stores.log.pending(event.event_id), deleted)
            return {}
        losing = {image_id: Erasing(image_id, whole=False) for image_id in image_ids}
        self._photos.enter(event, list(losing.values()))
        deleted.faces += stripper.strip(event, probe, image_ids)
        self._follow(event, image_ids)
        # Once more: another deletion may have ended these between, with the faces still in the snapshot that it wrote.
        self._photos.enter(event, list(losing.values()))
        return losing

    def _follow(self, event: Event, image_ids: Collection[uuid.UUID]) -> None:
        """Have the event's other face sets follow what the photos' records have lost: those by the live model keep what
        is left, others are to look at the photos again."""
        now = self._now(event, None)
        for face_set in {now.building, now.leaving, *self.stores.sets.strays(now)}:
            if face_set is not None and (face_set not in now.face_sets or face_set.model != now.model):
                self.stores.sets.open(now, face_set).delete_photos(image_ids)
        now = self._now(event, None)  # a rebuild may have begun: what is to be in its face set is put back
        writer = FaceWriter(sets=self.stores.sets, photos=self.stores.photos, event_now=self.stores.events.event)
        if any(face_set.kind is FaceSetKind.VECTORS for face_set in now.face_sets):
            for _ in self.stores.pool.map(lambda each: writer.settle(now, each, Written()), image_ids):
                pass


@dataclass(frozen=True)
class EmbeddedStripper(FaceStripper[EmbeddedProbe]):
    """Takes faces out of the photos' records."""

    stores: Stores

    @override
    def strip(self, event: Event, probe: EmbeddedProbe, image_ids: Iterable[uuid.UUID]) -> int:
        # As near as a face must be to the selfie at least for the match to find it. What is taken off the faces
        # themselves is left out: rather one face too many goes than one of the person's stays.
        cohort = probe.index.result().cohort
        minimum = threshold(event.confidence, event.model) + cohort.of_probe(probe_of(probe.embedding))
        wanted = list(image_ids)
        among = frozenset(wanted)
        changes = {
            change.image_id: change
            for shard in range(event.shards)
            for change in self.stores.photos.changes(event.event_id, shard, 0)
            if change.image_id in among
        }

        def strip(image_id: uuid.UUID) -> int:
            return self._strip(event, probe.embedding, minimum, changes[image_id]) if image_id in changes else 0

        return sum(self.stores.pool.map(strip, wanted))

    @override
    def strip_strays(self, event: Event, probe: EmbeddedProbe) -> int:
        """None: a face that counts is in its photo's record."""
        return 0

    @override
    def left(self, probe: EmbeddedProbe, found: Sequence[PhotoMatch]) -> int:
        """Each photo found counts as one."""
        return len(found)

    def _strip(self, event: Event, embedding: Embedding, minimum: float, change: Photo | None) -> int:
        """Take the person's faces out of one photo; how many they were."""
        for _ in range(ATTEMPTS):
            faces = change.faces_by(event.model) if change is not None else None
            if change is None or faces is None:
                return 0
            kept = without(faces, embedding, minimum)
            if self.stores.photos.replace_faces(event.event_id, event.shards, change, kept, event.model):
                return (len(faces) - len(kept)) // FACE_BYTES
            change = self._again(event, change)
        raise RuntimeError("a photo is changed by others all the time")

    def _again(self, event: Event, change: Photo) -> Photo | None:
        changes = self.stores.photos.changes(event.event_id, change.image_id.int % event.shards, change.changed_at)
        return next((each for each in changes if each.image_id == change.image_id), None)


def without(faces: bytes, embedding: Embedding, minimum: float) -> bytes:
    """The packed faces without those at or above `minimum` cosine to the embedding; if none is, without the most
    similar one: the photo was found by the second pass."""
    scores = cosines(values_of(faces), probe_of(embedding))
    if not len(scores):
        return faces
    gone = scores >= min(minimum, scores.max())
    each = np.frombuffer(faces, np.uint8).reshape(-1, FACE_BYTES)
    return bytes(each[~gone].tobytes())
