"""Where the faces of a photo are. That is stored nowhere: it is found again in the original when somebody wants it."""

from dataclasses import dataclass

from facesearch.errors import NotFound
from facesearch.photos.looking import PhotoLooker
from facesearch.photos.objects import Objects
from facesearch.photos.pictures import MAX_FILE_BYTES
from facesearch.records import Photo


@dataclass(frozen=True)
class FaceBox:
    """A face's box in fractions of the picture's width and height, and the detector's confidence from 0 to 1."""

    x: float
    y: float
    width: float
    height: float
    score: float


@dataclass(frozen=True, kw_only=True)
class FaceBoxes:
    """The use case, one photo at a time."""

    looker: PhotoLooker
    originals: Objects

    def find(self, photo: Photo, model: str) -> list[FaceBox]:
        """The faces that the model finds in a photo now, largest first.

        Raises:
            NotFound: its original is gone, or too large to be looked at.
            UnusableImage: it cannot be read.
        """
        look = self.looker.look(self._file(photo), [model])
        across, down = look.size
        return [
            FaceBox(x / across, y / down, width / across, height / down, face.score)
            for face in look.faces[model]
            for x, y, width, height in [face.box]
        ]

    def _file(self, photo: Photo) -> bytes:
        etags = self.originals.etags([place.key for place in photo.originals])
        for place in photo.originals:
            if place.is_there(etags.get(place.key)):
                data = self.originals.read(place.key, MAX_FILE_BYTES)
                if data is not None:
                    return data
        raise NotFound("The original is no longer there, so its faces cannot be found again.")
