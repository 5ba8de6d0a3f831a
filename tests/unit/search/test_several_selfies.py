"""One search with several selfies: once, paid once, kept and forgotten together, and a refusal says which one."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from facesearch.adapters.s3.selfies import S3SelfieStore
from facesearch.api.requests import parse_request
from facesearch.api.selfie_form import SelfieForm
from facesearch.errors import FaceSearchError, NoFaceFound, OtherPerson, StoreUnavailable, UnknownUpload, UnusableImage
from facesearch.faces.several import MAX_SELFIES
from facesearch.search.selfies import UploadKey, selfie_keys, selfie_prefixes
from tests.support.aws import moto
from tests.support.fakes import EVENT_ID, ORG, PaidProbeMatcher
from tests.unit.search.test_search import SEARCH, SearchBench, left

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TWO = SelfieForm((b"front", b"side"))
UPLOADS = [UploadKey(ORG, EVENT_ID, uuid.UUID(int=number)) for number in (9, 10)]
UPLOAD_IDS = tuple(str(upload.upload_id) for upload in UPLOADS)


@pytest.fixture
def bench(pool: ThreadPoolExecutor) -> SearchBench:
    return SearchBench(pool)


@pytest.mark.parametrize("again", [TWO, SelfieForm((b"front",)), SelfieForm((b"a", b"stranger"))])
def test_several_selfies_are_one_match_and_a_replay_looks_at_none(bench: SearchBench, again: SelfieForm) -> None:
    first, replay = bench.ask(TWO), bench.ask(again)
    assert (first.replayed, replay.replayed, first.stored.summary.total) == (False, True, 12)
    assert replay.stored == first.stored
    assert (bench.matcher.probed, bench.matcher.matched, left(bench)) == (1, 1, 4)
    assert bench.selfies.kept == {SEARCH: (b"front", b"side")}, "in their order"


@pytest.mark.parametrize(
    ("form", "error", "message"),
    [
        (SelfieForm((b"front", b"")), UnusableImage, "Selfie 2: The selfie is empty."),
        (SelfieForm((b"front", b"side", b"nobody")), NoFaceFound, "Selfie 3: No face was found in the selfie."),
        (SelfieForm((b"nobody", b"side")), NoFaceFound, "Selfie 1: No face was found in the selfie."),
        (SelfieForm((b"front", b"stranger")), OtherPerson, "Selfie 2 shows somebody else."),
        (SelfieForm((b"front",), ("abc",)), UnknownUpload, "Selfie 2: upload_id is not a valid UUID"),
        (SelfieForm((b"front",), (str(uuid.UUID(int=1)),)), UnknownUpload, "Selfie 2: nothing there"),
        (SelfieForm((), (UPLOAD_IDS[0], str(uuid.UUID(int=1)))), UnknownUpload, "Selfie 2: nothing there"),
        (SelfieForm((b"",)), UnusableImage, "The selfie is empty."),
        (SelfieForm((b"nobody",)), NoFaceFound, "No face was found in the selfie."),
        (SelfieForm((), ("abc",)), UnknownUpload, "upload_id is not a valid UUID"),
    ],
)
@pytest.mark.parametrize("paid", [False, True])
def test_a_refusal_says_which_selfie_it_is_about_and_leaves_nothing(
    pool: ThreadPoolExecutor, form: SelfieForm, error: type[FaceSearchError], message: str, paid: bool
) -> None:
    bench = SearchBench(pool, matcher=PaidProbeMatcher() if paid else None)
    bench.uploads.waiting[UPLOADS[0]] = b"side"
    for _ in range(2):  # the same words again
        with pytest.raises(error) as refused:
            bench.ask(form)
        assert (refused.value.message, str(refused.value), refused.value.status) == (message, message, 400)
    assert (bench.selfies.kept, bench.store.results, bench.matcher.matched, left(bench)) == ({}, {}, 0, 5)
    assert list(bench.uploads.waiting) == UPLOADS[:1], "for the retry"
    assert not bench.ask(TWO).replayed


def test_files_come_before_uploads_and_every_upload_is_gone_after_the_search(bench: SearchBench) -> None:
    bench.uploads.waiting = dict(zip(UPLOADS, (b"large", b"larger"), strict=True))
    form = SelfieForm((b"front",), UPLOAD_IDS)
    assert not bench.ask(form).replayed
    assert bench.uploads.waiting == {}
    assert bench.selfies.kept == {SEARCH: (b"front", b"large", b"larger")}
    assert bench.ask(form).replayed


def test_of_two_uploads_the_first_names_the_search_if_nothing_else_does() -> None:
    call = parse_request({"org_id": str(ORG), "event_id": str(EVENT_ID)}, {})
    assert call.with_body(None, UPLOAD_IDS).request_id == UPLOADS[0].upload_id
    assert call.with_body(None, UPLOAD_IDS[::-1]).request_id == UPLOADS[1].upload_id
    assert call.with_body(str(SEARCH.request_id), UPLOAD_IDS).request_id == SEARCH.request_id


def test_selfies_in_the_bucket_take_the_place_of_those_of_a_run_that_died() -> None:
    with moto():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="selfies")
        store = S3SelfieStore(s3, "selfies")

        def there() -> dict[str, bytes]:
            listed = s3.list_objects_v2(Bucket="selfies").get("Contents", [])
            keys = [item["Key"] for item in listed]
            return {key: s3.get_object(Bucket="selfies", Key=key)["Body"].read() for key in keys}

        store.keep(SEARCH, [b"front", b"side", b"hat"])
        assert there() == dict(zip(selfie_keys(SEARCH), (b"front", b"side", b"hat"), strict=True))
        store.keep(SEARCH, [b"other", b"glasses"])
        assert there() == dict(zip(selfie_keys(SEARCH), (b"other", b"glasses"), strict=False))
        store.keep(SEARCH, [b"alone"])
        assert there() == {selfie_keys(SEARCH)[0]: b"alone"}
        assert all(key.startswith(selfie_prefixes(ORG, EVENT_ID)[0]) for key in there())
        store.delete(SEARCH)
        assert there() == {}
        store.keep(SEARCH, [b"front"])
        assert there() == {f"{ORG}/{EVENT_ID}/{SEARCH.request_id}": b"front"}, "one alone is where it has always been"
        store.delete(SEARCH)
        assert there() == {}
    assert len(selfie_keys(SEARCH)) == MAX_SELFIES


def test_a_put_that_meets_another_s_is_done_again_and_any_other_refusal_is_an_error(s3: "S3Client") -> None:
    """A run that died may still be putting the same key: S3 says 409 then, and the newer selfie must win."""
    first, *others = selfie_keys(SEARCH)
    put = {"Bucket": "selfies", "Key": first, "Body": b"front"}
    with Stubber(s3) as stub:
        stub.add_client_error(
            "put_object", "ConditionalRequestConflict", "", 409, expected_params=put | {"IfNoneMatch": "*"}
        )
        for key in others:
            stub.add_response("delete_object", {}, {"Bucket": "selfies", "Key": key})
        stub.add_response("put_object", {}, put)
        S3SelfieStore(s3, "selfies").keep(SEARCH, [b"front"])
        stub.assert_no_pending_responses()
        stub.add_client_error("put_object", "AccessDenied", "", 403)
        with pytest.raises(StoreUnavailable, match="AccessDenied"):
            S3SelfieStore(s3, "selfies").keep(SEARCH, [b"front"])
