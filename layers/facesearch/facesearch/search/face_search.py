"""The main use case: one face search per `request_id`, however often and however concurrently it is asked for."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Generic

from facesearch.errors import (
    Busy,
    CostlyImage,
    FaceSearchError,
    NoFaceFound,
    NoSuchEvent,
    OtherPerson,
    QuotaExceeded,
    SearchDeleted,
    SearchInProgress,
    StoreUnavailable,
    UnknownUpload,
    UnusableImage,
)
from facesearch.faces.matching import Matcher, ProbeT
from facesearch.models import Event, FaceSetKind, Feature, Page, PhotoMatch, SearchKey, SearchSummary, require
from facesearch.observability import count, log_unexpected, logger, milliseconds
from facesearch.reading import Reader, StoredPage, Wanted
from facesearch.search.bib_help import BibHelp
from facesearch.search.idempotency import AlreadyRunningError, Idempotency
from facesearch.search.keeping import Keeping
from facesearch.search.quota import Meter
from facesearch.search.results import OutdatedError, ResultStore
from facesearch.search.selfies import SelfieStore, SelfieUploads, UploadKey, delete_uploads, pictures_of

SelfieSource = Callable[[], Sequence[bytes]]
"""Gets the selfies from elsewhere. What it raises ends the search, which can be tried again."""
Selfies = Sequence[bytes | UploadKey] | SelfieSource
"""Of one person, in their order: pictures and uploads of pictures, or where they come from."""
CLAIM_AGAIN_SECONDS = 1.0
"""A waiting duplicate polls header and chunk, which costs two read units, and tries the claim, which costs a write
unit, only this often: to take over from a run that failed or was killed."""
STORING_SECONDS = 2.0
"""Kept of the invocation's time for storing what was found."""
AFRESH_AT_MOST = 3
"""How often one call starts its search afresh because something was deleted while it ran."""
LOOKED_AT = (UnusableImage, NoFaceFound, OtherPerson)
"""Why a selfie is refused that was there."""
REFUSED_SELFIES = (*LOOKED_AT, UnknownUpload)


class _ResultGoneError(LookupError):
    """The search is done by its claim, but a deletion has taken its result, or is about to take the claim, too."""


@dataclass(frozen=True)
class SearchOutcome:
    """A page of the search, and whether it was there before."""

    stored: StoredPage
    replayed: bool


