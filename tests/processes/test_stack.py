"""The whole stack as a process, with a toy template on moto."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from facesearch_local import RunningStack, running
from tests.conftest import ROOT
from tests.processes.conftest import is_alive

TEMPLATE = """
Parameters:
  RenditionsBaseUrl: {Type: String, Default: ""}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: live}
  CallFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: call
      Handler: app.handler
      Timeout: 20
      Environment: {Variables: {BASE: !Ref RenditionsBaseUrl, BUCKET: !Ref RenditionsBucket}}
      Events:
        Post: {Type: Api, Properties: {Path: "/call/{what}", Method: POST}}
  WorkFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: work
      Handler: app.handler
      Timeout: 20
      Events:
        Uploads:
          Type: SQS
          Properties: {Queue: !GetAtt Queue.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}
  PhotosBucket:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        QueueConfigurations: [{Event: "s3:ObjectCreated:*", Queue: !GetAtt Queue.Arn}]
  RenditionsBucket: {Type: AWS::S3::Bucket}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 720
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 2}
  DeadLetters: {Type: AWS::SQS::Queue}
"""
CALL = """
import json, os, time
def handler(event, context):
    if event["pathParameters"]["what"] == "sleep":
        print("sleeping", flush=True)
        time.sleep(15)
    return {"statusCode": 200, "body": json.dumps({"pid": os.getpid(), "base": os.environ["BASE"]})}
"""
WORK = """
import os
def handler(event, context):
    for record in event["Records"]:
        if "poison" in record["body"]:
            print("poisoned", flush=True)
            os._exit(1)
    print("worked", flush=True)
"""
UUID = "ddc661a7-8861-4793-9437-af42a82d12f8"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    for name, source in (("call", CALL), ("work", WORK)):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(source)
    path = folder / "template.yaml"
    path.write_text(TEMPLATE)
    return path


@pytest.fixture(scope="module")
def stack(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running(store="moto", state=tmp_path_factory.mktemp("state"), template=template) as stack:
        yield stack


def until(holds: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def command(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "facesearch_local", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_given_a_rendition_when_read_then_it_comes_as_stored_and_nothing_else_does(stack: RunningStack) -> None:
    s3 = boto3.client("s3", endpoint_url=stack.endpoint_url)
    bucket = stack.description["outputs"]["RenditionsBucket"]
    for key in (f"imgs/7/small/{UUID}.jpg", "imgs/7/small/secret.jpg", "other"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"\xff\xd8", ContentType="image/jpeg", CacheControl="max-age=9")
    with httpx.Client(base_url=stack.url, trust_env=False) as http:
        for method, body in (("GET", b"\xff\xd8"), ("HEAD", b"")):
            response = http.request(method, f"/imgs/7/small/{UUID}.jpg")
            assert (response.status_code, response.content) == (200, body)
            assert response.headers["content-type"] == "image/jpeg"
            assert response.headers["content-length"] == "2"
            assert response.headers["cache-control"] == "max-age=9"
        unknown, doubled = f"/imgs/8/small/{UUID}.jpg", f"/imgs//imgs/7/small/{UUID}.jpg"
        for path in (unknown, "/imgs/7/small/secret.jpg", doubled, "/other"):
            assert http.get(path).status_code in (403, 404), path
        assert http.post(f"/imgs/7/small/{UUID}.jpg").status_code == 405


def test_given_uploads_when_a_batch_crashes_then_it_is_redelivered_and_ends_in_the_dead_letters(
    stack: RunningStack,
) -> None:
    s3 = boto3.client("s3", endpoint_url=stack.endpoint_url)
    sqs = boto3.client("sqs", endpoint_url=stack.endpoint_url)
    bucket = stack.description["outputs"]["PhotosBucket"]
    s3.put_object(Bucket=bucket, Key="fine.jpg", Body=b"x")
    until(lambda: "worked" in stack.logs("work").read_text())
    s3.put_object(Bucket=bucket, Key="poison.jpg", Body=b"x")
    url = sqs.get_queue_url(QueueName="facesearch-local-DeadLetters")["QueueUrl"]
    (dead,) = until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    assert "poison.jpg" in dead["Body"]
    assert stack.logs("work").read_text().count("poisoned") == 2


def test_given_a_running_stack_when_a_second_is_started_on_its_folder_then_it_is_refused(
    stack: RunningStack, template: Path
) -> None:
    second = command("--port", 0, "--state", stack.state, "--template", template, "--store", "moto")
    _, said = second.communicate(timeout=20)
    assert second.returncode == 2
    assert stack.url in said
    answer = httpx.post(f"{stack.url}/call/now", trust_env=False).json()
    assert answer == {"pid": answer["pid"], "base": stack.url}
    assert stack.worker_pids("call") == [answer["pid"]]


def test_given_a_port_in_use_when_started_then_one_line_and_2_and_nothing_was_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        refused = command("--port", port, "--state", tmp_path / "state")
        out, said = refused.communicate(timeout=20)
    assert (refused.returncode, out) == (2, "")
    assert said.count("\n") == 1
    assert str(port) in said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("what", "signal_number"), [("now", signal.SIGINT), ("sleep", signal.SIGTERM)], ids=["idle-INT", "busy-TERM"]
)
def test_given_a_stack_when_told_to_stop_then_0_and_no_process_is_left(
    tmp_path: Path, template: Path, what: str, signal_number: signal.Signals
) -> None:
    process = command("--port", 0, "--state", tmp_path, "--template", template, "--store", "moto")
    until((tmp_path / "stack.json").exists)
    description = json.loads((tmp_path / "stack.json").read_text())
    with contextlib.suppress(httpx.ReadTimeout):
        httpx.post(f"{description['url']}/call/{what}", trust_env=False, timeout=2)
    workers = json.loads((tmp_path / "workers.json").read_text())["call"]
    process.send_signal(signal_number)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")
    assert workers
    assert not any(map(is_alive, workers))
    assert not (tmp_path / "stack.json").exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(description["endpoint_url"], trust_env=False)


def test_given_a_stack_that_is_killed_then_neither_workers_nor_store_survive_it_and_another_can_start(
    tmp_path: Path, template: Path
) -> None:
    with running(store="moto", state=tmp_path, template=template) as stack:
        httpx.post(f"{stack.url}/call/now", trust_env=False)
        (worker,) = stack.worker_pids("call")
        os.kill(stack.pid, signal.SIGKILL)
        until(lambda: not is_alive(worker))
        until(lambda: not _answers(stack.endpoint_url))
    with running(store="moto", state=tmp_path, template=template) as again:
        assert httpx.post(f"{again.url}/call/now", trust_env=False).status_code == 200


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True
