"""A person: every face that a selfie finds goes, or every photo with one, until the same selfie finds nothing. The bibs
that are tied to these faces go with them, on whatever photo they are."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from facesearch.deletion.bibs import delete_bib, photos_with
from facesearch.deletion.log import Erasing
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.receipts import Counts, Looked, Receipt
from facesearch.deletion.selfies import Progress, delete_showing
from facesearch.deletion.stores import Stores
from facesearch.errors import InvalidRequest
from facesearch.faces.sets import Written
from facesearch.models import Event, FaceSetKind, PhotoMatch, SearchKey

ROUNDS = 20
"""Searches, each over what the one before has left. The second pass finds other faces when the surest are gone; two or
three rounds are usual."""

ProbeT = TypeVar("ProbeT")
ProbeT_contra = TypeVar("ProbeT_contra", contravariant=True)


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


class StoredPerson(Protocol[ProbeT_contra]):
    """A person's faces, wherever they are kept."""

    def bibs(
        self, event: Event, probe: ProbeT_contra, image_ids: Sequence[uuid.UUID]
    ) -> Mapping[str, Collection[uuid.UUID]]:
        """The bibs that the person wears in these photos, and in which of them."""

    def strip(self, event: Event, probe: ProbeT_contra, image_ids: Iterable[uuid.UUID]) -> int:
        """Delete the person's faces in these photos, which stay, and their bibs there; how many faces they were."""

    def strip_strays(self, event: Event, probe: ProbeT_contra) -> int:
        """Delete the person's faces that belong to no recorded photo, when no other is found any more; how many."""

    def left(self, probe: ProbeT_contra, found: Sequence[PhotoMatch]) -> int:
        """How many of the person's faces a last search has seen."""

    def watches(self, event: Event, probe: ProbeT_contra) -> list[SearchKey]:
        """Searches whose kept probes show the person; they may name no photo yet."""


@dataclass(frozen=True)
class PersonParts(Generic[ProbeT]):
    """What knows faces of one kind of face set."""

    matcher: PersonMatcher[ProbeT]
    stored: StoredPerson[ProbeT]


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
        event = replace(event, confidence=confidence or event.confidence)
        at, deleted, stripped = self._now(event), Counts(), dict[uuid.UUID, Erasing]()
        bibs = defaultdict[str, set[uuid.UUID]](set)
        photos, resumed = PhotoDeletion(stores=self.stores), bool(self.stores.log.pending(event.event_id))
        for _ in range(ROUNDS):
            parts = self.parts(at.faces.kind)
            probe = parts.matcher.probe(at, selfies)
            found = [match.image_id for match in parts.matcher.match(at, probe)]
            before, at = at, self._now(event)
            if at.faces != before.faces:  # what was found, or not, was half of the one face set and half of the other
                continue
            if not found:
                strays = parts.stored.strip_strays(at, probe)
                deleted.faces += strays
                if not strays:
                    break
                continue
            # First: once the faces are gone, nobody knows whose bib it was.
            for bib, worn_in in parts.stored.bibs(at, probe, found).items():
                bibs[bib].update(worn_in)
            self._delete_bibs(at, bibs, photos, deleted)
            if files is not None:
                photos.begin(at, found, files)
                photos.tombstone(at, self.stores.log.pending(event.event_id), deleted)
            else:
                losing = {image_id: Erasing(image_id, whole=False) for image_id in found}
                photos.enter(at, list(losing.values()))
                deleted.faces += parts.stored.strip(at, probe, found)
                self._follow(event, found)
                # Once more: another deletion may have ended these between, with the faces still in its snapshot.
                photos.enter(at, list(losing.values()))
                stripped |= losing
        else:
            raise RuntimeError("the selfie still finds faces; run it again")
        left = photos.carry_out(at, deleted, stripped.values())
        left.bibs += sum(len(photos_with(self.stores, at, bib, worn_in)) for bib, worn_in in bibs.items())
        sets = self.stores.sets
        left.faces += max((sets.open(at, face_set).count(stripped) for face_set in sets.strays(at)), default=0)
        looked = self._finish(self._now(event), selfies, deleted, left)
        return Receipt(event.event_id, deleted, left, resumed=resumed, looked=looked)

    def _delete_bibs(
        self, event: Event, bibs: Mapping[str, Collection[uuid.UUID]], photos: PhotoDeletion, deleted: Counts
    ) -> None:
        """Delete what the bibs find without a face, and have the searches deleted that name it."""
        for bib, worn_in in bibs.items():
            theirs = photos_with(self.stores, event, bib, worn_in)
            photos.enter(event, [Erasing(photo.image_id, whole=False) for photo in theirs])
            deleted.bibs += delete_bib(self.stores, event, bib, worn_in)

    def _finish(self, event: Event, selfies: Sequence[bytes], deleted: Counts, left: Counts) -> Looked:
        """Search once more, and delete the person's kept probes and stored selfies."""
        parts, searches = self.parts(event.faces.kind), self.stores.searches
        probe = parts.matcher.probe(event, selfies)
        left.faces += parts.stored.left(probe, parts.matcher.match(event, probe))
        # Counted before they are looked for: who keeps a probe at this moment sees that, and looks again whether its
        # search is still there.
        self.stores.events.count_erasure(event.event_id)
        deleted.probes += sum(map(searches.watches.delete, parts.stored.watches(event, probe)))
        left.probes = len(parts.stored.watches(event, probe))

        def shows(picture: bytes) -> bool:
            return parts.matcher.shows(event, probe, selfies, picture)

        return delete_showing(event, shows, searches, deleted, left, self.progress)

    def _now(self, event: Event) -> Event:
        """The event as it is, at the confidence that is wanted."""
        return replace(self.stores.now(event), confidence=event.confidence)

    def _follow(self, event: Event, image_ids: Collection[uuid.UUID]) -> None:
        """Have the event's other face sets follow what the photos' records have lost: those by the live model keep what
        is left, others are to look at the photos again."""
        stores, now = self.stores, self._now(event)
        others = [each for each in (now.building, now.leaving) if each is not None]
        others = [each for each in others if each not in now.face_sets or each.model != now.model]
        for face_set in [*others, *stores.sets.strays(now)]:
            stores.sets.open(now, face_set).delete_photos(image_ids)
        now = self._now(event)  # a rebuild may have begun: what is to be in its face set is put back
        if any(face_set.kind is FaceSetKind.VECTORS for face_set in now.face_sets):
            for _ in stores.pool.map(lambda each: stores.writer.settle(now, each, Written()), image_ids):
                pass
