"""The real engine on real faces: who is who, in whichever shape a selfie or a photo comes."""

from collections.abc import Callable
from contextlib import nullcontext
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from typing_extensions import override

from facesearch.adapters.opencv import face_engine
from facesearch.adapters.opencv.detections import Detections
from facesearch.adapters.opencv.face_engine import CANDIDATES, MIN_FACE, OpenCvEngine
from facesearch.errors import NoFaceFound
from facesearch.faces.confidence import threshold
from facesearch.faces.engine import (
    MODELS,
    PLAIN_MODEL,
    Embedding,
    Face,
    RgbImage,
    UnknownModelError,
    next_generation,
)
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL
from facesearch.photos.imaging import Picture, read_image
from tests.support.pictures import encoded, exif
from tools.bench import looks

SURE = threshold(90)


BOXES = {
    "obama": (250, 0, 730, 560),
    "obama2": (100, 120, 580, 760),
    "obama3": (500, 100, 1050, 760),
    "biden": (270, 50, 870, 700),
    "astronaut": (110, 0, 350, 280),
}


class Sitters:
    """The samples as displayed, and the engine's probe of each head with some surroundings."""

    def __init__(self, engine: OpenCvEngine, samples: Path) -> None:
        self.engine = engine
        self.photos = {name: read_image(next(samples.glob(f"{name}.*")).read_bytes()).image for name in BOXES}
        self.heads = {name: self.photos[name].crop(box) for name, box in BOXES.items()}
        self.probes = {name: self.probe(head) for name, head in self.heads.items()}

    def probe(self, image: Image.Image) -> Embedding:
        return self.engine.probe(selfie(image)).embedding

    def faces(self, image: Image.Image) -> list[Face]:
        return self.engine.faces(np.asarray(image))


@pytest.fixture(scope="module")
def sitters(models: Path, samples: Path) -> Sitters:
    return Sitters(OpenCvEngine(models, threads=2), samples)


def selfie(image: Image.Image) -> bytes:
    return encoded(image, "JPEG", quality=92)


@pytest.mark.parametrize("person", ["obama", "biden", "astronaut"])
def test_a_selfie_matches_the_photos_of_its_owner_and_of_nobody_else(sitters: Sitters, person: str) -> None:
    for name, photo in sitters.photos.items():
        (found,) = sitters.faces(photo)
        assert (float(found.embedding @ sitters.probes[person]) >= SURE) == name.startswith(person)


def test_a_face_is_told_by_box_landmarks_score_and_unit_embedding(sitters: Sitters) -> None:
    image = sitters.photos["obama"]
    (face,) = sitters.faces(image)
    x, y, width, height = face.box
    assert 0 <= x < x + width <= image.width
    assert 0 <= y < y + height <= image.height
    assert face.landmarks.shape == (5, 2)
    assert np.all((face.landmarks > [x, y]) & (face.landmarks < [x + width, y + height]))
    assert face.landmarks[0, 0] < face.landmarks[1, 0]  # the person's right eye is on the left
    assert 0.9 < face.score <= 1
    assert face.embedding.shape == (128,)
    assert face.embedding.dtype == np.float32
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    (soft,) = sitters.faces(image.filter(ImageFilter.GaussianBlur(0.02 * max(face.box[2:]))))
    assert soft.sharpness < 0.5 * face.sharpness, "it was out of focus"


def test_a_mirrored_face_is_the_same_face(sitters: Sitters) -> None:
    mirrored = sitters.heads["obama"].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert sitters.probe(mirrored) @ sitters.probes["obama"] > 0.95


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("person", ["obama2", "biden", "astronaut"])
def test_a_turned_selfie_is_turned_back(sitters: Sitters, person: str, turn: int) -> None:
    assert sitters.probe(sitters.heads[person].rotate(turn, expand=True)) @ sitters.probes[person] > 0.9


