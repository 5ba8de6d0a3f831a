"""Requests for snapshots: none is lost, whatever the queue's delay, and a burst of them is few messages."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.sqs.indexing import SqsSnapshotRequests

DEDUPLICATION_SECONDS = 300


class FifoQueue:
    """An SQS FIFO queue as documented: it accepts and drops a deduplication id that it has had within five minutes."""

    def __init__(self, delay_seconds: int) -> None:
        self.now = 1_800_000_000.0
        self.delivered: list[float] = []
        self._delay_seconds = delay_seconds
        self._seen: dict[str, float] = {}
        self.requests = SqsSnapshotRequests(cast("Any", self), "queue", delay_seconds, lambda: self.now)

    def send_message(self, **message: Any) -> None:
        known = self._seen.get(message["MessageDeduplicationId"])
        if known is None or self.now >= known + DEDUPLICATION_SECONDS:
            self._seen[message["MessageDeduplicationId"]] = self.now
            self.delivered.append(self.now + self._delay_seconds)


@given(
    delay_seconds=st.sampled_from([0, 1, 2, 5, 59, 60, 61, 300, 900]),
    pauses=st.lists(st.floats(0, 120, allow_nan=False), min_size=1, max_size=60),
)
def test_every_change_is_followed_by_a_message_whatever_the_delay(delay_seconds: int, pauses: list[float]) -> None:
    queue = FifoQueue(delay_seconds)
    for pause in pauses:
        queue.now += pause
        queue.requests.request(456)
        assert max(queue.delivered) >= queue.now


def test_the_photos_of_a_delay_ask_once_or_twice_and_no_event_for_another() -> None:
    queue = FifoQueue(60)
    queue.requests.request(1)
    for _ in range(600):
        queue.now += 0.1
        queue.requests.request(456)
    assert 2 <= len(queue.delivered) <= 4
