"""The local stack, once a test run: the real handlers in worker processes, over MiniStack."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from PIL import Image

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.models import QuotaLimits
from facesearch.records import SHARDS, Bib, Photo, image_id_of_bytes, original_key
from facesearch_local import running
from tests.support.pictures import encoded, exif
from tools import policies

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from facesearch_local import RunningStack
    from tests.integration.webhooks import Host, Partner

INDEXING_SECONDS = 60


@dataclass
class Site:
    """An event site on a running stack: an organisation, a key, an event, and what a test does with them."""

    stack: "RunningStack"
    admin: DynamoAdmin
    org_id: int
    event_id: int
    api_key: str
    http: httpx.Client

    @property
    def outputs(self) -> dict[str, str]:
        outputs: dict[str, str] = self.stack.description["outputs"]
        return outputs

    @property
    def dynamodb(self) -> "DynamoDBClient":
        return boto3.client("dynamodb", endpoint_url=self.stack.endpoint_url)

    @property
    def s3(self) -> "S3Client":
        return boto3.client("s3", endpoint_url=self.stack.endpoint_url)

    @property
    def sqs(self) -> "SQSClient":
        return boto3.client("sqs", endpoint_url=self.stack.endpoint_url)

    @property
    def org_url(self) -> str:
        return f"{self.stack.url}/api/v1/ext/{self.org_id}"

    @property
    def event_url(self) -> str:
        return f"{self.org_url}/event/{self.event_id}"

    def faces_url(self, request_id: str | None = None) -> str:
        url = f"{self.event_url}/faces"
        return f"{url}/{request_id}" if request_id else url

    def post(self, selfie: bytes | None, request_id: str | None = None, **params: Any) -> httpx.Response:
        files = {"file": ("selfie.jpg", selfie, "image/jpeg")} if selfie is not None else None
        # httpx sends multipart only if there is a file; a form of fields alone is sent as files without names.
        fields = {"request_id": (None, request_id)} if request_id is not None else {}
        parts: dict[str, Any] = {**fields, **(files or {})}
        return self.http.post(self.faces_url(), files=parts, params=params, headers=self.headers)

    def get(self, request_id: str, **params: Any) -> httpx.Response:
        return self.http.get(self.faces_url(request_id), params=params, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.api_key}

    def put_photo(self, content: bytes, filename: str = "photo.jpg") -> uuid.UUID:
        """Upload as a photographer's tool does; the image_id that the photo will have."""
        image_id = image_id_of_bytes(self.event_id, content)
        key = original_key(self.org_id, self.event_id, image_id, filename)
        self.s3.put_object(Bucket=self.outputs["PhotosBucket"], Key=key, Body=content)
        return image_id

    def photo(self, image_id: uuid.UUID) -> Photo | None:
        return DynamoPhotoStore(Table(self.dynamodb, self.outputs["TableName"])).get(self.event_id, SHARDS, image_id)

    def indexed(self, image_id: uuid.UUID) -> Photo:
        """The photo's record, as soon as there is one."""
        photo: Photo = until(lambda: self.photo(image_id))
        return photo

    def wear(self, image_id: uuid.UUID, *bibs: str) -> None:
        """Have the photo show these bibs, whatever was read in it."""
        store, photo = DynamoPhotoStore(Table(self.dynamodb, self.outputs["TableName"])), self.indexed(image_id)
        assert store.set_bibs(self.event_id, SHARDS, photo, [Bib(bib) for bib in bibs], "test")

    def bibs(self, bib: str, **params: Any) -> httpx.Response:
        """A page of a bib's photos."""
        return self.http.get(f"{self.event_url}/bibs/{bib}", params=params, headers=self.headers)

    def images(self, **params: Any) -> httpx.Response:
        """A page of the gallery."""
        return self.http.get(f"{self.event_url}/images", params=params, headers=self.headers)

    def originals(self, body: Any, **params: Any) -> httpx.Response:
        """A page of links to originals; `body` as JSON."""
        return self.http.post(f"{self.event_url}/original-photos", json=body, params=params, headers=self.headers)

    def upload(self) -> httpx.Response:
        """A form for a large selfie."""
        return self.http.post(f"{self.faces_url()}/uploads", headers=self.headers)

    def deliver(self, *keys: str, **more: str) -> None:
        """Send what S3 sends of uploads, once more."""
        url = next(url for url in self.sqs.list_queues()["QueueUrls"] if url.endswith("UploadsQueue"))
        for key in keys:
            s3 = {"bucket": {"name": self.outputs["PhotosBucket"]}, "object": {"key": key}}
            record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3} | more
            self.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Records": [record]}))

    def other_event(self, **changes: Any) -> "Site":
        """The same site with another, empty event."""
        return replace(self, event_id=self.admin.create_event(self.org_id, "Another event", **changes))

    def other_org(self, name: str = "Somebody else") -> "Site":
        """Another organisation on the same stack, with a key and an empty event of its own."""
        org_id = self.admin.create_org(name)
        event_id = self.admin.create_event(org_id, f"Event of {name}")
        return replace(self, org_id=org_id, event_id=event_id, api_key=self.admin.create_key(org_id).api_key)

    def unlimited_org(self, name: str) -> "Site":
        """One whose guests may search without pause, however fast the machine is."""
        org = self.other_org(name)
        self.admin.set_quota(org.org_id, QuotaLimits(600_000, 100_000))
        return org

    def log(self, function: str) -> list[dict[str, Any]]:
        """The JSON lines that a function has logged, metrics included."""
        lines = self.stack.logs(function).read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def metric(self, function: str, name: str) -> float:
        """Sum of a metric over everything that the function has logged."""
        values = [line[name] for line in self.log(function) if "_aws" in line and name in line]
        return sum(sum(value) if isinstance(value, list) else value for value in values)

    def messages(self, queues: str) -> int:
        """In the queues with this in their URLs, waiting or in work."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        urls = [url for url in self.sqs.list_queues()["QueueUrls"] if queues in url]
        counts = [self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] for url in urls]
        return sum(int(value) for each in counts for value in each.values())

    def claimed(self) -> bool:
        """Whether a search is running."""
        table = self.outputs["IdempotencyTableName"]
        rows = self.dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
        return any(row["status"]["S"] == "INPROGRESS" for row in rows)

    def kill(self, function: str) -> None:
        """End the workers of a function in the midst of what they do."""
        for pid in self.stack.worker_pids(function):
            os.kill(pid, signal.SIGKILL)


def until(look: "Callable[[], Any]", seconds: float = INDEXING_SECONDS) -> Any:
    """What `look` returns as soon as it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"nothing came within {seconds:.0f} s")


