"""Callbacks on the running stack, to a real receiver: what it gets, however it answers."""

import base64
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from facesearch.adapters.dynamodb.callbacks import DynamoCallbackStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.adapters.sqs.webhooks import SqsAttemptQueue
from facesearch.models import SearchKey, SearchSummary
from facesearch.webhooks.callbacks.callback import CallbackAnnouncer, CallbackStatus
from facesearch.webhooks.jobs import JobEnd
from facesearch_cli.call import call
from tests.conftest import ROOT
from tests.integration.conftest import Site, photo_of_nobody, site_on, until
from tests.integration.webhooks import Partner, Receiver, receiving
from tools import policies

DELAYS = "1,1,1"
METADATA = {"bib": "private-bib"}


@dataclass
class Callbacks:
    """An event whose searches' ends a test announces, and its organisation's receiver."""

    site: Site
    receiver: Receiver
    announcer: CallbackAnnouncer

    def announce(self, **changes: Any) -> uuid.UUID:
        """As the searchjobs function does; the request_id."""
        request_id, site = uuid.uuid4(), self.site
        search = SearchKey(site.org_id, site.event_id, request_id)
        end = JobEnd(search, "face_search.completed", self.receiver.url, METADATA, SearchSummary(3, 90))
        self.announcer.announce(replace(end, **changes))
        return request_id

    def listed(self, request_id: uuid.UUID) -> Any:
        """What the operator sees."""
        (row,) = (row for row in self.call("list")["callbacks"] if row["request_id"] == str(request_id))
        return row

    def ends(self, request_id: uuid.UUID, status: CallbackStatus) -> Any:
        """What the operator sees as soon as it is so."""
        until(lambda: self.listed(request_id)["status"] == status)
        return self.listed(request_id)

    def call(self, command: str, *arguments: object) -> Any:
        return call(self.site.stack.state, "callbacks", command, "--org", self.site.org_id, *arguments)

    def dead_letters(self) -> int:
        return self.site.messages("CallbacksDeadLetters")