@pytest.mark.parametrize("person", ["obama", "biden", "astronaut"])
@pytest.mark.parametrize("degrees", [-40, -25, 25, 40])
def test_a_tilted_head_is_known_by_the_second_look(sitters: Sitters, person: str, degrees: int) -> None:
    head, probe = sitters.heads[person], sitters.probes[person]
    tilted = np.asarray(head.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(120, 120, 120)))
    (found,) = sitters.engine.faces(tilted)
    assert found.embedding @ probe > 0.8
    first = sitters.engine.named(FIRST_MODEL)
    (crooked,) = first.faces(tilted)
    assert crooked.embedding @ first.probe(selfie(head)).embedding < found.embedding @ probe


def test_exif_orientation_is_applied_to_selfies(sitters: Sitters) -> None:
    stored = encoded(sitters.heads["biden"].rotate(90, expand=True), "JPEG", exif=exif(Orientation=6))
    assert sitters.engine.probe(stored).embedding @ sitters.probes["biden"] > 0.95


@pytest.mark.parametrize("side", [300, 1200, 3000])
def test_a_face_that_fills_the_frame_is_found_at_any_size(sitters: Sitters, side: int) -> None:
    tight = sitters.photos["obama"].crop((370, 89, 611, 414))
    filling = tight.resize((side, round(side * tight.height / tight.width)))
    assert sitters.probe(filling) @ sitters.probes["obama"] > SURE
    assert len(sitters.faces(filling)) == 1


def test_a_tiny_selfie_is_enlarged(sitters: Sitters) -> None:
    tiny = sitters.heads["obama"].resize((40, 47), Image.Resampling.BOX)
    assert sitters.engine.probe(encoded(tiny, "PNG")).embedding @ sitters.probes["obama"] > SURE


def test_a_selfie_is_accepted_as_soon_as_it_shows_a_face_and_only_then(
    sitters: Sitters, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[str] = []
    embed = OpenCvEngine._embedding

    def embedding(engine: OpenCvEngine, aligned: Any) -> Any:
        accepted.append("embedded")
        return embed(engine, aligned)

    monkeypatch.setattr(OpenCvEngine, "_embedding", embedding)
    sitters.engine.probe(selfie(sitters.photos["obama"]), lambda: accepted.append("accepted"))
    assert accepted == ["accepted", "embedded"]
    with pytest.raises(NoFaceFound):
        sitters.engine.probe(encoded(Image.new("RGB", (64, 64)), "PNG"), lambda: accepted.append("accepted"))
    assert accepted == ["accepted", "embedded"]


def test_of_several_faces_the_largest_central_one_owns_the_selfie(sitters: Sitters) -> None:
    group = Image.new("RGB", (1200, 900), "grey")
    group.paste(sitters.heads["obama"].resize((240, 280)), (0, 0))
    group.paste(sitters.heads["biden"].resize((480, 520)), (360, 200))
    group.paste(sitters.heads["astronaut"], (940, 600))
    assert sitters.probe(group) @ sitters.probes["biden"] > 0.9
    assert len(sitters.faces(group)) == 3
    assert sitters.engine.probe(selfie(group)).faces == 3


@pytest.mark.parametrize("turn", [0, 90, 180])
@pytest.mark.parametrize("person", BOXES)
def test_a_selfie_of_one_person_shows_one_face_however_it_is_turned(sitters: Sitters, person: str, turn: int) -> None:
    assert sitters.engine.probe(selfie(sitters.photos[person].rotate(turn, expand=True))).faces == 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (400, 300), (1500, 1000)])
def test_no_face_is_said_to_be_none(sitters: Sitters, shape: tuple[int, int]) -> None:
    plain = Image.new("RGB", shape, (120, 140, 90))
    with pytest.raises(NoFaceFound, match="No face was found in the selfie"):
        sitters.engine.probe(encoded(plain, "PNG"))
    assert sitters.faces(plain) == []


class Counting(OpenCvEngine):
    """Counts looks of the detector, each embedding's second look among them."""

    looks = 0

    @override
    def _detect(self, image: RgbImage, *rest: Any) -> Detections:
        self.looks += 1
        return super()._detect(image, *rest)


