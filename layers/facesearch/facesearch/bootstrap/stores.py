"""The container's base: clients, thread pools, and what lies on nothing but a client."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from facesearch.settings import Settings


class Later:
    """A module that is imported when something of it is first used: by any thread, and once more if that failed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from facesearch.adapters import aws, outbound
    from facesearch.adapters.dynamodb import (
        admin,
        callbacks,
        idempotency,
        jobs,
        photos,
        quota,
        reading,
        results,
        table,
        tokens,
        vector_items,
        watches,
        watermarks,
    )
    from facesearch.adapters.opencv import bib_reader, face_engine
    from facesearch.adapters.rekognition import collections
    from facesearch.adapters.s3 import objects, pending_selfies, selfies, snapshots
    from facesearch.adapters.sqs import indexing, webhooks
    from facesearch.adapters.upstream import api as upstream
    from facesearch.adapters.upstream import breaker
else:
    aws = Later("facesearch.adapters.aws")
    outbound = Later("facesearch.adapters.outbound")
    admin = Later("facesearch.adapters.dynamodb.admin")
    callbacks = Later("facesearch.adapters.dynamodb.callbacks")
    idempotency = Later("facesearch.adapters.dynamodb.idempotency")
    jobs = Later("facesearch.adapters.dynamodb.jobs")
    photos = Later("facesearch.adapters.dynamodb.photos")
    quota = Later("facesearch.adapters.dynamodb.quota")
    reading = Later("facesearch.adapters.dynamodb.reading")
    results = Later("facesearch.adapters.dynamodb.results")
    table = Later("facesearch.adapters.dynamodb.table")
    tokens = Later("facesearch.adapters.dynamodb.tokens")
    vector_items = Later("facesearch.adapters.dynamodb.vector_items")
    watches = Later("facesearch.adapters.dynamodb.watches")
    bib_reader = Later("facesearch.adapters.opencv.bib_reader")
    watermarks = Later("facesearch.adapters.dynamodb.watermarks")
    face_engine = Later("facesearch.adapters.opencv.face_engine")
    collections = Later("facesearch.adapters.rekognition.collections")
    objects = Later("facesearch.adapters.s3.objects")
    pending_selfies = Later("facesearch.adapters.s3.pending_selfies")
    selfies = Later("facesearch.adapters.s3.selfies")
    snapshots = Later("facesearch.adapters.s3.snapshots")
    indexing = Later("facesearch.adapters.sqs.indexing")
    webhooks = Later("facesearch.adapters.sqs.webhooks")
    upstream = Later("facesearch.adapters.upstream.api")
    breaker = Later("facesearch.adapters.upstream.breaker")


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

    _table = part(lambda self: table.Table(self._dynamodb, self.settings.table_name))
    clock = part(lambda self: photos.corrected_clock(self._table))
    """Microseconds since the epoch by DynamoDB's clock: an operator's machine may be wrong."""
    reader = part(lambda self: reading.DynamoReader(self._table))
    _bucket = part(lambda self: quota.DynamoTokenBuckets(self._table))
    photos = part(lambda self: photos.DynamoPhotoStore(self._table))
    watermark_files = part(lambda self: watermarks.DynamoWatermarkFiles(self._table))
    event_directory = part(lambda self: reading.DynamoEventDirectory(self._table))
    admin = part(lambda self: admin.DynamoAdmin(self._table))
    tokens = part(lambda self: tokens.DynamoTokenStore(self._table))
    _watches = part(lambda self: watches.DynamoWatchStore(self._table))
    _results = part(lambda self: results.DynamoResultStore(self._table, self.settings.result_retention_days, self.pool))
    _jobs = part(lambda self: jobs.DynamoJobStore(self._table, self.settings.result_retention_days))
    _callbacks = part(lambda self: callbacks.DynamoCallbackStore(self._table, self.settings.result_retention_days))
    _idempotency = part(
        lambda self: idempotency.DynamoIdempotency(
            table.Table(self._dynamodb, self.settings.required("idempotency_table_name")),
            self.settings.result_retention_days,
        )
    )

    @cached_property
    def _vector_items(self) -> vector_items.DynamoVectorItems | None:
        name = self.settings.faces_table_name
        return vector_items.DynamoVectorItems(table.Table(self._dynamodb, name)) if name else None

    def _objects(self, bucket: str) -> objects.S3Objects:
        return objects.S3Objects(self.s3, self.settings.required(bucket), self.pool)

    selfie_uploads = part(lambda self: selfies.S3SelfieUploads(self.s3, self.settings.required("selfies_bucket")))
    _pending_selfies = part(
        lambda self: pending_selfies.S3PendingSelfies(self.s3, self.settings.required("selfies_bucket"))
    )
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
    _bib_reader = part(lambda self: bib_reader.OpenCvBibReader(self.settings.models_dir, threads=self.settings.vcpus))
    _rekognition = part(lambda self: self._client("rekognition", collections.INDEXING))
    _outbound = part(
        lambda self: outbound.HttpOutbound(resolver=outbound.Resolver(), allow_local=self.settings.outbound_allow_local)
    )

    @cached_property
    def _upstream(self) -> upstream.Upstream:
        secrets = self._client("secretsmanager", aws.SECRETS)
        key = upstream.KeySecret(secrets, self.settings.required("upstream_key_secret"))
        return upstream.Upstream(upstream.new_http(), self.settings.required("upstream_url"), key, breaker.Breaker())
