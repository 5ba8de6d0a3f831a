"""Stored selfies that show a person who is being deleted: of searches that found nothing, and of those still to come.

A selfie lies under its search, in what a webhook has sent, or as an upload. Each picture is read and compared by the
face that a search would look for.
"""

from collections.abc import Callable, Iterator, Sequence

from facesearch.deletion.receipts import Counts, Looked
from facesearch.deletion.search import SWEEPS, SearchDeletion
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.models import Event
from facesearch.search.selfies import MAX_UPLOAD_BYTES, search_of

READ_AT_ONCE = 8
"""Pictures in memory at a time, of up to `MAX_UPLOAD_BYTES` each. They are compared one after another: the engine has
one detector, which uses every core."""

Shows = Callable[[bytes], bool]
"""Whether a picture shows the person. Raises UnusableImage, NoFaceFound: it cannot be compared."""
Progress = Callable[[int, int], None]
"""Told how many selfies are looked at, of how many."""


def delete_showing(
    event: Event, shows: Shows, searches: SearchDeletion, deleted: Counts, left: Counts, progress: Progress
) -> Looked:
    """Delete every stored selfie that shows the person, with its search, and count it.

    A search goes whole: all its selfies show the same person.
    """
    looked, seen, gone = Looked(), set[str](), set[str]()
    for _ in range(SWEEPS):
        keys = [key for key in searches.selfies_of(event) if key not in seen]
        if not keys:
            break
        showing, total = list[str](), looked.selfies + len(keys)
        for key, shown in zip(keys, _look(keys, shows, searches), strict=True):
            looked = Looked(looked.selfies + 1, looked.unreadable + (shown is None))
            progress(looked.selfies, total)
            if shown:
                showing.append(key)
        of_searches = {key: search for key in showing if (search := search_of(key)) is not None}
        searches.delete_many(list(dict.fromkeys(of_searches.values())), deleted, found_by_selfie=True)
        deleted.selfies += searches.selfies.delete(key for key in showing if key not in of_searches)
        seen.update({*keys} - {*showing})  # one that a search under way stores anew is looked at again
        gone.update(showing)
    of_left = map(search_of, searches.selfies.etags(sorted(gone)))
    left.selfies += sum(search is None or searches.is_free(search) for search in of_left)
    return looked


def _look(keys: Sequence[str], shows: Callable[[bytes], bool], searches: SearchDeletion) -> Iterator[bool | None]:
    """Whether each selfie shows the person; None = it cannot be compared."""
    for start in range(0, len(keys), READ_AT_ONCE):
        some = keys[start : start + READ_AT_ONCE]
        for picture in searches.pool.map(lambda key: searches.selfies.read(key, MAX_UPLOAD_BYTES), some):
            try:  # None: too large for any search, or gone meanwhile
                shown = None if picture is None else shows(picture)
            except (NoFaceFound, UnusableImage):
                shown = None
            yield shown
