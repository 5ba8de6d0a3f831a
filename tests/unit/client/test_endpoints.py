"""Every other endpoint, against an API that works as promised: what is asked, and what comes out."""

import datetime as dt
import json
import uuid

import httpx
import pytest

from facesearch.api.bodies import TokenRequest
from facesearch.api.schemas import EventPage, TimelineDays
from facesearch.api.watch_form import WatchFields
from facesearch_client import INLINE_SELFIE_BYTES, BadRequestError, NotAllowedError, NotFoundError, WaitTimeoutError
from tests.unit.client.conftest import ClientOf
from tests.unit.client.fakes import JPEG, KEY, REQUEST_ID, FakeApi, Waits, fields_of, form_of, refusal


def at(hour: int, microsecond: int = 0) -> dt.datetime:
    """Of the first day of 1970 in UTC, by a clock that is two hours ahead."""
    return dt.datetime(1970, 1, 1, hour + 2, 0, 0, microsecond, tzinfo=dt.timezone(dt.timedelta(hours=2)))


class TestReading:
    def test_given_an_event_when_pinged_and_read_then_pong_and_its_flags(self, client_of: ClientOf) -> None:
        response = client_of(FakeApi()).ping(456)
        assert response.data == {"status": "ok", "org_id": 903, "event_id": 456}
        assert response.body["message"] == "pong"
        details = client_of(FakeApi()).details(456).data
        assert (details["event_id"], details["selfie_search"], details["bib_search"]) == (456, True, False)

    def test_given_many_events_when_walked_then_each_once(self, client_of: ClientOf) -> None:
        api = FakeApi(events=5)
        pages = list(client_of(api).events(page_size=2))
        assert [event["event_id"] for page in pages for event in page.data["events"]] == [456, 457, 458, 459, 460]
        assert [request.url.params["page"] for request in api.requests] == ["1", "2", "3"]

    def test_given_a_gallery_when_walked_from_page_two_then_the_rest(self, client_of: ClientOf) -> None:
        pages = client_of(FakeApi(photos=5)).images(456, page_size=2, page=2)
        found = [image["image_id"] for page in pages for image in page.data["images"]]
        assert found == [str(uuid.UUID(int=n)) for n in (2, 3, 4)]

    def test_given_a_timeline_when_a_period_is_walked_then_each_of_its_photos_once(self, client_of: ClientOf) -> None:
        api = FakeApi(photos=5)
        client = client_of(api)
        days = client.timeline_days(456).data
        TimelineDays.model_validate(days, extra="forbid")  # the fake has what is promised
        assert days["days"][0]["hours"][4] == {"hour": 4, "count": 1}
        for since, until in ((3600, 4 * 3600), (at(1), at(4)), (at(0, 1), at(3, 1)), (1, 3 * 3600 + 1)):
            pages = list(client.timeline_images(456, since, until, page_size=2))
            assert [image["image_id"] for page in pages for image in page.data["images"]] == [
                str(uuid.UUID(int=n)) for n in (1, 2, 3)
            ]
            assert [request.url.params["page"] for request in api.requests[-2:]] == ["1", "2"]

    def test_a_time_that_may_be_anywhere_in_the_world_is_not_sent(self, client_of: ClientOf, api: FakeApi) -> None:
        with pytest.raises(ValueError, match="time zone"):
            list(client_of(api).timeline_images(456, 0, dt.datetime(2026, 5, 17)))  # noqa: DTZ001
        assert api.requests == []

    def test_given_a_bib_when_walked_then_each_of_its_photos_once(self, client_of: ClientOf) -> None:
        api = FakeApi(photos=9)
        api.bibs["F1024"] = [1, 4, 8]
        pages = list(client_of(api).bib_images(456, "f1024", page_size=2))
        found = [image["image_id"] for page in pages for image in page.data["images"]]
        assert found == [str(uuid.UUID(int=n)) for n in (1, 4, 8)]
        assert [request.url.params["page"] for request in api.requests] == ["1", "2"]
        rest = list(client_of(api).bib_images(456, "F1024", page_size=2, page=2))
        assert [image["image_id"] for page in rest for image in page.data["images"]] == [str(uuid.UUID(int=8))]
        (nothing,) = client_of(api).bib_images(456, "7")
        assert nothing.data["pagination"]["total"] == 0

    def test_whatever_is_taken_for_a_bib_stays_within_its_part_of_the_path(
        self, client_of: ClientOf, api: FakeApi
    ) -> None:
        with pytest.raises(NotFoundError):
            list(client_of(api).bib_images(456, "../7?a=b#c d", page_size=2))
        path = b"/live/api/v1/ext/903/event/456/bibs/..%2F7%3Fa%3Db%23c%20d?page=1&page_size=2"
        assert api.requests[0].url.raw_path == path

    def test_every_call_to_the_api_carries_the_key(self, client_of: ClientOf, api: FakeApi) -> None:
        client = client_of(api)
        client.ping(456)
        client.create_upload(456)
        client.original_photos(456, image_ids=[uuid.UUID(int=1)])
        assert {request.headers["X-API-Key"] for request in api.requests} == {KEY}


