"""A person's bib, which would still find the photos where no face did."""

from facesearch.deletion.stores import Stores
from facesearch.models import Event

ATTEMPTS = 8
"""At one photo that others change at the same time."""


def delete_bib(stores: Stores, event: Event, bib: str) -> int:
    """Delete a bib from every photo of the event, whoever wears it there; on how many it was.

    Raises:
        RuntimeError: a photo is changed by others all the time.
    """
    photos, deleted = stores.photos, 0
    for _ in range(ATTEMPTS):
        image_ids = photos.bib_photos(event.event_id, bib)
        if not image_ids:
            return deleted
        for photo in photos.get_many(event.event_id, event.shards, image_ids).values():
            left = tuple(each for each in photo.bibs if each.text != bib)
            deleted += photos.set_bibs(event.event_id, event.shards, photo, left, photo.bib_model)
    raise RuntimeError("a photo is changed by others all the time")
