"""S3, the engine and S3's messages, small and in memory."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from typing import Any, cast
from urllib.parse import quote_plus

import numpy as np
from botocore.exceptions import ClientError
from typing_extensions import override

from facesearch.bibs.reader import BibReader, ReadBib
from facesearch.errors import Throttled
from facesearch.faces.engine import Embedding, Face, RgbImage, SelfieProbe
from facesearch.models import DEFAULT_MODEL

PHOTOS, RENDITIONS = "photos", "renditions"
NOT_FOUND: Any = {"HTTPStatusCode": 404}


@dataclass
class MemoryS3:
    """Buckets. `fails` names operations that are throttled; `log` is what was asked, in order. `etag` is that of every
    file but those in `etags`; if it is empty, each has one by its content."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    headers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    bodies: list[io.BytesIO] = field(default_factory=list)
    etag: str = '"e1"'
    etags: dict[str, str] = field(default_factory=dict)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self._called("GetObject", Key)
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        data = self.objects[Bucket, Key]
        self.bodies.append(io.BytesIO(data))
        size, etag = self.sizes.get(Key, len(data)), self._etag_of(Bucket, Key)
        metadata = self.headers.get((Bucket, Key), {}).get("Metadata", {})
        return {"ContentLength": size, "ETag": etag, "Body": self.bodies[-1], "Metadata": metadata}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, str]:  # noqa: N803
        self._called("HeadObject", Key)
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "404"}, "ResponseMetadata": NOT_FOUND}, "HeadObject")
        return {"ETag": self._etag_of(Bucket, Key)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **headers: Any) -> None:  # noqa: N803
        self._called("PutObject", Key)
        self.objects[Bucket, Key] = Body
        self.headers[Bucket, Key] = headers

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        self._called("DeleteObject", Key)
        self.objects.pop((Bucket, Key), None)

    def etags_under(self, prefix: str) -> Iterator[tuple[str, str]]:
        """As `Objects` of the photos bucket."""
        keys = [key for bucket, key in self.objects if bucket == PHOTOS and key.startswith(prefix)]
        return iter([(key, self._etag_of(PHOTOS, key)) for key in keys])

    def _etag_of(self, bucket: str, key: str) -> str:
        by_content = f'"{md5(self.objects[bucket, key]).hexdigest()}"'  # noqa: S324 - as S3's
        return self.etags.get(key, self.etag or by_content)

    def _called(self, operation: str, key: str) -> None:
        self.log.append(f"{operation} {key}")
        if operation in self.fails:
            raise Throttled(operation, "SlowDown")


@dataclass
class FakeEngine:
    """Finds as many faces as a picture's first pixel has red in it; face number n looks along axis n and
    has a sharpness of n + 1 tenths."""

    model: str = DEFAULT_MODEL
    looks: int = 0
    during_look: Callable[[], None] = lambda: None

    def faces(self, image: RgbImage) -> list[Face]:
        self.looks += 1
        self.during_look()
        return [
            Face((0, 0, 30, 40), np.zeros((5, 2), np.float32), 0.9, look, sharpness=(1 + n) / 10)
            for n, look in enumerate(cast("Embedding", np.eye(128, dtype=np.float32))[: int(image[0, 0, 0])])
        ]

    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        raise NotImplementedError


@dataclass
class FakeBibReader(BibReader):
    """Reads as many bibs as a picture's first pixel has green in it: 100, 101, …; face number n wears bib 100 + n."""

    reads: int = 0

    @property
    @override
    def model(self) -> str:
        return "fake"

    @override
    def read(self, image: RgbImage, faces: Sequence[Face]) -> list[ReadBib]:
        self.reads += 1
        count = int(image[0, 0, 1])
        return [ReadBib(f"{100 + n}", 0.9, n if n < len(faces) else None) for n in range(count)]


@dataclass
class MemoryRequests:
    """Snapshots that were asked for."""

    events: list[int] = field(default_factory=list)

    def request(self, event_id: int) -> None:
        self.events.append(event_id)


def notification(*keys: str, bucket: str = PHOTOS, at: datetime | None = None) -> str:
    """The body of the message in which S3 announces these keys, encoded as AWS does."""
    time = {} if at is None else {"eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    objects = [{"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}} for key in keys]
    return json.dumps({"Records": [time | {"s3": each} for each in objects]})
