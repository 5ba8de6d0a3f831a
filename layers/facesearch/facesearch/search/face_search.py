"""The main use case: one face search per `request_id`, however often and however concurrently it is asked for."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Generic

from aws_lambda_powertools.utilities.typing import LambdaContext

from facesearch.api.selfie_form import SelfieForm
from facesearch.errors import (
    Busy,
    CostlyImage,
    FaceSearchError,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    SearchDeleted,
    SearchInProgress,
    StoreUnavailable,
    UnknownUpload,
    UnusableImage,
)
from facesearch.faces.matching import Matcher, ProbeT
from facesearch.faces.several import naming
from facesearch.models import Event, Feature, Page, PhotoMatch, SearchKey, SearchSummary, require
from facesearch.observability import count, log_unexpected, logger, milliseconds
from facesearch.reading import Reader, StoredPage, Wanted
from facesearch.search.idempotency import AlreadyRunningError, Idempotency
from facesearch.search.quota import Meter
from facesearch.search.results import OutdatedError, ResultStore
from facesearch.search.selfies import SelfieStore, SelfieUploads, UploadKey
from facesearch.validation import upload_of

SelfieSource = Callable[[], Sequence[bytes]]
"""Gets the selfies from elsewhere. What it raises ends the search, which can be tried again."""
Selfies = Sequence[bytes | UploadKey] | SelfieSource

CLAIM_AGAIN_SECONDS = 1.0
"""A waiting duplicate polls header and chunk, which costs two read units, and tries the claim, which costs a write
unit, only this often: to take over from a run that failed or was killed."""
RETRY_AFTER_SECONDS = 5
STORING_SECONDS = 2.0
"""Kept of the invocation's time for storing what was found."""
AFRESH_AT_MOST = 3
"""How often one call starts its search afresh because something was deleted while it ran."""


class _ResultGoneError(LookupError):
    """The search is done, but a deletion has taken its result, or is about to take the claim, too."""


@dataclass(frozen=True)
class SearchOutcome:
    """A page of the search, and whether it was there before."""

    stored: StoredPage
    replayed: bool


