"""Webhooks signed by hand, as the text of Standard Webhooks says, without any library."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime


def signed(secret: str, body: bytes, message: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    """The headers of a message; `at`: when it was sent, now if not given."""
    timestamp = str(int((at or datetime.now(UTC)).timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, b".".join([message.encode(), timestamp.encode(), body]), hashlib.sha256)
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": signature}
