"""The container's base: clients, thread pools, and what lies on nothing but a client."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from facesearch.adapters.dynamodb.quota import DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.reading import EventDirectory
from facesearch.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from facesearch.adapters.dynamodb.admin import DynamoAdmin
    from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore
    from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency
    from facesearch.adapters.dynamodb.jobs import DynamoJobStore
    from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
    from facesearch.adapters.dynamodb.results import DynamoResultStore
    from facesearch.adapters.dynamodb.shares import DynamoShares
    from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems
    from facesearch.adapters.dynamodb.watches import DynamoWatchStore
    from facesearch.adapters.s3.pending_selfies import S3PendingSelfies
    from facesearch.adapters.s3.snapshots import S3SnapshotStore
    from facesearch.adapters.sqs.callback_attempts import SqsAttemptQueue
    from facesearch.adapters.sqs.search_commands import SqsSearchCommands, SqsWatchCommands
    from facesearch.adapters.sqs.snapshot_requests import SqsSnapshotRequests
    from facesearch.search.selfies import SelfieUploads

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
    def selfie_uploads(self) -> "SelfieUploads":
        from facesearch.adapters.s3.selfies import S3SelfieUploads

        return S3SelfieUploads(self._s3, self.settings.required("selfies_bucket"))

    @cached_property
    def event_directory(self) -> EventDirectory:
        from facesearch.adapters.dynamodb.directory import DynamoEventDirectory

        return DynamoEventDirectory(self._dynamodb, self.settings.table_name)

    @cached_property
    def admin(self) -> "DynamoAdmin":
        from facesearch.adapters.dynamodb.admin import DynamoAdmin

        return DynamoAdmin(self._dynamodb, self.settings.table_name)

    @cached_property
    def _watch_commands(self) -> "SqsWatchCommands":
        from facesearch.adapters.sqs.search_commands import SqsWatchCommands

        return SqsWatchCommands(self._sqs, self.settings.required("search_jobs_queue_url"))

    @cached_property
    def _watches(self) -> "DynamoWatchStore":
        from facesearch.adapters.dynamodb.watches import DynamoWatchStore

        return DynamoWatchStore(self._dynamodb, self.settings.table_name)

    @cached_property
    def _results(self) -> "DynamoResultStore":
        from facesearch.adapters.dynamodb.results import DynamoResultStore

        return DynamoResultStore(self._dynamodb, self.settings.table_name, self.settings.result_retention_days)

    @cached_property
    def _idempotency(self) -> "DynamoIdempotency":
        from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency

        settings = self.settings
        table = settings.required("idempotency_table_name")
        return DynamoIdempotency(self._dynamodb, table, settings.result_retention_days)

    @cached_property
    def _jobs(self) -> "DynamoJobStore":
        from facesearch.adapters.dynamodb.jobs import DynamoJobStore

        return DynamoJobStore(self._dynamodb, self.settings.table_name, self.settings.result_retention_days)

    @cached_property
    def _pending_selfies(self) -> "S3PendingSelfies":
        from facesearch.adapters.s3.pending_selfies import S3PendingSelfies

        return S3PendingSelfies(self._s3, self.settings.required("selfies_bucket"))

    @cached_property
    def _search_commands(self) -> "SqsSearchCommands":
        from facesearch.adapters.sqs.search_commands import SqsSearchCommands

        return SqsSearchCommands(self._sqs, self.settings.required("search_jobs_queue_url"))

    @cached_property
    def _callbacks(self) -> "DynamoCallbackStore":
        from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore

        return DynamoCallbackStore(self._dynamodb, self.settings.table_name, self.settings.result_retention_days)

    @cached_property
    def _callback_attempts(self) -> "SqsAttemptQueue":
        from facesearch.adapters.sqs.callback_attempts import SqsAttemptQueue

        settings = self.settings
        return SqsAttemptQueue(self._sqs, settings.required("callbacks_queue_url"), settings.callbacks_dead_letters_url)

    def _shares(self, kind: str, concurrency: int) -> "DynamoShares":
        from facesearch.adapters.dynamodb.shares import DynamoShares
        from facesearch.webhooks.outbound import share_of

        return DynamoShares(self._dynamodb, self.settings.table_name, kind, share_of(concurrency))

    @cached_property
    def _vector_items(self) -> "DynamoVectorItems | None":
        from facesearch.adapters.dynamodb.vector_items import DynamoVectorItems

        name = self.settings.faces_table_name
        return DynamoVectorItems(self._dynamodb, name) if name else None

    @cached_property
    def _snapshot_requests(self) -> "SqsSnapshotRequests":
        from facesearch.adapters.sqs.snapshot_requests import SqsSnapshotRequests

        settings = self.settings
        return SqsSnapshotRequests(self._sqs, settings.required("snapshots_queue_url"), settings.snapshot_delay_seconds)

    @cached_property
    def _snapshots(self) -> "S3SnapshotStore":
        from facesearch.adapters.s3.snapshots import S3SnapshotStore

        bucket = self.settings.required("snapshots_bucket")
        return S3SnapshotStore(self._s3, bucket, self._dynamodb, self.settings.table_name)

    @cached_property
    def _photos(self) -> "DynamoPhotoStore":
        from facesearch.adapters.dynamodb.photos import DynamoPhotoStore

        return DynamoPhotoStore(self._dynamodb, self.settings.table_name)

    @cached_property
    def _bucket(self) -> DynamoTokenBuckets:
        return DynamoTokenBuckets(self._dynamodb, self.settings.table_name)

    @cached_property
    def _reader(self) -> DynamoReader:
        return DynamoReader(self._dynamodb, self.settings.table_name)

    def _client(self, service: str, config: Any) -> Any:
        from facesearch.adapters import aws

        if self._new_client is None:
            return aws.client(service, config)
        client = self._new_client(service, config)
        aws.with_our_errors(client.meta.events)
        return client

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        from facesearch.adapters import aws

        client: DynamoDBClient = self._client("dynamodb", aws.DYNAMODB)
        return client

    @cached_property
    def _s3(self) -> "S3Client":
        from facesearch.adapters import aws

        client: S3Client = self._client("s3", aws.S3)
        return client

    @cached_property
    def _sqs(self) -> "SQSClient":
        from facesearch.adapters import aws

        client: SQSClient = self._client("sqs", aws.SQS)
        return client

    @cached_property
    def _kms(self) -> "KMSClient":
        from facesearch.adapters import aws

        client: KMSClient = self._client("kms", aws.SQS)
        return client

    @cached_property
    def _io(self) -> ThreadPoolExecutor:
        """Leaf calls only: what waits for one of these must not run here."""
        return ThreadPoolExecutor(IO_THREADS, thread_name_prefix="io")

    @cached_property
    def _cpu(self) -> ThreadPoolExecutor:
        """A thread a core, for work that is not Python's."""
        return ThreadPoolExecutor(self.settings.vcpus, thread_name_prefix="cpu")

    @cached_property
    def _background(self) -> ThreadPoolExecutor:
        """Work beside the invocation's own thread, which may itself wait for `_io`."""
        return ThreadPoolExecutor(2, thread_name_prefix="background")
