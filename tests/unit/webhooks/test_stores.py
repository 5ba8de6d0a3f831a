"""One contract for jobs in DynamoDB, for selfies that wait in S3 (on moto), and for those in memory."""

import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest

from facesearch.adapters.dynamodb.jobs import DynamoJobStore
from facesearch.adapters.dynamodb.reading import DynamoReader
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.memory.stores import MemoryReader
from facesearch.adapters.memory.webhooks import MemoryJobStore
from facesearch.adapters.s3.pending_selfies import S3PendingSelfies
from facesearch.api.presenters import search_status
from facesearch.errors import SelfieUnavailable, StoreUnavailable
from facesearch.models import Job, JobStatus, SearchKey, SearchSummary
from facesearch.reading import Reader, StoredPage, Wanted
from facesearch.webhooks.jobs import LOST, LOST_SECONDS, status_of
from facesearch.webhooks.pending_selfies import PendingSelfieStore
from tests.support.aws import TABLE
from tests.unit.webhooks.bench import MemoryPendingSelfies

SEARCH = SearchKey(903, 456, uuid.UUID(int=7))
OTHER = replace(SEARCH, request_id=uuid.UUID(int=8))
DONE = JobStatus.DONE
JOB = Job(
    SEARCH, urls=("https://a.example/é",), callback_url="https://b.example/", metadata={"form": {"é": [1, None, True]}},
    watch_days=3, webhook="a" * 64, created_at=1_780_000_000,
)  # fmt: skip


@dataclass
class Jobs:
    store: DynamoJobStore | MemoryJobStore
    reader: Reader

    def read(self, search: SearchKey = SEARCH) -> Job | None:
        return self.reader.read(Wanted(job=search)).job

    def started(self, webhook: str, org_id: int = 903) -> uuid.UUID | None:
        return self.reader.read(Wanted(webhook=(org_id, webhook))).webhook


@pytest.fixture(params=["dynamodb", "memory"])
def jobs(request: pytest.FixtureRequest) -> Jobs:
    if request.param == "memory":
        memory = MemoryReader()
        return Jobs(MemoryJobStore(memory), memory)
    table = request.getfixturevalue("table")
    return Jobs(DynamoJobStore(table, retention_days=30), DynamoReader(table))


@pytest.mark.parametrize(
    "job",
    [JOB, Job(SEARCH, selfies=("jobs/1",)), Job(SEARCH, selfies=("jobs/2", "jobs/1")), replace(JOB, status=DONE)],
    ids=str,
)
def test_a_job_is_read_back_whole(jobs: Jobs, job: Job) -> None:
    assert jobs.read() is None
    assert jobs.store.add(job) is True
    assert jobs.read() == job
    assert jobs.started(JOB.webhook) == (SEARCH.request_id if job.webhook else None)
    assert (jobs.read(replace(SEARCH, org_id=1)), jobs.started(JOB.webhook, 1)) == (None, None)


def test_a_request_id_and_a_webhook_start_one_job(jobs: Jobs) -> None:
    assert jobs.store.add(JOB)
    assert not jobs.store.add(JOB)
    assert not jobs.store.add(replace(JOB, webhook="b"))
    assert not jobs.store.add(replace(JOB, search=OTHER))
    assert (jobs.read(OTHER), jobs.started("b")) == (None, None), "all or nothing"
    assert jobs.store.add(replace(JOB, search=OTHER, webhook="b"))
    assert jobs.store.add(replace(JOB, search=replace(SEARCH, event_id=1), webhook=""))
    assert jobs.store.add(replace(JOB, search=replace(SEARCH, org_id=1)))


def test_a_job_goes_its_way(jobs: Jobs) -> None:
    def now() -> tuple[JobStatus, str]:
        job = jobs.read()
        assert job is not None
        return job.status, job.reason

    jobs.store.add(JOB)
    jobs.store.note(SEARCH, "nothing is noted before it runs")
    assert now() == (JobStatus.QUEUED, "")
    jobs.store.note_enqueued(SEARCH)
    assert jobs.read() == replace(JOB, enqueued=True)
    assert jobs.store.begin(SEARCH)
    jobs.store.note(SEARCH, "later")
    assert now() == (JobStatus.RUNNING, "later")
    assert (jobs.store.begin(SEARCH), now()) == (True, (JobStatus.RUNNING, ""))
    jobs.store.end(SEARCH, "no face")
    assert now() == (JobStatus.FAILED, "no face")
    assert jobs.store.begin(SEARCH), "a dead letter that is delivered again"
    for reason in ("", "too late"):
        jobs.store.end(SEARCH, reason)
        assert (now(), jobs.store.begin(SEARCH)) == ((DONE, ""), False)


@pytest.mark.parametrize("reason", ["", "no face"], ids=["done", "failed"])
def test_a_job_that_has_ended_makes_way_if_it_shall(jobs: Jobs, reason: str) -> None:
    after = Job(SEARCH, selfies=("jobs/1",), watch_days=7, watch_only=True, webhook=JOB.webhook, created_at=5)
    assert jobs.store.add(JOB)
    assert not jobs.store.add(after, after_end=True), "it has not ended"
    jobs.store.begin(SEARCH)
    assert not jobs.store.add(after, after_end=True)
    jobs.store.end(SEARCH, reason)
    assert not jobs.store.add(after)
    assert jobs.store.add(after, after_end=True)
    assert (jobs.read(), jobs.started(JOB.webhook)) == (after, SEARCH.request_id)
    assert jobs.store.add(replace(after, search=OTHER, webhook="b"), after_end=True), "there need not be one"


