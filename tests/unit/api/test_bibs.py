"""Photos by bib, and bibs beside selfies, through the real handlers over a table in this process."""

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from facesearch import bootstrap
from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.models import DEFAULT_MODEL, BibRules
from facesearch.photos.links import LINK_SECONDS
from facesearch.records import SHARDS, Bib, Photo
from tests.support.output import Output
from tests.unit.api.test_handlers import CONSENT, FACELESS, Answer, Deployment, answer, form, load
from tests.unit.api.test_handlers import deployment as deployment  # noqa: PLC0414 - the fixture

START = dt.datetime(2026, 5, 17, 9, 0, 0)  # noqa: DTZ001 - a camera's
PHOTO_OF_OBAMA = 5
"""The deployment's own; its record has a face of the selfie's owner, and no bib."""
SEED = {"img_url", "thumbnail_url", "width", "height", "image_id", "original_url"}
NO_BIBS = [
    "", " ", "%20", "42%20", " 42", "42\n", "4 2", "4-2", "42!", "#42", "1" * 17, "٤٢", "４２", "ſ1", "ß", "é7",
    "../42", "\x00",
]  # fmt: skip


def image_id(number: int) -> str:
    return str(uuid.UUID(int=number))


def show(deployment: Deployment, number: int, *bibs: str, minutes: int | None = None) -> None:
    """Record a photo without a face that shows these bibs, taken so many minutes after the start."""
    taken = None if minutes is None else START + dt.timedelta(minutes=minutes)
    key = f"{deployment.org_id}/{deployment.event_id}/originals/IMG_{number}.jpg"
    read = {"bibs": tuple(map(Bib, bibs)), "bib_model": "fake"}
    photo = Photo(uuid.UUID(int=number), "indexed", key, 30, 40, DEFAULT_MODEL, taken_at=taken, **read)  # type: ignore[arg-type]
    assert DynamoPhotoStore(Table(deployment.dynamodb, "table")).add(deployment.event_id, SHARDS, photo)


def bibs(deployment: Deployment, bib: str, *, api_key: str | None = None, **query: int) -> Answer:
    event = deployment.filled("results-bibs", api_key=api_key, query={name: str(n) for name, n in query.items()})
    event["pathParameters"]["bib"] = bib
    event["path"] = event["path"].rpartition("/")[0] + "/" + quote(bib, safe="%")
    return answer(load("results"), event)


def originals(deployment: Deployment, bib: Any, *, api_key: str | None = None, **query: int) -> Answer:
    event = deployment.filled(
        "results-original-photos", api_key=api_key, query={name: str(n) for name, n in query.items()}
    )
    event["body"], event["isBase64Encoded"] = json.dumps({"method": "bib", "identifier": bib}), False
    return answer(load("results"), event)


def with_bib(bib: str, body: bytes) -> bytes:
    """A form with a field before the others."""
    return b'--x\r\nContent-Disposition: form-data; name="bib"\r\n\r\n%b\r\n' % bib.encode() + body


def ids(response: Answer) -> list[str]:
    assert response["statusCode"] == 200, response["json"]
    return [item["image_id"] for item in response["json"]["data"]["images"]]


def code_of(response: Answer) -> tuple[int, str]:
    return response["statusCode"], response["multiValueHeaders"].get("Face-Search-Error", [""])[0]


def face_of(deployment: Deployment) -> bytes:
    """The packed face of the deployment's own photo."""
    store = DynamoPhotoStore(Table(deployment.dynamodb, "table"))
    photo = store.get(deployment.event_id, SHARDS, uuid.UUID(int=PHOTO_OF_OBAMA))
    assert photo is not None
    assert photo.model == DEFAULT_MODEL
    return photo.faces


@pytest.fixture
def race(deployment: Deployment) -> Deployment:
    """Bib 42 is on five photos, of which one has no capture time, F1 on one of them."""
    deployment.admin.update_event(deployment.event_id, bib_search=True)
    for number, minutes in ((14, None), (13, 2), (12, 1), (11, 2), (10, 3)):
        show(deployment, number, *(["42", "F1"] if number == 12 else ["42"]), minutes=minutes)
    return deployment


