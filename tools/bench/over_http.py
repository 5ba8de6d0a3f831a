"""Searches over HTTP: how the running product does on a labelled folder, from the upload to the last page.

All photos go into one event through the command line; then photos of people who have others serve as selfies, one after
the other. A selfie's own photo is not counted.
"""

import math
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facesearch_cli.call import call
from facesearch_cli.stack import LOCAL, open_stack
from facesearch_cli.terminal import progress_bar
from facesearch_client import BadRequestError, FaceSearchClient
from tools.bench.gallery import Gallery, Probe, choose_probes, load
from tools.bench.identification import Counts, Found

REPLAY_EVERY = 10
"""Of every so many searches one is posted again, to see that its answer stays."""


@dataclass(frozen=True)
class Search:
    """One search's outcome.

    Attributes:
        refused: the API found no face in the selfie; all its photos are missed then.
        same_again: the same `request_id` posted again brought the same; None = not tried.
    """

    counts: Counts
    milliseconds: float
    refused: bool = False
    same_again: bool | None = None


@dataclass(frozen=True)
class Row:
    """All searches at one confidence."""

    confidence: int
    found: Found
    refused: int
    median_milliseconds: float
    p95_milliseconds: float
    replays: int
    replays_same: int


@dataclass(frozen=True)
class Measurement:
    """Everything measured; nobody's name is in it."""

    photos: int
    faces: int
    failed: int
    people: int
    photos_per_second: float
    rows: list[Row]


def measure(state: Path, dataset: Path, probes: int, confidences: Sequence[int]) -> Measurement:
    """Load the dataset into the stack that lives in `state`, and search it at each confidence.

    Raises:
        CommandError, ClientError: the stack did not do what it was asked.
    """
    gallery = load(state, dataset)
    chosen = choose_probes(gallery, probes)
    api_key = call(state, "key", "create", "--org", gallery.org_id)["api_key"]
    stack = open_stack(LOCAL, state)
    rows = []
    client = FaceSearchClient(stack.api_url, api_key, gallery.org_id, transport=stack.transport)
    with client, progress_bar() as watcher:
        stage = watcher.stage("Searching", len(chosen) * len(confidences))
        for confidence in confidences:
            call(state, "event", "update", gallery.event_id, "--confidence", confidence)
            searches = []
            for number, probe in enumerate(chosen):
                searches.append(_search(client, gallery, probe, replay=number % REPLAY_EVERY == 0))
                stage.advance()
            rows.append(pool(confidence, searches))
    return Measurement(
        photos=len(gallery.people),
        faces=gallery.faces,
        failed=gallery.failed,
        people=len({person for people in gallery.people.values() for person in people}),
        photos_per_second=len(gallery.people) / gallery.seconds,
        rows=rows,
    )


def _search(client: FaceSearchClient, gallery: Gallery, probe: Probe, *, replay: bool) -> Search:
    request_id = uuid.uuid4()
    began = time.perf_counter()
    try:
        answer = client.search(gallery.event_id, probe.path, request_id, page_size=100)
    except BadRequestError as error:
        if error.status != 400:
            raise
        counts = Counts(probe.person, 0, 0, len(probe.others))
        return Search(counts, 1000 * (time.perf_counter() - began), refused=True)
    milliseconds = 1000 * (time.perf_counter() - began)
    found = {image["image_id"] for page in client.pages(gallery.event_id, request_id) for image in page.images}
    same_again = None
    if replay:
        again = client.search(gallery.event_id, probe.path, request_id, page_size=100)
        same_again = again.replayed and again.body == answer.body
    right, strangers = len(found & probe.others), len(found - probe.others - probe.neither)
    counts = Counts(probe.person, right, strangers, len(probe.others) - right)
    return Search(counts, milliseconds, same_again=same_again)


def pool(confidence: int, searches: Sequence[Search]) -> Row:
    """One line of the table."""
    times = sorted(search.milliseconds for search in searches)
    replays = [search.same_again for search in searches if search.same_again is not None]
    return Row(
        confidence=confidence,
        found=Found(tuple(search.counts for search in searches)),
        refused=sum(search.refused for search in searches),
        median_milliseconds=statistics.median(times),
        p95_milliseconds=times[math.ceil(0.95 * len(times)) - 1],
        replays=len(replays),
        replays_same=sum(replays),
    )
