"""The face index: an event's faces in memory, loaded from a snapshot and kept up with by reading only what is new."""

from facesearch.faces.index.cache import IndexCache, open_index
from facesearch.faces.index.event import EventIndex
from facesearch.faces.index.port import FaceIndex, IndexMovedError, IndexOf
from facesearch.faces.index.snapshot import Snapshot, SnapshotError, SnapshotInfo, SnapshotStore
from facesearch.faces.index.vectors import DIMENSIONS, Probe, probe_of

__all__ = [
    "DIMENSIONS",
    "EventIndex",
    "FaceIndex",
    "IndexCache",
    "IndexMovedError",
    "IndexOf",
    "Probe",
    "Snapshot",
    "SnapshotError",
    "SnapshotInfo",
    "SnapshotStore",
    "open_index",
    "probe_of",
]
