"""Deletion: of photos, of a person, of an event, of an event's faces on their last day. Each gives a receipt that has
counted again, and each can be repeated after a crash at any point."""

from facesearch.erasure.event import EventEraser
from facesearch.erasure.items import OutsideItems, PhotosWithItems
from facesearch.erasure.parts import NO_EDGE, CloudFrontEdge, Edge, Events, Stores
from facesearch.erasure.person import EmbeddedStripper, FaceStripper, PersonEraser
from facesearch.erasure.photos import Files, PhotosEraser
from facesearch.erasure.probes import KeptProbes
from facesearch.erasure.receipts import Counts, Looked, Receipt
from facesearch.erasure.retention import FaceRetention
from facesearch.erasure.selfies import Progress

__all__ = [
    "NO_EDGE",
    "CloudFrontEdge",
    "Counts",
    "Edge",
    "EmbeddedStripper",
    "EventEraser",
    "Events",
    "FaceRetention",
    "FaceStripper",
    "Files",
    "KeptProbes",
    "Looked",
    "OutsideItems",
    "PersonEraser",
    "PhotosEraser",
    "PhotosWithItems",
    "Progress",
    "Receipt",
    "Stores",
]
