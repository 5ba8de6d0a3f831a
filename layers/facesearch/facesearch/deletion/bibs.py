"""A person's bib, which would still find the photos where no face did."""

import uuid
from collections.abc import Collection

from facesearch.deletion.stores import Stores
from facesearch.models import Event

ATTEMPTS = 8
"""At one photo that others change at the same time."""


def delete_bib(stores: Stores, event: Event, bib: str, worn_in: Collection[uuid.UUID]) -> int:
    """Delete a bib from every photo of the event, whoever wears it there; on how many it was.

    The photos that it is `worn_in` by the person come last: from these a run after a crash knows whose it is.

    Raises:
        RuntimeError: a photo is changed by others all the time.
    """
    photos, deleted = stores.photos, 0
    for _ in range(ATTEMPTS):
        image_ids = photos.bib_photos(event.event_id, bib)
        if not image_ids:
            return deleted
        others = [image_id for image_id in image_ids if image_id not in worn_in]
        for photo in photos.get_many(event.event_id, event.shards, others or image_ids).values():
            left = tuple(each for each in photo.bibs if each.text != bib)
            deleted += photos.set_bibs(event.event_id, event.shards, photo, left, photo.bib_model)
    raise RuntimeError("a photo is changed by others all the time")