class TestTokens:
    def test_a_token_for_a_visitor_of_one_page_is_as_good_as_is_asked(self, client_of: ClientOf, api: FakeApi) -> None:
        response = client_of(api).create_token(456, "https://run.example", expires_in=300, originals=False, watch=True)
        assert json.loads(api.requests[0].content) == {
            "expires_in": 300, "origins": ["https://run.example"], "originals": False, "watch": True,
        }  # fmt: skip
        assert response.data == {"token": "fsp_1", "expires_at": "2026-05-17T10:30:00Z"}

    def test_without_anything_it_is_the_api_s_own_default(self, client_of: ClientOf, api: FakeApi) -> None:
        client_of(api).create_token(456)
        asked = json.loads(api.requests[0].content)
        assert TokenRequest.model_validate(asked) == TokenRequest()
        assert set(asked) == set(TokenRequest.model_fields)


class TestGuests:
    def test_an_events_page_names_the_consent_that_a_search_then_carries(
        self, client_of: ClientOf, api: FakeApi
    ) -> None:
        client = client_of(api)
        page = client.event_page(456).data
        EventPage.model_validate(page, extra="forbid")  # the fake has what is promised
        assert page["consent"] is not None
        client.search(456, JPEG, REQUEST_ID, consent=page["consent"]["version"])
        assert fields_of(api.requests[1]) == {"request_id": REQUEST_ID, "consent": "standard-1"}

    def test_a_watch_carries_the_selfie_the_days_and_the_consent(self, client_of: ClientOf, api: FakeApi) -> None:
        api.finished.add(REQUEST_ID)
        client = client_of(api)
        assert client.updates(456, REQUEST_ID).data["watching_until"] is None
        watched = client.watch(456, uuid.UUID(REQUEST_ID), JPEG, days=7, watch_consent=True).data
        (asked,) = api.asked(f"POST /event/456/faces/{REQUEST_ID}/watch")
        assert fields_of(asked) == {"days": "7", "watch_consent": "true"}
        assert form_of(asked)["file"].get_payload(decode=True) == JPEG
        assert watched == {"request_id": REQUEST_ID, "watching_until": "2026-05-24T10:30:00Z"}
        assert client.updates(456, uuid.UUID(REQUEST_ID)).data == {**watched, "latest": None, "total": 3}

    def test_a_large_selfie_of_a_watch_is_uploaded_once_however_often_it_is_asked_for(
        self, client_of: ClientOf, api: FakeApi
    ) -> None:
        api.finished.add(REQUEST_ID)
        api.troubles["POST */watch"] = [httpx.ReadTimeout("slow"), refusal(500)]
        client_of(api).watch(456, REQUEST_ID, JPEG.ljust(INLINE_SELFIE_BYTES + 1, b"\0"), watch_consent=True)
        (upload_id,) = api.uploads
        days = str(WatchFields().days)
        asked = [fields_of(request) for request in api.asked("POST */watch")]
        assert asked == [{"upload_id": upload_id, "days": days, "watch_consent": "true"}] * 3

    def test_without_the_persons_consent_nothing_is_watched(self, client_of: ClientOf, api: FakeApi) -> None:
        api.finished.add(REQUEST_ID)
        with pytest.raises(BadRequestError) as caught:
            client_of(api).watch(456, REQUEST_ID, JPEG, watch_consent=False)
        assert (caught.value.status, caught.value.code) == (422, "consent_needed")
        assert (caught.value.request_id, api.watches) == (REQUEST_ID, {})

    def test_an_unknown_or_odd_request_id_is_not_found(self, client_of: ClientOf, api: FakeApi) -> None:
        client = client_of(api)
        with pytest.raises(NotFoundError):
            client.watch(456, REQUEST_ID, JPEG, watch_consent=True)
        with pytest.raises(NotFoundError):
            client.updates(456, "../x?y")
        assert api.requests[1].url.raw_path == b"/live/api/v1/ext/903/event/456/faces/..%2Fx%3Fy/updates"


