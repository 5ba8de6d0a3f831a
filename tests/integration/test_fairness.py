"""Hosts of one organisation that hang, of selfies or of callbacks, hold up nobody else."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from facesearch.bootstrap import CALLBACKS_AT_ONCE
from facesearch.settings import Settings
from facesearch.webhooks.outbound import share_of
from tests.integration.conftest import Site, until
from tests.integration.webhooks import ENDED, Partner, host, receiving

HANGING = 50
SHARE = share_of(Settings.model_fields["search_jobs_concurrency"].default)
"""Of the local stack's workers, which are at most as many as the template says."""
MANY_SECONDS = 300
"""For a busy machine; what is shown is an order of things, no time."""


def partner_of(site: Site) -> Partner:
    return Partner(site, site.admin.create_webhook_secret(site.org_id).secret)


def test_fifty_selfies_that_do_not_come_hold_up_no_other_organisations_search(site: Site, samples: Path) -> None:
    """The other one has its result while all fifty are still unfinished."""
    hanging, other = partner_of(site.unlimited_org("Hangs")), partner_of(site.unlimited_org("Quick"))
    ids = [str(uuid.uuid4()) for _ in range(HANGING)]
    with host() as selfies, ThreadPoolExecutor(10) as senders:
        url, photo = selfies.hanging(), selfies.put((samples / "obama.jpg").read_bytes())
        sent = list(senders.map(lambda each: hanging.send({"selfie_url": url, "request_id": each}).status_code, ids))
        assert sent == [202] * HANGING
        until(lambda: selfies.asked)
        request_id = str(uuid.uuid4())
        assert other.send({"selfie_url": photo, "request_id": request_id}).status_code == 202
        assert other.end_of(request_id, MANY_SECONDS)["status"] == "done"
        states = [hanging.status(each).json()["data"]["status"] for each in ids]
        assert not ENDED & set(states)
        assert selfies.most <= SHARE
        selfies.released.set()  # now they are not found, at their next try
        assert {hanging.end_of(each, MANY_SECONDS)["status"] for each in ids} == {"failed"}
    until(lambda: hanging.orders() == 0, MANY_SECONDS)


def test_fifty_callbacks_that_are_not_taken_hold_up_no_other_organisations(site: Site) -> None:
    """The other one's arrives, and of the fifty no more than a share is waited for at once."""
    hanging, other = partner_of(site.unlimited_org("Takes none")), partner_of(site.unlimited_org("Takes all"))
    ids = [str(uuid.uuid4()) for _ in range(HANGING)]
    with host() as web, receiving(other.secret) as receiver, ThreadPoolExecutor(10) as senders:
        nothing, callback_url = web.put(b"", 404), web.hanging(410)  # without a selfie the search is over at once

        def send(partner: Partner, request_id: str, url: str) -> int:
            body = {"selfie_url": nothing, "request_id": request_id, "callback_url": url}
            return partner.send(body).status_code

        assert set(senders.map(lambda each: send(hanging, each, callback_url), ids)) == {202}
        assert {hanging.end_of(each, MANY_SECONDS)["status"] for each in ids} == {"failed"}
        until(lambda: web.waiting, MANY_SECONDS)
        request_id = str(uuid.uuid4())
        assert send(other, request_id, receiver.url) == 202
        until(lambda: receiver.of(request_id), MANY_SECONDS)
        assert not web.released.is_set()
        assert web.most <= SHARE * CALLBACKS_AT_ONCE
        web.released.set()