MOST_LOOKS = 9 * (1 + CANDIDATES)
"""Nine looks and their closer ones."""


def laid(head: Image.Image, width: int, turn: int = 0) -> Image.Image:
    """A head so wide in a picture of 2 MP, turned."""
    picture = Image.new("RGB", (1632, 1224), (120, 140, 90))
    picture.paste(head.resize((width, round(width * head.height / head.width))), (500, 200))
    return picture.rotate(turn, expand=True)


@pytest.mark.parametrize(
    ("picture", "decodes", "looks"),
    [
        pytest.param(lambda head: laid(head, 800), 1, 2, id="good"),
        pytest.param(lambda head: laid(head, 300), 2, 2, id="small"),
        pytest.param(lambda head: laid(head, 800, 90), 2, 8, id="turned"),  # in three views it is looked at closer
        pytest.param(lambda head: laid(head, 800, 180), 2, 8, id="upside down"),
        pytest.param(lambda _: Image.new("RGB", (1632, 1224), "grey"), 2, 9, id="faceless"),
        pytest.param(lambda _: Image.new("RGB", (600, 400), "grey"), 1, 9, id="small and faceless"),
    ],
)
def test_a_selfie_is_decoded_and_looked_at_so_often(
    sitters: Sitters,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    picture: Callable[[Image.Image], Image.Image],
    decodes: int,
    looks: int,
) -> None:
    read = list[int]()

    def counted(data: bytes, *, enough: int) -> Picture:
        read.append(enough)
        return read_image(data, enough=enough)

    engine = Counting(models, threads=2)
    monkeypatch.setattr(face_engine, "read_image", counted)
    with pytest.raises(NoFaceFound) if looks == 9 else nullcontext():
        assert engine.probe(selfie(picture(sitters.heads["obama"]))).embedding @ sitters.probes["obama"] > 0.9
    assert (len(read), engine.looks) == (decodes, looks)


def test_a_picture_full_of_what_could_be_faces_has_its_looks_counted(models: Path) -> None:
    coarse = np.random.default_rng(4).integers(60, 200, (30, 40, 3), dtype=np.uint8)
    engine = Counting(models, threads=2)
    with pytest.raises(NoFaceFound):
        engine.probe(selfie(Image.fromarray(coarse).resize((1632, 1224), Image.Resampling.BICUBIC)))
    assert 9 < engine.looks <= MOST_LOOKS


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_small_face_is_found_however_it_is_turned(sitters: Sitters, turn: int) -> None:
    probe = sitters.engine.probe(selfie(laid(sitters.heads["biden"], 90, turn)))
    assert probe.embedding @ sitters.probes["biden"] > SURE
    assert probe.faces == 1


@pytest.mark.parametrize("turns", range(4))
def test_a_small_face_that_is_not_quite_sure_is_never_turned_over(models: Path, samples: Path, turns: int) -> None:
    """In closer looks, upside down, this one has scores like those that a coarse look gives it upright."""
    engine = OpenCvEngine(models, threads=1)
    (head,) = looks.heads_of(engine, [samples / "astronaut.png"], 1)
    own = engine.probe(head.portrait).embedding
    for share in (0.06, 0.055, 0.05, 0.045):
        assert engine.probe(looks.selfie(head, share, turns=turns)).embedding @ own > SURE


