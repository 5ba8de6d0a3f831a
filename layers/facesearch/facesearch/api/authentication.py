"""Who may do what: the checks of the contract, in its order."""

from dataclasses import dataclass

from facesearch.api.requests import ApiRequest
from facesearch.errors import Forbidden, MissingKey, NotFound
from facesearch.models import Event, Feature, Scope, digest_of, is_live, require
from facesearch.reading import Known, Reader, Wanted


@dataclass(frozen=True)
class AuthenticatedRequest:
    """A caller whose key and organisation are in order, and what was read for it; the rest is still to be checked.

    Attributes:
        org_id: of caller and call.
    """

    call: ApiRequest
    org_id: int
    known: Known

    def check(self) -> None:
        """Refuse a path or query that does not fit.

        Raises:
            InvalidRequest, InvalidRequestId: it does not.
        """
        if self.call.problem is not None:
            raise self.call.problem

    def event(self, feature: Feature) -> Event:
        """The event that the call is about, after `check`.

        Raises:
            InvalidRequest, InvalidRequestId: see `check`.
            NotFound: no such event.
            Forbidden: somebody else's event, or the feature is off.
        """
        self.check()
        event = self.known.event
        if event is None:
            raise NotFound("Event configuration not found.")
        if event.org_id != self.org_id:
            raise Forbidden("The event does not belong to this organisation.")
        require(event, feature)
        return event


class Authenticator:
    """Lets callers in, with everything that the call may see read in one round trip."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def identify(
        self,
        api_key: str | None,
        call: ApiRequest,
        scope: Scope,
        *,
        quota: bool = False,
        events: bool = False,
        job: bool = False,
    ) -> AuthenticatedRequest:
        """Check the key against the organisation. Event, search and page that the call names are read along.

        The key is looked up by its digest, so how long that takes tells nothing about any other key.

        Args:
            api_key: as it came.
            call: whose turn it is.
            scope: what the key must be good for.
            quota, events, job: read the organisation's quota, how many events it has, or what a webhook has made of the
                search.

        Raises:
            MissingKey: no key, or a blank one.
            Forbidden: unknown, inactive, expired or too narrow a key, or somebody else's organisation.
        """
        api_key = (api_key or "").strip()
        if not api_key:
            raise MissingKey("X-API-Key is missing.")
        known = self._reader.read(
            Wanted(
                digest=digest_of(api_key),
                event_id=call.event_id,
                search=call.search,
                page=call.page,
                org_id=call.org_id if events else None,
                quota_of=call.org_id if quota else None,
                job=call.search if job else None,
            )
        )
        if known.key is None or not is_live(known.key):
            raise Forbidden("The API key is invalid or inactive.")
        if call.org_id is not None and call.org_id != known.key.org_id:
            raise Forbidden("The API key does not belong to this organisation.")
        if scope not in known.key.scopes:
            raise Forbidden(f"The API key lacks the scope {scope}.")
        return AuthenticatedRequest(call, known.key.org_id, known)
