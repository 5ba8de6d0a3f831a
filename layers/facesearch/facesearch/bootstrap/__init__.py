"""The composition root: every real part is wired here and in `operators`, and built when it is first needed.

Importing this reads no environment and connects to nothing. Numpy and OpenCV are imported by the parts that need them,
so that a function which only reads results never loads them; botocore is imported with the first client.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from facesearch.adapters.dynamodb.quota import DynamoTokenBuckets
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.api.authentication import AuthenticatedRequest, Authenticator
from facesearch.models import Event, FaceSetKind, QuotaLimits, QuotaState
from facesearch.reading import EventDirectory, Wanted
from facesearch.search.quota import Meter
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
    from facesearch.adapters.opencv.face_engine import OpenCvEngine
    from facesearch.adapters.outbound import HttpOutbound
    from facesearch.adapters.rekognition import RekognitionMatcher
    from facesearch.adapters.s3.pending_selfies import S3PendingSelfies
    from facesearch.adapters.s3.snapshots import S3SnapshotStore
    from facesearch.adapters.sqs.callback_attempts import SqsAttemptQueue
    from facesearch.adapters.sqs.search_commands import SqsSearchCommands, SqsWatchCommands
    from facesearch.adapters.sqs.snapshot_requests import SqsSnapshotRequests
    from facesearch.adapters.upstream import Upstream, UpstreamMatcher
    from facesearch.api.webhook_authentication import WebhookAuthenticator
    from facesearch.deletion.retention import FaceRetention
    from facesearch.deletion.search import SearchDeletion
    from facesearch.faces.embedded import EmbeddedMatcher
    from facesearch.faces.engine import FaceEngine
    from facesearch.faces.exact_set import SnapshotBuilder
    from facesearch.faces.index.port import IndexOf
    from facesearch.faces.matching import Matcher
    from facesearch.faces.sets import FaceSets
    from facesearch.photos.gallery import Galleries
    from facesearch.photos.indexing import PhotoIndexer
    from facesearch.photos.links import RenditionLinks
    from facesearch.photos.originals import Originals
    from facesearch.search.face_search import FaceSearch
    from facesearch.search.selfies import SelfieUploads
    from facesearch.webhooks.announcing import Announcer
    from facesearch.webhooks.callbacks.delivery import CallbackDelivery
    from facesearch.webhooks.intake import WebhookIntake
    from facesearch.webhooks.job_runner import JobRunner
    from facesearch.webhooks.watches.commands import CollapsedWatchRequests
    from facesearch.webhooks.watches.runner import WatchRunner

IO_THREADS = 16
CALLBACKS_AT_ONCE = 10
"""A batch, whose every callback may wait 15 s for its receiver."""
UPLOADS_AT_ONCE = 4
"""One photo has the CPU while others are fetched and written; each may hold a file of 50 MB."""


NewClient = Callable[[str, Any], Any]
"""Makes the client of an AWS service, by its name and a botocore `Config`."""


class Container:
    """The parts of one process. A part that lacks a setting says which when it is asked for."""

    def __init__(self, settings: Settings | None = None, new_client: NewClient | None = None) -> None:
        """Without settings the environment's count; without `new_client` the clients are those of `adapters.aws`."""
        self._given_settings = settings
        self._new_client = new_client

    @cached_property
    def settings(self) -> Settings:
        return self._given_settings or Settings.from_environment()

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""
        return self._reader.read(Wanted(event_id=event_id)).event

    @cached_property
    def authenticator(self) -> Authenticator:
        return Authenticator(reader=self._reader)

    def meter(self, request: AuthenticatedRequest) -> Meter:
        """The quota of the organisation that pays for this request's searches."""
        return self._meter_of(request.org_id, request.known.quota)

    @cached_property
    def face_search(self) -> "FaceSearch[Any]":
        from facesearch.adapters.s3.selfies import S3SelfieStore
        from facesearch.search.face_search import FaceSearch
        from facesearch.search.selfies import NoSelfieStore

        settings = self.settings
        return FaceSearch(
            matcher_of=self._matcher_of,
            idempotency=self._idempotency,
            results=self._results,
            selfies=S3SelfieStore(self._s3, settings.required("selfies_bucket"))
            if settings.selfie_retention_days
            else NoSelfieStore(),
            uploads=self.selfie_uploads,
            reader=self._reader,
            pool=self._background,
            wait_seconds=settings.duplicate_wait_seconds,
        )

    def _matcher_of(self, kind: FaceSetKind) -> "Matcher[Any]":
        if self.settings.engine == "upstream":
            return self._upstream_matcher
        if kind is not FaceSetKind.REKOGNITION:
            return self._embedded_matcher
        self.face_sets.require(kind)
        return self._rekognition_matcher

    @cached_property
    def _upstream_matcher(self) -> "UpstreamMatcher":
        from facesearch.adapters.upstream import PAGES_AT_ONCE, UpstreamMatcher

        return UpstreamMatcher(self._upstream, ThreadPoolExecutor(PAGES_AT_ONCE, thread_name_prefix="pages"))

    @cached_property
    def _embedded_matcher(self) -> "EmbeddedMatcher":
        from facesearch.faces.embedded import EmbeddedMatcher

        return EmbeddedMatcher(
            engines=self._engine_of, indexes=self._indexes, background=self._background, pool=self._cpu
        )

    @cached_property
    def _rekognition_matcher(self) -> "RekognitionMatcher":
        from facesearch.adapters.rekognition import SEARCHING, RekognitionMatcher

        client = self._client("rekognition", SEARCHING)
        return RekognitionMatcher(client, self.settings.required("collection_prefix"), self._photos, self._io)

    @cached_property
    def face_sets(self) -> "FaceSets":
        """The places where events' faces are kept, as far as this deployment has them."""
        from facesearch.adapters.face_sets import face_sets

        settings = self.settings
        return face_sets(
            photos=self._photos,
            pool=self._io,
            # Only the snapshots function may touch snapshots; indexing asks for them.
            snapshots=self._snapshots if settings.snapshots_bucket else None,
            items=self._vector_items,
            rekognition=(lambda: self._rekognition) if settings.collection_prefix else None,
            prefix=settings.collection_prefix,
        )

    @cached_property
    def _rekognition(self) -> Any:
        from facesearch.adapters.rekognition import INDEXING

        return self._client("rekognition", INDEXING)

    @cached_property
    def _upstream(self) -> "Upstream":
        from facesearch.adapters import aws
        from facesearch.adapters.upstream import Breaker, KeySecret, Upstream, new_http

        settings = self.settings
        secrets = self._client("secretsmanager", aws.SECRETS)
        key = KeySecret(secrets, settings.required("upstream_key_secret"))
        return Upstream(new_http(), settings.required("upstream_url"), key, Breaker())

    @cached_property
    def selfie_uploads(self) -> "SelfieUploads":
        from facesearch.adapters.s3.selfies import S3SelfieUploads

        return S3SelfieUploads(self._s3, self.settings.required("selfies_bucket"))

    @cached_property
    def galleries(self) -> "Galleries":
        from facesearch.photos.gallery import Galleries

        return Galleries(self._photos, self._io)

    @cached_property
    def rendition_links(self) -> "RenditionLinks":
        from facesearch.adapters.s3.links import SignedLinks
        from facesearch.photos.links import HostLinks

        if base_url := self.settings.renditions_base_url:
            return HostLinks(base_url)
        return SignedLinks(self._s3, self.settings.required("renditions_bucket"))

    @cached_property
    def originals(self) -> "Originals":
        from facesearch.adapters.s3.originals import S3Originals
        from facesearch.photos.originals import Originals

        store = S3Originals(self._s3, self.settings.required("photos_bucket"))
        return Originals(self._photos, store, self._io)

    @cached_property
    def event_directory(self) -> EventDirectory:
        from facesearch.adapters.dynamodb.directory import DynamoEventDirectory

        return DynamoEventDirectory(self._dynamodb, self.settings.table_name)

    @cached_property
    def admin(self) -> "DynamoAdmin":
        from facesearch.adapters.dynamodb.admin import DynamoAdmin

        return DynamoAdmin(self._dynamodb, self.settings.table_name)

    @cached_property
    def photo_indexer(self) -> "PhotoIndexer":
        from facesearch.adapters.s3.pictures import S3Pictures
        from facesearch.photos.indexing import PhotoIndexer
        from facesearch.photos.looking import PhotoLooker

        settings, looker = self.settings, PhotoLooker(engines=self._engine_of)
        if settings.collection_prefix:
            from facesearch.adapters.rekognition.pictures import parts_of

            looker = PhotoLooker(engines=self._engine_of, parts_of=parts_of)
        return PhotoIndexer(
            looker=looker,
            photos=self._photos,
            pictures=S3Pictures(self._s3, settings.required("photos_bucket"), settings.required("renditions_bucket")),
            reader=self._reader,
            sets=self.face_sets,
            snapshots=self._snapshot_requests,
            watches=self._watch_requests,
            pool=ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="uploads"),
        )

    @cached_property
    def snapshot_builder(self) -> "SnapshotBuilder":
        from facesearch.faces.exact_set import SnapshotBuilder

        return SnapshotBuilder(
            photos=self._photos, snapshots=self._snapshots, pool=self._io, tail_bytes=self.settings.snapshot_tail_bytes
        )

    @cached_property
    def face_retention(self) -> "FaceRetention":
        from facesearch.deletion.retention import FaceRetention

        return FaceRetention(
            photos=self._photos,
            snapshots=self._snapshots,
            events=self.admin,
            watches=self._watches,
            sets=self.face_sets,
        )

    @cached_property
    def announcer(self) -> "Announcer":
        """Where the ends of searches are announced; needs neither httpx nor a secret."""
        from facesearch.webhooks.callbacks.attempts import CallbackAnnouncer

        return CallbackAnnouncer(callbacks=self._callbacks, queue=self._callback_attempts)

    @cached_property
    def callback_delivery(self) -> "CallbackDelivery":
        from facesearch.adapters.dynamodb.shares import WorkersShares
        from facesearch.webhooks.callbacks.delivery import CallbackDelivery, DeliveryPlan

        return CallbackDelivery(
            callbacks=self._callbacks,
            addresses=self._callbacks,
            queue=self._callback_attempts,
            outbound=self._outbound,
            reader=self._reader,
            plan=DeliveryPlan(self.settings.delays),
            api_base_url=self.settings.api_base_url,
            pool=ThreadPoolExecutor(CALLBACKS_AT_ONCE, thread_name_prefix="callbacks"),
            shares=WorkersShares(self._shares("CALLBACKS", self.settings.callbacks_concurrency)),
        )

    @cached_property
    def webhook_authenticator(self) -> "WebhookAuthenticator":
        from facesearch.api.webhook_authentication import WebhookAuthenticator

        return WebhookAuthenticator(authenticator=self.authenticator, reader=self._reader)

    @cached_property
    def webhook_intake(self) -> "WebhookIntake":
        from facesearch.webhooks.intake import WebhookIntake

        return WebhookIntake(
            reader=self._reader,
            jobs=self._jobs,
            selfies=self._pending_selfies,
            commands=self._search_commands,
            announcer=self.announcer,
            outbound=self._outbound,
            shares=self._shares("FETCHES", self.settings.search_jobs_concurrency),
            watching=bool(self.settings.watch_key_arn),
        )

    @cached_property
    def search_deletion(self) -> "SearchDeletion":
        from facesearch.adapters.s3.objects import S3Objects
        from facesearch.deletion.search import SearchDeletion

        return SearchDeletion(
            results=self._results,
            idempotency=self._idempotency,
            jobs=self._jobs,
            selfies=S3Objects(self._s3, self.settings.required("selfies_bucket"), self._io),
            watches=self._watches,
            callbacks=self._callbacks,
            pool=self._io,
        )

    @cached_property
    def job_runner(self) -> "JobRunner":
        from facesearch.webhooks.job_runner import JobRunner
        from facesearch.webhooks.pending_selfies import PendingSelfies

        return JobRunner(
            reader=self._reader,
            jobs=self._jobs,
            selfies=PendingSelfies(store=self._pending_selfies, outbound=self._outbound, pool=self._io),
            search=self.face_search,
            meter=self._meter_of,
            commands=self._search_commands,
            announcer=self.announcer,
            deliveries=self.settings.search_job_deliveries,
            shares=self._shares("FETCHES", self.settings.search_jobs_concurrency),
            watcher=self.watch_runner,
            delete_search=self.search_deletion.delete_rest,
        )

    @cached_property
    def watch_runner(self) -> "WatchRunner[Any] | None":
        """None where no probe can be kept: without a key to encrypt it by, or where another API searches."""
        from facesearch.adapters.kms.probes import KmsProbes
        from facesearch.webhooks.watches.runner import WatchRunner

        key = self.settings.watch_key_arn
        if not key or self.settings.engine == "upstream":
            return None
        return WatchRunner(
            matcher=self._embedded_matcher,
            probes=KmsProbes(self._kms, key),
            watches=self._watches,
            reader=self._reader,
            results=self._results,
            announcer=self.announcer,
            commands=self._watch_commands,
            retention_days=self.settings.result_retention_days,
        )

    @cached_property
    def _watch_requests(self) -> "CollapsedWatchRequests | None":
        from facesearch.webhooks.watches.commands import CollapsedWatchRequests

        if not self.settings.search_jobs_queue_url:  # nobody can watch here
            return None
        return CollapsedWatchRequests(commands=self._watch_commands, rounds=self._watches)

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
    def _outbound(self) -> "HttpOutbound":
        from facesearch.adapters.outbound import HttpOutbound, SystemResolver

        return HttpOutbound(resolver=SystemResolver(), allow_local=self.settings.outbound_allow_local)

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

    def _meter_of(self, org_id: int, quota: QuotaState) -> Meter:
        limits = QuotaLimits(self.settings.search_quota_per_minute, self.settings.search_quota_burst)
        return Meter(self._bucket, org_id, limits, quota)

    @cached_property
    def _indexes(self) -> "IndexOf":
        from facesearch.faces.distributed import ChosenIndexes
        from facesearch.faces.index.event import IndexCache

        items, photos = self._vector_items, self._photos
        exact = IndexCache(photos, self._snapshots, self.settings.index_cache_megabytes, self._io).current
        if items is None:
            return exact
        return ChosenIndexes(exact=exact, items=items, photos=photos, event_now=self.event, network=self._io).current

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

    def _engine_of(self, model: str) -> "FaceEngine":
        """See `engine.EngineOf`; the networks are loaded for the first model that is asked for."""
        return self._engine.named(model)

    @cached_property
    def _engine(self) -> "OpenCvEngine":
        from facesearch.adapters.opencv.face_engine import OpenCvEngine

        return OpenCvEngine(self.settings.models_dir, threads=self.settings.vcpus)

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


container = Container()
"""This process's parts; nothing is built yet."""
