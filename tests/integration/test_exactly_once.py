"""One match per request_id: fifty callers at once, and a worker that is killed in the middle."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.integration.conftest import Site, until


def patiently(site: Site, selfie: bytes, request_id: str) -> httpx.Response:
    """POST as the contract advises: a 429 or a 5xx is tried again with the same request_id."""
    for _ in range(20):
        response = site.post(selfie, request_id)
        if response.status_code not in (429, 500, 502, 503, 504):
            return response
        time.sleep(min(float(response.headers.get("Retry-After", 0.2)), 5))
    raise AssertionError(response.text)


def results_of(site: Site, request_id: str) -> int:
    """Headers of finished searches under this request_id."""
    pages = site.dynamodb.get_paginator("scan").paginate(
        TableName=site.outputs["TableName"],
        FilterExpression="sk = :header AND contains(pk, :request)",
        ExpressionAttributeValues={":header": {"S": "HEADER"}, ":request": {"S": request_id}},
    )
    return sum(page["Count"] for page in pages)


def test_fifty_callers_at_once_get_one_search(site: Site, obama: bytes) -> None:
    request_id = str(uuid.uuid4())
    executed, replayed = site.metric("search", "SearchExecuted"), site.metric("search", "SearchReplayed")
    with ThreadPoolExecutor(50) as callers:
        responses = list(callers.map(lambda _: patiently(site, obama, request_id), range(50)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    assert len(responses[0].json()["data"]["images"]) == 5
    assert site.metric("search", "SearchExecuted") == executed + 1
    assert site.metric("search", "SearchReplayed") == replayed + 49
    assert [response.headers.get("Idempotent-Replayed") for response in responses].count(None) == 1
    selfies = site.s3.list_objects_v2(Bucket=site.outputs["SelfiesBucket"], Prefix=f"{site.org_id}/")["Contents"]
    assert [item["Key"] for item in selfies].count(f"{site.org_id}/{site.event_id}/{request_id}") == 1


def test_a_worker_killed_in_mid_search_leaves_a_retry_that_answers(site: Site, obama: bytes) -> None:
    request_id = str(uuid.uuid4())
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(site.post, obama, request_id)
        until(lambda: first.done() or site.claimed(), seconds=30)
        site.kill("search")
        crashed = first.result()
    if crashed.status_code == 200:  # it was faster than the signal: nothing to prove in this round
        crashed = patiently(site, obama, request_id)
    else:
        assert crashed.status_code == 502
        assert set(crashed.json()) == {"responseType", "message", "data"}
        assert site.get(request_id).status_code in (200, 404), "killed before the result was stored, or just after"
    answer = patiently(site, obama, request_id)
    assert answer.status_code == 200
    assert len(answer.json()["data"]["images"]) == 5
    assert results_of(site, request_id) == 1
    assert site.get(request_id).json() == answer.json()


def test_a_selfie_is_kept_once_and_never_replaced(site: Site, obama: bytes, samples: Path) -> None:
    request_id = str(uuid.uuid4())
    site.post(obama, request_id)
    site.post((samples / "biden.jpg").read_bytes(), request_id)
    key = f"{site.org_id}/{site.event_id}/{request_id}"
    assert site.s3.get_object(Bucket=site.outputs["SelfiesBucket"], Key=key)["Body"].read() == obama
