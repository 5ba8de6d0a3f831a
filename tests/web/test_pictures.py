"""Files that guests choose in place of the camera: turned, huge, of other formats, or no pictures at all."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.support.heifs import coded, heif
from tests.support.pictures import encoded, exif
from tests.web.guests import DESKTOP, FOUND, Guest
from tests.web.links import Link
from tests.web.test_flow import SAMPLES


def selfie() -> Image.Image:
    with Image.open(SAMPLES / "obama2.jpg") as photo:
        return photo.convert("RGB")


def sideways() -> bytes:
    """Stored lying on its side, with the turn in EXIF, as phones do."""
    return encoded(selfie().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(Orientation=6))


def huge() -> bytes:
    """20 megapixels."""
    return encoded(selfie().resize((3650, 5480)), "JPEG", quality=80)


PICTURES: dict[str, Callable[[], bytes]] = {
    "sideways.jpg": sideways,
    "huge.jpg": huge,
    "selfie.png": lambda: encoded(selfie(), "PNG"),
    "selfie.webp": lambda: encoded(selfie(), "WEBP"),
    "selfie": lambda: encoded(selfie(), "JPEG"),  # as some cameras' apps hand files over
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_any_kind_finds_the_same_photos(guest: Guest, link: Link, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PICTURES[name]())
    guest.open(link)
    guest.agree()
    guest.choose(tmp_path / name)
    guest.send()
    expect(guest.tiles).to_have_count(5)
    (post,) = guest.posts
    assert len(post["file"]) < 1_000_000  # scaled down before it is sent


def test_a_sideways_picture_is_sent_upright_and_without_exif(guest: Guest, link: Link, tmp_path: Path) -> None:
    (tmp_path / "sideways.jpg").write_bytes(sideways())
    guest.open(link)
    guest.agree()
    guest.choose(tmp_path / "sideways.jpg")
    guest.send()
    expect(guest.tiles).to_have_count(5)
    (post,) = guest.posts
    with Image.open(io.BytesIO(base64.b64decode(post["file"]))) as sent:
        assert sent.height > sent.width
        assert max(sent.size) <= 1280
        assert not sent.getexif()


def test_heic_is_sent_as_it_is_where_the_browser_cannot_read_it(guest: Guest, link: Link, tmp_path: Path) -> None:
    """The server reads it; this one shows nobody."""
    guest.expects("status of 400")
    (tmp_path / "IMG_0815.HEIC").write_bytes(heif([coded()]))
    guest.open(link)
    guest.agree()
    guest.choose(tmp_path / "IMG_0815.HEIC")
    guest.send()
    expect(guest.page.get_by_text("We could not see a face.")).to_be_visible()


@pytest.mark.parametrize("content", [b"", b"no picture at all, but a text"], ids=["empty", "text"])
def test_what_is_no_picture_cannot_be_opened(guest: Guest, link: Link, tmp_path: Path, content: bytes) -> None:
    guest.expects("status of 400")
    (tmp_path / "selfie.jpg").write_bytes(content)
    guest.open(link)
    guest.agree()
    guest.choose(tmp_path / "selfie.jpg")
    trouble = guest.page.get_by_text("This picture cannot be used.")
    expect(trouble.or_(guest.button("Find my photos")).first).to_be_visible()
    if not trouble.is_visible():  # it is the server that says so
        guest.send()
    expect(trouble).to_be_visible()


DRAGGED = """(base64) => {
  const dragged = new DataTransfer();
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  dragged.items.add(new File([bytes], "me.jpg", {type: "image/jpeg"}));
  return dragged;
}"""


def test_a_picture_is_dropped_onto_the_page_and_consent_asked_for_first(
    guests: Callable[..., Guest], link: Link
) -> None:
    guest = guests(width=DESKTOP)
    guest.open(link)
    picture = base64.b64encode((SAMPLES / "obama2.jpg").read_bytes()).decode()
    dragged = {"dataTransfer": guest.page.evaluate_handle(DRAGGED, picture)}
    guest.page.dispatch_event("face-search", "drop", dragged)
    expect(guest.page.get_by_role("alert")).to_be_visible()
    guest.agree()
    guest.page.dispatch_event("face-search", "dragover", dragged)
    guest.page.dispatch_event("face-search", "drop", dragged)
    guest.send()
    expect(guest.heading(FOUND)).to_be_visible()