class TestOriginalPhotos:
    def test_given_a_search_then_by_its_request_id(self, client_of: ClientOf, api: FakeApi) -> None:
        response = client_of(api).original_photos(456, request_id=uuid.UUID(REQUEST_ID), page_size=2)
        assert json.loads(api.requests[0].content) == {"method": "selfie", "identifier": REQUEST_ID}
        assert (response.data["total_images"], response.data["successful_count"]) == (3, 2)

    def test_given_a_bib_then_by_its_photos(self, client_of: ClientOf, api: FakeApi) -> None:
        api.bibs["42"] = [0, 2]
        response = client_of(api).original_photos(456, bib="42")
        assert json.loads(api.requests[0].content) == {"method": "bib", "identifier": "42"}
        assert (response.data["total_images"], response.data["identifier"]) == (2, "42")

    @pytest.mark.parametrize("one", [uuid.UUID(int=1), str(uuid.UUID(int=1))], ids=["UUID", "str"])
    def test_given_one_photo_then_it_may_stand_for_itself(self, client_of: ClientOf, one: uuid.UUID | str) -> None:
        api = FakeApi()
        client_of(api).original_photos(456, image_ids=one if isinstance(one, str) else [one])
        assert json.loads(api.requests[0].content) == {"method": "image_ids", "identifier": [str(one)]}

    @pytest.mark.parametrize(
        "named",
        [
            {},
            {"request_id": REQUEST_ID, "image_ids": [REQUEST_ID]},
            {"request_id": REQUEST_ID, "bib": "42"},
            {"image_ids": [REQUEST_ID], "bib": "42"},
            {"request_id": REQUEST_ID, "image_ids": [REQUEST_ID], "bib": "42"},
            {"image_ids": []},
        ],
        ids=str,
    )
    def test_no_or_several_ways_of_naming_photos_then_value_error(
        self, client_of: ClientOf, named: dict[str, str]
    ) -> None:
        api = FakeApi()
        with pytest.raises(ValueError, match="image_ids"):
            client_of(api).original_photos(456, **named)  # type: ignore[arg-type]
        assert api.requests == []


class TestWaiting:
    def test_a_search_under_way_then_its_first_page(self, client_of: ClientOf, api: FakeApi, waits: Waits) -> None:
        api.finished.add(REQUEST_ID)
        slow = httpx.ReadTimeout("slow")
        api.troubles["GET /event/456/faces/*"] = [refusal(404), refusal(404), refusal(503), slow, refusal(404)]
        response = client_of(api, waits).wait(456, REQUEST_ID)
        assert response.request_id == REQUEST_ID
        assert waits.seconds == [0.5, 1, 2, 4, 8]

    def test_given_no_search_then_an_error_at_the_end_of_the_timeout(self, client_of: ClientOf, waits: Waits) -> None:
        with pytest.raises(WaitTimeoutError, match="20 s") as caught:
            client_of(FakeApi(), waits).wait(456, REQUEST_ID, timeout=20)
        assert sum(waits.seconds) == 20
        assert isinstance(caught.value.__cause__, NotFoundError)
        assert caught.value.request_id == REQUEST_ID

    def test_a_retry_after_beyond_the_timeout_when_waited_for_then_it_ends_at_once(self, client_of: ClientOf) -> None:
        api, waits = FakeApi(), Waits()
        api.troubles["GET *"] = [refusal(429, headers={"Retry-After": "30"})]
        with pytest.raises(WaitTimeoutError):
            client_of(api, waits).wait(456, REQUEST_ID, timeout=10)
        assert waits.seconds == []

    def test_given_a_refusal_when_waited_for_then_it_is_not_waited_out(self, client_of: ClientOf, api: FakeApi) -> None:
        api.troubles["GET *"] = [refusal(403)]
        with pytest.raises(NotAllowedError):
            client_of(api).wait(456, REQUEST_ID)

    def test_given_a_hanging_server_then_no_call_is_given_longer_than_what_is_left(self, client_of: ClientOf) -> None:
        api = FakeApi()
        with pytest.raises(WaitTimeoutError):
            client_of(api).wait(456, REQUEST_ID, timeout=10)
        assert [request.extensions["timeout"]["read"] for request in api.requests] == [10, 9.5, 8.5, 6.5, 2.5, 1]