class TestPhotosOfABib:
    def test_they_come_by_capture_time_then_image_id_and_those_without_last(self, race: Deployment) -> None:
        response = bibs(race, "42")
        assert ids(response) == [image_id(number) for number in (12, 11, 13, 10, 14)]
        assert response["json"]["message"] == "Records for bib number 42"
        base = f"https://photos.example.com/imgs/{race.event_id}"
        assert response["json"]["data"]["images"][0] == {
            "img_url": f"{base}/large/{image_id(12)}.jpg",
            "thumbnail_url": f"{base}/small/{image_id(12)}.jpg",
            "width": 30,
            "height": 40,
            "image_id": image_id(12),
            "original_url": None,
        }

    @pytest.mark.parametrize("page_size", [1, 2, 3, 5, 100])
    def test_its_pages_are_its_photos(self, race: Deployment, page_size: int) -> None:
        every, last = ids(bibs(race, "42")), -(-5 // page_size)
        found = [bibs(race, "42", page=number, page_size=page_size) for number in range(1, last + 1)]
        assert [photo for page in found for photo in ids(page)] == every
        for number, page in enumerate(found, 1):
            assert page["json"]["data"]["pagination"] == {
                "total": 5, "currentPage": number, "totalPages": last, "hasNextPage": number < last,
                "hasPreviousPage": number > 1, "page_size": page_size,
            }  # fmt: skip

    def test_a_page_past_the_end_is_empty_and_knows_the_total(self, race: Deployment) -> None:
        response = bibs(race, "42", page=4, page_size=2)
        assert ids(response) == []
        assert response["json"]["data"]["pagination"] == {
            "total": 5, "currentPage": 4, "totalPages": 3, "hasNextPage": False, "hasPreviousPage": True,
            "page_size": 2,
        }  # fmt: skip

    def test_a_bib_on_no_photo_is_an_empty_page(self, race: Deployment) -> None:
        for page in (1, 3):
            response = bibs(race, "4711", page=page)
            assert ids(response) == []
            assert response["json"]["data"]["pagination"] == {
                "total": 0, "currentPage": 0, "totalPages": 0, "hasNextPage": False, "hasPreviousPage": False,
                "page_size": 32,
            }  # fmt: skip

    def test_upper_and_lower_case_are_one_bib(self, race: Deployment) -> None:
        assert ids(bibs(race, "f1")) == ids(bibs(race, "F1")) == [image_id(12)]
        assert bibs(race, "f1")["json"]["message"] == "Records for bib number f1"

    @pytest.mark.parametrize("bib", [each for each in NO_BIBS if each], ids=ascii)
    def test_what_is_no_bib_is_refused_in_the_path(self, race: Deployment, bib: str) -> None:
        response = bibs(race, bib)
        if "/" in bib or "\n" in bib or "\x00" in bib:  # the path of another route, or of none: the gateway's
            assert response["statusCode"] in (404, 422)
            return
        assert response["statusCode"] == 422
        assert response["json"]["message"].startswith("path.bib: ")

    @pytest.mark.parametrize("query", [{"page": 0}, {"page_size": 101}, {"page_size": 0}])
    def test_pages_have_the_limits_of_every_list(self, race: Deployment, query: dict[str, Any]) -> None:
        assert bibs(race, "42", **query)["statusCode"] == 422

    def test_a_page_is_one_call_to_the_table(self, race: Deployment) -> None:
        race.admin.give_start_list(race.event_id, ["42"])
        calls: list[str] = []
        bootstrap.container._dynamodb.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
        for bib, found in (("42", 5), ("43", 0)):
            calls.clear()
            assert len(ids(bibs(race, bib))) == found
            assert calls == ["BatchGetItem"]


class TestWhoMayRead:
    def test_an_event_whose_bib_search_is_off(self, race: Deployment) -> None:
        race.admin.update_event(race.event_id, bib_search=False)
        assert code_of(bibs(race, "42")) == (403, "search_off")
        assert code_of(originals(race, "42")) == (403, "search_off")

    def test_an_event_that_is_off(self, race: Deployment) -> None:
        race.admin.update_event(race.event_id, event_enabled=False)
        assert code_of(bibs(race, "42")) == (403, "event_off")
        assert code_of(originals(race, "42")) == (403, "event_off")

    def test_an_event_after_its_last_day(self, race: Deployment) -> None:
        race.admin.update_event(race.event_id, retain_until=dt.date(2020, 1, 1))
        assert code_of(bibs(race, "42")) == (403, "search_over")
        assert code_of(originals(race, "42")) == (403, "search_over")

    def test_selfie_search_may_be_off(self, race: Deployment) -> None:
        race.admin.update_event(race.event_id, selfie_search=False)
        assert len(ids(bibs(race, "42"))) == 5
        assert originals(race, "42")["statusCode"] == 200

    def test_the_key_then_the_path_then_the_event_then_its_switch(self, race: Deployment) -> None:
        race.admin.update_event(race.event_id, bib_search=False)
        assert bibs(race, "4-2", api_key="")["statusCode"] == 401
        assert code_of(bibs(race, "4-2", api_key="nobodys")) == (403, "key_unknown")
        assert bibs(race, "4-2")["statusCode"] == 422
        foreign = race.admin.create_event(race.admin.create_org("Others"), "Theirs", features={"bib_search": True})
        event = race.filled("results-bibs")
        for event_id, expected in ((foreign, (403, "wrong_event")), (1, (404, "no_event"))):
            event["pathParameters"]["event_id"] = str(event_id)
            event["path"] = f"/api/v1/ext/{race.org_id}/event/{event_id}/bibs/42"
            assert code_of(answer(load("results"), event)) == expected

    def test_a_visitors_token_reads_bibs_and_their_originals(self, race: Deployment) -> None:
        token = race.token()
        assert len(ids(bibs(race, "42", api_key=token))) == 5
        assert originals(race, "42", api_key=token)["json"]["data"]["total_images"] == 5


class TestWhatCounts:
    def test_a_start_list_counts_alone_and_from_the_next_request_on(self, race: Deployment) -> None:
        race.admin.give_start_list(race.event_id, ["f1", "7"])
        assert (ids(bibs(race, "42")), ids(bibs(race, "f1"))) == ([], [image_id(12)])
        assert originals(race, "42")["json"]["data"]["total_images"] == 0
        race.admin.give_start_list(race.event_id, [])
        assert len(ids(bibs(race, "42"))) == 5

    def test_a_pattern_counts_in_either_case_and_for_whole_bibs(self, race: Deployment) -> None:
        race.admin.update_event(race.event_id, bibs=BibRules(pattern="f[0-9]"))
        assert (ids(bibs(race, "42")), ids(bibs(race, "F1"))) == ([], [image_id(12)])
        race.admin.update_event(race.event_id, bibs=BibRules(pattern="[0-9]"))
        assert ids(bibs(race, "42")) == []

    def test_without_either_what_looks_like_no_number_does_not(self, race: Deployment) -> None:
        show(race, 30, "ABCD123", "KM42")
        assert ids(bibs(race, "ABCD123")) == []
        assert ids(bibs(race, "km42")) == [image_id(30)]


class TestOriginals:
    @pytest.fixture
    def stored(self, race: Deployment) -> Deployment:
        """All originals but one are in the bucket."""
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="photos")
        for number in (10, 12, 13, 14):
            s3.put_object(
                Bucket="photos", Key=f"{race.org_id}/{race.event_id}/originals/IMG_{number}.jpg", Body=b"JPEG"
            )
        return race

    def test_of_a_bib_in_its_order_and_one_that_is_gone_is_nobody_elses_trouble(self, stored: Deployment) -> None:
        response = originals(stored, "42")
        assert (response["statusCode"], response["json"]["message"]) == (200, "Original photos")
        data = response["json"]["data"]
        assert [link["filename"] for link in data["presigned_urls"]] == [f"IMG_{n}.jpg" for n in (12, 13, 10, 14)]
        assert all(f"X-Amz-Expires={LINK_SECONDS}" in link["url"] for link in data["presigned_urls"])
        (failed,) = data["failed_urls"]
        assert failed["image_id"] == image_id(11)
        assert failed["path"].endswith("/IMG_11.jpg")
        assert (data["total_images"], data["successful_count"], data["failed_count"]) == (5, 4, 1)
        assert data["identifier"] == "42"

    def test_in_pages(self, stored: Deployment) -> None:
        pages = [originals(stored, "42", page=number, page_size=2)["json"]["data"] for number in (1, 2, 3, 4)]
        names = [[link["filename"] for link in page["presigned_urls"]] for page in pages]
        assert names == [["IMG_12.jpg"], ["IMG_13.jpg", "IMG_10.jpg"], ["IMG_14.jpg"], []]
        assert [page["pagination"]["hasNextPage"] for page in pages] == [True, True, False, False]
        assert {page["total_images"] for page in pages} == {5}

    def test_of_nothing_it_is_an_empty_list_and_a_message(self, stored: Deployment) -> None:
        response = originals(stored, "4711")
        assert response["statusCode"] == 200
        data = response["json"]["data"]
        assert (data["presigned_urls"], data["failed_urls"], data["total_images"]) == ([], [], 0)
        assert data["message"]

    def test_the_identifier_is_given_back_as_it_was_sent(self, stored: Deployment) -> None:
        data = originals(stored, "f1")["json"]["data"]
        assert (data["identifier"], data["total_images"]) == ("f1", 1)

    @pytest.mark.parametrize("bib", [*NO_BIBS, 42, ["42"], None], ids=ascii)
    def test_what_is_no_bib_is_refused(self, stored: Deployment, bib: object) -> None:
        response = originals(stored, bib)
        assert response["statusCode"] == 422
        assert response["json"]["message"].startswith("body")


