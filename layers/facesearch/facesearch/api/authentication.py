"""Who may do what: the checks of the contract, in its order."""

from collections.abc import Mapping
from dataclasses import dataclass

from facesearch.api.requests import ApiRequest
from facesearch.errors import (
    MissingKey,
    NoSuchEvent,
    NotSigned,
    ScopeMissing,
    UnknownKey,
    WrongEvent,
    WrongOrganisation,
)
from facesearch.models import Event, Feature, Scope, digest_of, is_live, require
from facesearch.reading import Known, Reader, Wanted


@dataclass(frozen=True)
class AuthenticatedRequest:
    """A caller whose key and organisation are in order, and what was read for it; the rest is still to be checked."""

    request: ApiRequest
    org_id: int
    known: Known

    def check(self) -> None:
        """Refuse a path or query that does not fit, by InvalidRequest or InvalidRequestId."""
        if self.request.problem is not None:
            raise self.request.problem

    def event(self, feature: Feature) -> Event:
        """The event that the request is about, after `check`.

        Raises:
            NoSuchEvent: no such event.
            Forbidden: WrongEvent, or the feature is off: see `require`.
        """
        self.check()
        event = self.known.event
        if event is None:
            raise NoSuchEvent
        if event.org_id != self.org_id:
            raise WrongEvent("The event does not belong to this organisation.")
        require(event, feature)
        return event


@dataclass(frozen=True, kw_only=True)
class Authenticator:
    """Lets callers in, with everything that the request may see read in one round trip."""

    reader: Reader

    def identify(
        self,
        api_key: str | None,
        request: ApiRequest,
        scope: Scope,
        *,
        quota: bool = False,
        events: bool = False,
        job: bool = False,
    ) -> AuthenticatedRequest:
        """Check the key against the organisation. Event, search and page that the request names are read along.

        The key is looked up by its digest, so how long that takes tells nothing about any other key.

        `quota`, `events` and `job` have the organisation's quota, its number of events, or the search's webhook job
        read as well.

        Raises:
            MissingKey: no key, or a blank one.
            Forbidden: UnknownKey, WrongOrganisation or ScopeMissing.
        """
        if not (api_key := (api_key or "").strip()):
            raise MissingKey("X-API-Key is missing.")
        known = self.reader.read(
            Wanted(
                digest=digest_of(api_key),
                event_id=request.event_id,
                search=request.search,
                page=request.page,
                org_id=request.org_id if events else None,
                quota_of=request.org_id if quota else None,
                job=request.search if job else None,
            )
        )
        if known.key is None or not is_live(known.key):
            raise UnknownKey("The API key is invalid or inactive.")
        if request.org_id is not None and request.org_id != known.key.org_id:
            raise WrongOrganisation("The API key does not belong to this organisation.")
        if scope not in known.key.scopes:
            raise ScopeMissing(f"The API key lacks the scope {scope}.")
        return AuthenticatedRequest(request, known.key.org_id, known)

    def identify_webhook(self, headers: Mapping[str, str], body: bytes, request: ApiRequest) -> AuthenticatedRequest:
        """Check key or signature; of a webhook with both, the key alone counts. Names of headers are in lower case.

        Raises:
            NotSigned: neither a key nor a signature of the last five minutes by a secret of the organisation, which may
                be one that there is not.
            Forbidden: see `identify`.
        """
        if (api_key := headers.get("x-api-key", "")).strip():
            return self.identify(api_key, request, Scope.SEARCH)
        from facesearch.webhooks.signing import ForgedError, verify  # loaded by the function of webhooks alone

        known = self.reader.read(Wanted(event_id=request.event_id, secrets_of=request.org_id))
        try:
            verify(headers, body, known.secrets)
        except ForgedError:
            raise NotSigned(
                "Send X-API-Key, or a valid webhook signature: webhook-id, webhook-timestamp (at most five minutes "
                "off), and webhook-signature over both and the exact body."
            ) from None
        if request.org_id is None:
            raise NotSigned("The path names no organisation.")
        return AuthenticatedRequest(request, request.org_id, known)
