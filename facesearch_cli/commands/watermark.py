"""The options of `facesearch event update` about the watermark of an event's previews, and how it comes into them."""

import hashlib
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from facesearch.admin.watermark import check_watermark
from facesearch.errors import InvalidRequest
from facesearch.models import Event, Watermark, WatermarkPlace
from facesearch.photos.watermark import MAX_FILE_BYTES, read_png, unknown_letters
from facesearch.photos.watermarking import PreviewsMade
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import following, plural, printable, progress_bar, results, say

NOTHING = "none"
PICTURES = (".jpg", ".jpeg", ".gif", ".svg", ".webp", ".heic", ".tif", ".tiff", ".bmp", ".pdf")
SHOWN_FAILURES = 20

Mark = Annotated[
    str | None,
    typer.Option(
        "--watermark",
        metavar="TEXT|FILE.png|none",
        help="Previews: what is drawn into those of all photos. none takes it out again. Originals never have it.",
    ),
]
Place = Annotated[WatermarkPlace | None, typer.Option("--watermark-place", help="Previews: where the watermark is.")]
Size = Annotated[
    int | None, typer.Option("--watermark-size", metavar="PERCENT", help="Previews: its width, of the picture's.")
]
Opacity = Annotated[
    int | None, typer.Option("--watermark-opacity", metavar="PERCENT", help="Previews: how opaque the watermark is.")
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Previews: wait until all have the watermark, or are without it.")
]


@dataclass(frozen=True)
class WatermarkOptions:
    """The options as given; None where one was not."""

    mark: str | None
    place: WatermarkPlace | None
    size: int | None
    opacity: int | None

    def __bool__(self) -> bool:
        return any(value is not None for value in vars(self).values())

    def changed(self, stack: Stack, event: Event) -> Watermark | None:
        """The event's watermark with what was given; a PNG is kept for the event by now.

        Raises:
            InvalidRequest: what was given cannot be drawn, or there is no watermark whose place could be changed.
        """
        look: dict[str, Any] = {"place": self.place, "size": self.size, "opacity": self.opacity}
        look = {name: value for name, value in look.items() if value is not None}
        if self.mark is not None and self.mark.strip().lower() == NOTHING:
            if look:
                raise InvalidRequest("--watermark none takes none of the other --watermark options.")
            return None
        before = event.watermark
        if self.mark is None:
            if before is None:
                raise InvalidRequest(
                    f"Event {event.event_id} has no watermark. Give one: --watermark TEXT or FILE.png."
                )
            return replace(before, **look)
        is_png = self.mark.lower().endswith(".png")
        if not is_png and (self.mark.lower().endswith(PICTURES) or (self.mark.strip() and _is_there(self.mark))):
            raise InvalidRequest(f"--watermark takes a text or a PNG, and {printable(self.mark)} is another file.")
        data = _png(self.mark) if is_png else None
        digest, text = ("", self.mark.strip()) if data is None else (hashlib.sha256(data).hexdigest(), "")
        mark = replace(before or Watermark(), text=text, picture=digest, **look)
        check_watermark(mark)
        if data is not None:
            stack.container.watermark_files.put(event.event_id, data)
        elif unknown := unknown_letters(text):
            letters = printable(" ".join(unknown))
            raise InvalidRequest(f"The built-in font has no {letters}. Draw the watermark as a PNG and give the file.")
        return mark


def _is_there(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # a text that no file can be called
        return False


def _png(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CommandError(f"--watermark: {name} cannot be read ({error.strerror}).") from None
    read_png(data)
    return data


def render_again(stack: Stack, event_id: int, *, wait: bool) -> PreviewsMade:
    """Have all previews look as the event says, and show how far that is; Ctrl-C leaves the rest to the function."""
    with progress_bar() as watcher, stack.working() as check:
        progress = following(watcher, "Rendering")

        def follow(done: int, total: int) -> None:
            check()
            progress(done, total)

        return stack.container.watermarking(follow).run(event_id, wait=wait)


def watermark_json(event: Event) -> dict[str, object] | None:
    """The watermark as `--json` shows it."""
    mark = event.watermark
    if mark is None:
        return None
    return {
        "text": mark.text or None,
        "picture": mark.picture or None,
        "place": mark.place,
        "size": mark.size,
        "opacity": mark.opacity,
        "version": mark.version,
    }


def watermark_line(event: Event) -> str:
    """The watermark in a line; empty if there is none."""
    mark = event.watermark
    if mark is None:
        return ""
    what = f'"{printable(mark.text)}"' if mark.text else "a PNG"
    return f"{what}, {mark.place}, size {mark.size} %, opacity {mark.opacity} %"


def tell_rendered(event: Event, done: PreviewsMade) -> None:
    """What became of the previews."""
    look = "have the watermark" if event.watermark is not None else "are without a watermark"
    results().print(f"Previews: {done.done} of {plural(done.photos, 'photo')} {look}.")
    if done.left:
        say(f"{done.left} follow in the background. Run it again without --no-wait to see it through.")
    tell_failed(done.failed)


def tell_failed(failed: list[uuid.UUID]) -> None:
    """Whose previews stay as they are."""
    if not failed:
        return
    say(f"The previews of {plural(len(failed), 'photo')} stay as they are: the original is gone or cannot be read.")
    for image_id in failed[:SHOWN_FAILURES]:
        say(str(image_id))
    if len(failed) > SHOWN_FAILURES:
        say(f"… and {len(failed) - SHOWN_FAILURES} more; --json lists them all.")
