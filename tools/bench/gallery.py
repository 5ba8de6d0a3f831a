"""A labelled gallery in an event of the running stack, and the selfies to search it with."""

import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from facesearch_cli.call import call
from facesearch_cli.errors import CommandError
from tools.bench.dataset import labels_of

SEED = 2


@dataclass(frozen=True)
class Gallery:
    """A dataset in an event.

    Attributes:
        people: the people whom a photo shows, by image_id; the same file may lie in two folders.
        folders: the names of these people's folders, by which namesakes of other groups are known.
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
    folders: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Probe:
    """A selfie: one photo of a person, and the person's other photos, which a search should find.

    Attributes:
        neither: photos that count neither way: this one, and those of namesakes in other groups.
    """

    person: str
    path: Path
    image_id: str
    others: frozenset[str]
    neither: frozenset[str]


def load(state: Path, dataset: Path) -> Gallery:
    """Upload the dataset into a new event, through the command line, and wait until it is indexed.

    Raises:
        CommandError: it did not work, or the dataset is not laid out as one folder per person.
    """
    org_id = call(state, "org", "create", "Accuracy")["org_id"]
    event_id = call(state, "event", "create", "Accuracy", "--org", org_id)["event_id"]
    began = time.monotonic()
    report = call(state, "photos", "upload", dataset, "--event", event_id, "--wait", despite_failures=True)
    seconds = time.monotonic() - began
    people: dict[str, set[str]] = {photo["image_id"]: set() for photo in report["photos"]}
    folders: dict[str, set[str]] = {photo["image_id"]: set() for photo in report["photos"]}
    labels = labels_of([photo["file"].split("/") for photo in report["photos"]])
    for photo, label in zip(report["photos"], labels, strict=True):
        # A photo beside the folders is nobody's: to find it is to find a stranger.
        if label.person is not None and label.folder is not None:
            people[photo["image_id"]].add(label.person)
            folders[photo["image_id"]].add(label.folder)
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
        folders,
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
        others = frozenset(theirs) - {image_id}
        names = gallery.folders.get(image_id, set())
        neither = {other for other, folders in gallery.folders.items() if folders & names}
        probes.append(
            Probe(person, gallery.files[image_id], image_id, others, frozenset(neither | {image_id}) - others)
        )
    return probes
