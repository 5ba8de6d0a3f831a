"""The options of `facesearch event create` and `update` about bibs and the timeline."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from facesearch.admin.features import checked_bibs
from facesearch.admin.models import EventChanges, Features
from facesearch.bibs.rules import BIB_PATTERN
from facesearch.errors import InvalidRequest
from facesearch.models import Event
from facesearch_cli.commands.common import Switch, switch
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import plural, printable, say

BibSearch = Annotated[Switch | None, typer.Option(help="Whether bibs are read in photos, and photos found by them.")]
Bibs = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Start list, a bib at the beginning of each line: only these count. none takes it away."
    ),
]
BibPattern = Annotated[
    str | None,
    typer.Option(help='Regular expression that a whole bib fits, as "[0-9]{3,4}": only these count. "" for none.'),
]
BibsFromFaces = Annotated[
    Switch | None, typer.Option(help="Whether the bib of a selfie's surest faces may bring in photos without a face.")
]
TimelineSearch = Annotated[Switch | None, typer.Option(help="Whether photos are found by when they were taken.")]
TimeZone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="IANA name of the zone of the cameras' clocks, as Europe/Berlin.")
]
NONE = "none"
MAX_LIST_BYTES = 20_000_000
MAX_FIELD = 1_000
"""Characters of a line that are looked at: Python's reader of CSV files gives up at 131,072."""


def features_of(bib_search: Switch | None, timeline_search: Switch | None, time_zone: str | None) -> Features:
    """What was given of them."""
    features: Features = {}
    if bib_search is not None:
        features["bib_search"] = bib_search is Switch.ON
    if timeline_search is not None:
        features["timeline_search"] = timeline_search is Switch.ON
    if time_zone is not None:
        features["time_zone"] = time_zone
    return features


def listed_by(bibs: str | None, pattern: str | None) -> frozenset[str] | None:
    """The start list that an event is to take: that of a file, or an empty one where a pattern takes its place; None =
    the event keeps what it has."""
    if bibs is not None and pattern:
        raise InvalidRequest("Give --bibs or --bib-pattern: one takes the other's place.")
    if bibs is None and not pattern:
        return None
    return start_list(NONE if bibs is None else bibs)


def bib_changes(stack: Stack, event_id: int, pattern: str | None, from_faces: Switch | None) -> EventChanges:
    """The event's rules with what was given of them, start list aside; nothing if nothing was."""
    given: dict[str, Any] = {} if pattern is None else {"pattern": pattern}
    given |= {} if from_faces is None else {"from_faces": from_faces is Switch.ON}
    return {"bibs": replace(stack.event(event_id).bibs, **given)} if given else {}


def read_unread(stack: Stack, event: Event) -> dict[str, int]:
    """Have bibs read in the photos that were indexed without, and tell how many they are, also for `--json`."""
    unread = int(stack.container.unread_bibs.command(event)) if event.reads_bibs else 0
    if unread:
        say(f"Bibs are being read in {plural(unread, 'photo')}. Run this again to see how many are left.")
    elif event.reads_bibs:
        say("Bibs are read in all photos of the event.")
    return {"bibs_unread": unread}


def start_list(name: str) -> frozenset[str]:
    """The bibs of a file: the first field of each line, as of a CSV file; none at all if the name says so. A first one
    without any digit is a heading.

    Raises:
        CommandError, InvalidRequest: it cannot be read, or is no start list.
    """
    if name == NONE:
        return frozenset()
    if not name:
        raise InvalidRequest("--bibs takes a file, or none to take the start list away.")
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"--bibs: {name} cannot be read ({error.strerror}).") from None
    if len(data) > MAX_LIST_BYTES:
        raise InvalidRequest(f"--bibs: {name} is larger than {MAX_LIST_BYTES // 10**6} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"--bibs: {name} is not UTF-8 text.") from None
    lines = [line if line[:4] != "sep=" else "" for line in text.splitlines()]  # how Excel begins a file
    bibs = [(number, bib) for number, bib in enumerate(map(_first_field, lines), 1) if bib]
    if bibs and not _has_digit(bibs[0][1]):
        bibs = bibs[1:]
    if not bibs:
        raise InvalidRequest(f"--bibs: {name} has no bibs. Give none to take the start list away.")
    for number, bib in bibs:
        if not re.fullmatch(BIB_PATTERN, bib) or not _has_digit(bib):
            bib_is = "1 to 16 letters and digits, a digit among them"
            raise InvalidRequest(f"--bibs: line {number} of {name} does not begin with a bib: {bib_is}.")
    return checked_bibs([bib for _, bib in bibs])


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _first_field(line: str) -> str:
    delimiter = next((mark for mark in line if mark in ",;\t"), ",")
    fields = next(csv.reader([line[:MAX_FIELD]], delimiter=delimiter), [])
    return fields[0].strip() if fields else ""


def features_json(event: Event) -> dict[str, object]:
    """The features as `--json` shows them."""
    return {
        "bib_search": event.bib_search,
        "bib_pattern": event.bibs.pattern or None,
        "bibs_listed": event.bibs.listed,
        "bibs_from_faces": event.bibs.from_faces,
        "timeline_search": event.timeline_search,
        "time_zone": event.time_zone,
    }


def features_line(event: Event) -> str:
    """The features in a line."""
    rules = event.bibs
    bibs = [f"bib search {switch(event.bib_search)}"]
    bibs += [f"{plural(rules.listed, 'bib')} on the start list"] if rules.listed else []
    bibs += [f"bib pattern {printable(rules.pattern)}"] if rules.pattern else []
    bibs += ["bibs help selfies"] if rules.from_faces else []
    timeline = [f"timeline search {switch(event.timeline_search)}", f"time zone {event.time_zone}"]
    return ", ".join([*bibs, *timeline])
