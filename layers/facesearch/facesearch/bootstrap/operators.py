"""The container of the command line: the functions' parts, and on them the use cases that only operators have."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, cached_property
from types import TracebackType
from typing import Any, Self

from facesearch.adapters.dynamodb.admin.links import DynamoLinkStore
from facesearch.adapters.dynamodb.erasure_log import DynamoErasureLog
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.kms.probes import KmsProbes
from facesearch.adapters.s3.page import S3PageFiles, store_origins
from facesearch.admin.links import EventLinks, Links
from facesearch.admin.overview import Overview
from facesearch.admin.page import PageHosts
from facesearch.api.presenters import event_page
from facesearch.bootstrap import Container
from facesearch.bootstrap.stores import part
from facesearch.deletion.embedded_person import EmbeddedPerson
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import PersonDeletion, PersonParts
from facesearch.deletion.photos import PhotoDeletion
from facesearch.deletion.selfies import Progress
from facesearch.deletion.stores import CdnCache, Stores
from facesearch.faces.index.event import IndexCache
from facesearch.faces.index.port import IndexOf
from facesearch.models import Event, FaceSetKind, SearchKey, TokenRights
from facesearch.photos.bibs import UnreadBibs
from facesearch.photos.boxes import FaceBoxes
from facesearch.photos.looking import PhotoLooker
from facesearch.photos.objects import Objects
from facesearch.photos.rebuild import Progress as RebuildProgress
from facesearch.photos.rebuild import Rebuild
from facesearch.photos.watermarking import Watermarking
from facesearch.webhooks.callbacks.replay import CallbackReplay

PAGES_AT_ONCE = 8


class OperatorContainer(Container):
    """The parts of one command. A `with` closes the thread pools at its end, when all that runs in them is done."""

    qr_of: Callable[[str], str] = staticmethod(lambda url: "")
    """The QR code of an address as an SVG element; the command line has what draws it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pool in ("_pages", "_background", "_cpu", "pool"):  # the first ones may wait for the others
            if (made := self.__dict__.pop(pool, None)) is not None:
                made.shutdown()

    @cached_property
    def callback_replay(self) -> CallbackReplay:
        self.settings.required("callbacks_dead_letters_url")
        return CallbackReplay(
            callbacks=self._callbacks,
            queue=self._callback_attempts,
        )

    @cached_property
    def page_files(self) -> S3PageFiles:
        return S3PageFiles(self.s3, self.settings.required("renditions_bucket"))

    _link_store = part(lambda self: DynamoLinkStore(self._table))

    @cached_property
    def page_hosts(self) -> PageHosts | None:
        settings = self.settings
        if not (settings.page_url and settings.api_url):
            return None
        stores = store_origins(self.s3, settings.required("photos_bucket"), settings.required("selfies_bucket"))
        return PageHosts(settings.page_url, settings.api_url, stores, settings.engine == "upstream")

    @cached_property
    def links(self) -> Links:
        return Links(
            events=self.admin,
            store=self._link_store,
            files=self.page_files,
            hosts=self.page_hosts,
            pool=self._pages,
            page_of=self._page_of,
            qr_of=self.qr_of,
            clock=lambda: self.clock(),  # noqa: PLW0108 - as `--end-tokens` tells the time
        )

    @cached_property
    def _pages(self) -> ThreadPoolExecutor:
        """Renders guests' pages, each of which waits for `pool`. What they share is made before: it is not locked."""
        _ = self.photos, self.pool, self.rendition_links
        return ThreadPoolExecutor(PAGES_AT_ONCE, thread_name_prefix="guests-pages")

    def _page_of(self, event: Event, rights: TokenRights) -> dict[str, Any]:
        newest_at = self.newest_photo(event)
        return event_page(self.rendition_links, event, rights, self.settings, newest_at).model_dump(mode="json")

    @cached_property
    def deletion_stores(self) -> Stores:
        return Stores(
            photos=self.photos,
            log=DynamoErasureLog(self._table),
            searches=self.search_deletion,
            renditions=self._objects("renditions_bucket"),
            originals=self._objects("photos_bucket"),
            snapshots=self._snapshots,
            builder=self.snapshot_builder,
            events=self.admin,
            links=EventLinks(store=self._link_store, files=self.page_files),
            probes=KmsProbes(self._kms, key=""),  # only opened; KMS knows by which key
            watermarks=self.watermark_files,
            pool=self.pool,
            sets=self.face_sets,
            cdn_cache=self._cdn_cache,
        )

    @cached_property
    def photo_deletion(self) -> PhotoDeletion:
        return PhotoDeletion(stores=self.deletion_stores)

    @cached_property
    def event_deletion(self) -> EventDeletion:
        return EventDeletion(stores=self.deletion_stores)

    def person_deletion(self, progress: Progress) -> PersonDeletion:
        """By what knows an event's faces; `progress` is told of the stored selfies that were looked at."""
        stores = self.deletion_stores

        @cache
        def parts(is_ours: bool) -> PersonParts[Any]:
            if is_ours:
                return PersonParts(self._embedded_matcher, EmbeddedPerson(stores))
            from facesearch.adapters.rekognition.collections import INDEXING
            from facesearch.adapters.rekognition.matcher import PersonFaces, RekognitionMatcher

            prefix = self.settings.required("collection_prefix")
            matcher = RekognitionMatcher(self._client("rekognition", INDEXING), prefix, self.photos, self.pool)
            return PersonParts(matcher, PersonFaces(self._rekognition, prefix, self.photos))

        return PersonDeletion(
            stores=stores, parts=lambda kind: parts(kind is not FaceSetKind.REKOGNITION), progress=progress
        )

    def rebuild(self, progress: RebuildProgress) -> Rebuild:
        """`progress` is told of the photos that have been looked at."""
        from facesearch.adapters.sqs.indexing import SqsIndexingCommands

        return Rebuild(
            events=self.admin,
            photos=self.photos,
            originals=self._objects("photos_bucket"),
            sets=self.face_sets,
            commands=SqsIndexingCommands(self._sqs, self.settings.required("uploads_queue_url")),
            pool=self.pool,
            progress=progress,
        )

    def watermarking(self, progress: RebuildProgress) -> Watermarking:
        """`progress` is told of the photos whose renditions look as they should."""
        from facesearch.adapters.sqs.indexing import SqsIndexingCommands

        return Watermarking(
            events=self.admin,
            photos=self.photos,
            originals=self._objects("photos_bucket"),
            files=self.watermark_files,
            commands=SqsIndexingCommands(self._sqs, self.settings.required("uploads_queue_url")),
            uncache=lambda paths: self._cdn_cache.delete(paths, wait=True),
            pool=self.pool,
            progress=progress,
        )

    @cached_property
    def unread_bibs(self) -> UnreadBibs:
        from facesearch.adapters.sqs.indexing import SqsIndexingCommands

        commands = SqsIndexingCommands(self._sqs, self.settings.required("uploads_queue_url"))
        return UnreadBibs(photos=self.photos, commands=commands)

    @cached_property
    def overview(self) -> Overview:
        def watched_until(search: SearchKey) -> int | None:
            watch = self._watches.get(search)
            return watch.expires_at if watch is not None else None

        return Overview(photos=self.photos, results=self._results, watched_until=watched_until, pool=self.pool)

    @cached_property
    def face_boxes(self) -> FaceBoxes:
        return FaceBoxes(looker=PhotoLooker(engines=self._engine_of), originals=self._objects("photos_bucket"))

    @cached_property
    def renditions(self) -> Objects:
        return self._objects("renditions_bucket")

    # The clock is asked for when something is written.
    photos = part(lambda self: DynamoPhotoStore(self._table, lambda: self.clock()))  # noqa: PLW0108

    @cached_property
    def _indexes(self) -> IndexOf:
        """Of what the records hold, whichever index searches use; one event at a time is kept, however large.

        It always asks for news: a deletion reads its event, writes, and looks again.
        """
        cache = IndexCache(self.photos, self._snapshots, megabytes=1, pool=self.pool)
        return lambda event: cache.current(replace(event, changing_until=None))

    @cached_property
    def _cdn_cache(self) -> CdnCache:
        distribution = self.settings.distribution_id
        if not distribution:
            return CdnCache()
        from facesearch.adapters import aws
        from facesearch.adapters.cloudfront.cdn_cache import CloudFrontCache

        return CloudFrontCache(self._client("cloudfront", aws.SQS), distribution)
