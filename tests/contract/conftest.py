"""One local stack for generated requests, with real things in it that some of them are about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
import requests

from facesearch.adapters.dynamodb.admin import DynamoAdmin
from facesearch.adapters.dynamodb.table import Table
from facesearch.models import Scope
from facesearch_local import RunningStack, running
from tests.contract.reality import BIBS, FINISHED, PEOPLE, Reality, small_picture
from tests.integration.conftest import Site
from tools import policies

UNLIMITED = {"SearchQuotaPerMinute": "600000"}
"""Nothing is refused for coming too fast: what generated requests get must not depend on the machine's speed."""


@pytest.fixture(scope="session")
def unlimited_stack(no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    state = tmp_path_factory.mktemp("contract")
    with running(state=state, parameters=UNLIMITED, throttled=False, record_calls=policies.CALLS) as stack:
        yield stack


@pytest.fixture(scope="session")
def reality(unlimited_stack: RunningStack) -> Iterator[Reality]:
    """An event with three photos and two finished searches, a disabled one, and one of somebody else's."""
    outputs = unlimited_stack.description["outputs"]
    dynamodb = boto3.client("dynamodb", endpoint_url=unlimited_stack.endpoint_url)
    admin = DynamoAdmin(Table(dynamodb, outputs["TableName"]))
    org_id = admin.create_org("Marathon Photos")
    event_id, disabled = (admin.create_event(org_id, name) for name in ("Marathon", "Not yet"))
    admin.update_event(event_id, timeline_search=True, bib_search=True)
    admin.update_event(disabled, event_enabled=False)
    foreign = admin.create_event(admin.create_org("Somebody else"), "Another marathon")
    pictures = [small_picture(name) for name in PEOPLE]
    with httpx.Client(timeout=60) as http, requests.Session() as session:
        session.trust_env = False
        site = Site(unlimited_stack, admin, org_id, event_id, admin.create_key(org_id, list(Scope)).api_key, http)
        image_ids = [site.put_photo(picture) for picture in pictures]
        for image_id in image_ids:
            site.wear(image_id, *BIBS)
        for request_id, picture in zip(FINISHED, pictures, strict=False):
            assert site.post(picture, request_id).status_code == 200
        yield Reality(
            site=site,
            session=session,
            other_events=(disabled, foreign),
            image_ids=[str(image_id) for image_id in image_ids],
            pictures=pictures,
        )