@dataclass(frozen=True)
class Invocation:
    """Who asks: the invocation that would do the work, and the meter of who pays for it.

    `cancelled` is the search's last cancellation that the caller knew of; a later one ends what it asks for. `consent`
    names the text that the guest agreed to, empty if none was sent; it is kept with the result. `bib` is the one that
    the runner typed, in upper case, empty if none was; it is kept nowhere.
    """

    seconds_left: Callable[[], float]
    meter: Meter
    cancelled: str = ""
    consent: str = ""
    bib: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class FaceSearch(Generic[ProbeT]):
    """The use case: match a person's selfies against an event and store the result, once.

    Attributes:
        matcher_of: by the kind of the event's live face set. A search whose event changes it stores no result.
        bibs: looks at bibs, too, where the event says so; None where nobody reads any.
        pool: keeps what is kept while the invocation's own thread computes; leaf calls only.
        wait_seconds: how long a duplicate waits for the search that is running.
    """

    matcher_of: Callable[[FaceSetKind], Matcher[ProbeT]]
    idempotency: Idempotency
    results: ResultStore
    selfies: SelfieStore
    uploads: SelfieUploads
    reader: Reader
    pool: Executor
    wait_seconds: float
    bibs: BibHelp | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def search(
        self, event: Event, search: SearchKey, selfies: Selfies, page: Page, invocation: Invocation
    ) -> SearchOutcome:
        """Search, or replay, or wait for the one that is searching. Selfies are got only if there is one to be done.

        Raises:
            UnusableImage, UnknownUpload, NoFaceFound, OtherPerson: a selfie; nothing is stored. A token has paid.
            QuotaExceeded: nothing was searched.
            SearchDeleted: the search was, meanwhile; nothing of it is stored.
            NotFound, Forbidden: the event was deleted or switched off meanwhile.
            EngineBusy: nothing was searched, whatever was retried.
            SearchInProgress: still running elsewhere after the bounded wait, or photos are being deleted all the time.
        """
        deadline, afresh = self.clock() + self.wait_seconds, 0
        while True:
            try:
                return self._run(event, search, selfies, page, invocation)
            except AlreadyRunningError:
                stored = self._await_result(search, page, until=min(deadline, self.clock() + CLAIM_AGAIN_SECONDS))
                if stored is not None:
                    return replayed(stored)
            except (OutdatedError, _ResultGoneError) as error:
                event, afresh = self._afresh(event, search, invocation, error), afresh + 1
            if self.clock() >= deadline or afresh > AFRESH_AT_MOST:
                raise SearchInProgress("This request_id is still being searched. Retry with the same request_id.")

    def _run(
        self, event: Event, search: SearchKey, selfies: Selfies, page: Page, invocation: Invocation
    ) -> SearchOutcome:
        found: tuple[SearchSummary, list[PhotoMatch]] | None = None

        def match_and_store() -> SearchSummary:
            nonlocal found
            meter = invocation.meter
            meter.check()
            matcher, organisation = self.matcher_of(event.faces.kind), meter.organisation
            probe_is_paid = matcher.probe_is_paid(event)
            # Anybody may hold a token, so it pays for each look at selfies, also at those that are refused.
            with (
                _paid(meter.token, kept_on=REFUSED_SELFIES),
                _charged_if_refused(meter),
                _paid(organisation) if probe_is_paid else nullcontext(),
            ):
                pictures = self._pictures(selfies)
                # An organisation pays once a face is found: a selfie that is refused costs it nothing.
                with self._keeping(search, pictures, None if probe_is_paid else organisation) as keeping:
                    seconds = invocation.seconds_left() - STORING_SECONDS
                    with milliseconds("EmbedMilliseconds"):
                        probe = matcher.probe(event, pictures, search, seconds, keeping.begin)
                    keeping.begin()
                    with milliseconds("MatchMilliseconds"):
                        photos = matcher.match(event, probe)
                    if self.bibs is not None:
                        likeness_of = partial(matcher.likeness, event, probe)
                        photos = self.bibs.widen(event, photos, invocation.bib, likeness_of)
                    summary = matcher.summary(event, probe, photos)
                    asked = (event.erasures, invocation.cancelled, invocation.consent)
                    keeping.entered()
                    if self.results.save(search, summary, photos, *asked, keeping.settle):
                        found = summary, photos
            if not callable(selfies):
                delete_uploads(selfies, self.uploads)
            return summary

        try:
            self.idempotency.run(search, invocation.seconds_left(), match_and_store)
        except Exception as error:
            if found is None or not isinstance(error, StoreUnavailable):
                _count_unfinished(error)
                raise
            # The result is whole and will be replayed; only the note that the claim is done could not be written.
            log_unexpected(error)
        if found is None:
            stored = self.reader.read(Wanted(search=search, page=page)).result
            if stored is None:
                raise _ResultGoneError
            return replayed(stored)
        count("SearchExecuted")
        summary, photos = found
        logger.info("searched", matches=summary.total, confidence=summary.confidence)
        return SearchOutcome(StoredPage(summary, photos[page.start : page.stop]), replayed=False)

    def _pictures(self, selfies: Selfies) -> Sequence[bytes]:
        return selfies() if callable(selfies) else pictures_of(selfies, self.uploads)

    @contextmanager
    def _keeping(self, search: SearchKey, pictures: Sequence[bytes], meter: Meter | None) -> Iterator[Keeping]:
        """What the block has begun to keep of the search, and paid by the meter, is undone if it fails: a failed search
        leaves nothing.

        Inside the claim, so that it is never a later run's. What a killed one leaves, or one whose stores fail here,
        too, is found by the next run, which overwrites it, and by a deletion. A table that refuses keeps no selfie:
        each step is tried whatever became of the one before.
        """
        keep, pay = partial(self.selfies.keep, search, pictures), meter.take if meter is not None else _nothing
        keeping = Keeping(self.pool, enter=partial(self.results.enter, search), pay=pay, keep=keep)
        try:
            yield keeping
        except BaseException as error:
            keeping.wait()
            if meter is not None and keeping.has_paid:
                meter.give_back()
            other = self._undone(search, error) if keeping.has_begun and isinstance(error, Exception) else error
            if other is not error:
                raise other from error
            raise
        keeping.wait()

    def _undone(self, search: SearchKey, error: Exception) -> Exception:
        """Undo what was kept; the error, or what stood in the way of starting afresh after it."""
        # A deletion that went by has looked for the selfies, maybe before they were there.
        for undo in (self.results.hide, self.selfies.delete, self.results.delete):
            try:
                undo(search)
            except StoreUnavailable as left:
                log_unexpected(left)
                if isinstance(error, OutdatedError):  # which would start the search afresh
                    error = left
        return error

    def _afresh(self, event: Event, search: SearchKey, invocation: Invocation, error: Exception) -> Event:
        """Make way for the same search once more, over the event as it is after the deletion."""
        if isinstance(error, _ResultGoneError):
            self.idempotency.delete(search)
        known = self.reader.read(Wanted(event_id=event.event_id, search=search, page=Page(1, 1)))
        if known.cancelled not in ("", invocation.cancelled):
            raise SearchDeleted("This search was deleted while it was running.")
        if known.event is None:
            raise NoSuchEvent
        require(known.event, Feature.SELFIE_SEARCH)
        return known.event

    def _await_result(self, search: SearchKey, page: Page, until: float) -> StoredPage | None:
        ceiling = 0.05
        while (remaining := until - self.clock()) > 0:
            self.sleep(min(remaining, random.uniform(ceiling / 2, ceiling)))  # noqa: S311 - jitter
            stored = self.reader.read(Wanted(search=search, page=page)).result
            if stored is not None:
                return stored
            ceiling = min(0.5, 2 * ceiling)
        return None


