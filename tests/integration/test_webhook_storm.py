"""Many webhooks at once while workers are killed: each is searched, none twice, and the end of each is told."""

import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from facesearch.models import QuotaLimits
from tests.contract.reality import small_picture
from tests.integration.conftest import Site, until
from tests.integration.webhooks import Partner, host, receiving

WEBHOOKS, KILLS, AT_ONCE = 120, 12, 40


def test_many_at_once_with_a_tenth_as_many_kills_are_searched_once_each(site: Site) -> None:
    site.admin.set_quota(site.org_id, QuotaLimits(600_000, 100_000))
    partner = Partner(site, site.admin.create_webhook_secret(site.org_id).secret)
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
        started = time.monotonic()
        killer.start()

        def send(request_id: str) -> str:
            answer = partner.send({"selfie_url": url, "request_id": request_id, "callback_url": receiver.url})
            assert answer.status_code == 202, answer.text
            return request_id

        assert sorted(senders.map(send, ids)) == sorted(ids)
        received = time.monotonic() - started
        states: Counter[str] = Counter()
        for request_id in ids:
            states[partner.end_of(request_id, seconds=600)["status"]] += 1
        over.set()
        killer.join()
        print(f"{received:.1f} s to receive, {time.monotonic() - started:.1f} s until done, {killed} kills")
        assert states == {"done": WEBHOOKS}
        assert killed == KILLS
        until(lambda: {got.message["data"]["request_id"] for got in list(receiver.got)} >= set(ids), seconds=300)
        assert receiver.forged == 0
    until(lambda: partner.orders() == 0)
    totals = {request_id: site.get(request_id).json()["data"]["pagination"]["total"] for request_id in ids}
    assert set(totals.values()) == {5}
    # What a worker had counted when it was killed is lost, and so at most.
    assert WEBHOOKS - KILLS <= site.metric("searchjobs", "SearchExecuted") - executed <= WEBHOOKS
