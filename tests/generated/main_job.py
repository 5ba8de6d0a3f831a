"""What an integrator does, with the Python client that openapi-python-client makes. Prints what came of it as JSON.

Run in .venv-clients, where nothing of the project is; the client is in PYTHONPATH.
"""

import base64
import hashlib
import hmac
import io
import json
import os
import time
import uuid
from pathlib import Path

import httpx
from face_search_client import AuthenticatedClient
from face_search_client.api.face_search import get_faces, get_search_status, receive_webhook, search_faces
from face_search_client.api.photos import get_original_photos
from face_search_client.models import OriginalsOfSelfie, SelfieForm, WebhookRequest
from face_search_client.types import File

URL, ORG, EVENT = os.environ["URL"], int(os.environ["ORG"]), int(os.environ["EVENT"])
SELFIE = Path(os.environ["SELFIE"]).read_bytes()


def client(header: str, token: str) -> AuthenticatedClient:
    return AuthenticatedClient(URL, token, prefix="", auth_header_name=header, timeout=httpx.Timeout(60))


def send_webhook(body: WebhookRequest) -> str:
    """A webhook with a signature in place of a key; the request_id of its search."""
    message, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    content = httpx.Request("POST", URL, json=body.to_dict()).content
    key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
    digest = hmac.digest(key, b".".join([message.encode(), timestamp.encode(), content]), hashlib.sha256)
    signed = client("webhook-signature", f"v1,{base64.b64encode(digest).decode()}")
    queued = receive_webhook.sync(ORG, EVENT, client=signed, body=body, webhook_id=message, webhook_timestamp=timestamp)
    return str(queued.data.request_id)


with client("X-API-Key", os.environ["KEY"]) as api:
    form = SelfieForm(file=[File(io.BytesIO(SELFIE), "selfie.jpg", "image/jpeg")], request_id=str(uuid.uuid4()))
    found = search_faces.sync(ORG, EVENT, client=api, body=form, page_size=2).data
    image_ids = [str(image.image_id) for image in found.images]
    page = found.pagination
    while page.has_next_page:
        more = get_faces.sync(ORG, EVENT, form.request_id, client=api, page=page.current_page + 1, page_size=2).data
        image_ids += [str(image.image_id) for image in more.images]
        page = more.pagination
    wanted = OriginalsOfSelfie("selfie", form.request_id)
    originals = get_original_photos.sync(ORG, EVENT, client=api, body=wanted).data
    sizes = [len(httpx.get(link.url).content) for link in originals.presigned_urls]

    request_id = send_webhook(WebhookRequest(selfie_base64=base64.b64encode(SELFIE).decode()))
    deadline = time.monotonic() + 240
    while (state := get_search_status.sync(ORG, EVENT, request_id, client=api).data).status in {"queued", "running"}:
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    webhook = get_faces.sync(ORG, EVENT, request_id, client=api).data

came = {"same_request_id": str(found.request_id) == form.request_id, "image_ids": image_ids, "sizes": sizes}
again = {"webhook": state.status, "webhook_image_ids": [str(image.image_id) for image in webhook.images]}
print(json.dumps(came | again))
