"""The container of the command line: the functions' parts, and on them the use cases that only operators have."""

from collections.abc import Callable
from concurrent.futures import Executor
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from facesearch.adapters.dynamodb.photos import DynamoErasureLog, DynamoPhotoStore, corrected_clock
from facesearch.adapters.kms.probes import KmsProbes
from facesearch.adapters.s3.objects import S3Objects
from facesearch.bootstrap import Container
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import EmbeddedStripper, PersonDeletion, PersonParts
from facesearch.deletion.photos import PhotoDeletion
from facesearch.deletion.probes import StoredProbes
from facesearch.deletion.selfies import Progress
from facesearch.deletion.stores import NO_CACHE, CdnCache, Stores
from facesearch.faces.index import FaceIndexes, IndexCache
from facesearch.models import Event, FaceSetKind
from facesearch.photos.rebuild import Progress as RebuildProgress
from facesearch.photos.rebuild import Rebuild
from facesearch.reading import Reader
from facesearch.webhooks.callbacks.replay import CallbackReplay

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class OperatorContainer(Container):
    """The parts of one command. A `with` closes the thread pools at its end, when all that runs in them is done."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for pool in ("_background", "_cpu", "_io"):  # the first may wait for the others
            if (made := self.__dict__.pop(pool, None)) is not None:
                made.shutdown()

    @cached_property
    def clock(self) -> Callable[[], int]:
        """Microseconds since the epoch by DynamoDB's clock: this machine's may be wrong."""
        return corrected_clock(self._table)

    @property
    def reader(self) -> Reader:
        """Reads keys and events as the functions do."""
        return self._reader

    @property
    def photos(self) -> DynamoPhotoStore:
        """The photos' records."""
        return self._photos

    @property
    def s3(self) -> "S3Client":
        """The client of the photos' bucket."""
        return self._s3

    @cached_property
    def callback_replay(self) -> CallbackReplay:
        self.settings.required("callbacks_dead_letters_url")
        return CallbackReplay(
            callbacks=self._callbacks,
            lists=self._callbacks,
            addresses=self._callbacks,
            queue=self._callback_attempts,
            dead_letters=self._callback_attempts,
        )

    @cached_property
    def deletion_stores(self) -> Stores:
        return Stores(
            photos=self._photos,
            log=DynamoErasureLog(self._table),
            results=self._results,
            jobs=self._jobs,
            claims=self._idempotency,
            selfies=self._objects("selfies_bucket"),
            renditions=self._objects("renditions_bucket"),
            originals=self._objects("photos_bucket"),
            snapshots=self._snapshots,
            builder=self.snapshot_builder,
            events=self.admin,
            watches=self._watches,
            probes=KmsProbes(self._kms, key=""),  # only opened; KMS knows by which key
            callbacks=self._callbacks,
            pool=self._io,
            sets=self.face_sets,
            edge=self._cdn_cache,
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
                return PersonParts(self._embedded_matcher, EmbeddedStripper(stores), StoredProbes(stores))
            from facesearch.adapters.rekognition import INDEXING, PersonFaces, RekognitionFaces, RekognitionMatcher

            prefix = self.settings.required("collection_prefix")

            def collection(event: Event) -> RekognitionFaces:
                return RekognitionFaces(self._rekognition, prefix, event.event_id)

            matcher = RekognitionMatcher(self._client("rekognition", INDEXING), prefix, self._photos, self._io)
            return PersonParts(matcher, PersonFaces(collection, self._photos))

        return PersonDeletion(
            stores=stores, parts=lambda kind: parts(kind is not FaceSetKind.REKOGNITION), progress=progress
        )

    def rebuild(self, progress: RebuildProgress) -> Rebuild:
        """`progress` is told of the photos that have been looked at."""
        from facesearch.adapters.sqs.indexing_commands import SqsIndexingCommands

        return Rebuild(
            events=self.admin,
            photos=self._photos,
            originals=self._objects("photos_bucket"),
            sets=self.face_sets,
            commands=SqsIndexingCommands(self._sqs, self.settings.required("uploads_queue_url")),
            pool=self._io,
            progress=progress,
        )

    @property
    def pool(self) -> Executor:
        """For leaf calls side by side."""
        return self._io

    @cached_property
    def _photos(self) -> DynamoPhotoStore:
        def clock() -> int:
            return self.clock()  # asked for when something is written

        return DynamoPhotoStore(self._table, clock)

    @cached_property
    def _indexes(self) -> FaceIndexes:
        """Of what the records hold, whichever index searches use; one event at a time is kept, however large."""
        return IndexCache(self._photos, self._snapshots, megabytes=1, pool=self._io)

    def _objects(self, bucket: str) -> S3Objects:
        return S3Objects(self._s3, self.settings.required(bucket), self._io)

    @cached_property
    def _cdn_cache(self) -> CdnCache:
        distribution = self.settings.distribution_id
        if not distribution:
            return NO_CACHE
        from facesearch.adapters import aws
        from facesearch.adapters.cloudfront.cdn_cache import CloudFrontCache

        return CloudFrontCache(self._client("cloudfront", aws.SQS), distribution)
