"""Deletions from the operator's machine: a stack's stores put together, and the engine where a selfie is searched."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from facesearch.adapters.cloudfront.cdn_cache import CloudFrontCache
from facesearch.adapters.dynamodb.admin import Admin
from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore
from facesearch.adapters.dynamodb.erasing import DynamoErasureLog
from facesearch.adapters.dynamodb.idempotency import DynamoIdempotency
from facesearch.adapters.dynamodb.jobs import DynamoJobStore
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.results import DynamoResultStore
from facesearch.adapters.dynamodb.watches import DynamoWatchStore
from facesearch.adapters.kms.probes import KmsProbes
from facesearch.adapters.rekognition import INDEXING, PersonFaces, RekognitionFaces, RekognitionMatcher
from facesearch.adapters.s3.objects import S3Objects
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.deletion.person import EmbeddedStripper, PersonDeletion, PersonParts
from facesearch.deletion.probes import StoredProbes
from facesearch.deletion.search import SearchDeletion
from facesearch.deletion.selfies import Progress
from facesearch.deletion.stores import NO_CACHE, CdnCache, Stores
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.engine import EngineOf
from facesearch.faces.index import IndexCache
from facesearch.models import Event, FaceSetKind
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import ENDING, held_interrupts

THREADS = 8
INDEX_MEGABYTES = 1
"""One event at a time is kept, however large."""
MODELS_VARIABLE = "MODELS_DIR"
MODELS = Path(__file__).resolve().parents[1] / ".cache" / "assets" / "models"


@contextmanager
def stores_of(stack: Stack) -> Iterator[Stores]:
    """Everything that holds something of a photo or a person. Ctrl-C ends the block when it is done.

    Raises:
        CommandError: the stack was deployed before it told all its parts.
    """
    with (
        held_interrupts(ENDING),
        ThreadPoolExecutor(THREADS) as pool,
        ThreadPoolExecutor(THREADS) as reading,
    ):
        photos = DynamoPhotoStore(stack.dynamodb, stack.table_name, stack.clock)
        snapshots = S3SnapshotStore(stack.s3, stack.name_of("SnapshotsBucket"), stack.dynamodb, stack.table_name)
        yield Stores(
            photos=photos,
            log=DynamoErasureLog(stack.dynamodb, stack.table_name),
            results=DynamoResultStore(stack.dynamodb, stack.table_name, retention_days=1),  # only read and deleted
            jobs=DynamoJobStore(stack.dynamodb, stack.table_name, retention_days=1),
            claims=DynamoIdempotency(stack.dynamodb, stack.name_of("IdempotencyTableName"), retention_days=1),
            selfies=S3Objects(stack.s3, stack.name_of("SelfiesBucket"), pool),
            renditions=S3Objects(stack.s3, stack.name_of("RenditionsBucket"), pool),
            originals=S3Objects(stack.s3, stack.photos_bucket, pool),
            snapshots=snapshots,
            builder=SnapshotBuilder(photos=photos, snapshots=snapshots, pool=reading),
            events=Admin(stack.dynamodb, stack.table_name),
            watches=DynamoWatchStore(stack.dynamodb, stack.table_name),
            probes=KmsProbes(stack.kms, key=""),  # only opened; KMS knows by which key
            callbacks=DynamoCallbackStore(stack.dynamodb, stack.table_name),
            pool=pool,
            sets=stack.face_sets(reading),
            edge=_edge(stack),
        )


def search_eraser(stores: Stores) -> SearchDeletion:
    """The use case that deletes one search."""
    return SearchDeletion(stores.results, stores.jobs, stores.claims, stores.selfies, stores.watches)


@contextmanager
def person_eraser(stack: Stack, stores: Stores, progress: Progress) -> Iterator[PersonDeletion]:
    """The use case that looks for a selfie, by what knows an event's faces; `progress` is told of the stored ones.

    Raises:
        CommandError: there are no models on this machine where they are needed, or nothing is kept here.
    """
    stack.require_embedded("This command")
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as cpu, ThreadPoolExecutor(THREADS) as reading, ThreadPoolExecutor(1) as background:

        def embedded() -> PersonParts[Any]:
            indexes = IndexCache(stores.photos, stores.snapshots, INDEX_MEGABYTES, reading)
            matcher = EmbeddedMatcher(_engines(cores), indexes, background, cpu)
            return PersonParts(matcher, EmbeddedStripper(stores), StoredProbes(stores))

        def rekognition() -> PersonParts[Any]:
            client, prefix = stack.rekognition(INDEXING), stack.name_of("CollectionPrefix")

            def collection(event: Event) -> RekognitionFaces:
                return RekognitionFaces(client, prefix, event.event_id)

            matcher = RekognitionMatcher(client, prefix, stores.photos, stores.pool)
            return PersonParts(matcher, PersonFaces(collection, stores.photos))

        @cache
        def parts(is_ours: bool) -> PersonParts[Any]:
            return embedded() if is_ours else rekognition()

        yield PersonDeletion(
            stores=stores, parts=lambda kind: parts(kind is not FaceSetKind.REKOGNITION), progress=progress
        )


def _engines(cores: int) -> EngineOf:
    folder = Path(os.environ.get(MODELS_VARIABLE) or MODELS)
    if not folder.is_dir():
        raise CommandError(f"There are no face models in {folder}: make assets, or set {MODELS_VARIABLE}.")
    from facesearch.adapters.opencv.face_engine import OpenCvEngine

    return OpenCvEngine(folder, threads=cores).named


def _edge(stack: Stack) -> CdnCache:
    if not stack.outputs.DistributionId:
        return NO_CACHE
    return CloudFrontCache(boto3.client("cloudfront", **stack.client_arguments), stack.outputs.DistributionId)
