"""Deletions from the operator's machine: a stack's stores put together, and the engine where a selfie is searched."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from facesearch.adapters.rekognition import INDEXING, PersonFaces, RekognitionMatcher
from facesearch.adapters.s3.objects import S3Objects
from facesearch.adapters.s3.snapshots import S3SnapshotStore
from facesearch.deletion.person import EmbeddedStripper, PersonDeletion
from facesearch.deletion.probes import StoredProbes
from facesearch.deletion.selfies import Progress
from facesearch.deletion.stores import NO_CACHE, CdnCache, Stores
from facesearch.deletion.vector_items import OutsideItems, PhotosWithItems
from facesearch.faces.compaction import SnapshotBuilder
from facesearch.faces.embedded import EmbeddedMatcher
from facesearch.faces.index import IndexCache
from facesearch.faces.outside import NOTHING_OUTSIDE, OutsideEraser
from facesearch.records import PhotoEraser
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
        photos: PhotoEraser = DynamoPhotoStore(stack.dynamodb, stack.table_name, stack.clock)
        outside: OutsideEraser = stack.collections or NOTHING_OUTSIDE
        if stack.face_items is not None and stack.collections is None:
            photos = PhotosWithItems(photos, stack.face_items, stack.admin.event)
            outside = OutsideItems(stack.face_items, stack.admin.event, pool)
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
            builder=SnapshotBuilder(photos, snapshots, reading),
            events=Admin(stack.dynamodb, stack.table_name),
            watches=DynamoWatchStore(stack.dynamodb, stack.table_name),
            probes=KmsProbes(stack.kms, key=""),  # only opened; KMS knows by which key
            callbacks=DynamoCallbackStore(stack.dynamodb, stack.table_name),
            pool=pool,
            edge=_edge(stack),
            outside=outside,
        )


@contextmanager
def person_eraser(stack: Stack, stores: Stores, progress: Progress) -> Iterator[PersonDeletion[Any]]:
    """The use case that looks for a selfie, by the stack's own engine; `progress` is told of the stored ones.

    Raises:
        CommandError: there are no models on this machine, or the engine is one that keeps nothing here.
    """
    if stack.collections is not None:
        client = stack.rekognition(INDEXING)
        collections = RekognitionMatcher(client, stack.name_of("CollectionPrefix"), stores.photos, stores.pool)
        yield PersonDeletion(stores, collections, PersonFaces(stack.collections), progress=progress)
        return
    stack.require_embedded("This command")
    folder = Path(os.environ.get(MODELS_VARIABLE) or MODELS)
    if not folder.is_dir():
        raise CommandError(f"There are no face models in {folder}: make assets, or set {MODELS_VARIABLE}.")
    from facesearch.adapters.opencv.face_engine import OpenCvEngine

    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as cpu, ThreadPoolExecutor(THREADS) as reading, ThreadPoolExecutor(1) as background:
        indexes = IndexCache(stores.photos, stores.snapshots, INDEX_MEGABYTES, reading)
        matcher = EmbeddedMatcher(OpenCvEngine(folder, threads=cores).named, indexes, background, cpu)
        yield PersonDeletion(stores, matcher, EmbeddedStripper(stores), StoredProbes(stores), progress)


def _edge(stack: Stack) -> CdnCache:
    if not stack.outputs.DistributionId:
        return NO_CACHE
    return CloudFrontCache(boto3.client("cloudfront", **stack.client_arguments), stack.outputs.DistributionId)
