"""A person's bib, which would still find the photos where no face did."""

import uuid
from collections.abc import Collection

from facesearch.deletion.stores import Stores
from facesearch.models import Event
from facesearch.records import Photo

ATTEMPTS = 8
"""At one photo that others change at the same time."""


def delete_bib(stores: Stores, event: Event, bib: str, worn_in: Collection[uuid.UUID]) -> int:
    """Delete a person's bib from the photos that `photos_with` says; from how many.

    The photos that the person wears it in come last: from these a run after a crash knows whose it is.

    Raises:
        RuntimeError: a photo is changed by others all the time.
    """
    photos, deleted = stores.photos, 0
    for _ in range(ATTEMPTS):
        theirs = photos_with(stores, event, bib, worn_in)
        if not theirs:
            return deleted
        others = [photo for photo in theirs if photo.image_id not in worn_in]
        for photo in others or theirs:
            left = tuple(each for each in photo.bibs if each.text != bib)
            deleted += photos.set_bibs(event.event_id, event.shards, photo, left, photo.bib_model)
    raise RuntimeError("a photo is changed by others all the time")


def photos_with(stores: Stores, event: Event, bib: str, worn_in: Collection[uuid.UUID]) -> list[Photo]:
    """The photos that a person's bib must not find any more: those that the person is known to wear it in, and those
    where nobody knows who does, unless more others wear it. A half-hidden number reads as a shorter one, which is
    mostly somebody else's."""
    image_ids = stores.photos.bib_photos(event.event_id, bib)
    records = stores.photos.get_many(event.event_id, event.shards, image_ids).values()
    theirs = [photo for photo in records if photo.image_id in worn_in]
    wearers = {photo.image_id: {each.face for each in photo.bibs if each.text == bib} for photo in records}
    others = [photo for photo in records if photo.image_id not in worn_in]
    known = [photo for photo in others if wearers[photo.image_id] != {None}]
    if len(known) > len(worn_in):
        return theirs
    return [*theirs, *(photo for photo in others if wearers[photo.image_id] == {None})]
