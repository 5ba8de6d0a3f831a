"""Where a photo's original lies: files are renamed, moved and lost in S3, and what was found in them should not be.

A record leads to one place and to a few further ones. Whoever wants the file takes the first place that still has it.
"""

from collections.abc import Callable, Iterable, Mapping

from facesearch.models import Event
from facesearch.photos.pictures import MAX_FILE_BYTES, Pictures
from facesearch.records import MAX_COPIES, Original, Photo, PhotoStore, image_id_of_bytes

GONE = "The original is gone."
ATTEMPTS = 8
"""At a record that others change at the same time."""


def note_place(
    photos: PhotoStore, etag_of: Callable[[str], str | None], event: Event, known: Photo, here: Original
) -> None:
    """Have the record of a photo lead to a place where its file was just seen.

    Places that have lost the file by now are dropped: so the new one becomes the first if the first is gone. Of more
    than MAX_COPIES further places the longest known are dropped.

    `etag_of` gives S3's ETag of what is under a key of the photos bucket, None if nothing is.
    """
    record: Photo | None = known
    for _ in range(ATTEMPTS):
        if record is None or record.originals[0] == here:
            return
        places = dict.fromkeys([*(here if place.key == here.key else place for place in record.originals), here])
        first, *copies = (place for place in places if place == here or place.is_there(etag_of(place.key)))
        originals = (first, *copies[-MAX_COPIES:])
        if originals == record.originals or photos.set_originals(event.event_id, event.shards, record, originals):
            return
        record = photos.get(event.event_id, event.shards, known.image_id)


def find_moved(photos: PhotoStore, event: Event, records: Iterable[Photo], listing: Mapping[str, str]) -> list[Photo]:
    """Have records lead to their files where nobody told of a move: its message got lost, or there was none yet.

    `listing` is key and ETag of everything that lies under the event's prefix. Returns the photos whose file is at none
    of their places and has, by its ETag, no other one.
    """
    by_etag = {etag: key for key, etag in listing.items()}
    lost = []
    for photo in records:
        if any(place.is_there(listing.get(place.key)) for place in photo.originals):
            continue
        found = next((by_etag[place.etag] for place in photo.originals if place.etag in by_etag), None)
        if found is None:
            lost.append(photo)
        else:  # if somebody was faster, they have seen the file themselves
            # The listing may be minutes old: a place that is not on it may be where the file was moved since.
            others = [place for place in photo.originals if place.etag]
            originals = [Original(found, listing[found]), *others[-MAX_COPIES:]]
            photos.set_originals(event.event_id, event.shards, photo, originals)
    return lost


def original_of(pictures: Pictures, event_id: int, photo: Photo) -> bytes | None:
    """The file that the photo is; None if it is gone, or others have its keys by now."""
    for place in photo.originals:
        file = pictures.original(place.key, MAX_FILE_BYTES)
        data = None if file is None else file.data
        if data is not None and image_id_of_bytes(event_id, data) == photo.image_id:
            return data
    return None