@dataclass(frozen=True)
class WaitPolicy:
    """How a duplicate waits: `seconds` in all, with a clock and a sleep that a test can bring."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Invocation:
    """Who asks: the invocation that would do the work, and the meter of the organisation that pays for it.

    `cancelled`: the search's last cancellation that the caller knew of; a later one ends what it asks for.
    """

    context: LambdaContext
    meter: Meter
    cancelled: str = ""

    @property
    def seconds(self) -> float:
        """What is left of the invocation."""
        return self.context.get_remaining_time_in_millis() / 1000


class FaceSearch(Generic[ProbeT]):
    """Match a person's selfies against an event and store the result, once."""

    def __init__(
        self,
        *,
        matcher: Matcher[ProbeT],
        claims: Idempotency,
        results: ResultStore,
        selfies: SelfieStore,
        uploads: SelfieUploads,
        reader: Reader,
        pool: Executor,
        patience: WaitPolicy,
    ) -> None:
        self._matcher = matcher
        self._claims = claims
        self._results = results
        self._selfies = selfies
        self._uploads = uploads
        self._reader = reader
        self._pool = pool
        self._patience = patience

    def search(
        self, event: Event, search: SearchKey, form: SelfieForm | SelfieSource, page: Page, call: Invocation
    ) -> SearchOutcome:
        """Search, or replay, or wait for the one that is searching.

        Args:
            event, search: where, and under which id.
            form: the selfies as they were sent, or where they come from: asked only if there is a search to be done.
            page: of the answer.
            call: who asks.

        Raises:
            InvalidRequest, TooLarge, UnusableImage, UnknownUpload, NoFaceFound, OtherPerson: the form or a selfie;
                nothing is stored.
            QuotaExceeded: nothing was searched.
            SearchDeleted: the search was, meanwhile; nothing of it is stored.
            NotFound, Forbidden: the event was deleted or switched off meanwhile.
            EngineBusy: nothing was searched, whatever was retried.
            SearchInProgress: still running elsewhere after the bounded wait, or photos are being deleted all the time.
        """
        selfies = _selfies_of(event, form) if isinstance(form, SelfieForm) else form
        clock = self._patience.clock
        deadline = clock() + self._patience.seconds
        afresh = 0
        while True:
            stored = None
            try:
                return self._run(event, search, selfies, page, call)
            except AlreadyRunningError:
                stored = self._await_result(search, page, until=min(deadline, clock() + CLAIM_AGAIN_SECONDS))
            except (OutdatedError, _ResultGoneError) as error:
                event, afresh = self._afresh(event, search, call, error), afresh + 1
            if stored is not None:
                return replayed(stored)
            if clock() >= deadline or afresh > AFRESH_AT_MOST:
                raise SearchInProgress(
                    "This request_id is still being searched. Retry with the same request_id.", RETRY_AFTER_SECONDS
                )

    def _run(self, event: Event, search: SearchKey, selfies: Selfies, page: Page, call: Invocation) -> SearchOutcome:
        found: tuple[SearchSummary, list[PhotoMatch]] | None = None

        def match_and_store() -> SearchSummary:
            nonlocal found
            call.meter.check()
            pictures = self._pictures(selfies)
            with _charged_if_costly(call.meter), ExitStack() as paid:
                if self._matcher.probe_is_paid(event):
                    paid.enter_context(_paid(call.meter))
                with milliseconds("EmbedMilliseconds"):
                    probe = self._matcher.probe(event, pictures, search, call.seconds - STORING_SECONDS)
                # Else only now, with a face found: a selfie that is refused costs nothing and leaves nothing behind.
                if not self._matcher.probe_is_paid(event):
                    paid.enter_context(_paid(call.meter))
                with self._nothing_left(search):
                    photos = self._match(event, search, pictures, probe)
                    summary = self._matcher.summary(event, probe, photos)
                    if self._results.save(search, summary, photos, event.erasures, call.cancelled):
                        found = summary, photos
            self._forget_uploads(selfies)
            return summary

        try:
            self._claims.run(search, call.context, match_and_store)
        except StoreUnavailable as error:
            if found is None:
                _count_unfinished(error)
                raise
            # The result is whole and will be replayed; only the note that the claim is done could not be written.
            log_unexpected(error)
        except Exception as error:
            _count_unfinished(error)
            raise
        if found is None:
            return replayed(self._stored(search, page))
        count("SearchExecuted")
        summary, photos = found
        logger.info("searched", matches=summary.total, confidence=summary.confidence)
        return SearchOutcome(StoredPage(summary, photos[page.start : page.stop]), replayed=False)

    def _pictures(self, selfies: Selfies) -> Sequence[bytes]:
        if callable(selfies):
            return selfies()
        pictures = []
        for number, selfie in enumerate(selfies, 1):
            with naming(number, len(selfies)):
                pictures.append(selfie if isinstance(selfie, bytes) else self._uploads.fetch(selfie))
        return pictures

    @contextmanager
    def _nothing_left(self, search: SearchKey) -> Iterator[None]:
        """What the block has kept of the search is gone again if it fails: a failed search leaves nothing.

        Inside the claim, so that it is never a later run's. What a killed one leaves, or one whose stores fail here,
        too, is found by the next run, which overwrites it, and by a deletion. A table that refuses keeps no selfie:
        each step is tried whatever became of the one before.
        """
        try:
            yield
        except Exception as error:
            # A deletion that went by has looked for the selfies, maybe before they were there.
            for undo in (self._results.withdraw, self._selfies.forget, self._results.delete):
                try:
                    undo(search)
                except StoreUnavailable as left:
                    log_unexpected(left)
                    if isinstance(error, OutdatedError):  # which would start the search afresh
                        error = left
            raise error

    def _afresh(self, event: Event, search: SearchKey, call: Invocation, error: Exception) -> Event:
        """Make way for the same search once more, over the event as it is after the deletion."""
        if isinstance(error, _ResultGoneError):
            self._claims.forget(search)
        known = self._reader.read(Wanted(event_id=event.event_id, search=search, page=Page(1, 1)))
        if known.cancelled not in ("", call.cancelled):
            raise SearchDeleted("This search was deleted while it was running.")
        if known.event is None:
            raise NotFound("Event configuration not found.")
        require(known.event, Feature.SELFIE_SEARCH)
        return known.event

    def _match(self, event: Event, search: SearchKey, pictures: Sequence[bytes], probe: ProbeT) -> list[PhotoMatch]:
        kept = self._pool.submit(self._selfies.keep, search, pictures)
        try:
            with milliseconds("MatchMilliseconds"):
                photos = self._matcher.match(event, probe)
        finally:
            wait([kept])  # so that nothing is kept after this has failed and was cleaned up
        kept.result()
        return photos

    def _forget_uploads(self, selfies: Selfies) -> None:
        """An upload is for one search. The bucket's lifecycle rule forgets what cannot be forgotten now."""
        for upload in () if callable(selfies) else selfies:
            if isinstance(upload, UploadKey):
                try:
                    self._uploads.forget(upload)
                except StoreUnavailable as error:
                    log_unexpected(error)

    def _await_result(self, search: SearchKey, page: Page, until: float) -> StoredPage | None:
        attempt = 0
        while (remaining := until - self._patience.clock()) > 0:
            ceiling = min(0.5, 0.05 * 2**attempt)
            self._patience.sleep(min(remaining, random.uniform(ceiling / 2, ceiling)))  # noqa: S311 - jitter
            stored = self._reader.read(Wanted(search=search, page=page)).result
            if stored is not None:
                return stored
            attempt += 1
        return None

    def _stored(self, search: SearchKey, page: Page) -> StoredPage:
        stored = self._reader.read(Wanted(search=search, page=page)).result
        if stored is None:
            raise _ResultGoneError("the idempotency record says done, but there is no result")
        return stored


