"""The engine `rekognition`: Amazon Rekognition finds, keeps and compares the faces, one collection an event."""

from facesearch.adapters.rekognition.collections import COLLECTION_MODEL, INDEXING, SEARCHING, Collections
from facesearch.adapters.rekognition.matcher import PersonFaces, RekognitionMatcher, RekognitionProbe

__all__ = [
    "COLLECTION_MODEL",
    "INDEXING",
    "SEARCHING",
    "Collections",
    "PersonFaces",
    "RekognitionMatcher",
    "RekognitionProbe",
]
