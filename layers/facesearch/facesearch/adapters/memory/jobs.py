"""Jobs in memory, for tests and experiments; they pass the same contract tests as DynamoDB's."""

from collections.abc import Iterator
from dataclasses import replace

from typing_extensions import override

from facesearch.adapters.memory.stores import MemoryReader
from facesearch.models import Job, JobStatus, SearchKey
from facesearch.webhooks.jobs import JobStore


class MemoryJobStore(JobStore):
    """Over the dictionaries that `MemoryReader` reads."""

    def __init__(self, reader: MemoryReader) -> None:
        self._jobs = reader.jobs
        self._webhooks = reader.webhooks

    @override
    def add(self, job: Job) -> bool:
        webhook = (job.search.org_id, job.webhook)
        started = self._webhooks.get(webhook, job.search.request_id) if job.webhook else job.search.request_id
        if job.search in self._jobs or started != job.search.request_id:
            return False
        self._jobs[job.search] = job
        if job.webhook:
            self._webhooks[webhook] = job.search.request_id
        return True

    @override
    def note_enqueued(self, search: SearchKey) -> bool:
        if search not in self._jobs:
            return False
        self._jobs[search] = replace(self._jobs[search], enqueued=True)
        return True

    @override
    def cancel(self, search: SearchKey) -> bool:
        job = self._jobs.get(search)
        if job is not None and (job.enqueued or job.status is not JobStatus.QUEUED):
            return False
        self.delete(search)
        return True

    @override
    def begin(self, search: SearchKey) -> bool:
        return self._change(search, JobStatus.RUNNING, "")

    @override
    def note(self, search: SearchKey, reason: str) -> None:
        if search in self._jobs and self._jobs[search].status is JobStatus.RUNNING:
            self._change(search, JobStatus.RUNNING, reason)

    @override
    def end(self, search: SearchKey, reason: str = "") -> None:
        self._change(search, JobStatus.FAILED if reason else JobStatus.DONE, reason)

    @override
    def jobs(self, event_id: int) -> Iterator[SearchKey]:
        return iter([search for search in self._jobs if search.event_id == event_id])

    @override
    def holds(self, search: SearchKey) -> bool:
        return search in self._jobs

    @override
    def delete(self, search: SearchKey) -> bool:
        job = self._jobs.pop(search, None)
        if job is None:
            return False
        self._webhooks.pop((search.org_id, job.webhook), None)
        return True

    def _change(self, search: SearchKey, status: JobStatus, reason: str) -> bool:
        job = self._jobs.get(search)
        if job is None or job.status is JobStatus.DONE:
            return False
        self._jobs[search] = replace(job, status=status, reason=reason)
        return True
