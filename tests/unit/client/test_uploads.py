"""Selfies that are too large for one call: uploaded first, once, to another host that never sees the key."""

import urllib.parse
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch_client import (
    INLINE_SELFIE_BYTES,
    MAX_SELFIE_BYTES,
    BadRequestError,
    ClientError,
    NoResponseError,
    SelfieError,
    ServerError,
    StorageRefusedError,
    TooManyRequestsError,
    UnexpectedResponseError,
)
from tests.unit.client.conftest import ClientOf
from tests.unit.client.fakes import (
    JPEG,
    REQUEST_ID,
    STORE,
    FakeApi,
    ScriptedApi,
    Step,
    Waits,
    fields_of,
    form_of,
    form_parts,
    refusal,
    search_data,
    success,
)

LARGE = JPEG.ljust(INLINE_SELFIE_BYTES + 1, b"\0")
EXPIRED = httpx.Response(403, content=b"<Error><Code>AccessDenied</Code></Error>")
SEARCHES = "POST /event/456/faces"
UPLOADS = "POST /event/456/faces/uploads"
STORAGE = "POST /bucket"


class TestWhichWay:
    def test_given_a_selfie_at_the_limit_when_searched_then_one_call(self, client_of: ClientOf, api: FakeApi) -> None:
        client_of(api).search(456, LARGE[:INLINE_SELFIE_BYTES])
        assert len(api.requests) == 1
        assert "file" in form_of(api.requests[0])

    def test_one_byte_more_when_searched_then_form_upload_and_search(self, client_of: ClientOf, api: FakeApi) -> None:
        response = client_of(api).search(456, LARGE, REQUEST_ID, page=1, page_size=2)
        assert [request.method for request in api.requests] == ["POST"] * 3
        (upload_id,) = api.uploads
        assert api.uploads[upload_id] == LARGE
        assert fields_of(api.requests[2]) == {"upload_id": upload_id, "request_id": REQUEST_ID}
        assert dict(api.requests[2].url.params) == {"page": "1", "page_size": "2"}
        assert (response.request_id, len(response.images)) == (REQUEST_ID, 2)


class TestTheOtherHost:
    def test_an_upload_when_sent_then_the_fields_in_order_the_file_last_and_no_key(self, client_of: ClientOf) -> None:
        api, store = FakeApi(), ScriptedApi([httpx.Response(204)])
        api.troubles[SEARCHES] = [success(search_data())]
        client_of(api, storage=store).search(456, LARGE)
        (request,) = store.requests
        assert str(request.url) == f"{STORE}/bucket"
        assert list(form_of(request)) == ["key", "policy", "x-amz-signature", "file"]
        assert form_of(request)["file"].get_content_type() == "image/jpeg"
        assert int(request.headers["Content-Length"]) > len(LARGE)
        assert "X-API-Key" not in request.headers

    @pytest.mark.parametrize(
        ("troubles", "kind", "forms", "uploads"),
        [
            ([httpx.WriteTimeout("slow"), httpx.Response(503), httpx.ConnectError("refused")], None, 1, 4),
            ([EXPIRED], None, 2, 2),
            ([EXPIRED] * 9, StorageRefusedError, 2, 2),
            ([httpx.Response(500)] * 9, ServerError, 1, 4),
            ([httpx.Response(400)], StorageRefusedError, 1, 1),
            ([httpx.Response(307, headers={"Location": "https://elsewhere.example/"})], UnexpectedResponseError, 1, 1),
        ],
        ids=["passing", "expired", "refusing", "failing", "wrong form", "redirect"],
    )
    def test_a_trouble_of_the_storage(
        self, client_of: ClientOf, troubles: list[Step], kind: type[ClientError] | None, forms: int, uploads: int
    ) -> None:
        api, waits = FakeApi(), Waits()
        api.troubles[STORAGE] = list(troubles)
        client = client_of(api, waits, attempts=4)
        if kind is None:
            assert client.search(456, LARGE).pagination["total"] == 3
        else:
            with pytest.raises(kind) as caught:
                client.search(456, LARGE, REQUEST_ID)
            assert caught.value.request_id == REQUEST_ID
        asked = [len(api.asked(each)) for each in (UPLOADS, STORAGE, SEARCHES)]
        assert asked == [forms, uploads, int(kind is None)]
        assert waits.seconds == ([0.5, 1, 2] if uploads == 4 else [])
        assert {request.url.host for request in api.requests} == {"api.example", "store.example"}

    @pytest.mark.parametrize(
        "url", ["http://store.example/", "ftp://store.example/", "https://[::1", "/bucket", "", "https://"]
    )
    def test_given_a_form_for_no_safe_place_then_the_selfie_stays_here(self, client_of: ClientOf, url: str) -> None:
        api = FakeApi()
        form = {"upload_id": "u", "url": url, "fields": {}, "max_bytes": MAX_SELFIE_BYTES, "expires_in": 600}
        api.troubles[UPLOADS] = [success(form)]
        with pytest.raises(UnexpectedResponseError, match="place for files"):
            client_of(api).search(456, LARGE)
        assert len(api.requests) == 1

    def test_given_a_lower_limit_of_the_server_then_it_is_said_before_the_upload(self, client_of: ClientOf) -> None:
        api = FakeApi()
        form = {"upload_id": "u", "url": STORE, "fields": {}, "max_bytes": 1000, "expires_in": 600}
        api.troubles[UPLOADS] = [success(form)]
        with pytest.raises(SelfieError, match="1000 bytes"):
            client_of(api).search(456, LARGE)


