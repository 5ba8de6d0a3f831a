"""Commands to the indexing function about photos that are known already, in the queue that also announces uploads."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

PHOTOS_PER_COMMAND, PHOTOS_PER_SLOW_COMMAND = 10, 2
"""An invocation takes ten messages and has 120 s: a second for each photo; six where bibs are read, for which faces are
looked for once more."""


class CommandKind(StrEnum):
    """What is to be done once more; names the body of a message."""

    FACES = "reindex"
    """Look for faces."""
    BIBS = "bibs"
    """Read bibs."""
    RENDITIONS = "render"
    """Render."""


@dataclass(frozen=True)
class IndexingCommand:
    """Photos of an event that lack something.

    `model`: of faces, by which; of anything else empty.
    """

    event_id: int
    model: str
    image_ids: tuple[uuid.UUID, ...]
    kind: CommandKind = CommandKind.FACES

    def to_message(self) -> str:
        """The message."""
        image_ids = [str(image_id) for image_id in self.image_ids]
        return json.dumps({self.kind: {"event_id": self.event_id, "model": self.model, "image_ids": image_ids}})


def commands_for(
    kind: CommandKind, event_id: int, image_ids: Sequence[uuid.UUID], model: str = ""
) -> list[IndexingCommand]:
    """Commands for all of these photos, some in each."""
    at_once = PHOTOS_PER_SLOW_COMMAND if kind is CommandKind.BIBS else PHOTOS_PER_COMMAND
    some = (tuple(image_ids[start : start + at_once]) for start in range(0, len(image_ids), at_once))
    return [IndexingCommand(event_id, model, each, kind) for each in some]


def parse_command(message: str) -> IndexingCommand | None:
    """The command that a message is; None if it is of another kind.

    Raises:
        ValueError: it is meant as one, but is none.
    """
    kind = next((kind for kind in CommandKind if message.startswith(f'{{"{kind}"')), None)
    if kind is None:
        return None
    try:
        command = json.loads(message)[kind]
        image_ids = tuple(map(uuid.UUID, command["image_ids"]))
        return IndexingCommand(int(command["event_id"]), str(command["model"]), image_ids, kind)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError("the message is no command") from error


class IndexingCommands(Protocol):
    """How the indexing function is told what to do."""

    def send(self, commands: list[IndexingCommand]) -> None:
        """Have them carried out."""
