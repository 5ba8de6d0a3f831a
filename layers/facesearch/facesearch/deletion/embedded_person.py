"""A person's faces where our own engine has made them: in photos' records, and in probes that are kept to watch."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from facesearch.deletion.person import StoredPerson
from facesearch.deletion.stores import Stores
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import EmbeddedProbe, embedding_of
from facesearch.faces.engine import Embedding
from facesearch.faces.index.vectors import cosines, probe_of
from facesearch.faces.packing import FACE_BYTES, values_of
from facesearch.models import Event, PhotoMatch, SearchKey
from facesearch.records import Bib, is_untied, read_photos
from facesearch.webhooks.watches.watch import LostProbeError, Watch

ATTEMPTS = 8
"""At the faces of one photo that others change at the same time."""
WATCHES_AT_ONCE = 100


@dataclass(frozen=True)
class EmbeddedPerson(StoredPerson[EmbeddedProbe]):
    stores: Stores

    @override
    def bibs(self, event: Event, probe: EmbeddedProbe, image_ids: Sequence[uuid.UUID]) -> Mapping[str, set[uuid.UUID]]:
        minimum, bibs = _minimum(event, probe), defaultdict[str, set[uuid.UUID]](set)
        photos = read_photos(self.stores.photos, event.event_id, event.shards, image_ids, self.stores.pool)
        for photo in photos.values():
            if photo.bibs and (faces := photo.faces_by(event.model)):
                theirs = person_in(faces, probe.embedding, minimum)
                for bib in photo.bibs:
                    if _wears(theirs, bib):
                        bibs[bib.text].add(photo.image_id)
        return bibs

    @override
    def strip(self, event: Event, probe: EmbeddedProbe, image_ids: Iterable[uuid.UUID]) -> int:
        photos, minimum = self.stores.photos, _minimum(event, probe)

        def strip(image_id: uuid.UUID) -> int:
            for _ in range(ATTEMPTS):
                photo = photos.get(event.event_id, event.shards, image_id)
                faces = photo.faces_by(event.model) if photo is not None else None
                if photo is None or not faces:
                    return 0
                gone = person_in(faces, probe.embedding, minimum)
                kept = without(faces, gone)
                bibs = () if is_untied(photo) else bibs_without(photo.bibs, gone)  # it may be anybody's
                if photos.replace_faces(event.event_id, event.shards, photo, kept, event.model, bibs):
                    return int(gone.sum())
            raise RuntimeError("a photo is changed by others all the time")

        return sum(self.stores.pool.map(strip, image_ids))

    @override
    def strip_strays(self, event: Event, probe: EmbeddedProbe) -> int:
        """None: a face that counts is in its photo's record."""
        return 0

    @override
    def left(self, probe: EmbeddedProbe, found: Sequence[PhotoMatch]) -> int:
        """Each photo found counts as one."""
        return len(found)

    @override
    def watches(self, event: Event, probe: EmbeddedProbe) -> list[SearchKey]:
        """A probe by another model, or that nobody can decrypt, is of no use to anybody and
        is taken for the person's, too."""
        watches, after, found = self.stores.searches.watches, None, list[SearchKey]()
        while page := watches.page(event.event_id, after, WATCHES_AT_ONCE):
            shown = self.stores.pool.map(lambda watch: self._shows(event, watch, probe), page)
            found += [watch.search for watch, yes in zip(page, shown, strict=True) if yes]
            after = page[-1].search.request_id
        return found

    def _shows(self, event: Event, watch: Watch, probe: EmbeddedProbe) -> bool:
        if watch.model != event.model:
            return True
        try:
            kept = embedding_of(self.stores.probes.open(watch))
        except LostProbeError:
            return True
        # Bare, not levelled: rather a watch too many ends than one of the person's goes on.
        return float(np.dot(kept, probe.embedding)) >= threshold(event.confidence, event.model)


def _minimum(event: Event, probe: EmbeddedProbe) -> float:
    """As near as a face must be to the selfie at least for the match to find it. What is taken off the faces themselves
    is left out: rather one face too many goes than one of the person's stays."""
    cohort = probe.index.result().cohort
    return threshold(event.confidence, event.model) + cohort.of_probe(probe_of(probe.embedding))


def person_in(faces: bytes, embedding: Embedding, minimum: float) -> NDArray[np.bool_]:
    """Which of the packed faces, shape (n,), are at or above `minimum` cosine to the embedding; if none is, the most
    similar one: the photo was found by the second pass."""
    scores = cosines(values_of(faces), probe_of(embedding))
    theirs: NDArray[np.bool_] = scores >= min(minimum, scores.max())
    return theirs


def without(faces: bytes, gone: NDArray[np.bool_]) -> bytes:
    """The packed faces but for those that are gone, shape (n,)."""
    return bytes(np.frombuffer(faces, np.uint8).reshape(-1, FACE_BYTES)[~gone].tobytes())


def bibs_without(bibs: Sequence[Bib], gone: NDArray[np.bool_]) -> tuple[Bib, ...]:
    """The bibs of who is still there once so many faces are gone, shape (n,), and those of nobody known."""
    left = [bib for bib in bibs if not _wears(gone, bib)]
    return tuple(bib if bib.face is None else replace(bib, face=bib.face - int(gone[: bib.face].sum())) for bib in left)


def _wears(faces: NDArray[np.bool_], bib: Bib) -> bool:
    return bib.face is not None and bib.face < len(faces) and bool(faces[bib.face])
