"""The engine before a real server of this contract: what it asks, what it makes of responses, and how it fails."""

import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.upstream import api as api_module
from facesearch.adapters.upstream.api import (
    KeySecret,
    Upstream,
    UpstreamDownError,
    UpstreamRefusedError,
    UpstreamResponseError,
    new_http,
)
from facesearch.adapters.upstream.breaker import Breaker
from facesearch.errors import Busy, InvalidRequest, TooLarge, UnusableImage
from facesearch.models import PhotoMatch, RenditionUrls, UpstreamEvent
from tests.support.examples import examples
from tests.support.fakes import photos
from tests.unit.adapters.outbound.certificates import Authority
from tests.unit.adapters.upstream.bench import BASE, KEY, REQUEST, SELFIE, FakeApi, FakeSecrets, Fault, Front, front_of

DOWN, CUT = Fault(503), Fault()
HEARD_BY_NOBODY = Fault(worked=True)


def test_a_search_goes_there_under_its_own_request_id_and_comes_back_as_it_was(front: Front) -> None:
    summary, found = front.search()
    assert found == front.api.found
    assert (summary.total, summary.confidence) == (12, 87)
    assert summary.renditions is not None
    assert summary.renditions.of(found[3].image_id) == (
        f"{BASE}/large/{found[3].image_id}.jpg",
        f"{BASE}/small/{found[3].image_id}.jpg",
    )
    assert front.api.executed == [str(REQUEST)]
    assert front.api.asked == [("POST", "/api/v1/ext/903/event/456/faces", "page=1&page_size=100")]
    assert front.api.keys == {KEY}


def test_an_event_that_has_other_numbers_there_is_asked_for_by_those(front: Front) -> None:
    front.api.found = photos(150)
    front.search(upstream=UpstreamEvent(12, 34))
    assert {path.partition("/faces")[0] for _, path, _ in front.api.asked} == {"/api/v1/ext/12/event/34"}


@settings(max_examples=examples(40))
@given(total=st.integers(0, 520), deaf=st.integers(0, 2), at=st.integers(0, 5), data=st.data())
def test_every_photo_of_every_page_comes_once_and_in_order_whatever_is_lost_on_the_way(
    http: httpx.Client, total: int, deaf: int, at: int, data: st.DataObject
) -> None:
    sizes = data.draw(st.lists(st.integers(0, 9000), min_size=total, max_size=total))
    found = [PhotoMatch(photo.image_id, size, size // 2) for photo, size in zip(photos(total), sizes, strict=True)]
    lost = [data.draw(st.sampled_from([DOWN, CUT, HEARD_BY_NOBODY])) for _ in range(deaf)]
    api = FakeApi(found=found, faults=deque([*[None] * at, *lost]))
    with front_of(api, http) as front:
        summary, came = front.search()
    assert came == found
    assert summary.total == total
    assert (summary.renditions is None) is (total == 0)
    assert len(api.executed) == 1
    assert len(api.asked) <= max(1, -(-total // 100)) + deaf


def test_connections_are_kept(front: Front) -> None:
    for _ in range(5):
        front.search()
    assert len(front.api.connections) == 1


@pytest.mark.parametrize("fault", [DOWN, CUT, HEARD_BY_NOBODY, Fault(500), Fault(502, body=b"<html>"), Fault(504)])
def test_what_a_retry_heals_is_healed_with_jitter_and_searched_once(front: Front, fault: Fault) -> None:
    front.api.faults += [fault, fault]
    assert front.search()[1] == front.api.found
    first, second = front.pauses
    assert (0 <= first <= 0.2, 0 <= second <= 0.4) == (True, True)
    assert len(front.api.executed) == 1


@pytest.mark.parametrize("fault", [DOWN, CUT, Fault(500)])
def test_an_upstream_that_stays_down_is_given_up_after_three_calls(front: Front, fault: Fault) -> None:
    front.api.faults += [fault] * 3
    with pytest.raises(UpstreamDownError):
        front.search()
    assert len(front.api.asked) == 3


@pytest.mark.parametrize(("seconds", "calls"), [(0.2, 1), (-1, 0)])
def test_silence_is_given_up_when_the_invocations_time_is_over(front: Front, seconds: float, calls: int) -> None:
    front.api.faults.append(Fault(500, seconds=0.5))
    began = front.upstream.clock()
    with pytest.raises(UpstreamDownError):
        front.search(seconds=seconds)
    assert front.upstream.clock() - began < 0.45
    assert len(front.api.asked) == calls, "no time for a retry"


def test_an_attempt_that_is_silent_leaves_time_for_another(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "ATTEMPT_SECONDS", 0.2)
    front.api.faults.append(Fault(seconds=0.5, worked=True))
    assert front.search()[1] == front.api.found
    assert len(front.api.executed) == 1


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
        (Fault(200, body=b" " * (api_module.MAX_RESPONSE_BYTES + 1)), UpstreamResponseError),
    ],
)
def test_a_refusal_is_not_repeated_and_says_nothing_of_who_refused(
    front: Front, fault: Fault, error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    front.api.faults.append(fault)
    with pytest.raises(error) as refused:
        front.search()
    assert len(front.api.asked) == 1
    told = str(refused.value) + repr(refused.value.__cause__) + capsys.readouterr().out
    assert not any(word in told for word in ("secret-host", "127.0.0.1", KEY))


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), (None, 5), ("999999", 3600), ("9" * 400, 3600), ("soon", 5)])
def test_a_busy_upstream_is_the_callers_to_wait_for(front: Front, said: str | None, seconds: int) -> None:
    front.api.faults += [Fault(429, headers=(("Retry-After", said),) if said else ())] * 3
    with pytest.raises(Busy) as refused:
        front.search()
    assert refused.value.headers == {"Retry-After": str(seconds)}


