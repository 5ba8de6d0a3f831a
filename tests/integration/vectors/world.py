"""A store with the template's resources in it, and made-up faces of one person among strangers'."""

import uuid
from functools import cached_property

import boto3
import numpy as np
from botocore.config import Config
from numpy.typing import NDArray

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.faces.packing import pack
from facesearch.models import DEFAULT_MODEL
from facesearch.records import Photo
from facesearch_local.clients import Clients
from facesearch_local.resources import Resources
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT

MODEL = DEFAULT_MODEL


class Ground:
    """A store with the template's resources in it."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.clients = self._clients()
        parameters = {"FaceSets": "exact,vectors"}
        template = Template.load(
            ROOT / "template.yaml", Deployment("vectors", "000000000000", "us-east-1", parameters, {})
        )
        resources = Resources(template, self.clients)
        resources.create()
        names = resources.names()
        self.table, self.faces, self.bucket = names["Table"], names["FacesTable"], names["SnapshotsBucket"]

    def _clients(self) -> Clients:
        config = Config(read_timeout=600, max_pool_connections=32, proxies={}, s3={"addressing_style": "path"})

        def client(service: str) -> object:
            return boto3.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]

        return Clients(client("dynamodb"), client("s3"), client("sqs"), client("kms"))  # type: ignore[arg-type]

    @cached_property
    def items(self) -> DynamoVectorItems:
        return DynamoVectorItems(Table(self.clients.dynamodb, self.faces))

    @cached_property
    def photos(self) -> DynamoPhotoStore:
        return DynamoPhotoStore(Table(self.clients.dynamodb, self.table))

    @cached_property
    def admin(self) -> DynamoAdmin:
        return DynamoAdmin(Table(self.clients.dynamodb, self.table))

    @cached_property
    def snapshots(self) -> S3SnapshotStore:
        return S3SnapshotStore(self.clients.s3, self.bucket, Table(self.clients.dynamodb, self.table))


class People:
    """Faces of one person among strangers'."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.person = self.unit()

    def unit(self) -> NDArray[np.float64]:
        vector = self.rng.normal(size=128)
        return vector / float(np.linalg.norm(vector))

    def near(self, cosine: float) -> NDArray[np.float64]:
        other = self.unit()
        other -= (other @ self.person) * self.person
        return cosine * self.person + float(np.sqrt(1 - cosine**2)) * other / float(np.linalg.norm(other))

    def photo(self, *faces: NDArray[np.float64], image_id: uuid.UUID | None = None) -> Photo:
        own = image_id or uuid.UUID(bytes=self.rng.bytes(16))
        return Photo(own, "indexed", "k", 300, 200, MODEL, pack(np.array(faces, np.float32)) if faces else b"")
