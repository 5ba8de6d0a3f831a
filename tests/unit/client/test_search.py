"""Searching, against a scripted API: what is sent, what is made of each response, when it is asked again."""

import email.utils
import uuid
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch_client import (
    BadRequestError,
    ClientError,
    FaceSearchClient,
    NotAllowedError,
    NotFoundError,
    RateLimit,
    RetryPolicy,
    ServerError,
    TooManyRequestsError,
    UnexpectedResponseError,
)
from facesearch_client.retries import seconds_of
from tests.unit.client.conftest import ClientOf
from tests.unit.client.fakes import (
    API,
    JPEG,
    KEY,
    REQUEST_ID,
    ScriptedApi,
    Step,
    Waits,
    body_of,
    fields_of,
    form_of,
    refusal,
    search_data,
    success,
)


def found() -> httpx.Response:
    return success(search_data(), "Computed face search")


class TestWhatIsSent:
    def test_given_a_selfie_when_searched_then_the_seeds_form_is_posted(self, client_of: ClientOf) -> None:
        api = ScriptedApi([found()])
        client_of(api).search(456, JPEG, REQUEST_ID, page=2, page_size=5)
        request = api.requests[0]
        assert request.method == "POST"
        assert str(request.url) == "https://api.example/live/api/v1/ext/903/event/456/faces?page=2&page_size=5"
        assert request.headers["X-API-Key"] == KEY
        form = form_of(request)
        assert form["request_id"].get_payload() == REQUEST_ID
        assert (form["file"].get_payload(decode=True), form["file"].get_content_type()) == (JPEG, "image/jpeg")

    def test_given_a_file_when_searched_then_its_name_stays_at_home(self, client_of: ClientOf, tmp_path: Path) -> None:
        selfie = tmp_path / "maria-from-accounting.jpg"
        selfie.write_bytes(JPEG)
        api = ScriptedApi([found()])
        client_of(api).search(456, selfie)
        assert form_of(api.requests[0])["file"].get_payload(decode=True) == JPEG
        assert b"maria" not in api.requests[0].content

    def test_given_a_bib_when_searched_then_it_is_sent_with_every_attempt(self, client_of: ClientOf) -> None:
        data = search_data(1)
        data["images"][0]["matched_by"] = "bib"
        api = ScriptedApi([refusal(500), success(data)])
        response = client_of(api).search(456, JPEG, REQUEST_ID, bib="F1024")
        assert [fields_of(request) for request in api.requests] == [{"request_id": REQUEST_ID, "bib": "F1024"}] * 2
        assert [image.get("matched_by") for image in response.images] == ["bib"]

    def test_no_request_id_when_retried_then_every_attempt_carries_the_same_uuid4(self, client_of: ClientOf) -> None:
        api = ScriptedApi([httpx.ReadTimeout("slow"), refusal(500), found()])
        client_of(api).search(456, JPEG)
        sent = {str(form_of(api.requests[number])["request_id"].get_payload()) for number in range(3)}
        assert len(sent) == 1
        assert uuid.UUID(sent.pop()).version == 4

    def test_given_a_page_when_fetched_then_it_is_a_get_without_a_body(self, client_of: ClientOf) -> None:
        api = ScriptedApi([found()])
        client_of(api).results(456, uuid.UUID(REQUEST_ID), page=3, page_size=7)
        path = f"/live/api/v1/ext/903/event/456/faces/{REQUEST_ID}"
        assert (api.requests[0].method, api.requests[0].url.path) == ("GET", path)
        assert dict(api.requests[0].url.params) == {"page": "3", "page_size": "7"}
        assert not api.requests[0].content

    def test_given_an_odd_request_id_when_fetched_then_it_stays_one_path_segment(self, client_of: ClientOf) -> None:
        api = ScriptedApi([refusal(400)])
        with pytest.raises(BadRequestError):
            client_of(api).results(456, "../../events?x=1")
        assert api.requests[0].url.raw_path.startswith(
            b"/live/api/v1/ext/903/event/456/faces/..%2F..%2Fevents%3Fx%3D1?"
        )


