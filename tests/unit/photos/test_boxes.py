"""Where a photo's faces are: found again in its original, wherever that lies by now."""

import uuid
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from typing_extensions import override

from facesearch.adapters.memory.stores import MemoryObjects
from facesearch.errors import NotFound
from facesearch.faces.engine import Face, FaceEngine, RgbImage, SelfieProbe
from facesearch.photos.boxes import FaceBox, FaceBoxes
from facesearch.photos.looking import PhotoLooker
from facesearch.records import Original, Photo
from tests.support.pictures import corners, encoded


class OneFace(FaceEngine):
    """Finds a face in the middle half of whatever it sees."""

    model = "m"

    @override
    def faces(self, image: RgbImage) -> list[Face]:
        height, width = image.shape[:2]
        box = (width / 4, height / 4, width / 2, height / 2)
        return [Face(box, np.zeros((5, 2), np.float32), 0.93, np.zeros(128, np.float32))]

    @override
    def probe(self, selfie: bytes, accepted: Callable[[], None] = lambda: None) -> SelfieProbe:
        raise NotImplementedError


def test_boxes_are_fractions_of_the_picture_from_the_first_place_that_has_it() -> None:
    objects = MemoryObjects()
    use_case = FaceBoxes(looker=PhotoLooker(engines=lambda _: OneFace()), originals=objects)
    photo = Photo(uuid.UUID(int=1), "indexed", "gone.jpg", copies=(Original("here.jpg"),))
    with pytest.raises(NotFound):
        use_case.find(photo, "m")
    objects.files["here.jpg"] = encoded(corners(), "JPEG")
    assert use_case.find(photo, "m") == [FaceBox(0.25, 0.25, 0.5, 0.5, 0.93)]
    with pytest.raises(NotFound):
        use_case.find(replace(photo, copies=(Original("here.jpg", '"another file"'),)), "m")
