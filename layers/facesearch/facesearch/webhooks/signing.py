"""Signatures of messages in both directions, as Standard Webhooks has them: HMAC-SHA256 over id, time and raw body."""

import base64
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from facesearch.models import WebhookSecret

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_NOBODYS = base64.b64encode(randomness.token_bytes(32)).decode()
"""Takes the place of secrets that are not there, so that the time of a refusal does not tell which organisations are.
It is made by each process for itself and kept nowhere; nobody can sign by it."""


class ForgedError(Exception):
    """No signature by one of the secrets, or one of another body, or older or newer than five minutes."""


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[WebhookSecret]) -> str:
    """Check a message's signature by any of the secrets; its `webhook-id`, which is signed, too.

    The library compares in constant time. Names of headers are in lower case, and the body is as it came. Whatever is
    wrong is a ForgedError.
    """
    signed = {name: headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE)}
    for secret in [each.secret for each in secrets] or [_NOBODYS]:
        try:
            Webhook(secret).verify(body, signed, json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: what is no base64, no list of them, no UTF-8
            continue
        return signed[ID]
    raise ForgedError


def sign(message_id: str, timestamp: datetime, body: bytes, secrets: Sequence[WebhookSecret]) -> dict[str, str]:
    """The three headers of a message, with a signature by every secret, so that receivers can change over.

    `message_id` is the same at every attempt to deliver the message, `timestamp` is the attempt's, and `body` is
    exactly the bytes that will be sent, in UTF-8.
    """
    moment, text = timestamp.astimezone(UTC), body.decode()
    signatures = [Webhook(each.secret).sign(message_id, moment, text) for each in secrets]
    return {ID: message_id, TIMESTAMP: str(int(moment.timestamp())), SIGNATURE: " ".join(signatures)}