def _nothing() -> None:
    """Where nothing is to be done."""


def replayed(stored: StoredPage) -> SearchOutcome:
    """The outcome of a search that was done before."""
    count("SearchReplayed")
    logger.info("replayed", matches=stored.summary.total)
    return SearchOutcome(stored, replayed=True)


def _count_unfinished(error: Exception) -> None:
    if isinstance(error, Busy):
        count("SearchThrottled")
    elif not isinstance(error, AlreadyRunningError | OutdatedError):
        count("SelfieRefused" if isinstance(error, FaceSearchError) else "SearchFailed")


@contextmanager
def _paid(meter: Meter, kept_on: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Pay for a match, and get it back if there was none, unless it ended by one of `kept_on`.

    Inside the claim, so that duplicates which wait for one match pay for one.
    """
    meter.take()
    try:
        yield
    except BaseException as error:
        if not isinstance(error, kept_on):
            meter.give_back()
        raise


@contextmanager
def _charged_if_refused(meter: Meter) -> Iterator[None]:
    """Charge the organisation for refused selfies that come in numbers, and for each that no camera makes. Refusing one
    is cheap; sending thousands shall not be."""
    try:
        yield
    except LOOKED_AT as refused:
        try:
            if isinstance(refused, CostlyImage):
                meter.organisation.take()
            else:
                meter.refuse()
        except QuotaExceeded:  # the next one is refused for it
            pass
        except StoreUnavailable as unpaid:
            log_unexpected(unpaid)
        raise
