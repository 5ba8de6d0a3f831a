"""Deletion: of photos, of a person, of an event, of an event's faces on their last day. Each gives a receipt that has
counted again, and each can be repeated after a crash at any point."""

from facesearch.adapters.cloudfront.cdn_cache import CloudFrontCache
from facesearch.deletion.event import EventDeletion
from facesearch.deletion.person import EmbeddedStripper, FaceStripper, PersonDeletion
from facesearch.deletion.photos import Files, PhotoDeletion
from facesearch.deletion.probes import StoredProbes
from facesearch.deletion.receipts import Counts, Looked, Receipt
from facesearch.deletion.retention import FaceRetention
from facesearch.deletion.selfies import Progress
from facesearch.deletion.stores import NO_CACHE, CdnCache, Events, Stores
from facesearch.deletion.vector_items import OutsideItems, PhotosWithItems

__all__ = [
    "NO_CACHE",
    "CloudFrontCache",
    "Counts",
    "CdnCache",
    "EmbeddedStripper",
    "EventDeletion",
    "Events",
    "FaceRetention",
    "FaceStripper",
    "Files",
    "StoredProbes",
    "Looked",
    "OutsideItems",
    "PersonDeletion",
    "PhotoDeletion",
    "PhotosWithItems",
    "Progress",
    "Receipt",
    "Stores",
]
