"""The engine before a real server of this contract: what it asks, what it makes of answers, and how it fails."""

import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.upstream import (
    Breaker,
    KeySecret,
    Upstream,
    UpstreamDownError,
    UpstreamRefusedError,
    UpstreamResponseError,
    new_http,
)
from facesearch.adapters.upstream import api as api_module
from facesearch.errors import Busy, InvalidRequest, TooLarge, UnusableImage
from facesearch.models import PhotoMatch, RenditionUrls, UpstreamEvent
from tests.support.examples import examples
from tests.support.fakes import photos
from tests.unit.adapters.upstream.bench import BASE, KEY, REQUEST, SELFIE, FakeApi, FakeSecrets, Fault, front_of

DOWN, CUT = Fault(503), Fault()
HEARD_BY_NOBODY = Fault(worked=True)


def failing(*faults: Fault | None, **changes: Any) -> FakeApi:
    return FakeApi(faults=deque(faults), **changes)


def test_a_search_goes_there_under_its_own_request_id_and_comes_back_as_it_was_answered(http: httpx.Client) -> None:
    api = FakeApi()
    with front_of(api, http) as front:
        summary, found = front.search()
    assert found == api.found
    assert (summary.total, summary.confidence) == (12, 87)
    assert summary.renditions is not None
    assert summary.renditions.of(found[3].image_id) == (
        f"{BASE}/large/{found[3].image_id}.jpg",
        f"{BASE}/small/{found[3].image_id}.jpg",
    )
    assert api.executed == [str(REQUEST)]
    assert api.asked == [("POST", "/api/v1/ext/903/event/456/faces", "page=1&page_size=100")]
    assert api.keys == {KEY}


def test_an_event_that_has_other_numbers_there_is_asked_for_by_those(http: httpx.Client) -> None:
    api = FakeApi(found=photos(150))
    with front_of(api, http) as front:
        front.search(upstream=UpstreamEvent(12, 34))
    assert {path.partition("/faces")[0] for _, path, _ in api.asked} == {"/api/v1/ext/12/event/34"}


