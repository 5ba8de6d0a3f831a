"""Who may do what: the checks of the contract, in its order."""

import hashlib

from facesearch.calls import Call
from facesearch.errors import FaceSearchError, Forbidden, MissingKey, NotFound
from facesearch.models import Event
from facesearch.store.reading import Reader, StoredPage


def digest_of(api_key: str) -> str:
    """SHA-256 of an API key in hex: what is stored, and what a presented key is looked up by."""
    return hashlib.sha256(api_key.encode()).hexdigest()


class Gate:
    """Admits a call, with everything that it may see read in one round trip."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def admit(self, api_key: str | None, call: Call) -> tuple[Event, StoredPage | None]:
        """The event, and the page of the search that the call names, if that is finished.

        The key is looked up by its digest, so how long that takes tells nothing about any other key.

        Raises:
            MissingKey: no key, or a blank one.
            Forbidden: unknown or inactive key, somebody else's organisation or event, or the feature is off.
            InvalidRequest, InvalidRequestId: path or query do not fit the schema.
            NotFound: no such event.
        """
        api_key = (api_key or "").strip()
        if not api_key:
            raise MissingKey("X-API-Key is missing.")
        known = self._reader.read(digest_of(api_key), call.event_id, call.search, call.page)
        if known.key is None or not known.key.active:
            raise Forbidden("The API key is invalid or inactive.")
        if call.org_id is not None and call.org_id != known.key.org_id:
            raise Forbidden("The API key does not belong to this organisation.")
        problem: FaceSearchError | None = call.problem
        if problem is not None:
            raise problem
        event = known.event
        if event is None:
            raise NotFound("Event configuration not found.")
        if event.org_id != known.key.org_id:
            raise Forbidden("The event does not belong to this organisation.")
        if not (event.event_enabled and event.selfie_search):
            raise Forbidden("Selfie search is disabled for this event.")
        return event, known.result
