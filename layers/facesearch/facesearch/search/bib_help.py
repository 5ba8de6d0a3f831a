"""Bibs help selfies: the number that the runner typed, or that the selfie's surest faces wear, brings in photos without
a usable face, and a face whose own bib reads otherwise is not taken for the selfie's.

In doubt it is silent, and the search's photos stay as faces have found them: if two numbers, or two people, compete.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from facesearch.bibs.rules import counts, photos_of
from facesearch.faces.matching import Likeness
from facesearch.models import Event, PhotoMatch
from facesearch.reading import BibPhotos, Reader, Wanted
from facesearch.records import Photo, PhotoStore, read_photos

MOST_LOOKED_AT = 1_000
"""Photos that faces have found, the surest, whose bibs are looked at: ten round trips side by side."""
MOST_NUMBERS = 20
"""That faces wear and that are looked up, in one round trip: a runner has one, and a few misreadings of it."""
OTHER = 0.15
"""Cosine to the selfie below which a face is surely somebody else's. In a drawn race of adults, .10 lets in more than
twice as many strangers whose half-hidden number reads as the selfie's; .20 loses photos of runners in sunglasses
(`make accuracy-bibs`)."""


@dataclass(frozen=True)
class _Seen:
    """A photo that faces have found: the bib that its best face wears, and whether that face is sure."""

    match: PhotoMatch
    bib: str
    is_sure: bool


@dataclass(frozen=True, kw_only=True)
class BibHelp:
    """The part of a search that looks at bibs, in events that read them."""

    photos: PhotoStore
    reader: Reader
    pool: Executor

    def widen(
        self, event: Event, found: Sequence[PhotoMatch], typed: str, likeness_of: Callable[[], Likeness | None]
    ) -> list[PhotoMatch]:
        """What a selfie finds together with a bib: faces' photos first, as they were `found`, then the bib's by capture
        time.

        Args:
            event: with its rules.
            found: by faces, the surest first.
            typed: the bib that the runner typed, in upper case; empty = none.
            likeness_of: what tells faces of the selfie's owner from others; None where a service keeps the faces. Asked
                for only if bibs are looked at: the runner typed one, or the event says that faces tell it.
        """
        unchanged = list(found)
        if not event.bib_search or not (typed or event.bibs.from_faces):
            return unchanged
        likeness = likeness_of()
        seen = [] if likeness is None else self._seen(event, found, likeness)
        known = self._known(event, typed, seen)
        seen = [each if _counts(event, each.bib, known) else replace(each, bib="") for each in seen]
        votes = _votes([each.bib for each in seen if each.bib and each.is_sure], typed)
        is_alike = likeness is not None and likeness.is_alike
        bib = _chosen(votes, typed, is_alike=is_alike)
        shown = photos_of(event, bib, known) if bib else ()
        if not shown:
            return unchanged
        more = self._more(event, bib, shown, {photo.image_id for photo in found}, likeness)
        if more is None or (not typed and len(shown) < 2):  # a number read once says too little
            return unchanged
        others = {each.match.image_id for each in seen if each.bib and not _agree(each.bib, bib)}
        return [photo for photo in found if photo.image_id not in others] + more

    def _seen(self, event: Event, found: Sequence[PhotoMatch], likeness: Likeness) -> list[_Seen]:
        some = found[:MOST_LOOKED_AT]
        records = self._records(event, [photo.image_id for photo in some])
        return [_seen_in(event, match, records.get(match.image_id), likeness) for match in some]

    def _known(self, event: Event, typed: str, seen: Sequence[_Seen]) -> Mapping[str, BibPhotos]:
        """What the table knows of the typed number and of those that faces wear most often."""
        worn = Counter(each.bib for each in seen if each.bib)
        bibs = [typed] if typed else []
        bibs += [bib for bib, _ in worn.most_common(MOST_NUMBERS) if bib != typed]
        return self.reader.read(Wanted(event_id=event.event_id, bibs=tuple(bibs))).bibs if bibs else {}

    def _more(
        self,
        event: Event,
        bib: str,
        shown: Sequence[PhotoMatch],
        known: set[uuid.UUID],
        likeness: Likeness | None,
    ) -> list[PhotoMatch] | None:
        """The bib's photos that no face has found, without those whose wearer is surely somebody else; None if others
        wear it as often as the selfie's owner."""
        if likeness is None:
            return [replace(photo, by_bib=True) for photo in shown if photo.image_id not in known]
        records = self._records(event, [photo.image_id for photo in shown])
        scores = {image_id: _wearer(photo, bib, likeness) for image_id, photo in records.items()}
        own = sum(score is not None and score >= likeness.minimum for score in scores.values())
        others = {image_id for image_id, score in scores.items() if score is not None and score < OTHER}
        if len(others) > max(own, 1):
            return None
        return [replace(photo, by_bib=True) for photo in shown if photo.image_id not in known | others]

    def _records(self, event: Event, image_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Photo]:
        return read_photos(self.photos, event.event_id, event.shards, image_ids, self.pool)


def _seen_in(event: Event, match: PhotoMatch, photo: Photo | None, likeness: Likeness) -> _Seen:
    faces = photo.faces_by(event.model) if photo is not None else None
    if photo is None or not faces:
        return _Seen(match, "", is_sure=False)
    scores = likeness.cosines(faces)
    best = int(scores.argmax())
    worn = [bib.text for bib in photo.bibs if bib.face == best]
    return _Seen(match, worn[0] if len(worn) == 1 else "", bool(scores[best] >= likeness.sure))


def _counts(event: Event, bib: str, known: Mapping[str, BibPhotos]) -> bool:
    return bib in known and counts(event.bibs, bib, is_listed=known[bib].is_listed)


def _wearer(photo: Photo, bib: str, likeness: Likeness) -> float | None:
    """How alike the face is that wears the bib in a photo; None where nobody knows who does."""
    faces, worn = photo.faces_by(likeness.model), [each.face for each in photo.bibs if each.text == bib]
    if not faces or len(worn) != 1 or worn[0] is None:
        return None
    scores = likeness.cosines(faces)
    return float(scores[worn[0]]) if worn[0] < len(scores) else None


def _votes(worn: Sequence[str], typed: str) -> Counter[str]:
    """How many sure faces wear each number; one that is a part of another counts for that: an arm was before it."""
    votes, told = Counter(worn), Counter[str]()
    for bib, count in votes.items():
        wholes = [other for other in {*votes, typed} - {bib} if bib in other]
        told[wholes[0] if len(wholes) == 1 else bib] += count
    return told


def _chosen(votes: Counter[str], typed: str, *, is_alike: bool) -> str:
    """The number that helps; empty where none does."""
    if not typed:
        return _derived(votes, is_alike=is_alike)
    return "" if _rivals(votes, typed, is_alike=is_alike) else typed


def _rivals(votes: Counter[str], typed: str, *, is_alike: bool) -> bool:
    """Whether sure faces wear another number than the typed one, and none wears that. Where faces are alike, a single
    other one may well be somebody else."""
    return not votes[typed] and max(votes.values(), default=0) > int(is_alike)


def _derived(votes: Counter[str], *, is_alike: bool) -> str:
    """The number that the surest faces wear: twice as many as any other, and more than one where faces are alike."""
    (bib, most), (_, second) = (*votes.most_common(2), ("", 0), ("", 0))[:2]
    return bib if most >= 2 * second and most > int(is_alike) else ""


def _agree(one: str, other: str) -> bool:
    """Whether two readings may be of one number, half hidden in one of the photos."""
    return one in other or other in one