@pytest.mark.parametrize(("before", "named"), [((), "^(?!Selfie)"), ((SELFIE,), "^Selfie 2: ")])
def test_what_is_no_picture_is_refused_without_a_call(front: Front, before: tuple[bytes, ...], named: str) -> None:
    with pytest.raises(UnusableImage, match=named):
        front.search(*before, b"GIF89a")
    assert front.api.asked == []


def test_an_upstream_that_is_down_is_left_alone_and_found_again(front: Front) -> None:
    front.api.faults += [DOWN] * 5
    with pytest.raises(UpstreamDownError):
        front.search()
    for _ in range(2):
        with pytest.raises(Busy) as refused:
            front.search()
        assert len(front.api.asked) == 5, "nothing was asked"
    assert refused.value.retry_after == 15
    front.now = 15
    assert front.search()[1] == front.api.found


def test_a_replaced_key_is_found_in_time(front: Front) -> None:
    front.secrets.text = " old\n"
    for now in (0, 61):
        front.now = now
        front.api.faults.append(Fault(403))
        with pytest.raises(UpstreamRefusedError):
            front.search()
        front.secrets.text = KEY
    front.search()
    assert (front.secrets.read, front.api.keys) == (2, {"old", KEY})


def test_a_secret_without_text_is_no_key() -> None:
    with pytest.raises(ValueError, match="no text"):
        KeySecret(FakeSecrets(""), "the upstream's key").value()


def test_whoever_cannot_prove_to_be_the_upstream_gets_neither_key_nor_selfie(
    http: httpx.Client, tmp_path: Path
) -> None:
    nobodys = Authority.create(tmp_path).server("127.0.0.1")
    with front_of(FakeApi(), http, nobodys) as front, pytest.raises(UpstreamDownError):
        front.search()
    assert front.api.asked == []


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
def test_pages_that_do_not_fit_together_are_no_result(front: Front, page: int, change: Callable[[Any], None]) -> None:
    front.api.found = photos(250)
    front.api.edit = lambda number, data: change(data) if number == page else None
    with pytest.raises(UpstreamResponseError):
        front.search()


def test_upper_case_ids_are_the_same_ids_only_where_their_urls_can_be_kept(front: Front) -> None:
    def shout(_: int, data: Any) -> None:
        for image in data["images"]:
            image["image_id"] = image["image_id"].upper()
        data["request_id"] = data["request_id"].upper()

    front.api.edit = shout
    assert front.search()[1] == front.api.found


@pytest.mark.parametrize("url", ["http://api.example", "ftp://api.example", "api.example", "http://127.0.0.1.example"])
def test_key_and_selfie_leave_this_machine_by_tls_alone(http: httpx.Client, url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Upstream(http, url, KeySecret(FakeSecrets(), "the upstream's key"), Breaker())


def test_nothing_of_the_environment_decides_where_a_selfie_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with new_http() as http, front_of(FakeApi(), http) as front:
        assert front.search()[1] == front.api.found


def test_several_selfies_are_sent_on_in_one_call(front: Front) -> None:
    _, found = front.search(SELFIE, SELFIE, SELFIE)
    assert (found, len(front.api.executed), front.api.sent) == (front.api.found, 1, [3])


@pytest.mark.parametrize(("status", "error"), [(400, UnusableImage), (422, InvalidRequest), (413, TooLarge)])
def test_several_selfies_that_are_refused_are_so_in_our_own_words(
    front: Front, status: int, error: type[Exception]
) -> None:
    front.api.faults.append(Fault(status))
    with pytest.raises(error) as refused:
        front.search(SELFIE, SELFIE)
    assert getattr(refused.value, "status", None) == status
    assert "secret-host" not in str(refused.value)