@pytest.fixture(scope="module")
def stack_site(no_account: None, assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on a stack that gives a callback up after three seconds, not three days."""
    with site_on(
        tmp_path_factory.mktemp("callbacks"), settings={"CALLBACK_DELAYS": DELAYS}, record_calls=policies.CALLS
    ) as site:
        yield site


@pytest.fixture
def callbacks(stack_site: Site) -> Iterator[Callbacks]:
    """An organisation of its own: no other test's receiver, address or dead letter."""
    site = stack_site.other_org()
    secret = site.admin.create_webhook_secret(site.org_id).secret
    store = DynamoCallbackStore(Table(site.dynamodb, site.outputs["TableName"]))
    queue = SqsAttemptQueue(site.sqs, site.outputs["CallbacksQueueUrl"], "")
    with receiving(secret) as receiver:
        yield Callbacks(site, receiver, CallbackAnnouncer(callbacks=store, queue=queue))
        assert receiver.forged == 0


def test_one_that_is_down_for_good_is_a_dead_letter_until_a_replay_delivers_it(callbacks: Callbacks) -> None:
    down = f"http://127.0.0.1:{_closed_port()}/hooks/private-path"
    failed = callbacks.announce(type="face_search.failed", summary=None, reason="No face was found.")
    until(lambda: callbacks.receiver.of(failed))
    before = callbacks.dead_letters()
    request_id = callbacks.announce(callback_url=down)
    row = callbacks.ends(request_id, CallbackStatus.DEAD)
    assert (row["attempts"], row["last_status"]) == (4, None)
    assert row["reason"]
    assert until(lambda: callbacks.dead_letters() == before + 1)
    assert callbacks.receiver.of(request_id) == []
    with receiving(callbacks.receiver.secret, int(down.split(":")[2].split("/", maxsplit=1)[0])) as up:
        assert callbacks.call("replay") == {"replayed": [row["callback_id"]], "unknown": []}
        (got,) = until(lambda: up.of(request_id))
        assert got.webhook_id == row["callback_id"]
        callbacks.ends(request_id, CallbackStatus.DELIVERED)
    assert until(lambda: callbacks.dead_letters() == before)
    assert callbacks.call("replay") == {"replayed": [], "unknown": []}


def test_the_end_of_a_webhooks_search_is_called_back(callbacks: Callbacks, samples: Path, obama: bytes) -> None:
    site, receiver = callbacks.site, callbacks.receiver
    site.indexed(site.put_photo((samples / "obama2.jpg").read_bytes()))
    partner = Partner(site, receiver.secret)
    requests = [str(uuid.uuid4()) for _ in range(3)]
    for request_id, selfie in zip(requests, (obama, photo_of_nobody(7), obama), strict=True):
        body = {"request_id": request_id, "callback_url": receiver.url, "metadata": {"bib": 42}}
        answer = partner.send(body | {"selfie_base64": base64.b64encode(selfie).decode()})
        assert answer.status_code == 202, answer.text
    until(lambda: all(receiver.of(each) for each in requests))
    found, nobody, also = (receiver.of(each)[0].message for each in requests)
    for message in (found, also):
        data = message["data"]
        assert (message["type"], data["status"], data["total"]) == ("face_search.completed", "done", 1)
        assert data["metadata"] == {"bib": 42}
        results = site.http.get(data["results_url"], headers=site.headers)
        assert results.json()["data"]["pagination"]["total"] == 1
    assert (nobody["type"], nobody["data"]["status"]) == ("face_search.failed", "failed")
    assert (nobody["data"]["results_url"], nobody["data"]["total"]) == (None, None)
    assert "face" in nobody["data"]["reason"]
    # A search that has ended already is told of at once, and once.
    body = {"request_id": requests[0], "callback_url": receiver.url, "selfie_base64": "AAAA"}
    assert partner.send(body).json()["data"]["status"] == "done"
    searched = str(uuid.uuid4())
    assert site.post(obama, searched).status_code == 200
    for _ in range(2):
        assert partner.send(body | {"request_id": searched}).status_code == 202
    # Each of them is told by attempts in the queue: when there is none any more, waiting or in work, all is told.
    until(lambda: partner.orders() == 0 and site.messages("CallbacksQueue") == 0)
    assert [len(receiver.of(each)) for each in (*requests, searched)] == [1, 1, 1, 1]


def test_the_documents_receiver_takes_what_is_signed_and_tells_of_it_once(callbacks: Callbacks) -> None:
    document = (ROOT / "docs" / "integrating" / "callbacks.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 20
    port = _closed_port()
    environment = os.environ | {"PORT": str(port), "WEBHOOK_SECRET": callbacks.receiver.secret}
    with subprocess.Popen(
        [sys.executable, "-c", example], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            until(lambda: _listens(port))
            url = f"http://127.0.0.1:{port}/"
            completed = callbacks.announce(callback_url=url)
            callbacks.ends(completed, CallbackStatus.DELIVERED)
            failed = callbacks.announce(
                callback_url=url, type="face_search.failed", summary=None, reason="No face was found."
            )
            callbacks.ends(failed, CallbackStatus.DELIVERED)
            assert httpx.post(url, content=b"{}").status_code == 401
        finally:
            process.terminate()
        said, _ = process.communicate(timeout=10)
    assert said.splitlines() == [
        f"face_search.completed {callbacks.site.faces_url(str(completed))}",
        "face_search.failed No face was found.",
    ]


def test_a_deleted_event_leaves_no_callback(callbacks: Callbacks) -> None:
    site = callbacks.site
    done, waiting = callbacks.announce(), callbacks.announce(callback_url=f"http://127.0.0.1:{_closed_port()}/")
    callbacks.ends(done, CallbackStatus.DELIVERED)
    until(lambda: callbacks.listed(waiting)["attempts"])
    receipt = call(site.stack.state, "event", "delete", site.event_id)
    # An attempt that comes once the event is gone deletes its callback itself.
    assert (receipt["deleted"]["callbacks"] in {1, 2}, receipt["left"]["callbacks"]) == (True, 0)
    assert callbacks.call("list") == {"callbacks": []}
    late = callbacks.announce()
    until(lambda: callbacks.call("list") == {"callbacks": []})
    assert callbacks.receiver.of(late) == []


def test_logs_and_metrics_say_how_many_and_nothing_of_what(callbacks: Callbacks) -> None:
    """Runs last: it looks at everything that was logged."""
    site = callbacks.site
    request_id = callbacks.announce()
    callbacks.ends(request_id, CallbackStatus.DELIVERED)
    log = site.stack.logs("callbacks")
    until(lambda: str(request_id) in log.read_text())
    text = log.read_text()
    for private in ("private-path", "private-bib", "127.0.0.1", "whsec_", "169.254", "results_url"):
        assert private not in text, private
    names = ("CallbacksDelivered", "CallbacksFailed", "CallbacksDead")
    until(lambda: all(site.metric("callbacks", name) for name in names))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
