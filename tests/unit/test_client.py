"""The client against a scripted API: what it sends, what it makes of each answer, when it asks again."""

import email.utils
import time
import uuid
from collections.abc import Callable, Iterable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.client import (
    BadRequestError,
    ClientError,
    FaceSearchClient,
    NoAnswerError,
    NotAllowedError,
    NotFoundError,
    RetryPolicy,
    ServerError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    image_type_of,
)

JPEG = b"\xff\xd8\xff\xe0 not much of a picture"
REQUEST_ID = "ddc661a7-8861-4793-9437-af42a82d12f8"

Step = httpx.Response | Exception


def body_of(total: int = 3, page: int = 1, page_size: int = 32, request_id: str = REQUEST_ID) -> dict[str, Any]:
    pages = -(-total // page_size)
    shown = range((page - 1) * page_size, min(page * page_size, total))
    return {
        "responseType": "success",
        "message": "Computed face search",
        "data": {
            "request_id": request_id,
            "confidence_percentage": 90,
            "images": [
                {
                    "img_url": f"https://photos.example/imgs/456/large/{n}.jpg",
                    "height": 4860,
                    "width": None,
                    "image_id": str(uuid.UUID(int=n)),
                    "thumbnail_url": f"https://photos.example/imgs/456/small/{n}.jpg",
                    "original_url": None,
                }
                for n in shown
            ],
            "pagination": {
                "total": total,
                "currentPage": page if total else 0,
                "totalPages": pages,
                "hasNextPage": page < pages,
                "hasPreviousPage": page > 1,
                "page_size": page_size,
            },
        },
    }


def refusal(status: int, message: str = "No.", headers: dict[str, str] | None = None) -> httpx.Response:
    envelope = {"responseType": "error", "message": message, "data": None}
    return httpx.Response(status, json=envelope, headers=headers)


class ScriptedApi(httpx.BaseTransport):
    """Answers with the steps of a script, one after the other, and keeps what it was asked."""

    def __init__(self, script: Iterable[Step | Callable[[httpx.Request], httpx.Response]]) -> None:
        self._script = list(script)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else step

    def form(self, number: int = 0) -> dict[str, Message]:
        """The multipart parts of one request, by name."""
        request = self.requests[number]
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
        parts = message_from_bytes(head + request.content).get_payload()
        assert isinstance(parts, list)
        found = {}
        for part in parts:
            assert isinstance(part, Message)
            found[str(part.get_param("name", header="Content-Disposition"))] = part
        return found


class Waits:
    """Takes the place of sleep and random: nothing waits, every draw is the largest."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def policy(self, **changes: Any) -> RetryPolicy:
        return RetryPolicy(sleep=self.seconds.append, random=lambda _, most: most, **changes)


def client_of(api: ScriptedApi, waits: Waits | None = None, **changes: Any) -> FaceSearchClient:
    policy = (waits or Waits()).policy(**changes)
    return FaceSearchClient("https://api.example/live", "key-1", 903, transport=api, retry=policy)


class TestWhatIsSent:
    def test_given_a_selfie_when_searched_then_the_seeds_form_is_posted(self) -> None:
        api = ScriptedApi([httpx.Response(200, json=body_of())])
        client_of(api).search(456, JPEG, REQUEST_ID, page=2, page_size=5)
        request = api.requests[0]
        assert request.method == "POST"
        assert str(request.url) == "https://api.example/live/api/v1/ext/903/event/456/faces?page=2&page_size=5"
        assert request.headers["X-API-Key"] == "key-1"
        assert api.form()["request_id"].get_payload() == REQUEST_ID
        assert api.form()["file"].get_payload(decode=True) == JPEG
        assert api.form()["file"].get_content_type() == "image/jpeg"

    def test_given_a_file_when_searched_then_its_name_stays_at_home(self, tmp_path: Path) -> None:
        selfie = tmp_path / "maria-from-accounting.jpg"
        selfie.write_bytes(JPEG)
        api = ScriptedApi([httpx.Response(200, json=body_of())])
        client_of(api).search(456, selfie)
        assert api.form()["file"].get_payload(decode=True) == JPEG
        assert b"maria" not in api.requests[0].content

    def test_given_no_request_id_when_retried_then_every_attempt_carries_the_same_uuid4(self) -> None:
        api = ScriptedApi([httpx.ReadTimeout("slow"), refusal(500), httpx.Response(200, json=body_of())])
        client_of(api).search(456, JPEG)
        sent = {str(api.form(number)["request_id"].get_payload()) for number in range(3)}
        assert len(sent) == 1
        assert uuid.UUID(sent.pop()).version == 4

    def test_given_a_page_when_fetched_then_it_is_a_get_without_a_body(self) -> None:
        api = ScriptedApi([httpx.Response(200, json=body_of())])
        client_of(api).results(456, uuid.UUID(REQUEST_ID), page=3, page_size=7)
        path = f"/live/api/v1/ext/903/event/456/faces/{REQUEST_ID}"
        assert (api.requests[0].method, api.requests[0].url.path) == ("GET", path)
        assert dict(api.requests[0].url.params) == {"page": "3", "page_size": "7"}
        assert not api.requests[0].content

    def test_given_an_odd_request_id_when_fetched_then_it_stays_one_path_segment(self) -> None:
        api = ScriptedApi([refusal(400)])
        with pytest.raises(BadRequestError):
            client_of(api).results(456, "../../events?x=1")
        assert api.requests[0].url.raw_path.startswith(
            b"/live/api/v1/ext/903/event/456/faces/..%2F..%2Fevents%3Fx%3D1?"
        )

    def test_given_many_pages_when_walked_then_each_is_read_once(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            page, size = int(request.url.params["page"]), int(request.url.params["page_size"])
            return httpx.Response(200, json=body_of(total=5, page=page, page_size=size))

        api = ScriptedApi([answer] * 3)
        found = [image["image_id"] for page in client_of(api).pages(456, REQUEST_ID, 2) for image in page.images]
        assert found == [str(uuid.UUID(int=n)) for n in range(5)]

    def test_given_nothing_found_when_walked_then_one_empty_page(self) -> None:
        api = ScriptedApi([httpx.Response(200, json=body_of(total=0))])
        assert [page.images for page in client_of(api).pages(456, REQUEST_ID)] == [[]]


class TestAnswers:
    def test_given_an_answer_when_read_then_it_is_the_body_as_it_came(self) -> None:
        body = body_of()
        body["data"]["added_next_year"] = {"x": [1]}
        answer = client_of(ScriptedApi([httpx.Response(200, json=body)])).search(456, JPEG)
        assert answer.body == body
        assert type(answer.body["data"]["confidence_percentage"]) is int
        assert (answer.request_id, answer.replayed) == (REQUEST_ID, False)
        assert answer.pagination["total"] == len(answer.images) == 3

    @pytest.mark.parametrize(("header", "replayed"), [("true", True), ("True", True), ("false", False)])
    def test_given_the_replay_header_when_read_then_it_is_said(self, header: str, replayed: bool) -> None:
        response = httpx.Response(200, json=body_of(), headers={"Idempotent-Replayed": header})
        assert client_of(ScriptedApi([response])).search(456, JPEG).replayed is replayed

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, BadRequestError),
            (401, NotAllowedError),
            (403, NotAllowedError),
            (404, NotFoundError),
            (413, BadRequestError),
            (422, BadRequestError),
        ],
    )
    def test_given_a_refusal_when_read_then_its_kind_and_words_and_no_retry(
        self, status: int, kind: type[ClientError]
    ) -> None:
        api = ScriptedApi([refusal(status, "query.page: no")])
        with pytest.raises(kind) as caught:
            client_of(api).search(456, JPEG, REQUEST_ID)
        error = caught.value
        assert (error.status, error.message, error.request_id) == (status, "query.page: no", REQUEST_ID)
        assert error.envelope == {"responseType": "error", "message": "query.page: no", "data": None}
        assert len(api.requests) == 1

    @pytest.mark.parametrize(
        "content", [b"", b"<html>Bad gateway</html>", b"\xff\xfe\x00", b"[1]", b'{"message": 5}', b"[" * 99_999]
    )
    @pytest.mark.parametrize(("status", "kind"), [(403, NotAllowedError), (502, ServerError)])
    def test_given_a_refusal_that_is_no_envelope_when_read_then_still_the_typed_error(
        self, content: bytes, status: int, kind: type[ClientError]
    ) -> None:
        api = ScriptedApi([httpx.Response(status, content=content)])
        with pytest.raises(kind) as caught:
            client_of(api, attempts=1).search(456, JPEG)
        assert (caught.value.status, caught.value.envelope) == (status, None)
        assert str(status) in caught.value.message

    @pytest.mark.parametrize(
        "response",
        [
            httpx.Response(200, content=b"<html>Welcome to this airport's WLAN</html>"),
            httpx.Response(200, json={"responseType": "success", "message": "pong", "data": {"status": "ok"}}),
            httpx.Response(200, stream=httpx.ByteStream(b"\x1f\x8b broken"), headers={"Content-Encoding": "gzip"}),
            httpx.Response(204),
            httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
        ],
        ids=["html", "another body", "not gzip", "empty", "redirect"],
    )
    def test_given_a_foreign_answer_when_read_then_one_typed_error_and_no_retry(self, response: httpx.Response) -> None:
        api = ScriptedApi([lambda _: response])
        with pytest.raises(UnexpectedAnswerError):
            client_of(api).search(456, JPEG)
        assert len(api.requests) == 1

    @given(content=st.binary(max_size=60), status=st.integers(200, 599))
    def test_whatever_comes_back_it_is_an_answer_or_a_client_error(self, content: bytes, status: int) -> None:
        api = ScriptedApi([httpx.Response(status, content=content)])
        with pytest.raises(ClientError):
            client_of(api, attempts=1).search(456, JPEG)


class TestRetries:
    @pytest.mark.parametrize(
        "failure",
        [
            httpx.ConnectError("refused"),
            httpx.ReadTimeout(""),
            httpx.RemoteProtocolError("cut"),
            *map(refusal, (429, 500, 502, 503, 504)),
        ],
        ids=str,
    )
    def test_given_a_passing_failure_when_searched_then_the_next_answer_counts(self, failure: Step) -> None:
        waits = Waits()
        api = ScriptedApi([failure, httpx.Response(200, json=body_of())])
        assert client_of(api, waits).search(456, JPEG).pagination["total"] == 3
        assert len(waits.seconds) == 1

    def test_given_lasting_failure_when_searched_then_bounded_attempts_under_a_doubling_ceiling(self) -> None:
        waits = Waits()
        api = ScriptedApi([refusal(503) for _ in range(9)])
        with pytest.raises(ServerError):
            client_of(api, waits, attempts=7).search(456, JPEG)
        assert len(api.requests) == 7
        assert waits.seconds == [0.5, 1, 2, 4, 8, 8]

    def test_given_no_connection_when_given_up_then_the_error_has_no_status_but_the_request_id(self) -> None:
        api = ScriptedApi([httpx.ConnectError("refused")] * 5)
        with pytest.raises(NoAnswerError, match="refused") as caught:
            client_of(api).search(456, JPEG, REQUEST_ID)
        assert (caught.value.status, caught.value.request_id) == (None, REQUEST_ID)

    def test_given_retry_after_seconds_when_retried_then_it_waits_that_long_and_the_jitter(self) -> None:
        waits = Waits()
        api = ScriptedApi([refusal(429, headers={"Retry-After": "3"}), httpx.Response(200, json=body_of())])
        client_of(api, waits).search(456, JPEG)
        assert waits.seconds == [3.5]

    def test_given_retry_after_as_a_date_when_retried_then_it_waits_until_then(self) -> None:
        waits = Waits()
        when = email.utils.formatdate(time.time() + 20, usegmt=True)
        api = ScriptedApi([refusal(503, headers={"Retry-After": when}), httpx.Response(200, json=body_of())])
        client_of(api, waits).search(456, JPEG)
        assert 18 < waits.seconds[0] <= 20.5

    @pytest.mark.parametrize("nonsense", ["soon", "-5", "1e3", "", "Mon, 99 Foo 2020 99:99:99 GMT"])
    def test_given_a_senseless_retry_after_when_retried_then_only_the_jitter(self, nonsense: str) -> None:
        waits = Waits()
        api = ScriptedApi([refusal(429, headers={"Retry-After": nonsense}), httpx.Response(200, json=body_of())])
        client_of(api, waits).search(456, JPEG)
        assert waits.seconds == [0.5]

    def test_given_a_retry_after_of_an_hour_when_searched_then_it_is_said_not_slept(self) -> None:
        waits = Waits()
        api = ScriptedApi([refusal(429, headers={"Retry-After": "3600"})])
        with pytest.raises(TooManyRequestsError) as caught:
            client_of(api, waits).search(456, JPEG)
        assert caught.value.retry_after == 3600
        assert waits.seconds == []

    @given(retry=st.integers(0, 60), retry_after=st.none() | st.floats(0, 30))
    def test_a_wait_is_at_least_retry_after_and_at_most_the_ceiling_more(
        self, retry: int, retry_after: float | None
    ) -> None:
        wait = RetryPolicy(attempts=100).wait_before(retry, retry_after)
        assert wait is not None
        assert (retry_after or 0) <= wait <= (retry_after or 0) + 8


class TestConstruction:
    @pytest.mark.parametrize("url", ["", "api.example", "ftp://api.example", "https://[::1", "https://a:b"])
    def test_given_no_url_when_made_then_value_error(self, url: str) -> None:
        with pytest.raises(ValueError, match="URL"):
            FaceSearchClient(url, "key", 903)

    @pytest.mark.parametrize("key", ["ключ", "abc\ndef", " abc"])
    def test_given_a_key_that_no_header_carries_when_made_then_an_error_that_does_not_show_it(self, key: str) -> None:
        with pytest.raises(ValueError, match="API key") as caught:
            FaceSearchClient("https://api.example", key, 903)
        assert key.strip() not in str(caught.value)

    def test_given_a_missing_file_when_searched_then_os_error_and_no_call(self, tmp_path: Path) -> None:
        api = ScriptedApi([])
        with pytest.raises(FileNotFoundError):
            client_of(api).search(456, tmp_path / "none.jpg")
        assert api.requests == []


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"GIF89a", None),
        (b"", None),
    ],
)
def test_content_type_follows_from_content(head: bytes, content_type: str | None) -> None:
    assert image_type_of(head) == content_type
