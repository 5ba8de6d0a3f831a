"""The container's base: clients, thread pools, and what lies on nothing but a client."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from facesearch.adapters.dynamodb.quota import DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoEventDirectory, DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.settings import Settings


class _LazyFinder(MetaPathFinder):
    @override
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and fullname.startswith("facesearch."):
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def on_first_use() -> Iterator[None]:
    """The block imports modules, which are run when something of them is first used. That is for the thread that builds
    parts: before Python 3.12 `LazyLoader` shows a second thread half a module."""
    finder = _LazyFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


with on_first_use():
    from facesearch.adapters import aws, outbound
    from facesearch.adapters.dynamodb import admin, callbacks, idempotency, jobs, photos, results, vector_items, watches
    from facesearch.adapters.opencv import face_engine
    from facesearch.adapters.rekognition import collections
    from facesearch.adapters.s3 import objects, selfies, snapshots
    from facesearch.adapters.sqs import indexing, webhooks
    from facesearch.adapters.upstream import api as upstream
    from facesearch.adapters.upstream import breaker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

IO_THREADS = 16
NewClient = Callable[[str, Any], Any]
"""Makes the client of an AWS service, by its name and a botocore `Config`."""
PartT = TypeVar("PartT")


def part(make: Callable[[StoreContainer], PartT]) -> cached_property[PartT]:
    """A part of the container, made when it is first needed."""
    return cached_property(make)


class StoreContainer:
    """Clients, pools, stores and queues of one process."""

    def __init__(self, settings: Settings | None = None, new_client: NewClient | None = None) -> None:
        """Without settings the environment's count; without `new_client` the clients are those of `adapters.aws`."""
        self._given_settings = settings
        self._new_client = new_client

    settings = part(lambda self: self._given_settings or Settings.from_environment())

    def _client(self, service: str, config: Any) -> Any:
        if self._new_client is None:
            return aws.client(service, config)
        client = self._new_client(service, config)
        aws.with_our_errors(client.meta.events)
        return client

    _dynamodb: cached_property[DynamoDBClient] = part(lambda self: self._client("dynamodb", aws.DYNAMODB))
    s3: cached_property[S3Client] = part(lambda self: self._client("s3", aws.S3))
    _sqs: cached_property[SQSClient] = part(lambda self: self._client("sqs", aws.SQS))
    _kms: cached_property[KMSClient] = part(lambda self: self._client("kms", aws.SQS))

    pool = part(lambda _: ThreadPoolExecutor(IO_THREADS, thread_name_prefix="io"))
    """Leaf calls only: what waits for one of these must not run here."""
    _cpu = part(lambda self: ThreadPoolExecutor(self.settings.vcpus, thread_name_prefix="cpu"))
    """A thread a core, for work that is not Python's."""
    _background = part(lambda _: ThreadPoolExecutor(2, thread_name_prefix="background"))
    """Work beside the invocation's own thread, which may itself wait for `pool`."""

    _table = part(lambda self: Table(self._dynamodb, self.settings.table_name))
    clock = part(lambda self: photos.corrected_clock(self._table))
    """Microseconds since the epoch by DynamoDB's clock: an operator's machine may be wrong."""
    reader = part(lambda self: DynamoReader(self._table))
    _bucket = part(lambda self: DynamoTokenBuckets(self._table))
    photos = part(lambda self: photos.DynamoPhotoStore(self._table))
    event_directory = part(lambda self: DynamoEventDirectory(self._table))
    admin = part(lambda self: admin.DynamoAdmin(self._table))
    _watches = part(lambda self: watches.DynamoWatchStore(self._table))
    _results = part(lambda self: results.DynamoResultStore(self._table, self.settings.result_retention_days))
    _jobs = part(lambda self: jobs.DynamoJobStore(self._table, self.settings.result_retention_days))
    _callbacks = part(lambda self: callbacks.DynamoCallbackStore(self._table, self.settings.result_retention_days))
    _idempotency = part(
        lambda self: idempotency.DynamoIdempotency(
            Table(self._dynamodb, self.settings.required("idempotency_table_name")), self.settings.result_retention_days
        )
    )

    @cached_property
    def _vector_items(self) -> vector_items.DynamoVectorItems | None:
        name = self.settings.faces_table_name
        return vector_items.DynamoVectorItems(Table(self._dynamodb, name)) if name else None

    def _objects(self, bucket: str) -> objects.S3Objects:
        return objects.S3Objects(self.s3, self.settings.required(bucket), self.pool)

    selfie_uploads = part(lambda self: selfies.S3SelfieUploads(self.s3, self.settings.required("selfies_bucket")))
    _pending_selfies = part(lambda self: selfies.S3PendingSelfies(self.s3, self.settings.required("selfies_bucket")))
    _snapshots = part(
        lambda self: snapshots.S3SnapshotStore(self.s3, self.settings.required("snapshots_bucket"), self._table)
    )

    _search_commands = part(
        lambda self: webhooks.SqsSearchCommands(self._sqs, self.settings.required("search_jobs_queue_url"))
    )
    _callback_attempts = part(
        lambda self: webhooks.SqsAttemptQueue(
            self._sqs, self.settings.required("callbacks_queue_url"), self.settings.callbacks_dead_letters_url
        )
    )
    _snapshot_requests = part(
        lambda self: indexing.SqsSnapshotRequests(
            self._sqs, self.settings.required("snapshots_queue_url"), self.settings.snapshot_delay_seconds
        )
    )

    _engine = part(lambda self: face_engine.OpenCvEngine(self.settings.models_dir, threads=self.settings.vcpus))
    _rekognition = part(lambda self: self._client("rekognition", collections.INDEXING))
    _outbound = part(
        lambda self: outbound.HttpOutbound(resolver=outbound.Resolver(), allow_local=self.settings.outbound_allow_local)
    )

    @cached_property
    def _upstream(self) -> upstream.Upstream:
        secrets = self._client("secretsmanager", aws.SECRETS)
        key = upstream.KeySecret(secrets, self.settings.required("upstream_key_secret"))
        return upstream.Upstream(upstream.new_http(), self.settings.required("upstream_url"), key, breaker.Breaker())