def test_a_job_that_is_gone_stays_gone(jobs: Jobs) -> None:
    jobs.store.add(JOB)
    jobs.store.add(replace(JOB, search=OTHER, webhook=""))
    assert set(jobs.store.jobs(456)) == {SEARCH, OTHER}
    assert list(jobs.store.jobs(1)) == []
    assert [jobs.store.holds(search) for search in (SEARCH, OTHER)] == [True, True]
    assert [jobs.store.delete(SEARCH) for _ in range(2)] == [True, False]
    jobs.store.note_enqueued(SEARCH)
    jobs.store.note(SEARCH, "x")
    jobs.store.end(SEARCH)
    assert jobs.store.begin(SEARCH) is False
    assert (jobs.read(), jobs.started(JOB.webhook), jobs.store.holds(SEARCH)) == (None, None, False)
    assert list(jobs.store.jobs(456)) == [OTHER]
    assert jobs.store.add(JOB) is True


def test_a_job_is_cancelled_unless_its_command_was_sent_or_it_runs(jobs: Jobs) -> None:
    assert jobs.store.cancel(SEARCH) is True, "there is none"
    jobs.store.add(JOB)
    assert jobs.store.cancel(SEARCH) is True
    assert (jobs.read(), jobs.started(JOB.webhook), jobs.store.holds(SEARCH)) == (None, None, False)
    assert jobs.store.note_enqueued(SEARCH) is False
    for step in (jobs.store.note_enqueued, jobs.store.begin):
        jobs.store.delete(SEARCH)
        jobs.store.add(JOB)
        assert (step(SEARCH), jobs.store.cancel(SEARCH)) == (True, False)
    assert jobs.read() is not None


def test_a_job_that_has_expired_is_gone_before_it_is_deleted(table: Table) -> None:
    old, reader = DynamoJobStore(table, retention_days=-2), DynamoReader(table)
    assert old.add(JOB)
    known = reader.read(Wanted(job=SEARCH, webhook=(903, JOB.webhook)))
    assert (known.job, known.webhook) == (None, None)
    assert DynamoJobStore(table, retention_days=30).add(replace(JOB, search=OTHER))
    assert old.add(JOB) is False, "its webhook has started another"
    for item in table.client.scan(TableName=TABLE)["Items"]:
        days = (int(item["expires_at"]["N"]) - time.time()) / 86_400
        assert round(days) in (-1, 31)


@pytest.mark.parametrize("calls", range(3))
def test_a_deletion_that_crashed_is_finished_by_a_second_one(
    table: Table, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    store, delete, left = DynamoJobStore(table, retention_days=30), table.client.delete_item, iter(range(calls))

    def dying(**arguments: Any) -> Any:
        if next(left, None) is None:
            raise ConnectionError
        return delete(**arguments)

    store.add(JOB)
    with monkeypatch.context() as patch:
        patch.setattr(table.client, "delete_item", dying)
        with pytest.raises(ConnectionError):
            store.delete(SEARCH)
    assert (store.holds(SEARCH), list(store.jobs(456))) == (True, [SEARCH])
    assert store.delete(SEARCH) is True
    assert table.client.scan(TableName=TABLE)["Items"] == []


# ------------------------------------------------------------------ what is said of a job


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_a_job_whose_message_comes_no_more_is_not_running_for_ever(status: JobStatus) -> None:
    """SQS moves it to the dead letters without a worker that could say so, if the last deliveries found no place."""
    job = Job(SEARCH, status=status, reason="Waiting.", created_at=int(time.time()))
    assert (status_of(job, None), search_status(SEARCH, status, job).reason) == (status, "Waiting.")
    lost = replace(job, created_at=job.created_at - LOST_SECONDS - 1)
    assert status_of(lost, None) is JobStatus.FAILED
    assert search_status(SEARCH, JobStatus.FAILED, lost).reason == LOST
    assert status_of(lost, StoredPage(SearchSummary(0, 90), [])) is DONE


def test_a_job_that_has_failed_keeps_its_reason_and_one_that_is_done_without_a_result_is_unknown() -> None:
    job = Job(SEARCH, status=JobStatus.FAILED, reason="No face.", created_at=1)
    assert search_status(SEARCH, JobStatus.FAILED, job).reason == "No face."
    assert status_of(replace(job, status=DONE), None) is None


# ------------------------------------------------------------------ selfies that wait


@pytest.fixture(params=["s3", "memory"])
def store(request: pytest.FixtureRequest) -> PendingSelfieStore:
    if request.param == "memory":
        return MemoryPendingSelfies()
    s3 = request.getfixturevalue("s3")
    s3.create_bucket(Bucket="selfies")
    return S3PendingSelfies(s3, "selfies")


def test_each_selfie_has_a_key_of_its_own_until_it_is_deleted(store: PendingSelfieStore) -> None:
    one, other = store.keep(SEARCH, b"one"), store.keep(SEARCH, b"other")
    assert (store.fetch(one), store.fetch(other)) == (b"one", b"other")
    store.delete(one)
    store.delete(one)
    with pytest.raises(SelfieUnavailable):
        store.fetch(one)
    assert store.fetch(other) == b"other"


def test_a_selfie_that_was_written_although_its_reply_is_lost_is_deleted(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.create_bucket(Bucket="selfies")
    put = s3.put_object

    def lost(**arguments: Any) -> None:
        put(**arguments)
        raise StoreUnavailable("PutObject", "ReadTimeoutError")

    monkeypatch.setattr(s3, "put_object", lost)
    with pytest.raises(StoreUnavailable):
        S3PendingSelfies(s3, "selfies").keep(SEARCH, b"one")
    assert s3.list_objects_v2(Bucket="selfies")["KeyCount"] == 0