def replayed(stored: StoredPage) -> SearchOutcome:
    """The outcome of a search that was done before."""
    count("SearchReplayed")
    logger.info("replayed", matches=stored.summary.total)
    return SearchOutcome(stored, replayed=True)


def _count_unfinished(error: Exception) -> None:
    if isinstance(error, AlreadyRunningError | OutdatedError):
        return
    if isinstance(error, Busy):
        count("SearchThrottled")
    else:
        count("SelfieRefused" if isinstance(error, FaceSearchError) else "SearchFailed")


@contextmanager
def _paid(meter: Meter) -> Iterator[None]:
    """Pay for a match, and get it back if there was none.

    Inside the claim, so that duplicates which wait for one match pay for one.
    """
    meter.take()
    try:
        yield
    except BaseException:
        try:
            meter.give_back()
        except StoreUnavailable as error:  # one search less until the bucket has filled up by itself
            log_unexpected(error)
        raise


@contextmanager
def _charged_if_costly(meter: Meter) -> Iterator[None]:
    """Charge for a selfie that no camera makes. Refusing it is cheap; sending thousands of them shall not be."""
    try:
        yield
    except CostlyImage:
        try:
            meter.take()
        except QuotaExceeded:  # the next one is refused for it
            pass
        except StoreUnavailable as unpaid:
            log_unexpected(unpaid)
        raise


def _selfies_of(event: Event, form: SelfieForm) -> list[bytes | UploadKey]:
    if form.problem is not None:
        raise form.problem
    sent: list[bytes | str] = [*form.files, *form.upload_ids]
    if not sent:
        raise InvalidRequest("body.file: Field required")
    selfies = list[bytes | UploadKey]()
    for number, each in enumerate(sent, 1):
        with naming(number, len(sent)):
            selfies.append(_upload(event, each) if isinstance(each, str) else _file(each))
    return selfies


def _file(content: bytes) -> bytes:
    if not content:
        raise UnusableImage("The selfie is empty.")
    return content


def _upload(event: Event, text: str) -> UploadKey:
    upload_id = upload_of(text)
    if upload_id is None:
        raise UnknownUpload("upload_id is not a valid UUID")
    return UploadKey(event.org_id, event.event_id, upload_id)
