"""Face sets that Amazon Rekognition keeps: it finds and compares the faces, one collection an event."""

from facesearch.adapters.rekognition.collections import INDEXING, SEARCHING, RekognitionFaces
from facesearch.adapters.rekognition.matcher import PersonFaces, RekognitionMatcher, RekognitionProbe

__all__ = [
    "INDEXING",
    "SEARCHING",
    "PersonFaces",
    "RekognitionFaces",
    "RekognitionMatcher",
    "RekognitionProbe",
]