class TestBesideASelfie:
    @pytest.fixture
    def selfie(self, samples: Path) -> bytes:
        return (samples / "obama2.jpg").read_bytes()

    def found(self, response: Answer) -> list[tuple[str, str]]:
        """How each photo was found."""
        assert response["statusCode"] == 200, response["json"]
        return [(item["image_id"], item["matched_by"]) for item in response["json"]["data"]["images"]]

    def test_a_typed_bib_brings_in_photos_without_a_face_after_the_others(
        self, race: Deployment, selfie: bytes
    ) -> None:
        first = race.post(with_bib("f1", form(selfie)))
        assert self.found(first) == [(image_id(PHOTO_OF_OBAMA), "face"), (image_id(12), "bib")]
        request_id = first["json"]["data"]["request_id"]
        for again in (race.get(request_id), race.post(form(b"", request_id))):
            assert again["json"] == first["json"]
        second = race.get(request_id, query={"page": "2", "page_size": "1"})
        assert self.found(second) == [(image_id(12), "bib")]

    def test_without_a_bib_nothing_but_faces(self, race: Deployment, selfie: bytes) -> None:
        for body in (form(selfie), with_bib("", form(selfie)), with_bib("  ", form(selfie))):
            assert self.found(race.post(body)) == [(image_id(PHOTO_OF_OBAMA), "face")]

    def test_a_hash_and_blanks_around_it_do_no_harm(self, race: Deployment, selfie: bytes) -> None:
        assert len(self.found(race.post(with_bib(" #F1 ", form(selfie))))) == 2

    def test_a_bib_that_does_not_count_brings_in_nothing(self, race: Deployment, selfie: bytes) -> None:
        race.admin.give_start_list(race.event_id, ["7"])
        assert self.found(race.post(with_bib("F1", form(selfie)))) == [(image_id(PHOTO_OF_OBAMA), "face")]

    @pytest.mark.parametrize("bib", ["4-2", "1" * 17, "٤٢", "ſ1", "42 42"], ids=ascii)
    def test_what_is_no_bib_is_refused_unless_the_search_is_replayed(
        self, race: Deployment, selfie: bytes, bib: str
    ) -> None:
        request_id = str(uuid.uuid4())
        before = race.dynamodb.scan(TableName="claims")["Count"]
        refused = race.post(with_bib(bib, form(selfie, request_id)))
        assert (refused["statusCode"], refused["json"]["message"][:9]) == (422, "body.bib:")
        assert race.dynamodb.scan(TableName="claims")["Count"] == before, "nothing was stored"
        first = race.post(with_bib("F1", form(selfie, request_id)))
        again = race.post(with_bib(bib, form(selfie, request_id)))
        assert (again["statusCode"], again["json"]) == (200, first["json"])

    def test_it_is_not_heard_where_bib_search_is_off(self, race: Deployment, selfie: bytes) -> None:
        race.admin.update_event(race.event_id, bib_search=False)
        for bib in ("F1", "4-2"):
            (item,) = race.post(with_bib(bib, form(selfie)))["json"]["data"]["images"]
            assert (item["image_id"], set(item)) == (image_id(PHOTO_OF_OBAMA), SEED)

    def test_how_a_photo_was_found_is_said_only_while_bib_search_is_on(self, race: Deployment, selfie: bytes) -> None:
        first = race.post(with_bib("F1", form(selfie)))
        race.admin.update_event(race.event_id, bib_search=False)
        again = race.get(first["json"]["data"]["request_id"])
        assert [set(item) for item in again["json"]["data"]["images"]] == [SEED, SEED]

    def test_a_face_that_wears_another_bib_is_not_taken_for_the_selfies(self, race: Deployment, selfie: bytes) -> None:
        faces = face_of(race)
        for number, bib in ((20, "77"), (21, "F1"), (22, "F1")):
            photo = Photo(
                uuid.UUID(int=number), "indexed", "k", 30, 40, DEFAULT_MODEL, faces,
                bibs=(Bib(bib, 0),), bib_model="fake",
            )  # fmt: skip
            assert DynamoPhotoStore(Table(race.dynamodb, "table")).add(race.event_id, SHARDS, photo)
        found = self.found(race.post(with_bib("F1", form(selfie))))
        assert dict(found) == {
            image_id(PHOTO_OF_OBAMA): "face",
            image_id(21): "face",
            image_id(22): "face",
            image_id(12): "bib",
        }
        assert found[-1][1] == "bib"

    def test_the_surest_faces_bib_helps_where_the_event_says_so(self, race: Deployment, selfie: bytes) -> None:
        faces = face_of(race)
        photo = Photo(
            uuid.UUID(int=21), "indexed", "k", 30, 40, DEFAULT_MODEL, faces, bibs=(Bib("F1", 0),), bib_model="fake"
        )
        assert DynamoPhotoStore(Table(race.dynamodb, "table")).add(race.event_id, SHARDS, photo)
        assert {how for _, how in self.found(race.post(form(selfie)))} == {"face"}
        race.admin.update_event(race.event_id, bibs=BibRules(from_faces=True))
        assert self.found(race.post(form(selfie)))[-1] == (image_id(12), "bib")

    def test_a_visitors_token_may_send_one(self, race: Deployment, selfie: bytes) -> None:
        response = race.post(with_bib("F1", CONSENT + form(selfie)), api_key=race.token())
        assert len(self.found(response)) == 2

    def test_a_selfie_without_a_face_stays_refused(self, race: Deployment) -> None:
        assert code_of(race.post(with_bib("F1", form(FACELESS)))) == (400, "no_face")


