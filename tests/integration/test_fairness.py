"""Load: hosts that hang hold up no other organisation, and of many webhooks each is searched, none twice, and its end
is told, though workers are killed."""

import os
import random
import signal
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from facesearch.bootstrap import CALLBACKS_AT_ONCE
from facesearch.models import QuotaLimits
from facesearch.settings import Settings
from facesearch.webhooks.outbound import share_of
from tests.contract.reality import small_picture
from tests.integration.conftest import Site, until
from tests.integration.webhooks import ENDED, Partner, host, receiving

HANGING = 50
SHARE = share_of(Settings.model_fields["search_jobs_concurrency"].default)
"""Of the local stack's workers, which are at most as many as the template says."""
WEBHOOKS, KILLS, AT_ONCE = 120, 12, 40
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


def test_many_at_once_with_a_tenth_as_many_kills_are_searched_once_each(site: Site, partner: Partner) -> None:
    site.admin.set_quota(site.org_id, QuotaLimits(600_000, 100_000))
    ids = [str(uuid.uuid4()) for _ in range(WEBHOOKS)]
    executed = site.metric("searchjobs", "SearchExecuted")
    killed, over, dice = 0, threading.Event(), random.Random(7)

    def kill() -> None:
        nonlocal killed
        while killed < KILLS and not over.wait(dice.uniform(0.2, 0.8)):
            pids = site.stack.worker_pids("searchjobs") * 3 + site.stack.worker_pids("callbacks")
            if pids:
                os.kill(dice.choice(pids), signal.SIGKILL)
                killed += 1

    with host() as selfies, receiving(partner.secret) as receiver, ThreadPoolExecutor(AT_ONCE) as senders:
        url = selfies.put(small_picture("obama.jpg"))
        killer = threading.Thread(target=kill)
        killer.start()

        def send(request_id: str) -> str:
            answer = partner.send({"selfie_url": url, "request_id": request_id, "callback_url": receiver.url})
            assert answer.status_code == 202, answer.text
            return request_id

        assert sorted(senders.map(send, ids)) == sorted(ids)
        states: Counter[str] = Counter()
        for request_id in ids:
            states[partner.end_of(request_id, seconds=600)["status"]] += 1
        over.set()
        killer.join()
        assert states == {"done": WEBHOOKS}
        assert killed == KILLS
        until(lambda: {got.message["data"]["request_id"] for got in list(receiver.got)} >= set(ids), seconds=300)
        assert receiver.forged == 0
    until(lambda: partner.orders() == 0)
    totals = {request_id: site.get(request_id).json()["data"]["pagination"]["total"] for request_id in ids}
    assert set(totals.values()) == {5}
    # What a worker had counted when it was killed is lost, and so at most.
    assert WEBHOOKS - KILLS <= site.metric("searchjobs", "SearchExecuted") - executed <= WEBHOOKS
