"""A finished search that a guest has watched: begun once, paid for, told to nobody, and gone with its search."""

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from facesearch.adapters.memory.stores import MemoryTokenBuckets
from facesearch.errors import (
    InvalidRequest,
    NoSuchSearch,
    QuotaExceeded,
    SearchInProgress,
    StoreUnavailable,
    UnknownUpload,
)
from facesearch.models import REKOGNITION, JobStatus, Page, QuotaLimits, QuotaState, SearchKey, SearchSummary
from facesearch.reading import Known, Wanted
from facesearch.search.quota import Account, Meter
from facesearch.search.selfies import UploadKey
from facesearch.webhooks.commands import SearchCommand, WatchCommand
from facesearch.webhooks.intake import AcceptedWatch
from facesearch.webhooks.jobs import LOST_SECONDS, watching_until
from tests.support.fakes import EVENT, EVENT_ID, ORG, photos
from tests.support.site import Fuse, Inline
from tests.unit.webhooks.bench import CALLBACK, CrashError, WebhookBench, deaths

DAY = 86_400
UPLOAD = UploadKey(ORG, EVENT_ID, uuid.UUID(int=9))
LIMITS = QuotaLimits(per_minute=1, burst=2)


class GuestBench(WebhookBench):
    """A search that a POST has finished, and its guest."""

    def __init__(self) -> None:
        super().__init__(Inline())
        self.search = SearchKey(ORG, EVENT_ID, uuid.uuid4())
        self.reader.save(self.search, SearchSummary(12, 90), photos(12))

    def ask(self, *selfies: bytes | UploadKey, days: int = 7) -> AcceptedWatch:
        state = self.reader.quotas.get(str(ORG), QuotaState())
        meter = Meter(Account(MemoryTokenBuckets(self.reader.quotas), str(ORG), LIMITS, state))
        return self.intake.watch(EVENT, self.search, days, selfies or (b"guest",), meter)

    def later(self, count: int) -> None:
        """The guest is in so many photos now."""
        self.matcher.found = photos(count)
        self.watching.run(WatchCommand(ORG, EVENT_ID), lambda: 30.0)

    @property
    def known(self) -> Known:
        search = self.search
        return self.reader.read(Wanted(search=search, page=Page(1, 1), job=search, watch=search))

    @property
    def paid(self) -> int:
        """How many matches were paid for."""
        full_at = self.reader.quotas.get(str(ORG), QuotaState()).full_at
        return max(0, round((full_at - time.time_ns() // 1000) / LIMITS.interval))

    @property
    def is_rid_of_it(self) -> bool:
        left = self.reader.jobs, self.watches.watches, self.reader.results, self.waiting.kept, self.reader.latest
        return not any(left)


@pytest.fixture
def guest() -> GuestBench:
    return GuestBench()


def test_a_watch_without_a_callback_tells_nobody_and_its_updates_are_read(guest: GuestBench) -> None:
    accepted = guest.ask()
    assert accepted == AcceptedWatch(guest.reader.jobs[guest.search].created_at + 7 * DAY, replayed=False)
    assert watching_until(guest.known) == accepted.until, "before it is begun, too"
    guest.deliver()
    assert (guest.status(guest.search), guest.waiting.kept) == ((JobStatus.DONE, ""), {})
    (watch,) = guest.watches.watches.values()
    assert (watch.callback_url, watch.metadata, watch.expires_at) == ("", None, accepted.until)
    assert abs(watch.created_at - time.time()) < 5, "when the consent came"
    assert (guest.known.watch.until, guest.known.watch.latest) == (accepted.until, None)
    guest.later(13)
    guest.later(14)
    latest = guest.known.watch.latest
    assert latest is not None
    assert guest.watches.children(guest.search)
    child = replace(guest.search, request_id=latest)
    assert guest.reader.results[child] == (SearchSummary(14, 90), photos(14))
    assert guest.ends.heard == []
    assert (guest.paid, guest.matcher.probed) == (1, 1), "updates cost nothing"


def test_asked_again_it_is_the_same_watch_whatever_days_and_costs_nothing(guest: GuestBench) -> None:
    first = guest.ask(days=3)
    assert guest.ask(days=30) == replace(first, replayed=True)
    guest.deliver()
    for days in (1, 30):
        assert guest.ask(UPLOAD, days=days) == replace(first, replayed=True), "the upload is not even looked for"
    assert (len(guest.queue.sent), guest.paid, guest.waiting.kept) == (1, 1, {})


def test_a_watch_by_a_webhook_is_the_same_watch(guest: GuestBench) -> None:
    more: dict[str, Any] = {"watch": True, "watch_consent": True, "watch_days": 5, "callback_url": CALLBACK}
    guest.send("msg_1", request_id=str(guest.search.request_id), **more)
    until = guest.reader.jobs[guest.search].created_at + 5 * DAY
    assert guest.ask() == AcceptedWatch(until, replayed=True)
    guest.deliver()
    assert guest.ask() == AcceptedWatch(until, replayed=True)
    assert guest.watches.watches[guest.search].callback_url == CALLBACK


@pytest.mark.parametrize("end", ["expires", "had nobody in its selfie"])
def test_one_that_is_over_can_be_begun_anew_and_is_paid_for(guest: GuestBench, end: str) -> None:
    guest.ask(b"nobody" if end != "expires" else b"guest")
    guest.deliver()
    if end == "expires":
        watch = guest.watches.watches[guest.search]
        guest.watches.watches[guest.search] = replace(watch, expires_at=int(time.time()))
    assert watching_until(guest.known) == 0
    assert not guest.ask(b"other").replayed
    guest.deliver()
    assert guest.probes.open(guest.watches.watches[guest.search]).values == b"other"
    assert (guest.paid, guest.waiting.kept) == (2, {})
    guest.watches.delete(guest.search)
    with pytest.raises(QuotaExceeded):
        guest.ask()
    assert guest.waiting.kept == {}


def test_a_webhook_keeps_its_search_when_that_is_watched_later(guest: GuestBench) -> None:
    sent = guest.send("msg_1", callback_url=CALLBACK)
    guest.search = sent.search
    guest.reader.save(sent.search, SearchSummary(12, 90), photos(12))
    with pytest.raises(SearchInProgress):  # until its job has ended
        guest.ask()
    guest.deliver()
    guest.ask()
    guest.deliver()
    assert guest.send("msg_1").search == sent.search
    assert [end.type for end in guest.ends.heard] == ["face_search.completed"]
    assert guest.search in guest.watches.watches


def test_a_job_that_was_lost_is_no_watch(guest: GuestBench) -> None:
    guest.ask(days=30)
    job = guest.reader.jobs[guest.search]
    guest.reader.jobs[guest.search] = replace(job, created_at=job.created_at - LOST_SECONDS - 60)
    assert watching_until(guest.known) == 0


def test_it_never_outlives_the_result(guest: GuestBench) -> None:
    soon = int(time.time()) + 60
    guest.reader.expiries[guest.search] = soon
    assert guest.ask().until == soon
    guest.deliver()
    assert guest.watches.watches[guest.search].expires_at == soon


def test_an_upload_is_taken_once_and_one_that_is_not_there_costs_nothing(guest: GuestBench) -> None:
    with pytest.raises(UnknownUpload, match="Selfie 2"):
        guest.ask(b"guest", UPLOAD)
    assert (guest.paid, guest.is_empty) == (0, True)
    guest.uploads.waiting[UPLOAD] = b"side"
    guest.ask(b"guest", UPLOAD)
    assert guest.uploads.waiting == {}
    guest.deliver()
    assert guest.probes.open(guest.watches.watches[guest.search]).values == b"guest+side"


def test_what_cannot_be_watched_is_refused_and_costs_nothing(guest: GuestBench) -> None:
    with pytest.raises(InvalidRequest, match="gives no probe"):
        guest.intake.watch(replace(EVENT, faces=REKOGNITION), guest.search, 7, [b"guest"], Meter())
    watching, guest.intake = guest.intake, replace(guest.intake, watching=False)
    with pytest.raises(InvalidRequest, match="does not watch"):
        guest.ask()
    guest.intake = watching
    guest.reader.hide(guest.search)
    with pytest.raises(NoSuchSearch):
        guest.ask()
    assert (guest.paid, guest.is_empty) == (0, True)


# ------------------------------------------------------------------ crashes and deletions


def test_an_intake_that_dies_anywhere_is_completed_by_the_next_call(guest: GuestBench) -> None:
    for steps in deaths(guest.fuse):
        guest = GuestBench()
        guest.fuse.left = steps
        try:
            guest.ask()
        except CrashError:
            guest.fuse.left = None
            guest.ask()
        else:
            assert steps == 5, "keep the selfie, add the job, send it, note that"
            return
        guest.deliver_until_over()
        assert (guest.status(guest.search)[0], guest.search in guest.watches.watches) == (JobStatus.DONE, True)


@pytest.mark.parametrize("before", [None, b"nobody"], ids=["the first", "after one that had nobody in its selfie"])
def test_an_intake_that_fails_anywhere_keeps_no_selfie_and_costs_nothing(before: bytes | None) -> None:
    for steps in itertools.count(1):
        guest = GuestBench()
        if before is not None:
            guest.ask(before)
            guest.deliver()
        paid = guest.paid
        guest.fuse.set(steps, after=False)
        guest.fuse.error = StoreUnavailable("PutItem", "ReadTimeoutError")
        try:
            guest.ask(b"guest", b"side")
        except StoreUnavailable:
            assert (guest.waiting.kept, guest.paid) == ({}, paid)
            continue
        assert steps == 5, "keep two selfies, add the job, send it; a note that fails is no failure"
        return


def has_happened(fuse: Fuse) -> bool:
    left, fuse.left = fuse.left, None
    return left is not None and left <= 0


def racing(race: Callable[[GuestBench, int], bool]) -> Iterator[GuestBench]:
    """A watch that is asked for, for each step at which something else happens; until there is no such step."""
    for step in itertools.count(1):
        guest = GuestBench()
        guest.ask()
        if not race(guest, step):
            assert step > 4
            return
        guest.waiting.kept.clear()  # those of a job that is gone are deleted under the search's prefix in the bucket
        yield guest


@pytest.mark.parametrize("after", [False, True])
def test_a_deletion_at_any_step_of_the_worker_leaves_no_probe(after: bool) -> None:
    def race(guest: GuestBench, step: int) -> bool:
        guest.fuse.set(step, after=after, happens=lambda: guest.deletion.delete(guest.search))
        guest.deliver()
        return has_happened(guest.fuse)

    for guest in racing(race):
        assert guest.is_rid_of_it


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_at_any_step_of_a_deletion_keeps_no_probe_and_searches_nothing(after: bool) -> None:
    def race(guest: GuestBench, step: int) -> bool:
        fuse = Fuse()
        parts: dict[str, Any] = {"results": guest.reader, "idempotency": guest.claims}
        parts |= {"jobs": guest.jobs, "watches": guest.watches}
        deletion = replace(guest.deletion, **{name: fuse.wrap(part) for name, part in parts.items()})
        fuse.set(step, after=after, happens=guest.deliver)
        deletion.delete(guest.search)
        return has_happened(fuse)

    for guest in racing(race):
        assert guest.is_rid_of_it


def test_a_watch_whose_search_was_deleted_before_its_job_came_searches_nothing(guest: GuestBench) -> None:
    guest.ask()
    guest.reader.cancel(guest.search)  # by a deletion that has looked for jobs before this one was added
    guest.deliver()
    assert (guest.matcher.probed, guest.reader.jobs, guest.waiting.kept) == (0, {}, {})
    assert guest.queue.sent == [(SearchCommand(guest.search), 0)]


def test_a_deleted_search_is_rid_of_its_updates_too(guest: GuestBench) -> None:
    guest.ask()
    guest.deliver()
    guest.later(13)
    guest.deletion.delete(guest.search)
    assert guest.is_rid_of_it
    assert guest.watches.told == {}


@pytest.mark.parametrize("end", ["its last day", "the event's last day"])
def test_what_was_told_outlives_the_watch_and_goes_with_its_search(guest: GuestBench, end: str) -> None:
    guest.ask()
    guest.deliver()
    guest.later(13)
    latest = guest.known.watch.latest
    if end == "its last day":
        del guest.watches.watches[guest.search]  # as the table does by itself
    else:
        guest.change(retain_until="2020-01-01")
        guest.later(14)
    assert (guest.known.watch.until, guest.known.watch.latest) == (0, latest)
    guest.deletion.delete(guest.search)
    assert guest.is_rid_of_it