@settings(max_examples=examples(40))
@given(total=st.integers(0, 520), deaf=st.integers(0, 2), at=st.integers(0, 5), data=st.data())
def test_every_photo_of_every_page_comes_once_and_in_order_whatever_is_lost_on_the_way(
    http: httpx.Client, total: int, deaf: int, at: int, data: st.DataObject
) -> None:
    """Given a result of any size and answers that are lost, then all of it comes from one search there."""
    sizes = data.draw(st.lists(st.integers(0, 9000), min_size=total, max_size=total))
    found = [PhotoMatch(photo.image_id, size, size // 2) for photo, size in zip(photos(total), sizes, strict=True)]
    api = failing(*[None] * at, *[data.draw(st.sampled_from([DOWN, CUT, HEARD_BY_NOBODY])) for _ in range(deaf)])
    api.found = found
    with front_of(api, http) as front:
        summary, came = front.search()
    assert came == found
    assert summary.total == total
    assert (summary.renditions is None) is (total == 0)
    assert len(api.executed) == 1
    assert len(api.asked) <= max(1, -(-total // 100)) + deaf


def test_connections_are_kept(http: httpx.Client) -> None:
    api = FakeApi()
    with front_of(api, http) as front:
        for _ in range(5):
            front.search()
    assert len(api.connections) == 1


@pytest.mark.parametrize("fault", [DOWN, CUT, HEARD_BY_NOBODY, Fault(500), Fault(502, body=b"<html>"), Fault(504)])
def test_what_a_retry_heals_is_healed_with_jitter_and_searched_once(http: httpx.Client, fault: Fault) -> None:
    api = failing(fault, fault)
    with front_of(api, http) as front:
        _, found = front.search()
        assert len(front.pauses) == 2
        assert 0 <= front.pauses[0] <= 0.2
        assert 0 <= front.pauses[1] <= 0.4
    assert found == api.found
    assert len(api.executed) == 1


@pytest.mark.parametrize("fault", [DOWN, CUT, Fault(500)])
def test_an_upstream_that_stays_down_is_given_up_after_three_calls(http: httpx.Client, fault: Fault) -> None:
    api = failing(*[fault] * 3)
    with front_of(api, http) as front, pytest.raises(UpstreamDownError):
        front.search()
    assert len(api.asked) == 3


def test_silence_is_given_up_when_the_invocations_time_is_over(http: httpx.Client) -> None:
    api = failing(Fault(500, seconds=0.5))
    with front_of(api, http) as front:
        began = front.upstream.clock()
        with pytest.raises(UpstreamDownError):
            front.search(seconds=0.2)
        assert front.upstream.clock() - began < 0.45
    assert len(api.asked) == 1, "no time for a retry"


def test_without_any_time_nothing_is_asked(http: httpx.Client) -> None:
    api = FakeApi()
    with front_of(api, http) as front, pytest.raises(UpstreamDownError):
        front.search(seconds=-1)
    assert api.asked == []


def test_an_attempt_that_is_silent_leaves_time_for_another(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "ATTEMPT_SECONDS", 0.2)
    api = failing(Fault(seconds=0.5, worked=True))
    with front_of(api, http) as front:
        assert front.search()[1] == api.found
    assert len(api.executed) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(400), UnusableImage),
        (Fault(413), TooLarge),
        (Fault(401), UpstreamRefusedError),
        (Fault(403), UpstreamRefusedError),
        (Fault(404), UpstreamRefusedError),
        (Fault(422), UpstreamRefusedError),
        (Fault(302, headers=(("Location", "http://127.0.0.1:9/"),)), UpstreamResponseError),
        (Fault(200, body=b"<html>hello</html>"), UpstreamResponseError),
        (Fault(200, body=b'{"responseType": "success", "message": "", "data": null}'), UpstreamResponseError),
        (Fault(200, body=b" " * (api_module.MAX_ANSWER_BYTES + 1)), UpstreamResponseError),
    ],
)
def test_a_refusal_is_not_repeated_and_says_nothing_of_who_refused(
    http: httpx.Client, fault: Fault, error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    api = failing(fault)
    with front_of(api, http) as front, pytest.raises(error) as refused:
        front.search()
    assert len(api.asked) == 1
    told = str(refused.value) + repr(refused.value.__cause__) + capsys.readouterr().out
    assert not any(word in told for word in ("secret-host", "127.0.0.1", KEY))


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), (None, 5), ("999999", 3600), ("9" * 400, 3600), ("soon", 5)])
def test_a_busy_upstream_is_the_callers_to_wait_for(http: httpx.Client, said: str | None, seconds: int) -> None:
    busy = Fault(429, headers=(("Retry-After", said),) if said else ())
    api = failing(busy, busy, busy)
    with front_of(api, http) as front, pytest.raises(Busy) as refused:
        front.search()
    assert refused.value.headers == {"Retry-After": str(seconds)}


def test_what_is_no_picture_is_refused_without_a_call(http: httpx.Client) -> None:
    api = FakeApi()
    with front_of(api, http) as front, pytest.raises(UnusableImage):
        front.search(selfie=b"GIF89a")
    assert api.asked == []


def test_an_upstream_that_is_down_is_left_alone_and_found_again(http: httpx.Client) -> None:
    now = [0.0]
    api = failing(*[DOWN] * 5)
    with front_of(api, http, Breaker(5, 15, lambda: now[0])) as front:
        with pytest.raises(UpstreamDownError):
            front.search()
        with pytest.raises(Busy):
            front.search()
        assert len(api.asked) == 5
        with pytest.raises(Busy) as refused:
            front.search()
        assert len(api.asked) == 5, "nothing was asked"
        assert refused.value.retry_after == 15
        now[0] = 15
        assert front.search()[1] == api.found


def test_a_replaced_key_is_found_in_time(http: httpx.Client) -> None:
    api = failing(Fault(403))
    with front_of(api, http) as front:
        front.secrets.text = "old"
        with pytest.raises(UpstreamRefusedError):
            front.search()
        front.secrets.text, front.now = KEY, 61
        api.faults.append(Fault(403))
        with pytest.raises(UpstreamRefusedError):
            front.search()
        front.search()
    assert front.secrets.read == 2


