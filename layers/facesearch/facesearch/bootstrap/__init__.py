"""The composition root: every real part is wired here and in `operators`, and built when it is first needed.

Importing this reads no environment and connects to nothing. Numpy and OpenCV are imported by the parts that need them,
so that a function which only reads results never loads them; botocore is imported with the first client.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from facesearch import starting
from facesearch.bootstrap.stores import Later, StoreContainer, part
from facesearch.models import Event, FaceSetKind, QuotaLimits, QuotaState

if TYPE_CHECKING:
    from facesearch import reading, records, tokens
    from facesearch.adapters import face_sets
    from facesearch.adapters.dynamodb import shares
    from facesearch.adapters.kms import probes
    from facesearch.adapters.opencv import face_engine
    from facesearch.adapters.rekognition import collections
    from facesearch.adapters.rekognition import matcher as rekognition
    from facesearch.adapters.s3 import links as s3_links
    from facesearch.adapters.s3 import pictures
    from facesearch.adapters.s3 import selfies as s3_selfies
    from facesearch.adapters.upstream import matcher as upstream
    from facesearch.api import authentication
    from facesearch.deletion import retention
    from facesearch.deletion import search as deletion
    from facesearch.faces import distributed, embedded, engine, exact_set, matching, sets
    from facesearch.faces.index import event as exact_index
    from facesearch.faces.index import port
    from facesearch.photos import gallery, indexing, links, looking, watermark
    from facesearch.search import bib_help, selfies
    from facesearch.search import face_search as searching
    from facesearch.search import quota as quotas
    from facesearch.webhooks import intake, job_runner, pending_selfies
    from facesearch.webhooks import outbound as sharing
    from facesearch.webhooks.callbacks import callback, delivery
    from facesearch.webhooks.watches import runner, watch
else:
    face_sets = Later("facesearch.adapters.face_sets")
    shares = Later("facesearch.adapters.dynamodb.shares")
    probes = Later("facesearch.adapters.kms.probes")
    collections = Later("facesearch.adapters.rekognition.collections")
    rekognition = Later("facesearch.adapters.rekognition.matcher")
    s3_links = Later("facesearch.adapters.s3.links")
    pictures = Later("facesearch.adapters.s3.pictures")
    s3_selfies = Later("facesearch.adapters.s3.selfies")
    upstream = Later("facesearch.adapters.upstream.matcher")
    authentication = Later("facesearch.api.authentication")
    retention = Later("facesearch.deletion.retention")
    deletion = Later("facesearch.deletion.search")
    distributed = Later("facesearch.faces.distributed")
    embedded = Later("facesearch.faces.embedded")
    engine = Later("facesearch.faces.engine")
    exact_set = Later("facesearch.faces.exact_set")
    matching = Later("facesearch.faces.matching")
    sets = Later("facesearch.faces.sets")
    exact_index = Later("facesearch.faces.index.event")
    port = Later("facesearch.faces.index.port")
    gallery = Later("facesearch.photos.gallery")
    indexing = Later("facesearch.photos.indexing")
    links = Later("facesearch.photos.links")
    looking = Later("facesearch.photos.looking")
    reading = Later("facesearch.reading")
    records = Later("facesearch.records")
    tokens = Later("facesearch.tokens")
    bib_help = Later("facesearch.search.bib_help")
    quotas = Later("facesearch.search.quota")
    watermark = Later("facesearch.photos.watermark")
    searching = Later("facesearch.search.face_search")
    selfies = Later("facesearch.search.selfies")
    intake = Later("facesearch.webhooks.intake")
    job_runner = Later("facesearch.webhooks.job_runner")
    pending_selfies = Later("facesearch.webhooks.pending_selfies")
    sharing = Later("facesearch.webhooks.outbound")
    callback = Later("facesearch.webhooks.callbacks.callback")
    delivery = Later("facesearch.webhooks.callbacks.delivery")
    runner = Later("facesearch.webhooks.watches.runner")
    watch = Later("facesearch.webhooks.watches.watch")

CALLBACKS_AT_ONCE = 10
"""A batch, whose every callback may wait 15 s for its receiver."""
UPLOADS_AT_ONCE = 4
"""One photo has the CPU while others are fetched and written; each may hold a file of 50 MB."""


class Container(StoreContainer):
    """The parts of one process. A part that lacks a setting says which when it is asked for."""

    def event(self, event_id: int) -> Event | None:
        """The event's configuration, read strongly consistent."""
        return self.reader.read(reading.Wanted(event_id=event_id)).event

    def newest_photo(self, event: Event) -> datetime | None:
        """When its newest photo was indexed; None if nobody knows."""
        return records.newest_photo(self.photos, event.event_id, event.shards, self.pool)

    authenticator = part(lambda self: authentication.Authenticator(reader=self.reader))

    @cached_property
    def face_search(self) -> searching.FaceSearch[Any]:
        settings = self.settings
        return searching.FaceSearch(
            matcher_of=self._matcher_of,
            idempotency=self._idempotency,
            results=self._results,
            selfies=s3_selfies.S3SelfieStore(self.s3, settings.required("selfies_bucket"))
            if settings.selfie_retention_days
            else selfies.NoSelfieStore(),
            uploads=self.selfie_uploads,
            reader=self.reader,
            pool=self.pool,
            wait_seconds=settings.duplicate_wait_seconds,
            bibs=bib_help.BibHelp(photos=self.photos, reader=self.reader, pool=self.pool)
            if settings.engine == "embedded"
            else None,
        )

    @cached_property
    def networks(self) -> Future[face_engine.OpenCvEngine | None]:
        """The engine, which a thread loads from when this is first asked for; None where there is none.

        The imports that the networks need are the caller's, all but onnxruntime's: threads share one Python, and OpenCV
        loads the larger network without it. Of numpy only the texts of its help are left out.
        """
        if self.settings.engine != "embedded":
            return self._background.submit(lambda: None)
        with starting.without({"numpy._core._add_newdocs": {}, "numpy._core._add_newdocs_scalars": {}}):
            import_module("facesearch.adapters.opencv.face_engine")
        return self._background.submit(lambda: self._engine)

    def prime(self, thorough: bool) -> None:
        """Build what a search needs before the first one comes: clients here, the networks beside them. `thorough`: run
        these once as well, at the price of a few searches."""
        networks = self.networks
        _ = self.authenticator, self.face_search, self.rendition_links, self._matcher_of(FaceSetKind.EXACT)
        loaded = networks.result()
        if thorough and loaded is not None:
            loaded.warm_up()
            for name in ("facesearch.photos.decoding.heif", "pi_heif", "encodings.idna"):  # a HEIC's, a connection's
                import_module(name)

    @cached_property
    def _matcher_of(self) -> Callable[[FaceSetKind], matching.Matcher[Any]]:
        if self.settings.engine == "upstream":
            pages = ThreadPoolExecutor(upstream.PAGES_AT_ONCE, thread_name_prefix="pages")
            matcher = upstream.UpstreamMatcher(self._upstream, pages)
            return lambda kind: matcher

        def matcher_of(kind: FaceSetKind) -> matching.Matcher[Any]:
            if kind is not FaceSetKind.REKOGNITION:
                return self._embedded_matcher
            self.face_sets.require(kind)
            return self._rekognition_matcher

        return matcher_of

    @cached_property
    def _embedded_matcher(self) -> embedded.EmbeddedMatcher:
        return embedded.EmbeddedMatcher(
            engines=self._engine_of, indexes=self._indexes, background=self._background, pool=self._cpu
        )

    @cached_property
    def _rekognition_matcher(self) -> rekognition.RekognitionMatcher:
        prefix, client = self.settings.required("collection_prefix"), self._client("rekognition", collections.SEARCHING)
        return rekognition.RekognitionMatcher(client, prefix, self.photos, self.pool)

    @cached_property
    def face_sets(self) -> sets.FaceSets:
        """The places where events' faces are kept, as far as this deployment has them."""
        settings = self.settings
        return face_sets.face_sets(
            photos=self.photos,
            pool=self.pool,
            # Only the snapshots function may touch snapshots; indexing asks for them.
            snapshots=self._snapshots if settings.snapshots_bucket else None,
            items=self._vector_items,
            rekognition=(lambda: self._rekognition) if settings.collection_prefix else None,
            prefix=settings.collection_prefix,
        )

    galleries = part(lambda self: gallery.Galleries(photos=self.photos, pool=self.pool))
    originals = part(
        lambda self: links.Originals(
            photos=self.photos,
            store=s3_links.S3Originals(self.s3, self.settings.required("photos_bucket")),
            pool=self.pool,
        )
    )

    @cached_property
    def rendition_links(self) -> links.RenditionLinks:
        if base_url := self.settings.renditions_base_url:
            return links.HostLinks(base_url)
        return s3_links.SignedLinks(self.s3, self.settings.required("renditions_bucket"))

    @cached_property
    def photo_indexer(self) -> indexing.PhotoIndexer:
        settings = self.settings
        looker = looking.PhotoLooker(engines=self._engine_of, bib_reader=lambda: self._bib_reader)
        if settings.collection_prefix:
            from facesearch.adapters.rekognition.pictures import parts_of

            looker = replace(looker, parts_of=parts_of)
        return indexing.PhotoIndexer(
            looker=looker,
            photos=self.photos,
            pictures=pictures.S3Pictures(
                self.s3, settings.required("photos_bucket"), settings.required("renditions_bucket")
            ),
            stamps=watermark.Stamps(self.watermark_files),
            reader=self.reader,
            sets=self.face_sets,
            snapshots=self._snapshot_requests,
            request_watches=self._request_watches,
            pool=ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="uploads"),
        )

    @cached_property
    def snapshot_builder(self) -> exact_set.SnapshotBuilder:
        return exact_set.SnapshotBuilder(
            photos=self.photos, snapshots=self._snapshots, pool=self.pool, tail_bytes=self.settings.snapshot_tail_bytes
        )

    @cached_property
    def face_retention(self) -> retention.FaceRetention:
        return retention.FaceRetention(
            photos=self.photos,
            snapshots=self._snapshots,
            events=self.admin,
            watches=self._watches,
            sets=self.face_sets,
        )

    announcer = part(lambda self: callback.CallbackAnnouncer(callbacks=self._callbacks, queue=self._callback_attempts))
    """Where the ends of searches are announced; needs neither httpx nor a secret."""

    @cached_property
    def callback_delivery(self) -> delivery.CallbackDelivery:
        return delivery.CallbackDelivery(
            callbacks=self._callbacks,
            queue=self._callback_attempts,
            outbound=self._outbound,
            reader=self.reader,
            delays=self.settings.delays,
            api_base_url=self.settings.api_base_url,
            pool=ThreadPoolExecutor(CALLBACKS_AT_ONCE, thread_name_prefix="callbacks"),
            shares=shares.WorkersShares(self._shares("CALLBACKS", self.settings.callbacks_concurrency)),
        )

    @cached_property
    def webhook_intake(self) -> intake.WebhookIntake:
        return intake.WebhookIntake(
            reader=self.reader,
            jobs=self._jobs,
            selfies=self._pending_selfies,
            uploads=self.selfie_uploads,
            commands=self._search_commands,
            announcer=self.announcer,
            outbound=self._outbound,
            shares=self._shares("FETCHES", self.settings.search_jobs_concurrency),
            watching=bool(self.settings.watch_key_arn),
        )

    @cached_property
    def search_deletion(self) -> deletion.SearchDeletion:
        return deletion.SearchDeletion(
            results=self._results,
            idempotency=self._idempotency,
            jobs=self._jobs,
            selfies=self._objects("selfies_bucket"),
            watches=self._watches,
            callbacks=self._callbacks,
            pool=self.pool,
        )

    @cached_property
    def job_runner(self) -> job_runner.JobRunner:
        return job_runner.JobRunner(
            reader=self.reader,
            jobs=self._jobs,
            selfies=pending_selfies.PendingSelfies(
                store=self._pending_selfies, outbound=self._outbound, pool=self.pool
            ),
            search=self.face_search,
            meter=self.meter,
            commands=self._search_commands,
            announcer=self.announcer,
            deliveries=self.settings.search_job_deliveries,
            shares=self._shares("FETCHES", self.settings.search_jobs_concurrency),
            watcher=self.watch_runner,
            delete_search=self.search_deletion.delete_rest,
        )

    @cached_property
    def watch_runner(self) -> runner.WatchRunner[Any] | None:
        """None where no probe can be kept: without a key to encrypt it by, or where another API searches."""
        key = self.settings.watch_key_arn
        if not key or self.settings.engine == "upstream":
            return None
        return runner.WatchRunner(
            matcher=self._embedded_matcher,
            probes=probes.KmsProbes(self._kms, key),
            watches=self._watches,
            reader=self.reader,
            results=self._results,
            announcer=self.announcer,
            commands=self._search_commands,
        )

    @cached_property
    def _request_watches(self) -> Callable[[int, int], None] | None:
        if not self.settings.search_jobs_queue_url:  # nobody can watch here
            return None
        return watch.CollapsedWatchRequests(commands=self._search_commands, watches=self._watches).request

    def _shares(self, kind: str, concurrency: int) -> shares.DynamoShares:
        return shares.DynamoShares(self._table, kind, sharing.share_of(concurrency))

    def meter(self, org_id: int, quota: QuotaState, token: quotas.Account | None = None) -> quotas.Meter:
        """The quotas that searches take from, as they were last read: the organisation's, and its token's before it."""
        limits = QuotaLimits(self.settings.search_quota_per_minute, self.settings.search_quota_burst)
        account = quotas.Account(self._bucket, str(org_id), limits, quota)
        return quotas.Meter(account) if token is None else quotas.Meter(token, account)

    def meter_of(self, caller: authentication.AuthenticatedRequest) -> quotas.Meter:
        if caller.token is None:
            return self.meter(caller.org_id, caller.known.quota)
        owner, state = quotas.of_token(caller.digest), caller.known.token_quota
        token = quotas.Account(self._bucket, owner, caller.token.quota, state)
        return self.meter(caller.org_id, caller.known.quota, token)

    visitor_tokens = part(lambda self: tokens.VisitorTokens(tokens=self.tokens))

    @cached_property
    def _indexes(self) -> port.IndexOf:
        items, megabytes = self._vector_items, self.settings.index_cache_megabytes
        exact = exact_index.IndexCache(self.photos, self._snapshots, megabytes, self.pool).current
        if items is None:
            return exact
        return distributed.ChosenIndexes(
            exact=exact, items=items, photos=self.photos, event_now=self.event, network=self.pool
        ).current

    def _engine_of(self, model: str) -> engine.FaceEngine:
        """`engine.EngineOf`; the networks are loaded for the first model that is asked for."""
        return self._engine.named(model)


container = Container()
"""This process's parts; nothing is built yet."""
