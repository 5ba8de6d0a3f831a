"""An event's watermark is drawn into the renditions of all its photos, or taken out of them, by the indexing function.

The event says what is wanted, and each photo's record how its renditions look. So whatever is interrupted goes on when
it is run again, and it is over when a look at all records finds nothing else, which no indexing run can have begun
before the event said so. Then the CDN is told.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from facesearch.errors import InvalidRequest, NotFound
from facesearch.faces.sets import EventFaceSets
from facesearch.models import Event
from facesearch.photos.commands import CommandKind, IndexingCommands, commands_for
from facesearch.photos.objects import Objects
from facesearch.photos.places import find_moved
from facesearch.photos.rebuild import POLL_SECONDS, STALL_SECONDS, Progress, StalledError
from facesearch.photos.rerender import CLAIM_SECONDS
from facesearch.photos.watermark import WatermarkFiles
from facesearch.records import READ_AT_ONCE, Photo, PhotoStore, original_prefix, read_photos

SETTLED_SECONDS = 5.0
"""How long after the event was changed a photo may be recorded by a run that does not know it. Such a run has read the
event right before it wrote three files and the record: .1 s as a rule, and one call that hung and was tried again has
room. Who takes longer sees for itself that the event has changed, and only the CDN may then keep what it had."""


@dataclass(frozen=True)
class PreviewsMade:
    """What a run came to, in photos.

    Attributes:
        done: whose renditions look as the event says.
        left: whose do not yet; 0 unless nobody has waited.
        failed: whose cannot: their originals are gone or unreadable, and their renditions are not without a watermark,
            or are gone, too.
    """

    photos: int
    done: int
    left: int
    failed: list[uuid.UUID]

    def to_json(self) -> dict[str, Any]:
        """The shape in `event update --json`."""
        return vars(self) | {"failed": [str(image_id) for image_id in self.failed]}


@dataclass
class _PreviewSurvey:
    """How an event's photos look. `before`: of those that could not look so, what their records said at first."""

    rendering: str
    before: dict[uuid.UUID, str] = field(default_factory=dict)
    photos: int = 0
    lacking: list[uuid.UUID] = field(default_factory=list)
    failed: list[uuid.UUID] = field(default_factory=list)

    def is_settled(self, photo: Photo | None) -> bool:
        """Whether nothing more is to be expected of a photo; None = it is deleted."""
        return photo is None or photo.status != "indexed" or photo.looks(self.rendering) or self.has_failed(photo)

    def has_failed(self, photo: Photo) -> bool:
        """Whether it was tried in vain since the run began: what was in vain before is tried again."""
        return photo.cannot_look(self.rendering) and photo.unrendered != self.before.get(photo.image_id)


@dataclass(frozen=True, kw_only=True)
class Watermarking:
    """The use case of `event update --watermark`, once the event is changed.

    Attributes:
        uncache: has the CDN serve these paths no more, and waits until no edge does.
    """

    events: EventFaceSets
    photos: PhotoStore
    originals: Objects
    files: WatermarkFiles
    commands: IndexingCommands
    uncache: Callable[[Sequence[str]], None]
    pool: Executor
    progress: Progress = lambda done, total: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def run(self, event_id: int, *, wait: bool = True) -> PreviewsMade:
        """Have all renditions look as the event says, or go on with it.

        Args:
            event_id: the event, as it is to stay meanwhile.
            wait: until all do; if not, only command it.

        Raises:
            NotFound: no such event.
            InvalidRequest: the event is being deleted, or was changed again meanwhile.
            StalledError: nothing more came for a long time.
        """
        event, settled_at = self._event(event_id), self.clock() + SETTLED_SECONDS
        survey = _PreviewSurvey(event.rendering)
        self._look(event, survey, first=True)
        if survey.lacking:
            self._find_moved(event)
        while True:
            self._command(event, survey.lacking)
            if not wait:
                break
            self._await(event, survey)
            self.sleep(max(0.0, settled_at - self.clock()))
            self._look(event, survey)
            if not survey.lacking:
                self.uncache([f"/imgs/{event_id}/*"])
                self.files.keep(event_id, event.watermark.picture if event.watermark is not None else "")
                break
        left, failed = len(survey.lacking), sorted(survey.failed)
        return PreviewsMade(survey.photos, survey.photos - left - len(failed), left, failed)

    def _look(self, event: Event, survey: _PreviewSurvey, *, first: bool = False) -> None:
        """Look at all records: the index by change has not what they say of renditions, and cannot get it."""
        survey.photos, survey.lacking, survey.failed = 0, [], []
        for shard in range(event.shards):
            for photo in self.photos.records(event.event_id, shard):
                if photo.status != "indexed":
                    continue
                survey.photos += 1
                if first and photo.unrendered:
                    survey.before[photo.image_id] = photo.unrendered
                if not survey.is_settled(photo):
                    survey.lacking.append(photo.image_id)
                elif not photo.looks(survey.rendering):
                    survey.failed.append(photo.image_id)

    def _command(self, event: Event, image_ids: Sequence[uuid.UUID]) -> None:
        if image_ids:
            self.commands.send(commands_for(CommandKind.RENDITIONS, event.event_id, image_ids))

    def _await(self, event: Event, survey: _PreviewSurvey) -> None:
        """Wait until what was commanded has come, and command again what somebody may have died over."""
        waiting, pause, last, again = survey.lacking, POLL_SECONDS[0], self.clock(), float(CLAIM_SECONDS)
        while True:
            self.progress(survey.photos - len(waiting), survey.photos)
            if not waiting:
                return
            left = self._unsettled(event, survey, waiting)
            if len(left) < len(waiting):
                waiting, pause, last, again = left, POLL_SECONDS[0], self.clock(), CLAIM_SECONDS
                continue
            if self.clock() - last >= STALL_SECONDS:
                raise StalledError(
                    f"The previews of {len(waiting)} photos are not as they should be yet, and nothing more came for"
                    f" {STALL_SECONDS / 60:.0f} minutes: see the indexing function's log. Running it again goes on."
                )
            if self.clock() - last >= again:
                self._command(event, waiting)
                again = STALL_SECONDS
            self.sleep(pause)
            pause = min(2 * pause, POLL_SECONDS[1])
            if self._event(event.event_id).rendering != event.rendering:
                raise InvalidRequest("The watermark was changed by another command meanwhile.")

    def _unsettled(self, event: Event, survey: _PreviewSurvey, waiting: list[uuid.UUID]) -> list[uuid.UUID]:
        """Those that still wait. They come about in the order in which they were commanded: no more are read than
        until most of a round trip's are waiting."""
        left: list[uuid.UUID] = []
        for start in range(0, len(waiting), READ_AT_ONCE):
            some = waiting[start : start + READ_AT_ONCE]
            found = read_photos(self.photos, event.event_id, event.shards, some, self.pool)
            still = [image_id for image_id in some if not survey.is_settled(found.get(image_id))]
            left += still
            if len(still) > len(some) // 2:
                return left + waiting[start + READ_AT_ONCE :]
        return left

    def _find_moved(self, event: Event) -> None:
        """An original that was moved must be found before it is asked for: without it, less can be done."""
        listing = dict(self.originals.etags_under(original_prefix(event.org_id, event.event_id)))
        for shard in range(event.shards):
            find_moved(self.photos, event, self.photos.records(event.event_id, shard), listing)

    def _event(self, event_id: int) -> Event:
        event = self.events.event(event_id)
        if event is None:
            raise NotFound(f"There is no event {event_id}.")
        if event.closing:
            raise InvalidRequest(f"Event {event_id} is being deleted.")
        return event