class TestResponses:
    def test_given_a_response_when_read_then_it_is_the_body_as_it_came(self, client_of: ClientOf) -> None:
        body = body_of()
        body["data"]["added_next_year"] = {"x": [1]}
        response = client_of(ScriptedApi([httpx.Response(200, json=body)])).search(456, JPEG)
        assert response.body == body
        assert type(response.body["data"]["confidence_percentage"]) is int
        assert (response.request_id, response.replayed) == (REQUEST_ID, False)
        assert response.pagination["total"] == len(response.images) == 3

    @pytest.mark.parametrize(("header", "replayed"), [("true", True), ("True", True), ("false", False)])
    def test_headers_say_what_is_replayed_and_left(self, client_of: ClientOf, header: str, replayed: bool) -> None:
        left = {"RateLimit-Limit": "1000", "RateLimit-Remaining": "998", "RateLimit-Reset": "31"}
        api = ScriptedApi([success(search_data(), headers={"Idempotent-Replayed": header} | left)])
        response = client_of(api).search(456, JPEG)
        assert response.replayed is replayed
        assert response.rate_limit == RateLimit(limit=1000, remaining=998, reset=31)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            *((status, BadRequestError) for status in (400, 413, 422)),
            *((status, NotAllowedError) for status in (401, 403)),
            (404, NotFoundError),
        ],
    )
    def test_given_a_refusal_when_read_then_its_kind_and_words_and_no_retry(
        self, client_of: ClientOf, status: int, kind: type[ClientError]
    ) -> None:
        api = ScriptedApi([refusal(status, "query.page: no")])
        with pytest.raises(kind) as caught:
            client_of(api).search(456, JPEG, REQUEST_ID)
        error = caught.value
        assert (error.status, error.message, error.request_id) == (status, "query.page: no", REQUEST_ID)
        assert error.envelope == {"responseType": "error", "message": "query.page: no", "data": None}
        assert len(api.requests) == 1

    @pytest.mark.parametrize(
        "response",
        [
            httpx.Response(200, content=b"<html>Welcome to this airport's WLAN</html>"),
            success({"status": "ok"}, "pong"),
            lambda _: httpx.Response(200, stream=httpx.ByteStream(b"\x1f\x8b"), headers={"Content-Encoding": "gzip"}),
            httpx.Response(204),
            httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
        ],
        ids=["html", "another body", "not gzip", "empty", "redirect"],
    )
    def test_a_foreign_response_then_one_typed_error_and_no_retry(self, client_of: ClientOf, response: Step) -> None:
        api = ScriptedApi([response])
        with pytest.raises(UnexpectedResponseError):
            client_of(api).search(456, JPEG)
        assert len(api.requests) == 1

    @given(content=st.binary(max_size=60), status=st.integers(200, 599))
    def test_whatever_comes_back_it_is_a_response_or_a_client_error(self, content: bytes, status: int) -> None:
        transport = httpx.MockTransport(ScriptedApi([httpx.Response(status, content=content)]))
        with (
            FaceSearchClient(API, KEY, 903, transport=transport, retry=RetryPolicy(attempts=1)) as client,
            pytest.raises(ClientError) as caught,
        ):
            client.search(456, JPEG)
        assert caught.value.status in (None, status)

    def test_given_a_server_that_repeats_the_key_when_read_then_the_error_does_not(self, client_of: ClientOf) -> None:
        with pytest.raises(NotAllowedError) as caught:
            client_of(ScriptedApi([refusal(403, f"Key {KEY} is unknown.")])).search(456, JPEG)
        assert caught.value.message == "Key *** is unknown."
        assert KEY not in f"{caught.value!r} {caught.value.envelope}"


class TestRetries:
    @pytest.mark.parametrize(
        "failure",
        [httpx.ReadTimeout(""), httpx.RemoteProtocolError("cut"), *map(refusal, (429, 500, 502, 503, 504))],
        ids=str,
    )
    def test_given_a_passing_failure_then_the_next_response_counts(self, client_of: ClientOf, failure: Step) -> None:
        waits = Waits()
        api = ScriptedApi([failure, found()])
        assert client_of(api, waits).search(456, JPEG).pagination["total"] == 3
        assert len(waits.seconds) == 1

    @pytest.mark.parametrize(
        ("failure", "policy", "waited"),
        [
            (refusal(503), {"attempts": 7}, [0.5, 1, 2, 4, 8, 8]),
            (refusal(429, headers={"Retry-After": "3", "Face-Search-Error": "quota"}), {"attempts": 2}, [3.5]),
            (refusal(429, headers={"Retry-After": "3600"}), {}, []),
            (refusal(429, headers={"Retry-After": "25"}), {"attempts": 9, "longest_wait": 60}, [25.5, 26]),
        ],
        ids=["doubling ceiling", "retry after and jitter", "an hour is said and not slept", "bounded in all"],
    )
    def test_a_lasting_failure_is_waited_for_within_bounds(
        self, client_of: ClientOf, failure: Step, policy: dict[str, int], waited: list[float]
    ) -> None:
        waits, api = Waits(), ScriptedApi([failure] * 9)
        with pytest.raises((ServerError, TooManyRequestsError)) as caught:
            client_of(api, waits, **policy).search(456, JPEG)
        assert (waits.seconds, len(api.requests)) == (waited, len(waited) + 1)
        retry_after = getattr(failure, "headers", {}).get("Retry-After")
        assert caught.value.retry_after == (retry_after and float(retry_after))
        assert caught.value.code == getattr(failure, "headers", {}).get("Face-Search-Error", "")


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


@given(st.integers(-(10**6), 10**6))
def test_retry_after_is_a_time_or_the_time_until_a_date_and_never_negative(seconds: int) -> None:
    assert seconds_of(email.utils.formatdate(NOW + seconds, usegmt=True), NOW) == max(0, seconds)
    assert seconds_of(str(abs(seconds))) == abs(seconds)


LIKE_A_DATE = (
    r"(Mon, )?[0-9]{1,3} (Jan|Foo|Dec) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? ?(GMT|-0000|[+-][0-9]{1,8}|)"
)


@given(st.text() | st.from_regex(LIKE_A_DATE, fullmatch=True))
def test_whatever_is_written_there_is_seconds_or_nothing(text: str) -> None:
    seconds = seconds_of(text, NOW)
    assert seconds is None or seconds >= 0
