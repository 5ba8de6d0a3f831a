"""Links to originals: what is read from the body, which images a page names, and what becomes of each."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch.adapters.aws import S3
from facesearch.adapters.memory.stores import MemoryPhotoStore
from facesearch.adapters.s3.links import S3Originals
from facesearch.api.bodies import Method, OriginalsRequest, parse_originals
from facesearch.api.requests import ApiRequest, parse_request
from facesearch.errors import InvalidRequest, InvalidRequestId, NoSuchImages, NotFound, StoreUnavailable
from facesearch.models import Feature, SearchSummary
from facesearch.photos.links import MAX_IMAGE_IDS, Link, NoLink, Originals
from facesearch.reading import StoredPage
from facesearch.records import Photo
from tests.support.aws import moto
from tests.support.fakes import EVENT, EVENT_ID, ORG, photos

Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
Methods = st.sampled_from([*Method]) | st.text()
Identifiers = st.text() | st.lists(st.text(), max_size=5) | Json


@given(st.binary(max_size=200) | Json.map(lambda value: json.dumps(value).encode()))
def test_no_body_can_make_it_raise(body: bytes) -> None:
    parse_originals(body)


@given(Methods, Identifiers)
def test_a_body_is_taken_exactly_if_it_fits_the_schema(method: str, identifier: Any) -> None:
    parsed = parse_originals(json.dumps({"method": method, "identifier": identifier, "more": 1}).encode())
    if method == Method.IMAGE_IDS:
        fits = isinstance(identifier, list) and identifier and all(is_text(one, 0) for one in identifier)
    else:
        fits = method in set(Method) and is_text(identifier, 1)
    if fits:
        assert isinstance(parsed, OriginalsRequest)
        assert (parsed.method, parsed.identifier) == (method, identifier)
    else:
        assert isinstance(parsed, InvalidRequest)
        assert parsed.message.startswith("body")


def is_text(value: Any, least: int) -> bool:
    return isinstance(value, str) and least <= len(value) <= 200


def naming(images: int) -> bytes:
    return json.dumps({"method": "image_ids", "identifier": ["x"] * images}).encode()


LONE = b'{"method": "selfie", "identifier": "\\ud800"}'


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, LONE, b"9" * 5_000, b"NaN", naming(MAX_IMAGE_IDS + 1)]
)
def test_a_body_that_is_no_json_of_ours_is_refused_with_its_field(body: bytes) -> None:
    parsed = parse_originals(body)
    assert isinstance(parsed, InvalidRequest)
    assert parsed.message.startswith("body")
    assert len(parsed.message) < 500, "the value that was sent is not echoed"
    assert isinstance(parse_originals(naming(MAX_IMAGE_IDS)), OriginalsRequest)


FEATURES = {"selfie": Feature.SELFIE_SEARCH, "image_id": Feature.PHOTOS, "bib": Feature.BIB_SEARCH}


@pytest.mark.parametrize(("method", "feature"), FEATURES.items())
def test_each_method_needs_its_feature(method: str, feature: Feature) -> None:
    assert asked(method, "1").feature is feature


def asked(method: str, identifier: Any) -> OriginalsRequest:
    return OriginalsRequest(method=Method(method), identifier=identifier)


def call_for(request: OriginalsRequest, page: int = 1, size: int = 30) -> ApiRequest:
    path = {"org_id": str(ORG), "event_id": str(EVENT_ID)}
    return parse_request(path, {"page": str(page), "page_size": str(size)}).with_body(request.request_id)


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), min_size=1), st.integers(1, 4), st.integers(1, 4))
def test_each_image_is_named_once_in_the_order_of_the_first_time(names: list[str], page: int, size: int) -> None:
    request = asked("image_ids", names)
    total, some = request.select(call_for(request, page, size), None)
    once = sorted(set(names), key=names.index)
    assert total == len(once)
    assert some == once[(page - 1) * size : page * size]


def test_a_search_names_the_photos_of_its_page_and_one_that_is_none_is_refused() -> None:
    known, wrong = asked("selfie", str(uuid.UUID(int=7))), asked("selfie", "abc")
    page = StoredPage(SearchSummary(40, 90), photos(2))
    assert known.select(call_for(known), page) == (40, [str(photo.image_id) for photo in photos(2)])
    with pytest.raises(NotFound):
        known.select(call_for(known), None)
    with pytest.raises(InvalidRequestId):
        wrong.select(call_for(wrong), None)


@dataclass
class MemoryOriginals:
    """Originals by key; `broken` ones cannot be looked for."""

    there: set[str] = field(default_factory=set)
    broken: dict[str, Exception] = field(default_factory=dict)

    def etag(self, key: str) -> str | None:
        if key in self.broken:
            raise self.broken[key]
        return '"1"' if key in self.there else None

    def link(self, key: str, filename: str) -> str:
        return f"memory:{key}?as={filename}"


def test_each_image_has_its_link_or_its_reason_in_the_order_asked(pool: ThreadPoolExecutor) -> None:
    records, store = MemoryPhotoStore(), MemoryOriginals()
    denied = StoreUnavailable("HeadObject", "AccessDenied")
    unreachable = StoreUnavailable("HeadObject", "EndpointConnectionError")
    for number in range(6):
        status = "failed" if number == 3 else "indexed"
        photo = Photo(uuid.UUID(int=number), status, f"903/456/{number}/wild name {number}.jpg")  # type: ignore[arg-type]
        records.add(EVENT_ID, EVENT.shards, photo)
    store.there = {f"903/456/{number}/wild name {number}.jpg" for number in (0, 1)}
    store.broken = {"903/456/4/wild name 4.jpg": denied, "903/456/5/wild name 5.jpg": unreachable}
    asked_for = [str(uuid.UUID(int=number)) for number in (5, 1, 4, 3, 2, 99)]
    asked_for += ["no uuid", uuid.UUID(int=0).hex.upper()]

    links = Originals(photos=records, store=store, pool=pool).links(EVENT, asked_for)

    assert [type(link) for link in links] == [NoLink, Link, NoLink, NoLink, NoLink, NoLink, NoLink, Link]
    assert links[1] == Link("memory:903/456/1/wild name 1.jpg?as=wild name 1.jpg", "wild name 1.jpg")
    assert [link.image_id for link in links if isinstance(link, NoLink)] == [asked_for[n] for n in (0, 2, 3, 4, 5, 6)]
    reasons = [link.error for link in links if isinstance(link, NoLink)]
    assert reasons[0] == reasons[1], "try again"
    assert reasons[2] == reasons[4] == reasons[5], "no such photo, whatever kind of none it is"
    assert len(set(reasons)) == 3
    paths = [link.path for link in links if isinstance(link, NoLink)]
    assert paths == [f"903/456/{n}/wild name {n}.jpg" for n in (5, 4, 3, 2)] + [None, None]


@pytest.mark.parametrize("status", [None, "failed"])
def test_it_is_refused_if_not_one_of_the_named_images_is_there(pool: ThreadPoolExecutor, status: Any) -> None:
    records = MemoryPhotoStore()
    here, gone = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
    if status is not None:
        records.add(EVENT_ID, EVENT.shards, Photo(uuid.UUID(int=2), status, "k/gone.jpg"))
    records.add(EVENT_ID, EVENT.shards, Photo(uuid.UUID(int=1), "indexed", "k/a.jpg"))
    originals = Originals(photos=records, store=MemoryOriginals({"k/a.jpg"}), pool=pool)
    for named in ([gone], [gone, "no uuid"]):
        with pytest.raises(NoSuchImages):
            originals.links(EVENT, named, named)
        with pytest.raises(NoSuchImages):
            originals.links(EVENT, [], named)  # a page past the end
    (link,) = originals.links(EVENT, [gone], [here, gone])
    assert isinstance(link, NoLink), "one that is there may be on another page"
    assert originals.links(EVENT, [], [here]) == []


def test_a_file_that_has_taken_the_key_of_another_is_not_linked_in_its_place(pool: ThreadPoolExecutor) -> None:
    records, store = MemoryPhotoStore(), MemoryOriginals({"k/IMG_1.jpg"})
    for number, etag in enumerate(['"1"', '"0"', ""]):  # its own, another's, and a record from before they had any
        records.add(EVENT_ID, EVENT.shards, Photo(uuid.UUID(int=number), "indexed", "k/IMG_1.jpg", etag=etag))
    image_ids = [str(uuid.UUID(int=number)) for number in range(3)]
    links = Originals(photos=records, store=store, pool=pool).links(EVENT, image_ids)
    assert [type(link) for link in links] == [Link, NoLink, Link]
    other = replace(EVENT, event_id=EVENT_ID + 1)
    assert isinstance(Originals(photos=records, store=store, pool=pool).links(other, image_ids)[0], NoLink)


def test_a_link_is_signed_for_an_hour_and_names_the_region_the_file_and_its_name() -> None:
    with moto():
        store = S3Originals(boto3.client("s3", region_name="eu-central-1", config=S3), "photos")
        url = store.link("903/456/x/Zi el.jpg", 'Zi "el", ü.jpg')
    assert url.startswith("https://photos.s3.eu-central-1.amazonaws.com/903/456/x/Zi%20el.jpg?")
    assert "X-Amz-Expires=3600" in url
    (disposition,) = parse_qs(urlsplit(url).query)["response-content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''Zi%20%22el%22%2C%20%C3%BC.jpg"
