"""QR codes of links: in the terminal, as files, on a sheet to be printed."""

import html
import io
from pathlib import Path
from typing import Any, TextIO

DARK, LIGHT = "#000", "#fff"
"""Whatever the page's colours are: phones read dark on light."""
PNG_SCALE = 16
"""Pixels a module: 33 modules and their margin are 656 pixels, 5.5 cm at 300 dpi."""

_SHEET = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{name}</title>
<style>
@page {{ size: A5 portrait; margin: 12mm }}
body {{ margin: 0; color: #111; background: #fff; font: 13pt/1.45 system-ui, sans-serif; text-align: center }}
h1 {{ margin: 8mm 0 2mm; font-size: 25pt; line-height: 1.15; text-wrap: balance; overflow-wrap: anywhere }}
p {{ margin: 0 }}
svg {{ display: block; width: 88mm; height: 88mm; margin: 6mm auto }}
ol {{ display: inline-block; margin: 0; padding-inline-start: 1.4em; text-align: start }}
.address {{ margin-top: 6mm; color: #555; font-size: 9pt; overflow-wrap: anywhere }}
</style>
</head>
<body>
<h1>{name}</h1>
<p>Find every photo of you.</p>
{qr}
<ol>
<li>Scan the code with your phone's camera.</li>
<li>Take a selfie.</li>
<li>Save your photos.</li>
</ol>
<p class="address">{url}</p>
</body>
</html>
"""


def svg(url: str) -> str:
    """An SVG element without a size of its own; nothing in it is a style, which a strict policy would refuse."""
    return str(_code(url).svg_inline(dark=DARK, light=LIGHT, omitsize=True, svgclass=None, lineclass=None))


def print_on(stream: TextIO, url: str) -> None:
    """Draw it with half blocks, two modules to a character."""
    _code(url).terminal(out=stream, compact=True)


def save(url: str, path: Path) -> None:
    """Write an SVG or PNG file, as the name ends."""
    kind = path.suffix.removeprefix(".").lower()
    scale = PNG_SCALE if kind == "png" else 4
    drawn = io.BytesIO()
    _code(url).save(drawn, kind=kind, scale=scale, dark=DARK, light=LIGHT)
    path.write_bytes(drawn.getvalue())


def sheet(name: str, url: str) -> str:
    """A page of A5 with the event's name, the code and three steps; it needs nothing else."""
    return _SHEET.format(name=html.escape(name), url=html.escape(url), qr=svg(url))


def _code(url: str) -> Any:
    """15 % of it may be dirty or torn. Micro QR is left out: most phones cannot read it."""
    import segno  # not before a code is drawn: commands start faster

    return segno.make(url, error="m", micro=False)
