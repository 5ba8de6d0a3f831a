"""Rekognition's part in memory, behind a real boto3 client: what it is asked is checked against the service's model,
what it responds goes through the client's own parsing and retries. It sees in a picture what whoever makes it says."""

import base64
import hashlib
import io
import json
import uuid
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from PIL import Image, UnidentifiedImageError

from facesearch.adapters.aws import with_our_errors
from facesearch.faces.sets import Region

MAX_BYTES = 5_242_880
MIN_SIDE = 80
MOST_FACES = 100
PAGE = 4_096
VERSION = "7.0"

T = TypeVar("T")


@dataclass(frozen=True)
class SeenFace:
    """A face in a picture. `look`: what it looks like. `blurred`: below the bar of the quality filter."""

    box: Region
    look: Hashable
    blurred: bool = False


@dataclass(frozen=True)
class KeptFace:
    """A face of a collection; `picture` is the hash of the bytes that it was found in."""

    face_id: str
    picture: str
    external_id: str
    face: SeenFace

    def told(self) -> dict[str, Any]:
        """As responses show it."""
        return {
            "FaceId": self.face_id,
            "ImageId": str(uuid.uuid5(uuid.NAMESPACE_OID, self.picture)),
            "ExternalImageId": self.external_id,
            "BoundingBox": _box(self.face.box),
            "Confidence": 99.9,
        }


@dataclass(eq=False)
class Refusal(Exception):
    """An error as the service responds with it."""

    code: str
    status: int = 400


