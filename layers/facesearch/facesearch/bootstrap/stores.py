"""The container's base: clients, thread pools, and what lies on nothing but a client."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from facesearch.adapters.dynamodb.quota import DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.bootstrap.lazy import on_first_use
from facesearch.settings import Settings

with on_first_use():
    from facesearch.adapters import aws
    from facesearch.adapters.dynamodb import admin as dynamodb_admin
    from facesearch.adapters.dynamodb import (
        callbacks,
        directory,
        idempotency,
        jobs,
        results,
        shares,
        vector_items,
        watches,
    )
    from facesearch.adapters.dynamodb import photos as photo_records
    from facesearch.adapters.s3 import objects, pending_selfies, selfies, snapshots
    from facesearch.adapters.sqs import callback_attempts, search_commands, snapshot_requests
    from facesearch.webhooks import outbound

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

IO_THREADS = 16
NewClient = Callable[[str, Any], Any]
"""Makes the client of an AWS service, by its name and a botocore `Config`."""


class StoreContainer:
    """Clients, pools, stores and queues of one process."""

    def __init__(self, settings: Settings | None = None, new_client: NewClient | None = None) -> None:
        """Without settings the environment's count; without `new_client` the clients are those of `adapters.aws`."""
        self._given_settings = settings
        self._new_client = new_client

    @cached_property
    def settings(self) -> Settings:
        return self._given_settings or Settings.from_environment()

    @cached_property
    def selfie_uploads(self) -> selfies.S3SelfieUploads:
        return selfies.S3SelfieUploads(self._s3, self.settings.required("selfies_bucket"))

    @cached_property
    def event_directory(self) -> directory.DynamoEventDirectory:
        return directory.DynamoEventDirectory(self._dynamodb, self.settings.table_name)

    @cached_property
    def admin(self) -> dynamodb_admin.DynamoAdmin:
        return dynamodb_admin.DynamoAdmin(self._dynamodb, self.settings.table_name)

    @cached_property
    def _watch_commands(self) -> search_commands.SqsWatchCommands:
        return search_commands.SqsWatchCommands(self._sqs, self.settings.required("search_jobs_queue_url"))

    @cached_property
    def _watches(self) -> watches.DynamoWatchStore:
        return watches.DynamoWatchStore(self._dynamodb, self.settings.table_name)

    @cached_property
    def _results(self) -> results.DynamoResultStore:
        return results.DynamoResultStore(self._dynamodb, self.settings.table_name, self.settings.result_retention_days)

    @cached_property
    def _idempotency(self) -> idempotency.DynamoIdempotency:
        table = self.settings.required("idempotency_table_name")
        return idempotency.DynamoIdempotency(self._dynamodb, table, self.settings.result_retention_days)

    @cached_property
    def _jobs(self) -> jobs.DynamoJobStore:
        return jobs.DynamoJobStore(self._dynamodb, self.settings.table_name, self.settings.result_retention_days)

    @cached_property
    def _pending_selfies(self) -> pending_selfies.S3PendingSelfies:
        return pending_selfies.S3PendingSelfies(self._s3, self.settings.required("selfies_bucket"))

    @cached_property
    def _search_commands(self) -> search_commands.SqsSearchCommands:
        return search_commands.SqsSearchCommands(self._sqs, self.settings.required("search_jobs_queue_url"))

    @cached_property
    def _callbacks(self) -> callbacks.DynamoCallbackStore:
        return callbacks.DynamoCallbackStore(
            self._dynamodb, self.settings.table_name, self.settings.result_retention_days
        )

    @cached_property
    def _callback_attempts(self) -> callback_attempts.SqsAttemptQueue:
        settings = self.settings
        return callback_attempts.SqsAttemptQueue(
            self._sqs, settings.required("callbacks_queue_url"), settings.callbacks_dead_letters_url
        )

    def _shares(self, kind: str, concurrency: int) -> shares.DynamoShares:
        return shares.DynamoShares(self._dynamodb, self.settings.table_name, kind, outbound.share_of(concurrency))

    @cached_property
    def _vector_items(self) -> vector_items.DynamoVectorItems | None:
        name = self.settings.faces_table_name
        return vector_items.DynamoVectorItems(self._dynamodb, name) if name else None

    @cached_property
    def _snapshot_requests(self) -> snapshot_requests.SqsSnapshotRequests:
        settings = self.settings
        return snapshot_requests.SqsSnapshotRequests(
            self._sqs, settings.required("snapshots_queue_url"), settings.snapshot_delay_seconds
        )

    @cached_property
    def _snapshots(self) -> snapshots.S3SnapshotStore:
        bucket = self.settings.required("snapshots_bucket")
        return snapshots.S3SnapshotStore(self._s3, bucket, self._dynamodb, self.settings.table_name)

    @cached_property
    def photos(self) -> photo_records.DynamoPhotoStore:
        return photo_records.DynamoPhotoStore(self._dynamodb, self.settings.table_name)

    @cached_property
    def _bucket(self) -> DynamoTokenBuckets:
        return DynamoTokenBuckets(self._dynamodb, self.settings.table_name)

    @cached_property
    def reader(self) -> DynamoReader:
        return DynamoReader(self._dynamodb, self.settings.table_name)

    def _client(self, service: str, config: Any) -> Any:
        if self._new_client is None:
            return aws.client(service, config)
        client = self._new_client(service, config)
        aws.with_our_errors(client.meta.events)
        return client

    @cached_property
    def _dynamodb(self) -> DynamoDBClient:
        return cast("DynamoDBClient", self._client("dynamodb", aws.DYNAMODB))

    @cached_property
    def _s3(self) -> S3Client:
        return cast("S3Client", self._client("s3", aws.S3))

    @cached_property
    def _sqs(self) -> SQSClient:
        return cast("SQSClient", self._client("sqs", aws.SQS))

    @cached_property
    def _kms(self) -> KMSClient:
        return cast("KMSClient", self._client("kms", aws.SQS))

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Leaf calls only: what waits for one of these must not run here."""
        return ThreadPoolExecutor(IO_THREADS, thread_name_prefix="io")

    @cached_property
    def _cpu(self) -> ThreadPoolExecutor:
        """A thread a core, for work that is not Python's."""
        return ThreadPoolExecutor(self.settings.vcpus, thread_name_prefix="cpu")

    @cached_property
    def _background(self) -> ThreadPoolExecutor:
        """Work beside the invocation's own thread, which may itself wait for `pool`."""
        return ThreadPoolExecutor(2, thread_name_prefix="background")

    def _objects(self, bucket: str) -> objects.S3Objects:
        return objects.S3Objects(self._s3, self.settings.required(bucket), self.pool)
