"""The real engine on real faces: who is who, in whichever shape a selfie or a photo comes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from facesearch.adapters.opencv.face_engine import MIN_FACE, OpenCvEngine
from facesearch.errors import NoFaceFound, UnusableImage
from facesearch.faces.confidence import threshold
from facesearch.faces.engine import MODELS, PLAIN_MODEL, Embedding, RgbImage, UnknownModelError, next_generation
from facesearch.models import DEFAULT_MODEL, FIRST_MODEL
from facesearch.photos.imaging import read_image
from tests.support.pictures import encoded, exif

SURE = threshold(90)
SAMPLES = ("obama", "obama2", "obama3", "biden", "astronaut")


@pytest.fixture(scope="module")
def engine(models: Path) -> OpenCvEngine:
    return OpenCvEngine(models, threads=2)


@pytest.fixture(scope="module")
def faces(samples: Path) -> dict[str, Image.Image]:
    """Each sample as displayed, cut to a head and some surroundings."""
    boxes = {
        "obama": (250, 0, 730, 560),
        "obama2": (100, 120, 580, 760),
        "obama3": (500, 100, 1050, 760),
        "biden": (270, 50, 870, 700),
        "astronaut": (110, 0, 350, 280),
    }
    return {name: picture(samples, name).crop(box) for name, box in boxes.items()}


def picture(samples: Path, name: str) -> Image.Image:
    file = next(samples.glob(f"{name}.*"))
    return read_image(file.read_bytes()).image


def rgb(image: Image.Image) -> RgbImage:
    return np.asarray(image)


def selfie(image: Image.Image) -> bytes:
    return encoded(image, "JPEG", quality=92)


@pytest.fixture(scope="module")
def probe(engine: OpenCvEngine, faces: dict[str, Image.Image]) -> Callable[[str], Embedding]:
    known = {name: engine.probe(selfie(faces[name])) for name in SAMPLES}
    return known.__getitem__


@pytest.mark.parametrize("person", ["obama", "biden", "astronaut"])
def test_a_selfie_matches_the_photos_of_its_owner_and_of_nobody_else(
    engine: OpenCvEngine, samples: Path, probe: Callable[[str], Embedding], person: str
) -> None:
    for name in SAMPLES:
        found = engine.faces(rgb(picture(samples, name)))
        assert len(found) == 1
        assert (float(found[0].embedding @ probe(person)) >= SURE) == name.startswith(person)


def test_a_face_is_told_by_box_landmarks_score_and_unit_embedding(engine: OpenCvEngine, samples: Path) -> None:
    image = picture(samples, "obama")
    (face,) = engine.faces(rgb(image))
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


def test_a_photo_that_was_out_of_focus_has_less_sharp_faces(engine: OpenCvEngine, samples: Path) -> None:
    image = picture(samples, "obama")
    (sharp,) = engine.faces(rgb(image))
    (soft,) = engine.faces(rgb(image.filter(ImageFilter.GaussianBlur(0.02 * max(sharp.box[2:])))))
    assert soft.sharpness < 0.5 * sharp.sharpness


def test_a_mirrored_face_is_the_same_face(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding]
) -> None:
    mirrored = faces["obama"].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert engine.probe(selfie(mirrored)) @ probe("obama") > 0.95


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("person", ["obama2", "biden", "astronaut"])
def test_a_turned_selfie_is_turned_back(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding], person: str, turn: int
) -> None:
    turned = faces[person].rotate(turn, expand=True)
    assert engine.probe(selfie(turned)) @ probe(person) > 0.9


@pytest.mark.parametrize("person", ["obama", "biden", "astronaut"])
@pytest.mark.parametrize("degrees", [-40, -25, 25, 40])
def test_a_tilted_head_is_known_by_the_second_look(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding], person: str, degrees: int
) -> None:
    tilted = rgb(faces[person].rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(120, 120, 120)))
    (found,) = engine.faces(tilted)
    assert found.embedding @ probe(person) > 0.8
    first = engine.named(FIRST_MODEL)
    (crooked,) = first.faces(tilted)
    assert crooked.embedding @ first.probe(selfie(faces[person])) < found.embedding @ probe(person)


def test_exif_orientation_is_applied_to_selfies(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding]
) -> None:
    stored = faces["biden"].rotate(90, expand=True)
    assert engine.probe(encoded(stored, "JPEG", exif=exif(Orientation=6))) @ probe("biden") > 0.95


@pytest.mark.parametrize("side", [300, 1200, 3000])
def test_a_face_that_fills_the_frame_is_found_at_any_size(
    engine: OpenCvEngine, samples: Path, probe: Callable[[str], Embedding], side: int
) -> None:
    tight = picture(samples, "obama").crop((370, 89, 611, 414))
    filling = tight.resize((side, round(side * tight.height / tight.width)))
    assert engine.probe(selfie(filling)) @ probe("obama") > SURE
    assert len(engine.faces(rgb(filling))) == 1


def test_a_tiny_selfie_is_enlarged(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding]
) -> None:
    tiny = faces["obama"].resize((40, 47), Image.Resampling.BOX)
    assert engine.probe(encoded(tiny, "PNG")) @ probe("obama") > SURE


def test_of_several_faces_the_largest_central_one_owns_the_selfie(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding]
) -> None:
    group = Image.new("RGB", (1200, 900), "grey")
    group.paste(faces["obama"].resize((240, 280)), (0, 0))
    group.paste(faces["biden"].resize((480, 520)), (360, 200))
    group.paste(faces["astronaut"], (940, 600))
    found = engine.probe(selfie(group))
    assert found @ probe("biden") > 0.9
    assert len(engine.faces(rgb(group))) == 3


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (400, 300), (1500, 1000)])
def test_no_face_is_said_to_be_none(engine: OpenCvEngine, shape: tuple[int, int]) -> None:
    plain = Image.new("RGB", shape, (120, 140, 90))
    with pytest.raises(NoFaceFound, match="No face was found in the selfie"):
        engine.probe(encoded(plain, "PNG"))
    assert engine.faces(rgb(plain)) == []


def test_what_is_no_picture_is_refused(engine: OpenCvEngine) -> None:
    with pytest.raises(UnusableImage):
        engine.probe(b"no picture")


def test_small_faces_in_a_large_photo_are_found_once_each(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding]
) -> None:
    """Given 12 megapixels with 40 px faces, some where tiles meet, then each is found, where it is, as who it is."""
    photo = Image.new("RGB", (4000, 3000), (90, 110, 100))
    places = {
        (150, 200): "obama",
        (1170, 1130): "biden",
        (2000, 1500): "obama",
        (2650, 870): "biden",
        (3900, 2900): "obama",
    }
    for centre, person in places.items():
        head = faces[person].copy()
        head.thumbnail((70, 70), Image.Resampling.BOX)
        photo.paste(head, (centre[0] - head.width // 2, centre[1] - head.height // 2))
    found = engine.faces(rgb(photo))
    assert len(found) == len(places)
    for centre, person in places.items():
        (face,) = [f for f in found if abs(f.box[0] - centre[0]) < 80 and abs(f.box[1] - centre[1]) < 80]
        assert MIN_FACE <= max(face.box[2:]) < 60
        assert face.embedding @ probe(person) > threshold(60)


def test_one_large_face_in_a_large_photo_is_one_face(
    engine: OpenCvEngine, faces: dict[str, Image.Image], probe: Callable[[str], Embedding]
) -> None:
    photo = Image.new("RGB", (6000, 4000), (90, 110, 100))
    photo.paste(faces["biden"].resize((2400, 2600)), (1500, 700))
    (face,) = engine.faces(rgb(photo))
    assert face.embedding @ probe("biden") > 0.8


def test_faces_too_small_to_be_known_again_are_left_out(engine: OpenCvEngine, faces: dict[str, Image.Image]) -> None:
    photo = Image.new("RGB", (300, 200), "grey")
    head = faces["obama"].resize((30, 35), Image.Resampling.BOX)
    photo.paste(head, (100, 100))
    assert engine.faces(rgb(photo)) == []


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"face_detection_yunet_2023mar\.onnx.*" + tmp_path.name):
        OpenCvEngine(tmp_path, threads=1)


def test_each_model_finds_the_person_among_its_own_embeddings(
    engine: OpenCvEngine, faces: dict[str, Image.Image]
) -> None:
    for model in (*MODELS, f"{PLAIN_MODEL}+2"):
        other = engine.named(model)
        assert other.model == model
        same, stranger = (other.probe(selfie(faces[name])) for name in ("obama2", "biden"))
        own = other.probe(selfie(faces["obama"]))
        assert np.linalg.norm(own) == pytest.approx(1, abs=1e-5)
        assert own @ same > SURE > own @ stranger
    plain, mirrored, upright = (engine.named(model).probe(selfie(faces["obama"])) for model in MODELS[::-1])
    for one, other_one in ((plain, mirrored), (mirrored, upright), (plain, upright)):
        assert 0.8 < one @ other_one < 0.9999, "they are alike, and not the same"
    assert engine.model == DEFAULT_MODEL


def test_a_model_that_nobody_knows_is_named_with_those_that_there_are(engine: OpenCvEngine) -> None:
    with pytest.raises(UnknownModelError, match=f"'arcface'.*{', '.join(MODELS)}"):
        engine.named("arcface+2")


def test_a_generation_follows_the_one_before() -> None:
    assert next_generation(PLAIN_MODEL) == f"{PLAIN_MODEL}+2"
    assert next_generation(f"{PLAIN_MODEL}+9") == f"{PLAIN_MODEL}+10"
