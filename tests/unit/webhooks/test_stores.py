"""One contract for the jobs in DynamoDB (on moto, in this process) and those in memory."""

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
from facesearch.models import Job, JobStatus, SearchKey
from facesearch.reading import Reader, Wanted
from tests.support.aws import TABLE

SEARCH = SearchKey(903, 456, uuid.UUID(int=7))
OTHER = replace(SEARCH, request_id=uuid.UUID(int=8))
JOB = Job(
    SEARCH,
    urls=("https://a.example/é",),
    callback_url="https://b.example/",
    metadata={"form": {"é": [1, None, True]}},
    watch_days=3,
    webhook="a" * 64,
    created_at=1_780_000_000,
)


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
    [
        JOB,
        Job(SEARCH, selfies=("jobs/1",)),
        Job(SEARCH, selfies=("jobs/2", "jobs/1")),
        replace(JOB, status=JobStatus.DONE),
    ],
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
    assert jobs.store.begin(SEARCH) is True
    jobs.store.note(SEARCH, "later")
    assert now() == (JobStatus.RUNNING, "later")
    assert jobs.store.begin(SEARCH) is True
    assert now() == (JobStatus.RUNNING, "")
    jobs.store.end(SEARCH, "no face")
    assert now() == (JobStatus.FAILED, "no face")
    assert jobs.store.begin(SEARCH) is True, "a dead letter that is delivered again"
    jobs.store.end(SEARCH)
    assert now() == (JobStatus.DONE, "")
    assert jobs.store.begin(SEARCH) is False
    jobs.store.end(SEARCH, "too late")
    assert now() == (JobStatus.DONE, "")


def test_a_job_that_is_gone_stays_gone(jobs: Jobs) -> None:
    jobs.store.add(JOB)
    jobs.store.add(replace(JOB, search=OTHER, webhook=""))
    assert set(jobs.store.jobs(456)) == {SEARCH, OTHER}
    assert list(jobs.store.jobs(1)) == []
    assert [jobs.store.holds(search) for search in (SEARCH, OTHER)] == [True, True]
    assert jobs.store.delete(SEARCH) is True
    assert jobs.store.delete(SEARCH) is False
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
    jobs.store.add(JOB)
    assert jobs.store.note_enqueued(SEARCH) is True
    assert jobs.store.cancel(SEARCH) is False
    jobs.store.delete(SEARCH)
    jobs.store.add(JOB)
    jobs.store.begin(SEARCH)
    assert jobs.store.cancel(SEARCH) is False
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


def test_a_deletion_that_crashed_is_finished_by_a_second_one(table: Table) -> None:
    class Dying:
        def __init__(self, calls: int) -> None:
            self.calls = calls

        def __getattr__(self, name: str) -> Any:
            return getattr(table.client, name)

        def delete_item(self, **arguments: Any) -> Any:
            if not self.calls:
                raise ConnectionError
            self.calls -= 1
            return table.client.delete_item(**arguments)

    for calls in range(3):
        whole = DynamoJobStore(table, retention_days=30)
        whole.add(JOB)
        dying: Any = Dying(calls)
        with pytest.raises(ConnectionError):
            DynamoJobStore(Table(dying, TABLE), retention_days=30).delete(SEARCH)
        assert whole.holds(SEARCH)
        assert list(whole.jobs(456)) == [SEARCH]
        assert whole.delete(SEARCH) is True
        assert table.client.scan(TableName=TABLE)["Items"] == []