def test_a_bib_is_in_no_log(race: Deployment, samples: Path, output: Output) -> None:
    bib = "Q73951"
    show(race, 30, bib, minutes=1)
    boto3.client("s3").create_bucket(Bucket="photos")
    selfie = (samples / "obama2.jpg").read_bytes()
    statuses = [
        bibs(race, bib)["statusCode"],
        bibs(race, bib.lower())["statusCode"],
        bibs(race, f"{bib}!")["statusCode"],
        bibs(race, bib, page=0)["statusCode"],
        bibs(race, bib, api_key="nobodys")["statusCode"],
        originals(race, bib)["statusCode"],
        originals(race, f"{bib}!")["statusCode"],
        race.post(with_bib(bib, form(selfie)))["statusCode"],
        race.post(with_bib(f"{bib}!", form(selfie)))["statusCode"],
        race.post(with_bib(bib, form(FACELESS)))["statusCode"],
    ]
    assert statuses == [200, 200, 422, 422, 403, 200, 422, 200, 422, 400]
    race.admin.update_event(race.event_id, bib_search=False)
    assert bibs(race, bib)["statusCode"] == 403
    race.dynamodb.delete_table(TableName="table")
    failures = [bibs(race, bib), originals(race, bib), race.post(with_bib(bib, form(selfie)))]
    assert [failed["statusCode"] for failed in failures] == [500, 500, 500]
    assert output.logs
    text: Sequence[str] = json.dumps(output.logs) + output.capsys.readouterr().out
    assert bib not in text
    assert bib.lower() not in text
