"""Who may do what: the checks of the contract, in its order."""

from collections.abc import Mapping
from dataclasses import dataclass

from facesearch.api.requests import ApiRequest, Credential
from facesearch.errors import (
    ExpiredToken,
    Forbidden,
    MissingKey,
    NoSuchEvent,
    NotForTokens,
    NotSigned,
    ScopeMissing,
    UnknownKey,
    UnknownToken,
    WrongEvent,
    WrongOrganisation,
    WrongOrigin,
)
from facesearch.models import ApiKey, Event, Feature, Scope, TokenRights, digest_of, is_live, require
from facesearch.reading import Known, Reader, Wanted
from facesearch.tokens import PREFIX


@dataclass(frozen=True)
class AuthenticatedRequest:
    """A caller whose key and organisation are in order, and what was read for it; the rest is still to be checked."""

    request: ApiRequest
    org_id: int
    known: Known
    digest: str = ""
    """SHA-256 in hex of the key or token that was presented."""

    @property
    def token(self) -> TokenRights | None:
        """What narrows the caller's rights, if it has a publishable token and no API key."""
        return self.known.key.token if self.known.key is not None else None

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
        credential: Credential,
        request: ApiRequest,
        scope: Scope,
        *,
        tokens: bool = False,
        quota: bool = False,
        events: bool = False,
        job: bool = False,
        watch: bool = False,
    ) -> AuthenticatedRequest:
        """Check the key against the organisation. Event, search and page that the request names are read along.

        The key is looked up by its digest, so how long that takes tells nothing about any other key.

        `tokens`: whether a publishable token may make the call, too. `quota`, `events` and `job` have the quotas of
        organisation and token, its number of events, or the search's webhook job read as well; `watch` what the
        search's watch has come to.

        Raises:
            MissingKey: no key, or a blank one.
            Forbidden: UnknownKey, UnknownToken, ExpiredToken, WrongOrganisation or ScopeMissing, and what `check_token`
                raises.
        """
        if not (secret := credential.secret.strip()):
            raise MissingKey("X-API-Key is missing.")
        may_be_token, digest = secret.startswith(PREFIX), digest_of(secret)
        known = self.reader.read(
            Wanted(
                digest=digest,
                token_quota=quota and may_be_token,
                event_id=request.event_id,
                search=request.search,
                page=request.page,
                org_id=request.org_id if events else None,
                quota_of=request.org_id if quota else None,
                job=request.search if job else None,
                watch=request.search if watch else None,
                bibs=(request.bib,) if request.bib is not None else (),
                consistent=request.consistent,
            )
        )
        if known.key is None or not is_live(known.key):
            raise _refused(known.key, may_be_token)
        if request.org_id is not None and request.org_id != known.key.org_id:
            raise WrongOrganisation("The API key does not belong to this organisation.")
        if scope not in known.key.scopes:
            raise ScopeMissing(f"The API key lacks the scope {scope}.")
        if known.key.token is not None:
            check_token(known.key.token, request, credential.origin, known.event, may_call=tokens)
        return AuthenticatedRequest(request, known.key.org_id, known, digest)

    def identify_webhook(
        self, credential: Credential, headers: Mapping[str, str], body: bytes, request: ApiRequest
    ) -> AuthenticatedRequest:
        """Check key or signature; of a webhook with both, the key alone counts. Names of headers are in lower case.

        Raises:
            NotSigned: neither a key nor a signature of the last five minutes by a secret of the organisation, which may
                be one that there is not.
            Forbidden: see `identify`.
        """
        if credential.secret.strip():
            return self.identify(credential, request, Scope.SEARCH)
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


def check_token(token: TokenRights, request: ApiRequest, origin: str, event: Event | None, *, may_call: bool) -> None:
    """Refuse what a publishable token may not do, before the request is told whether its event is there.

    A request from no page has no origin. Who forges requests can leave it out, too: it keeps other sites from using
    the token, and nobody else.

    Raises:
        WrongEvent, WrongOrigin, NotForTokens.
        ExpiredToken: it was ended with its event's others.
    """
    if request.event_id is not None and request.event_id != token.event_id:
        raise WrongEvent("The token is for another event.")
    if origin and origin not in token.origins:
        raise WrongOrigin("Pages of this origin may not use the token.")
    if not may_call:
        raise NotForTokens("This call needs an API key.")
    if event is not None and token.created_at < event.tokens_since:
        raise ExpiredToken("The token has expired.")


def _refused(key: ApiKey | None, is_token: bool) -> Forbidden:
    """Why it opens nothing. That a token has expired is said where it was one."""
    if key is not None and key.token is not None and key.active:
        return ExpiredToken("The token has expired.")
    if is_token:
        return UnknownToken("The token is unknown, or was ended.")
    return UnknownKey("The API key is invalid or inactive.")
