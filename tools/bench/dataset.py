"""A labelled folder: a folder of photos a person, or a folder of such folders a group of people."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from facesearch_cli.errors import CommandError
from facesearch_cli.pictures import scan


@dataclass(frozen=True)
class Label:
    """Whom a photo shows, as its path says.

    Attributes:
        group: None where there are no groups, and for a photo beside the folders.
        person: unique in the dataset: "group/folder" where there are groups; None for a photo that is nobody's.
        folder: the person's folder. In two groups it may be one person twice, as a child and as an adult: such photos
            are of two people, but to find the one by the other is neither right nor wrong.
    """

    group: str | None
    person: str | None
    folder: str | None


@dataclass(frozen=True)
class Dataset:
    """The photos of a labelled folder, and a label for each."""

    root: Path
    paths: list[Path]
    labels: list[Label]

    @property
    def people(self) -> list[str | None]:
        """Whom each photo shows."""
        return [label.person for label in self.labels]

    @property
    def folders(self) -> list[str | None]:
        """The name of each photo's folder, by which namesakes are known."""
        return [label.folder for label in self.labels]

    @property
    def groups(self) -> list[str]:
        """The groups' names, none for a folder of people."""
        return sorted({label.group for label in self.labels if label.group is not None})


def read_dataset(root: Path) -> Dataset:
    """The pictures under a folder, labelled.

    Raises:
        CommandError: no such folder, or it is not laid out as one folder per person.
    """
    paths = scan(root).pictures
    labels = labels_of([path.relative_to(root).parts for path in paths])
    if not any(label.person for label in labels):
        raise CommandError(f"{root} is not laid out as one folder of photos per person.")
    return Dataset(root, paths, labels)


def labels_of(files: Collection[Sequence[str]]) -> list[Label]:
    """The labels of files, each given as the parts of its path from the dataset on.

    Groups are told by depth: most of the photos that lie in folders lie in a folder of a folder.
    """
    deep, inside = sum(len(parts) > 2 for parts in files), sum(len(parts) > 1 for parts in files)
    return [_label(parts, grouped=2 * deep > inside) for parts in files]


def _label(parts: Sequence[str], *, grouped: bool) -> Label:
    if not grouped:
        return Label(None, parts[0], parts[0]) if len(parts) > 1 else Label(None, None, None)
    if len(parts) > 2:
        return Label(parts[0], f"{parts[0]}/{parts[1]}", parts[1])
    return Label(None, None, None)
