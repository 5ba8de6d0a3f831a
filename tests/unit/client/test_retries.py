"""How long to wait: the policy, and what servers write into Retry-After."""

import email.utils

from hypothesis import given
from hypothesis import strategies as st

from facesearch_client import RetryPolicy
from facesearch_client.retries import seconds_of

NOW = 1_750_000_000


@given(retry=st.integers(0, 5_000), retry_after=st.none() | st.floats(0, 30))
def test_a_wait_is_at_least_retry_after_and_at_most_the_ceiling_more(retry: int, retry_after: float | None) -> None:
    wait = RetryPolicy(attempts=10_000).wait_before(retry, retry_after)
    assert wait is not None
    assert (retry_after or 0) <= wait <= (retry_after or 0) + 8


@given(poll=st.integers(0, 5_000), retry_after=st.none() | st.floats(0, 30))
def test_a_pause_between_polls_is_never_nothing(poll: int, retry_after: float | None) -> None:
    pause = RetryPolicy().pause_before(poll, retry_after)
    assert max(retry_after or 0, 0.25) <= pause <= max(retry_after or 0, 8)


@given(st.integers(0, 10**9))
def test_retry_after_in_seconds_is_that_many(seconds: int) -> None:
    assert seconds_of(str(seconds)) == seconds


@given(st.integers(-(10**6), 10**6))
def test_retry_after_as_a_date_is_the_time_until_then_and_never_negative(seconds: int) -> None:
    assert seconds_of(email.utils.formatdate(NOW + seconds, usegmt=True), NOW) == max(0, seconds)


@given(st.text())
def test_whatever_is_written_there_is_seconds_or_nothing(text: str) -> None:
    seconds = seconds_of(text, NOW)
    assert seconds is None or seconds >= 0


@given(
    st.from_regex(
        r"(Mon, )?[0-9]{1,3} (Jan|Foo|Dec) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? ?(GMT|-0000|[+-][0-9]{1,8}|)",
        fullmatch=True,
    )
)
def test_whatever_looks_like_a_date_is_seconds_or_nothing(text: str) -> None:
    seconds = seconds_of(text, NOW)
    assert seconds is None or seconds >= 0