@dataclass
class MemoryRekognition:
    """Collections in a dictionary.

    Attributes:
        see: the faces in the file of a picture.
        likeness: how similar two looks are, 0 to 100.
        refusals: what the next calls of an operation are refused for, the first first.
        calls: every call that arrived, retries too.
    """

    see: Callable[[bytes], list[SeenFace]]
    likeness: Callable[[Any, Any], float]
    collections: dict[str, dict[str, KeptFace]] = field(default_factory=dict)
    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def client(self, config: Config | None = None) -> Any:
        """A boto3 client whose requests end here. It takes region and credentials as any other does."""
        client = boto3.client("rekognition", config=config)
        client.meta.events.register("before-send.rekognition", self._respond)
        with_our_errors(client.meta.events)
        return client

    def _respond(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.calls.append(operation)
        try:
            if self.refusals.get(operation):
                raise self.refusals[operation].pop(0)
            status, body = 200, getattr(self, xform_name(operation))(json.loads(request.body))
        except Refusal as refusal:
            status, body = refusal.status, {"__type": refusal.code, "Message": refusal.code}
        headers: Any = {"Content-Type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, status, headers, Raw(json.dumps(body).encode()))

    def create_collection(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["CollectionId"] in self.collections:
            raise Refusal("ResourceAlreadyExistsException")
        self.collections[asked["CollectionId"]] = {}
        return {"StatusCode": 200, "CollectionArn": f"aws:rekognition:{asked['CollectionId']}"}

    def delete_collection(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._collection(asked)
        del self.collections[asked["CollectionId"]]
        return {"StatusCode": 200}

    def describe_collection(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"FaceCount": len(self._collection(asked)), "FaceModelVersion": VERSION}

    def index_faces(self, asked: dict[str, Any]) -> dict[str, Any]:
        """IndexFaces: the 100 largest faces, of the others not a word. The same picture under the same id is known."""
        collection, data = self._collection(asked), _picture(asked["Image"])
        picture = hashlib.sha256(data).hexdigest()
        known = {
            kept.face: kept
            for kept in collection.values()
            if (kept.picture, kept.external_id) == (picture, asked["ExternalImageId"])
        }
        records, unindexed = [], []
        for face in self._largest(data)[: min(asked["MaxFaces"], MOST_FACES)]:
            if face.blurred and asked.get("QualityFilter", "AUTO") != "NONE":
                unindexed.append({"Reasons": ["LOW_SHARPNESS"], "FaceDetail": {"BoundingBox": _box(face.box)}})
                continue
            kept = known.get(face) or KeptFace(str(uuid.uuid4()), picture, asked["ExternalImageId"], face)
            collection[kept.face_id] = kept
            records.append({"Face": kept.told(), "FaceDetail": {"BoundingBox": _box(face.box)}})
        return {"FaceRecords": records, "UnindexedFaces": unindexed, "FaceModelVersion": VERSION}

    def search_faces_by_image(self, asked: dict[str, Any]) -> dict[str, Any]:
        """SearchFacesByImage: by the largest face; most similar first, and alike ones in no order to lean on."""
        collection = self._collection(asked)
        faces = self._largest(_picture(asked["Image"]))
        if not faces:
            raise Refusal("InvalidParameterException")
        scored = [(self.likeness(faces[0].look, kept.face.look), kept) for kept in reversed(collection.values())]
        matches = _alike(scored, asked.get("FaceMatchThreshold", 80))
        return {
            "SearchedFaceBoundingBox": _box(faces[0].box),
            "SearchedFaceConfidence": 99.9,
            "FaceMatches": [
                {"Similarity": similarity, "Face": kept.told()}
                for similarity, kept in matches[: asked.get("MaxFaces", 80)]
            ],
            "FaceModelVersion": VERSION,
        }

    def detect_faces(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"FaceDetails": [{"BoundingBox": _box(face.box)} for face in self._largest(_picture(asked["Image"]))]}

    def compare_faces(self, asked: dict[str, Any]) -> dict[str, Any]:
        """CompareFaces: the source's largest face with each of the target's. Where there is none, both are refused."""
        source = self._largest(_picture(asked["SourceImage"]))
        target = self._largest(_picture(asked["TargetImage"]))
        if not source or not target:
            raise Refusal("InvalidParameterException")
        scored = [(self.likeness(source[0].look, face.look), face) for face in target]
        matches = _alike(scored, asked.get("SimilarityThreshold", 80))
        return {
            "SourceImageFace": {"BoundingBox": _box(source[0].box), "Confidence": 99.9},
            "FaceMatches": [
                {"Similarity": similarity, "Face": {"BoundingBox": _box(face.box)}} for similarity, face in matches
            ],
            "UnmatchedFaces": [{"BoundingBox": _box(each[1].box)} for each in scored if each not in matches],
        }

    def list_faces(self, asked: dict[str, Any]) -> dict[str, Any]:
        kept = list(self._collection(asked).values())
        start, most = int(asked.get("NextToken", 0)), asked.get("MaxResults", 1000)
        response: dict[str, Any] = {"Faces": [each.told() for each in kept[start : start + most]]}
        if start + most < len(kept):
            response["NextToken"] = str(start + most)
        return response

    def delete_faces(self, asked: dict[str, Any]) -> dict[str, Any]:
        collection = self._collection(asked)
        gone = [face_id for face_id in asked["FaceIds"] if collection.pop(face_id, None) is not None]
        missing = [{"FaceId": each, "Reasons": ["FACE_NOT_FOUND"]} for each in asked["FaceIds"] if each not in gone]
        return {"DeletedFaces": gone, "UnsuccessfulFaceDeletions": missing}

    def _collection(self, asked: dict[str, Any]) -> dict[str, KeptFace]:
        if asked["CollectionId"] not in self.collections:
            raise Refusal("ResourceNotFoundException")
        return self.collections[asked["CollectionId"]]

    def _largest(self, data: bytes) -> list[SeenFace]:
        return sorted(self.see(data), key=lambda face: -face.box.width * face.box.height)


class Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _alike(scored: list[tuple[float, T]], least: float) -> list[tuple[float, T]]:
    return sorted((each for each in scored if each[0] >= least), key=lambda each: -each[0])


def _picture(given: dict[str, Any]) -> bytes:
    data = base64.b64decode(given["Bytes"])
    if len(data) > MAX_BYTES:
        raise Refusal("ImageTooLargeException")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            size = image.size
    except UnidentifiedImageError:
        raise Refusal("InvalidImageFormatException") from None
    if min(size) < MIN_SIDE:
        raise Refusal("InvalidParameterException")
    return data


def _box(box: Region) -> dict[str, float]:
    return {"Left": box.left, "Top": box.top, "Width": box.width, "Height": box.height}
