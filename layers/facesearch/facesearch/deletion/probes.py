"""Probes that are kept to watch for later photos, and show a person who is being deleted."""

import numpy as np

from facesearch.deletion.stores import Stores
from facesearch.faces.confidence import threshold
from facesearch.faces.embedded import EmbeddedProbe, embedding_of
from facesearch.models import Event, SearchKey
from facesearch.webhooks.watches.watch import LostProbeError, Watch

WATCHES_AT_ONCE = 100


class StoredProbes:
    """Finds them, by the embedded engine: no other keeps any."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def showing(self, event: Event, probe: EmbeddedProbe) -> list[SearchKey]:
        """Searches whose kept probes show the person; they may name no photo yet. A probe by another model, or that
        nobody can decrypt, is of no use to anybody and is taken for the person's, too."""
        watches, after, found = self._stores.watches, None, list[SearchKey]()
        while page := watches.page(event.event_id, after, WATCHES_AT_ONCE):
            shown = self._stores.pool.map(lambda watch: self._shows(event, watch, probe), page)
            found += [watch.search for watch, yes in zip(page, shown, strict=True) if yes]
            after = page[-1].search.request_id
        return found

    def _shows(self, event: Event, watch: Watch, probe: EmbeddedProbe) -> bool:
        if watch.model != event.model:
            return True
        try:
            kept = embedding_of(self._stores.probes.open(watch))
        except LostProbeError:
            return True
        # Bare, not levelled: rather a watch too many ends than one of the person's goes on.
        return float(np.dot(kept, probe.embedding)) >= threshold(event.confidence, event.model)
