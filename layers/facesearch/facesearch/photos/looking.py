"""One look at a photo: its faces by one or more models, its renditions, and its file for a service that finds faces;
and what is said of it, for logs and metrics."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock
from time import perf_counter

import numpy as np
from PIL import Image, ImageChops, ImageStat

from facesearch.bibs.reader import BibReader
from facesearch.faces.engine import EngineOf, Face
from facesearch.faces.packing import pack
from facesearch.faces.sets import WHOLE, PhotoFile, Region
from facesearch.photos.imaging import Picture, read_image
from facesearch.photos.pictures import LARGE_SIDE, Renditions, render, rendition
from facesearch.photos.watermark import Stamp
from facesearch.records import UNTIED, Bib

ENOUGH_PIXELS = 4_500
"""Long side in pixels. A 64 MP JPEG is read as one of 16 MP, with a quarter of the memory, and a face in it has 24 px
where it had 48; 50 MP and less are read whole, for the crowds in them."""
SURER = 1.02
"""By so much must the faces of a view in doubt be surer: of a face that is hard to see either may seem so by chance
(`engine.opencv.TURN_MARGIN`)."""


class IndexingOutcome(StrEnum):
    """What became of an upload, or of another look."""

    INDEXED = "indexed"  # recorded with its faces, or with the fact that it has none
    FAILED = "failed"  # recorded as a photo that cannot be read, with the reason; the same file is never tried again
    KNOWN = "known"  # this very photo is in the event already: a redelivery, or the same file uploaded twice
    DELETED = "deleted"  # and after it had been uploaded: a redelivery, or a run that the deletion overtook
    RENDERED = "rendered"  # a known photo's renditions look as its event's now
    UNRENDERED = "unrendered"  # they should, but its original is gone, or cannot be read any more
    REINDEXED = "reindexed"  # a known photo has faces by a further model
    READ = "read"  # bibs were read in a known photo
    LOST = "lost"  # it should have, but its original is gone, or cannot be read any more
    IGNORED = "ignored"  # nothing that can ever be indexed; trying again would not help


@dataclass(frozen=True)
class IndexingReport:
    """What one photo of a message came to. `reason`: why it failed or was ignored."""

    outcome: IndexingOutcome
    reason: str = ""
    org_id: int | None = None
    event_id: int | None = None
    image_id: uuid.UUID | None = None
    faces: int = 0
    embed_milliseconds: float = 0
    bib_milliseconds: float = 0
    rendered: str | None = None
    """How the renditions look that the photo was found with, or that were published; None = there are none."""


@dataclass(frozen=True)
class Look:
    """What was seen: `width` x `height` pixels as displayed, and the faces by each of the models.

    Attributes:
        size: width and height of what was decoded, in whose pixels the faces' boxes are.
        milliseconds, bib_milliseconds: that the engines took, and the bib reader.
        renditions, file, bibs: if they were asked for; of the bibs' wearers the place among the first model's faces.
        bib_model: by what bibs were read; empty = they were not.
    """

    width: int
    height: int
    size: tuple[int, int]
    taken_at: datetime | None
    faces: Mapping[str, list[Face]]
    milliseconds: float
    renditions: Renditions | None = None
    file: PhotoFile | None = None
    bibs: Sequence[Bib] = ()
    bib_model: str = ""
    bib_milliseconds: float = 0

    def packed(self, model: str) -> bytes:
        """A model's faces as a photo's record keeps them."""
        faces = self.faces.get(model)
        return pack(np.stack([face.embedding for face in faces])) if faces else b""


@dataclass(frozen=True, kw_only=True)
class PhotoLooker:
    """Looks at one photo at a time: a decoded one can take 600 MB.

    `parts_of` makes files of parts of a picture, for a service that finds faces itself; None where there is none.
    `bib_reader` is asked for when bibs are to be read; None where nobody reads any.
    """

    engines: EngineOf
    bib_reader: Callable[[], BibReader] | None = None
    parts_of: Callable[[Image.Image, Sequence[Region]], list[bytes]] | None = None
    _cpu: Lock = field(default_factory=Lock, repr=False)

    def look(
        self,
        data: bytes,
        models: Sequence[str],
        *,
        renditions: bool = False,
        file: bool = False,
        bibs: bool = False,
        stamp: Stamp | None = None,
    ) -> Look:
        """Decode a file and find its faces by each of the models. `stamp`: the watermark of the renditions.

        Raises:
            UnusableImage: it cannot be read.
        """
        with self._cpu:
            picture = read_image(data, enough=ENOUGH_PIXELS)
            started = perf_counter()
            shown, faces = self._seen_by(picture, models)
            look = Look(
                shown.width,
                shown.height,
                shown.image.size,
                shown.taken_at,
                faces,
                (perf_counter() - started) * 1000,
                render(shown, stamp) if renditions else None,
                self._file_of(shown, data, turned=shown is not picture) if file else None,
            )
            if not bibs or self.bib_reader is None:
                return look
            return self._with_bibs(self.bib_reader(), look, shown, faces[models[0]] if models else None)

    def _with_bibs(self, reader: BibReader, look: Look, picture: Picture, found: Sequence[Face] | None) -> Look:
        """`found`: the faces; None = nobody has looked for any."""
        started, faces, by = perf_counter(), found or (), reader.model + (UNTIED if found is None else "")
        bibs = [Bib(bib.text, bib.face) for bib in reader.read(np.asarray(picture.image), faces)]
        milliseconds = (perf_counter() - started) * 1000
        return replace(look, bibs=bibs, bib_model=by, bib_milliseconds=milliseconds)

    def render(self, data: bytes, stamp: Stamp | None, shown: Callable[[], bytes | None]) -> Renditions:
        """Make a known photo's renditions anew, as it is held in its large one, which `shown` fetches if that counts.

        Raises:
            UnusableImage: it cannot be read.
        """
        with self._cpu:
            picture = read_image(data, enough=LARGE_SIDE)  # no face needs more
            if picture.doubtful != 1 and (jpeg := shown()) is not None:
                picture = as_shown(picture, jpeg)
            return render(picture, stamp)

    def render_shown(self, jpeg: bytes, stamp: Stamp | None) -> Renditions:
        """Make a photo's renditions anew of its large one."""
        with self._cpu:
            return render(rendition(jpeg), stamp)

    def _seen_by(self, picture: Picture, models: Sequence[str]) -> tuple[Picture, dict[str, list[Face]]]:
        """The faces by each model, and the picture as it is held: where that is in doubt, the view in which faces are
        found wins, by their scores, and without any the one that browsers show."""
        found = self._found(picture, models)
        if picture.doubtful == 1 or not models:
            return picture, found
        turned = picture.turned()
        found_turned = self._found(turned, models)
        before, after = (sum(face.score for face in faces[models[0]]) for faces in (found, found_turned))
        return (turned, found_turned) if after > SURER * before else (picture, found)

    def _found(self, picture: Picture, models: Sequence[str]) -> dict[str, list[Face]]:
        return {model: self.engines(model).faces(np.asarray(picture.image)) for model in models}

    def _file_of(self, picture: Picture, data: bytes, *, turned: bool) -> PhotoFile | None:
        if (parts_of := self.parts_of) is None:
            return None

        def cut(regions: Sequence[Region]) -> list[bytes]:
            with self._cpu:
                again = read_image(data, enough=ENOUGH_PIXELS)
                return parts_of((again.turned() if turned else again).image, regions)

        return PhotoFile(parts_of(picture.image, [WHOLE])[0], cut)


def as_shown(picture: Picture, jpeg: bytes) -> Picture:
    """The picture, or the turned one, whichever the JPEG shows: nobody must find faces to tell it."""

    def thumbnail(image: Image.Image) -> Image.Image:
        return image.convert("L").resize((32, 32), Image.Resampling.BOX)

    wanted = thumbnail(rendition(jpeg).image)

    def difference(view: Picture) -> float:
        return float(ImageStat.Stat(ImageChops.difference(wanted, thumbnail(view.image))).mean[0])

    return min((picture, picture.turned()), key=difference)
