"""Stored selfies that show a person who is being deleted: of searches that found nothing, and of those still to come.

A selfie lies under its search, in what a webhook has sent, or as an upload. Each picture is read and compared by the
face that a search would look for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from facesearch.deletion.receipts import Counts, Looked
from facesearch.deletion.search import sweep
from facesearch.deletion.stores import Stores
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.models import Event
from facesearch.search.selfies import MAX_UPLOAD_BYTES, search_of, selfie_prefixes

READ_AT_ONCE = 8
"""Pictures in memory at a time, of up to `MAX_UPLOAD_BYTES` each. They are compared one after another: the engine has
one detector, which uses every core."""

Shows = Callable[[bytes], bool]
"""Whether a picture shows the person. Raises UnusableImage, NoFaceFound: it cannot be compared."""
Progress = Callable[[int, int], None]
"""Told how many selfies are looked at, of how many."""


class StoredSelfies:
    """Finds and deletes them, each with the search that it belongs to."""

    def __init__(self, stores: Stores, progress: Progress) -> None:
        self._stores = stores
        self._progress = progress

    def delete_showing(self, event: Event, shows: Shows, deleted: Counts, left: Counts) -> Looked:
        """Delete every selfie that shows the person, with its search, and count it.

        A search goes whole: all its selfies show the same person.
        """
        looked, seen, gone = Looked(), set[str](), list[str]()

        def is_clean() -> bool:
            nonlocal looked
            keys = [key for key in self._keys(event) if key not in seen]
            if not keys:
                return True
            looked, showing = self._look(keys, shows, looked)
            self._delete(showing, deleted)
            seen.update(
                {*keys} - {*showing}
            )  # one that is stored anew by a search that was under way is looked at again
            gone.extend(showing)
            return False

        sweep(is_clean)
        left.selfies += sum(1 for key in self._stores.selfies.etags(list(dict.fromkeys(gone))) if self._is_ours(key))
        return looked

    def _keys(self, event: Event) -> Iterator[str]:
        for prefix in selfie_prefixes(event.org_id, event.event_id):
            yield from self._stores.selfies.under(prefix)

    def _look(self, keys: Sequence[str], shows: Shows, looked: Looked) -> tuple[Looked, list[str]]:
        stores, showing, total = self._stores, list[str](), looked.selfies + len(keys)
        for start in range(0, len(keys), READ_AT_ONCE):
            some = keys[start : start + READ_AT_ONCE]
            pictures = stores.pool.map(lambda key: stores.selfies.read(key, MAX_UPLOAD_BYTES), some)
            for key, picture in zip(some, pictures, strict=True):
                try:
                    if picture is None:  # too large for any search, or gone meanwhile
                        raise UnusableImage("no picture")
                    if shows(picture):
                        showing.append(key)
                except (NoFaceFound, UnusableImage):
                    looked = replace(looked, unreadable=looked.unreadable + 1)
                looked = replace(looked, selfies=looked.selfies + 1)
                self._progress(looked.selfies, total)
        return looked, showing

    def _delete(self, keys: Sequence[str], deleted: Counts) -> None:
        of_searches = {key: search for key in keys if (search := search_of(key)) is not None}
        self._stores.searches.delete_many(list(dict.fromkeys(of_searches.values())), deleted, found_by_selfie=True)
        deleted.selfies += self._stores.selfies.delete(key for key in keys if key not in of_searches)

    def _is_ours(self, key: str) -> bool:
        """Whether the selfie should be gone."""
        search = search_of(key)
        return search is None or self._stores.searches.is_free(search)
