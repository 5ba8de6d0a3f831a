"""Who sent a webhook: an organisation by its signature, or by one of its keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from facesearch.api.authentication import AuthenticatedRequest, Authenticator
from facesearch.api.requests import ApiRequest
from facesearch.errors import NotSigned
from facesearch.models import Scope
from facesearch.reading import Reader, Wanted
from facesearch.webhooks.signing import ForgedError, verify


@dataclass(frozen=True, kw_only=True)
class WebhookAuthenticator:
    """Lets webhooks in that their organisation has signed, or that carry one of its keys."""

    authenticator: Authenticator
    reader: Reader

    def identify(self, headers: Mapping[str, str], body: bytes, request: ApiRequest) -> AuthenticatedRequest:
        """Check key or signature; of a webhook with both, the key alone counts. Names of headers are in lower case.

        Raises:
            NotSigned: neither a key nor a signature of the last five minutes by a secret of the organisation, which may
                be one that there is not.
            Forbidden: see `Authenticator.identify`.
        """
        if (api_key := headers.get("x-api-key", "")).strip():
            return self.authenticator.identify(api_key, request, Scope.SEARCH)
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
