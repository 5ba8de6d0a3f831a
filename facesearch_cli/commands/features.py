"""The options of `facesearch event create` and `update` about bibs and the timeline."""

from typing import Annotated

import typer

from facesearch.admin.models import Features
from facesearch.models import Event
from facesearch_cli.commands.common import Switch, switch

BibSearch = Annotated[Switch | None, typer.Option(help="Whether bibs are read in photos, and photos found by them.")]
TimelineSearch = Annotated[Switch | None, typer.Option(help="Whether photos are found by when they were taken.")]
TimeZone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="IANA name of the zone of the cameras' clocks, as Europe/Berlin.")
]


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


def features_json(event: Event) -> dict[str, object]:
    """The features as `--json` shows them."""
    return {
        "bib_search": event.bib_search,
        "timeline_search": event.timeline_search,
        "time_zone": event.time_zone,
    }


def features_line(event: Event) -> str:
    """The features in a line."""
    return (
        f"bib search {switch(event.bib_search)}, timeline search {switch(event.timeline_search)},"
        f" time zone {event.time_zone}"
    )
