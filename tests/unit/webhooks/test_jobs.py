"""What is said of a job."""

import time
from dataclasses import replace

import pytest

from facesearch.api.presenters import search_status
from facesearch.models import Job, JobStatus, SearchSummary
from facesearch.reading import StoredPage
from facesearch.webhooks.jobs import LOST, LOST_SECONDS, status_of
from tests.unit.webhooks.callbacks.bench import SEARCH

RESULT = StoredPage(SearchSummary(0, 90), [])


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_a_job_whose_message_comes_no_more_is_not_running_for_ever(status: JobStatus) -> None:
    """SQS moves it to the dead letters without a worker that could say so, if the last deliveries found no place."""
    job = Job(SEARCH, status=status, reason="Waiting.", created_at=int(time.time()))
    assert status_of(job, None) is status
    assert search_status(SEARCH, status, job).reason == "Waiting."
    lost = replace(job, created_at=job.created_at - LOST_SECONDS - 1)
    assert status_of(lost, None) is JobStatus.FAILED
    assert search_status(SEARCH, JobStatus.FAILED, lost).reason == LOST
    assert status_of(lost, RESULT) is JobStatus.DONE


def test_a_job_that_has_failed_keeps_its_reason_and_one_that_is_done_without_a_result_is_unknown() -> None:
    job = Job(SEARCH, status=JobStatus.FAILED, reason="No face.", created_at=1)
    assert search_status(SEARCH, JobStatus.FAILED, job).reason == "No face."
    assert status_of(replace(job, status=JobStatus.DONE), None) is None
