"""A labelled gallery in an event of the running stack, and the selfies to search it with."""

import random
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tools.cli.call import call
from tools.cli.errors import CommandError

SEED = 2


@dataclass(frozen=True)
class Gallery:
    """A dataset in an event.

    Attributes:
        people: the people whom a photo shows, by image_id; the same file may lie in two folders.
        files: one file of each photo, by image_id.
        failed: how many files could not be indexed.
        seconds: from the first upload to the last photo indexed.
    """

    org_id: int
    event_id: int
    people: dict[str, set[str]]
    files: dict[str, Path]
    faces: int
    failed: int
    seconds: float


@dataclass(frozen=True)
class Probe:
    """A selfie: one photo of a person, and the person's other photos, which a search should find."""

    path: Path
    image_id: str
    others: frozenset[str]


def load(state: Path, dataset: Path) -> Gallery:
    """Upload the dataset into a new event, through the command line, and wait until it is indexed.

    Raises:
        CommandError: it did not work, or the dataset is not laid out as one folder per person.
    """
    org_id = call(state, "org", "create", "Accuracy")["org_id"]
    event_id = call(state, "event", "create", "Accuracy", "--org", org_id)["event_id"]
    began = time.monotonic()
    report = call(state, "photos", "upload", dataset, "--event", event_id, "--wait")
    seconds = time.monotonic() - began
    people: dict[str, set[str]] = {photo["image_id"]: set() for photo in report["photos"]}
    for photo in report["photos"]:
        person, below, _ = photo["file"].partition("/")
        if below:  # a photo beside the folders is nobody's: to find it is to find a stranger
            people[photo["image_id"]].add(person)
    if not any(people.values()):
        raise CommandError(f"{dataset} is not laid out as one folder of photos per person.")
    return Gallery(
        org_id,
        event_id,
        people,
        {photo["image_id"]: dataset / photo["file"] for photo in reversed(report["photos"])},
        sum({photo["image_id"]: photo["faces"] for photo in report["photos"]}.values()),
        len(report["failed"]),
        seconds,
    )


def choose_probes(gallery: Gallery, count: int) -> list[Probe]:
    """One photo each of up to `count` people who have more than one; the same ones on every run.

    Raises:
        CommandError: nobody has more than one photo.
    """
    photos: dict[str, list[str]] = defaultdict(list)
    for image_id, people in gallery.people.items():
        for person in people:
            photos[person].append(image_id)
    eligible = sorted(person for person, theirs in photos.items() if len(theirs) > 1)
    if not eligible:
        raise CommandError("Nobody has more than one photo: there is nothing to find.")
    chance = random.Random(SEED)  # noqa: S311 - a sample, not a secret
    probes = []
    for person in sorted(chance.sample(eligible, min(count, len(eligible)))):
        theirs = sorted(photos[person], key=lambda image_id: gallery.files[image_id])
        image_id = chance.choice(theirs)
        probes.append(Probe(gallery.files[image_id], image_id, frozenset(theirs) - {image_id}))
    return probes