@contextmanager
def site_on(state: Path, **stack: Any) -> Iterator[Site]:
    """An organisation and an empty event on a stack of their own."""
    with running(state=state, **stack) as started, httpx.Client(timeout=60) as http:
        yield new_site(started, http)


def new_site(stack: "RunningStack", http: httpx.Client) -> Site:
    """A new organisation, with a key and an empty event."""
    table = stack.description["outputs"]["TableName"]
    admin = DynamoAdmin(Table(boto3.client("dynamodb", endpoint_url=stack.endpoint_url), table))
    org_id = admin.create_org("Marathon Photos")
    return Site(stack, admin, org_id, admin.create_event(org_id, "Marathon"), admin.create_key(org_id).api_key, http)


@pytest.fixture(scope="session")
def stack(no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RunningStack]":
    with running(state=tmp_path_factory.mktemp("stack"), record_calls=policies.CALLS) as stack:
        yield stack


@pytest.fixture(scope="session")
def site(stack: "RunningStack", samples: Path) -> Iterator[Site]:
    """An event with the sample photos in it."""
    with httpx.Client(timeout=60) as http:
        site = new_site(stack, http)
        ids = [site.put_photo(path.read_bytes(), path.name) for path in sorted(samples.iterdir())]
        for image_id in ids:
            site.indexed(image_id)
        yield site


def photo_of_nobody(shade: int, taken: str | None = None) -> bytes:
    """A small photo; `taken` as EXIF has it."""
    tags = {} if taken is None else {"DateTimeOriginal": taken}
    return encoded(Image.new("RGB", (96, 64), (shade, 90, 255 - shade)), "JPEG", exif=exif(**tags))


@pytest.fixture(scope="session")
def partner_of_site(site: Site) -> "Partner":
    from tests.integration.webhooks import Partner

    return Partner(site, site.admin.create_webhook_secret(site.org_id).secret)


@pytest.fixture
def partner(partner_of_site: "Partner") -> "Partner":
    """Once the searches of the tests before have ended, of which not every test waits for the last."""
    until(lambda: partner_of_site.orders() == 0)
    return partner_of_site


@pytest.fixture(scope="session")
def selfies() -> "Iterator[Host]":
    from tests.integration.webhooks import host

    with host() as selfies:
        yield selfies


@pytest.fixture
def obama(samples: Path) -> bytes:
    return (samples / "obama.jpg").read_bytes()


@pytest.fixture
def sample_id(samples: Path, site: Site) -> Callable[[str], str]:
    """The image_id of a sample photo by its file name."""
    return lambda name: str(image_id_of_bytes(site.event_id, (samples / name).read_bytes()))
