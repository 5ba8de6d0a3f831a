import gzip
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.api.bodies import parse_originals, parse_upload_request
from facesearch.api.requests import TimelineQuery, parse_request
from facesearch.errors import FaceSearchError, InvalidRequest, InvalidRequestId
from facesearch.models import MAX_TIME, Page
from facesearch.validation import COMPRESSED, parse_request_id
from facesearch.webhooks.requests import parse_webhook

PATH = {"org_id": "903", "event_id": "456"}
KNOWN = "ddc661a7-8861-4793-9437-af42a82d12f8"


def test_a_call_without_query_asks_for_the_first_page_of_32() -> None:
    call = parse_request(PATH, {})
    assert (call.org_id, call.event_id, call.page, call.problem) == (903, 456, Page(1, 32), None)


@pytest.mark.parametrize("number", ["abc", "", "-1", "1.0", "1e3", "１", "9" * 19, " 1"])
@pytest.mark.parametrize("name", ["org_id", "event_id"])
def test_an_id_that_is_no_number_does_not_fit_the_schema(name: str, number: str) -> None:
    call = parse_request(PATH | {name: number}, {})
    assert isinstance(call.problem, InvalidRequest)
    assert f"path.{name}: " in call.problem.message
    assert getattr(call, name) is None


DIGITS = st.integers(-2, MAX_TIME + 2) | st.integers(0, 20)


@given(DIGITS, DIGITS)
def test_a_period_is_of_seconds_that_have_a_date_and_not_empty(since: int, until: int) -> None:
    call = parse_request(PATH, {"from": str(since), "to": str(until), "page": "2"}, TimelineQuery)
    if 0 <= since < until <= MAX_TIME:
        assert (call.period, call.page, call.problem) == (range(since, until), Page(2, 32), None)
    else:
        assert isinstance(call.problem, InvalidRequest)
        assert (len(call.period), call.page) == (0, Page(1, 32))


@pytest.mark.parametrize("text", ["", "1e3", "1_0", " 1", "１", "0x1", "1.0", "+1", "9" * 19])
def test_the_ends_of_a_period_are_whole_digits(text: str) -> None:
    for period in ({"from": text, "to": "5"}, {"from": "0", "to": text}):
        problem = parse_request(PATH, period, TimelineQuery).problem
        assert isinstance(problem, InvalidRequest)
        assert problem.message.endswith(": must be a whole number")


@given(st.uuids())
def test_every_text_form_of_a_uuid_is_understood_and_answered_canonically(value: uuid.UUID) -> None:
    for form in (str(value), str(value).upper(), value.hex, value.urn, value.urn.upper()):
        assert str(parse_request_id(form)) == str(value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "body: must be a JSON object"),
        (
            b'{"method": "image_ids", "identifier": []}',
            "body.identifier: must be a string of 1 to 200 characters, or",
        ),
        (b'{"method": "image_id", "identifier": 5}', "body.identifier: must be a string of 1 to 200 characters, or"),
    ],
)
def test_what_is_wrong_with_a_request_for_originals_is_said_in_our_words(body: bytes, said: str) -> None:
    refused = parse_originals(body)
    assert isinstance(refused, InvalidRequest)
    assert refused.message.startswith(said)
    assert ";" not in refused.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "body: must be a JSON object"),
        (b'{"selfie_url": "https://a.example/", "metadata": []}', "body.metadata: must be a JSON object"),
    ],
)
def test_what_is_wrong_with_a_webhook_is_said_in_our_words(body: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_webhook(body)
    assert refused.value.message == said


@given(st.text(max_size=60))
def test_whatever_is_sent_as_request_id_is_a_uuid_or_refused(text: str) -> None:
    try:
        answer = str(parse_request_id(text))
    except InvalidRequestId:
        return
    assert answer == str(uuid.UUID(answer))


def test_a_wrong_request_id_in_the_body_waits_until_the_body_is_checked() -> None:
    call = parse_request(PATH, {}).with_body("abc")
    assert (call.problem, type(call.body_problem), call.search) == (None, InvalidRequestId, None)


@pytest.mark.parametrize("parse", [parse_originals, parse_upload_request, parse_webhook])
def test_a_compressed_body_is_told_apart_from_one_that_is_no_json(parse: Callable[[bytes], object]) -> None:
    def told(body: bytes) -> str:
        try:
            problem = parse(body)
        except FaceSearchError as error:
            problem = error
        assert isinstance(problem, FaceSearchError)
        return problem.message

    compressed = gzip.compress(b'{"method": "image_id", "identifier": "x"}')
    assert told(compressed) == told(compressed.decode(errors="replace").encode()) == COMPRESSED != told(b"{")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        *(({"page": page}, "query.page: must be") for page in ("0", "-1", "", "1.5", "1.0", "1_0", " 1", "x" * 9000)),
        *(({"page_size": size}, "query.page_size: must be") for size in ("+3", "٣", "0", "101", "9" * 9000)),
        ({"page": "0", "page_size": "101"}, "; query.page_size: must be"),
    ],
)
def test_a_page_beyond_the_limits_is_named_in_the_message(query: dict[str, str], message: str) -> None:
    problem = parse_request(PATH, query).problem
    assert isinstance(problem, InvalidRequest)
    assert message in problem.message
    assert len(problem.message) < 300, "the value that was sent is not echoed"