Edit = Callable[[int, Any], None]


def with_page(number: int, change: Callable[[Any], None]) -> Edit:
    """An edit of that page alone."""

    def edit(page: int, data: Any) -> None:
        if page == number:
            change(data)

    return edit


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["images"].pop(),
        lambda data: data["images"].append(data["images"][0]),
        lambda data: data["images"].__setitem__(0, data["images"][1]),
        lambda data: data.update(request_id=str(uuid.UUID(int=8))),
        lambda data: data.update(confidence_percentage=88),
        lambda data: data.update(confidence_percentage=87.5),
        lambda data: data.update(confidence_percentage=0),
        lambda data: data["pagination"].update(total=249),
        lambda data: data["pagination"].update(total=-1),
        lambda data: data["pagination"].update(total=10**7),
        lambda data: data["pagination"].update(page_size=32),
        lambda data: data["pagination"].update(currentPage=9),
        lambda data: data["images"][0].update(image_id="photo 1"),
        lambda data: data["images"][0].update(width=-1),
        lambda data: data["images"][0].update(height=2**31),
        lambda data: data["images"][0].update(img_url="https://elsewhere.example/imgs/77/large/1.jpg"),
        lambda data: data["images"][0].update(img_url=data["images"][0]["img_url"] + "?signature=1"),
        lambda data: data["images"][0].update(thumbnail_url="ftp" + data["images"][0]["thumbnail_url"][5:]),
        lambda data: data["images"][0].update(thumbnail_url=f"https://x.example/{RenditionUrls.IMAGE_ID}.jpg"),
        lambda data: [each.update(img_url="https://other" + each["img_url"][8:]) for each in data["images"]],
    ],
)
@pytest.mark.parametrize("page", [1, 2])
def test_pages_that_do_not_fit_together_are_no_result(
    http: httpx.Client, page: int, change: Callable[[Any], None]
) -> None:
    api = FakeApi(found=photos(250), edit=with_page(page, change))
    with front_of(api, http) as front, pytest.raises(UpstreamResponseError):
        front.search()


def test_upper_case_ids_are_the_same_ids_only_where_their_urls_can_be_kept(http: httpx.Client) -> None:
    def shout(_: int, data: Any) -> None:
        for image in data["images"]:
            image["image_id"] = image["image_id"].upper()
        data["request_id"] = data["request_id"].upper()

    api = FakeApi(edit=shout)
    with front_of(api, http) as front:
        assert front.search()[1] == api.found


@pytest.mark.parametrize("url", ["http://api.example", "ftp://api.example", "api.example", "http://127.0.0.1.example"])
def test_key_and_selfie_leave_this_machine_by_tls_alone(http: httpx.Client, url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Upstream(http, url, KeySecret(FakeSecrets(), "the upstream's key"), Breaker())


def test_nothing_of_the_environment_decides_where_a_selfie_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    api = FakeApi()
    with new_http() as http, front_of(api, http) as front:
        assert front.search()[1] == api.found


def test_several_selfies_are_sent_on_in_one_call(http: httpx.Client) -> None:
    api = FakeApi()
    with front_of(api, http) as front:
        _, found = front.search(selfies=[SELFIE, SELFIE, SELFIE])
    assert (found, len(api.executed), api.sent) == (api.found, 1, [3])


def test_several_selfies_that_are_refused_are_so_in_our_own_words(http: httpx.Client) -> None:
    for status, error in ((400, UnusableImage), (422, InvalidRequest), (413, TooLarge)):
        with front_of(failing(Fault(status)), http) as front, pytest.raises(error) as refused:
            front.search(selfies=[SELFIE, SELFIE])
        assert refused.value.status == status
        assert "secret-host" not in str(refused.value)


def test_the_one_of_several_that_is_no_picture_is_named_without_a_call(http: httpx.Client) -> None:
    api = FakeApi()
    with front_of(api, http) as front, pytest.raises(UnusableImage, match=r"^Selfie 2: "):
        front.search(selfies=[SELFIE, b"GIF89a"])
    assert api.asked == []
