"""When an event's photos were taken, in UTC.

The gallery is in order of the cameras' own clocks, which tell the time of the event's zone. Photos are never looked at
one by one: those of an hour lie side by side, and a zone's offset from UTC changes once an hour at most (in all zones
since 1970 once a day at most), so that two searches in the sorted gallery count them.

An hour that the zone's clocks show twice counts as its first pass, and one that they skip as if they had not been put
forward, as Python reads such times. So two hours of the gallery may be the same hour in UTC.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from facesearch.models import MAX_TIME, Page, PhotoMatch
from facesearch.photos.gallery import Gallery

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - by a camera's clock
ALWAYS = range(MAX_TIME)
"""All seconds in UTC that have a date. A photo that a zone would put before 1970, or after 9999, is in no period."""
_HOUR, _DAY = 3600, 86400


@dataclass(frozen=True)
class _Run:
    """Photos that lie side by side in the gallery, all taken in one hour in UTC.

    Attributes:
        hour: since 1970.
        offset: seconds that the cameras' clocks were ahead of UTC.
        numbers: their places in the gallery.
    """

    hour: int
    offset: int
    numbers: range


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The timeline of the photos of a gallery whose clocks told the time of `zone`, an IANA name."""

    gallery: Gallery
    zone: str

    def hours(self) -> list[tuple[datetime, int]]:
        """The hours in UTC in which photos were taken, in order: when each begins, and how many photos it has."""
        return [
            (_EPOCH + timedelta(hours=hour), sum(len(run.numbers) for run in runs))
            for hour, runs in self._by_hour(ALWAYS)
        ]

    def cut(self, period: range, page: Page) -> tuple[list[PhotoMatch], int]:
        """A page of the photos of a period, of seconds since 1970 in UTC, and how many photos the period has.

        They come by capture time in UTC, then image_id.
        """
        total, numbers = 0, list[int]()
        for _, runs in self._by_hour(period):
            count = sum(len(run.numbers) for run in runs)
            wanted = slice(max(0, page.start - total), max(0, page.stop - total))
            if wanted.start < count and wanted.stop:
                numbers += self._in_order(runs)[wanted]
            total += count
        return self.gallery.select(numbers), total

    def _by_hour(self, period: range) -> Iterator[tuple[int, list[_Run]]]:
        runs = sorted(self._runs(period), key=lambda run: run.hour)
        return ((hour, list(same)) for hour, same in groupby(runs, key=lambda run: run.hour))

    def _in_order(self, runs: list[_Run]) -> range | list[int]:
        """The places of one hour's photos, in the order in UTC."""
        if len(runs) == 1:
            return runs[0].numbers
        taken, image_id = self.gallery.taken, self.gallery.image_id
        placed = [(taken(number) - run.offset, image_id(number), number) for run in runs for number in run.numbers]
        return [number for *_, number in sorted(placed)]

    def _runs(self, period: range) -> Iterator[_Run]:
        """All photos of a period, in the gallery's order."""
        before, zone = self.gallery.taken_before, ZoneInfo(self.zone)
        number, end = before(period.start - _DAY), before(period.stop + _DAY)  # no zone is a day off
        while number < end:
            first = self.gallery.taken(number)
            offset = _offset(zone, first)
            hour = (first - offset) // _HOUR
            stop = _constant_until(zone, first, (hour + 1) * _HOUR + offset)
            following = before(stop)
            since, until = (before(second + offset) for second in (period.start, period.stop))
            if numbers := range(max(number, since), min(following, until)):
                yield _Run(hour, offset, numbers)
            number = following


def _constant_until(zone: ZoneInfo, first: int, stop: int) -> int:
    """The second of the zone's clock at which the offset of `first` ends, or `stop` if it holds until then."""
    offset = _offset(zone, first)
    if _offset(zone, stop - 1) == offset:
        return stop
    seconds = range(first, stop)
    return seconds[bisect_left(seconds, True, key=lambda second: _offset(zone, second) != offset)]


def _offset(zone: ZoneInfo, second: int) -> int:
    """How many seconds a zone's clock that shows this second since 1970 is ahead of UTC."""
    shown = (_EPOCH + timedelta(seconds=min(second, ALWAYS[-1]))).replace(tzinfo=zone)
    return round((shown.utcoffset() or timedelta()).total_seconds())