def test_small_faces_in_a_large_photo_are_found_once_each(sitters: Sitters) -> None:
    """Given 12 megapixels with 40 px faces, some where tiles meet, then each is found, where it is, as who it is."""
    photo = Image.new("RGB", (4000, 3000), (90, 110, 100))
    places = [(150, 200), (1170, 1130), (2000, 1500), (2650, 870), (3900, 2900)]
    people = ["obama", "biden", "obama", "biden", "obama"]
    for (x, y), person in zip(places, people, strict=True):
        head = sitters.heads[person].copy()
        head.thumbnail((70, 70), Image.Resampling.BOX)
        photo.paste(head, (x - head.width // 2, y - head.height // 2))
    found = sitters.faces(photo)
    assert len(found) == len(places)
    for (x, y), person in zip(places, people, strict=True):
        (face,) = [f for f in found if abs(f.box[0] - x) < 80 and abs(f.box[1] - y) < 80]
        assert MIN_FACE <= max(face.box[2:]) < 60
        assert face.embedding @ sitters.probes[person] > threshold(60)


@pytest.mark.parametrize("seam", [1269, 1365, 1462])
def test_a_face_of_any_size_on_a_seam_of_tiles_is_found_once(sitters: Sitters, seam: int) -> None:
    """Given 12 megapixels, whose tiles share the columns 1269 to 1462: what no tile has whole the other looks see."""
    photo, y, places = Image.new("RGB", (4000, 3000), (90, 110, 100)), 20, []
    for side in (60, 120, 230, 260, 290, 330, 500):
        photo.paste(sitters.heads["biden"].resize((side, round(side * 1.08))), (seam - side // 2, y))
        places.append((y, y + side * 1.08))
        y += round(side * 1.08) + 60
    photo.paste(sitters.heads["obama"].resize((1000, 1166)), (2131, 900))
    found = sorted(sitters.faces(photo), key=lambda face: face.box[1])
    (large,) = [face for face in found if face.box[0] > 2000]
    assert large.embedding @ sitters.probes["obama"] > SURE
    small = [face for face in found if face is not large]
    assert len(small) == len(places)
    for face, (top, bottom) in zip(small, places, strict=True):
        assert top < face.box[1] + face.box[3] / 2 < bottom
        assert face.embedding @ sitters.probes["biden"] > threshold(60)


def test_one_large_face_in_a_large_photo_is_one_face(sitters: Sitters) -> None:
    photo = Image.new("RGB", (6000, 4000), (90, 110, 100))
    photo.paste(sitters.heads["biden"].resize((2400, 2600)), (1500, 700))
    (face,) = sitters.faces(photo)
    assert face.embedding @ sitters.probes["biden"] > 0.8


def test_faces_too_small_to_be_known_again_are_left_out(sitters: Sitters) -> None:
    photo = Image.new("RGB", (300, 200), "grey")
    photo.paste(sitters.heads["obama"].resize((30, 35), Image.Resampling.BOX), (100, 100))
    assert sitters.faces(photo) == []


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"face_detection_yunet_2023mar\.onnx.*" + tmp_path.name):
        OpenCvEngine(tmp_path, threads=1)


def test_each_model_finds_the_person_among_its_own_embeddings(sitters: Sitters) -> None:
    own: dict[str, Embedding] = {}
    for model in (*MODELS, f"{PLAIN_MODEL}+2"):
        other = sitters.engine.named(model)
        assert other.model == model
        heads = [sitters.heads[name] for name in ("obama", "obama2", "biden")]
        own[model], same, stranger = (other.probe(selfie(head)).embedding for head in heads)
        assert np.linalg.norm(own[model]) == pytest.approx(1, abs=1e-5)
        assert own[model] @ same > SURE > own[model] @ stranger
    for one, other_one in combinations(MODELS, 2):
        assert 0.8 < own[one] @ own[other_one] < 0.9999, "they are alike, and not the same"
    assert sitters.engine.model == DEFAULT_MODEL


def test_a_model_that_nobody_knows_is_named_with_those_that_there_are(sitters: Sitters) -> None:
    with pytest.raises(UnknownModelError, match=f"'arcface'.*{', '.join(MODELS)}"):
        sitters.engine.named("arcface+2")


@pytest.mark.parametrize(("model", "after"), [(PLAIN_MODEL, "+2"), (f"{PLAIN_MODEL}+9", "+10")])
def test_a_generation_follows_the_one_before(model: str, after: str) -> None:
    assert next_generation(model) == f"{PLAIN_MODEL}{after}"