class TestTheSearchAfterIt:
    def test_a_lost_response_then_no_second_upload_and_no_second_match(self, client_of: ClientOf, api: FakeApi) -> None:

        def lose_the_response(request: httpx.Request) -> httpx.Response:
            api.serve(request)
            raise httpx.ReadTimeout("lost")

        api.troubles[SEARCHES] = [lose_the_response, refusal(502)]
        response = client_of(api).search(456, LARGE, REQUEST_ID)
        assert response.replayed
        assert (len(api.asked(UPLOADS)), len(api.asked(STORAGE)), len(api.asked(SEARCHES)), api.matches) == (1, 1, 3, 1)

    def test_given_a_search_that_is_refused_then_its_error_and_no_second_upload(self, client_of: ClientOf) -> None:
        api = FakeApi()
        api.troubles[SEARCHES] = [refusal(400, "No face in it.")]
        with pytest.raises(BadRequestError, match="No face"):
            client_of(api).search(456, LARGE)
        assert len(api.asked(STORAGE)) == 1

    @pytest.mark.parametrize("failure", [refusal(429), httpx.ConnectError("no")], ids=str)
    def test_given_no_form_when_searched_then_the_error_carries_the_request_id(
        self, client_of: ClientOf, failure: httpx.Response | Exception, api: FakeApi
    ) -> None:
        api.troubles[UPLOADS] = [failure] * 5
        with pytest.raises((TooManyRequestsError, NoResponseError)) as caught:
            client_of(api).search(456, LARGE, REQUEST_ID)
        assert caught.value.request_id == REQUEST_ID


def parts_of(request: httpx.Request, name: str) -> list[bytes]:
    """What the parts of one name hold, in their order."""
    return [part.get_payload(decode=True) for each, part in form_parts(request) if each == name]  # type: ignore[misc]


class TestSeveral:
    def test_given_several_selfies_then_one_call_in_their_order(self, client_of: ClientOf, tmp_path: Path) -> None:
        api, side = FakeApi(), tmp_path / "side.jpg"
        side.write_bytes(JPEG + b"side")
        response = client_of(api).search(456, [JPEG, side, JPEG + b"hat"], REQUEST_ID)
        (request,) = api.requests
        assert parts_of(request, "file") == [JPEG, JPEG + b"side", JPEG + b"hat"]
        assert parts_of(request, "request_id") == [REQUEST_ID.encode()]
        assert (response.request_id, api.matches) == (REQUEST_ID, 1)
        assert b"side.jpg" not in request.content

    def test_given_a_list_of_one_when_searched_then_the_call_of_one(self, client_of: ClientOf, api: FakeApi) -> None:
        client = client_of(api)
        client.search(456, [JPEG], REQUEST_ID)
        client.search(456, JPEG, REQUEST_ID)
        first, second = (form_of(request) for request in api.requests)
        assert [*first] == [*second] == ["request_id", "file"]

    @pytest.mark.parametrize(
        ("sizes", "uploaded"),
        [([1, 1, 1], 0), ([2, 2], 0), ([2, 2.1], 1), ([2.1, 2, 0.1], 2), ([5, 0.1], 2), ([0.1, 5, 5], 2)],
    )
    def test_given_more_than_one_call_carries_then_the_later_ones_are_uploaded_so_that_their_numbers_stay(
        self, client_of: ClientOf, sizes: list[float], uploaded: int, api: FakeApi
    ) -> None:
        selfies = [JPEG.ljust(round(size * 2**20), b"%d" % number) for number, size in enumerate(sizes)]
        client_of(api).search(456, selfies, REQUEST_ID)
        inline = len(selfies) - uploaded
        assert list(api.uploads.values()) == selfies[inline:]
        last = api.requests[-1]
        if inline:
            assert parts_of(last, "file") == selfies[:inline]
            assert [each.decode() for each in parts_of(last, "upload_id")] == list(api.uploads)
        else:
            assert urllib.parse.parse_qs(last.content.decode())["upload_id"] == list(api.uploads)
        assert api.matches == 1

    @pytest.mark.parametrize(
        ("selfies", "said"),
        [
            ([], "1 to 3 selfies"),
            ([JPEG] * 4, "1 to 3 selfies"),
            (JPEG.ljust(MAX_SELFIE_BYTES + 1, b"\0"), r"15 MiB.*downscale"),
            (bytes(INLINE_SELFIE_BYTES + 1), "JPEG, PNG, WebP, HEIC or AVIF"),
            ([JPEG, bytes(INLINE_SELFIE_BYTES + 1)], "JPEG, PNG, WebP, HEIC or AVIF"),
        ],
        ids=["none", "four", "too large", "no picture", "one is no picture"],
    )
    def test_what_is_no_search_is_an_error_and_no_call(self, client_of: ClientOf, selfies: Any, said: str) -> None:
        api = FakeApi()
        with pytest.raises((ValueError, SelfieError), match=said):
            client_of(api).search(456, selfies)
        assert api.requests == []
