"""What `python -m facesearch_local` and `tools.bench.index` are told: refused in a line; what a folder
of photos is."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from facesearch.adapters.dynamodb.photos import DynamoPhotoStore
from facesearch.adapters.dynamodb.table import Table
from facesearch.records import SHARDS, Photo, image_id_of_bytes
from facesearch_local.seed import create, put_photos
from tests.conftest import ROOT
from tests.support.aws import create_table, moto


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("facesearch_local", "--photos", "{empty}"), "no files in this folder"),
        (("tools.bench.index", "abc"), "numbers with commas between them, not 'abc'"),
        (("tools.bench.index", "10,0"), "numbers with commas between them, not '10,0'"),
    ],
)
def test_given_wrong_usage_when_started_then_2_and_a_line_that_says_why(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "below").mkdir()
    command = [sys.executable, "-m", *(word.format(empty=tmp_path) for word in words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(said)


def test_given_a_folder_below_and_a_copy_when_put_then_each_photo_is_waited_for_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("a.jpg", "copy of a.jpg"):
        (tmp_path / name).write_bytes(b"same")
    with moto():
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        create_table(dynamodb, "Table", "table")
        s3.create_bucket(Bucket="photos")
        seed = create(dynamodb, "table")
        recorded = Photo(image_id_of_bytes(seed.event_id, b"same"), "failed", "key", reason="no readable picture")
        DynamoPhotoStore(Table(dynamodb, "table")).add(seed.event_id, SHARDS, recorded)
        assert put_photos(dynamodb, "table", s3, "photos", seed, tmp_path) == 1


class Refusing(BaseHTTPRequestHandler):
    """A store of somebody else."""

    def do_POST(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815 - names that the base class looks for

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_given_a_store_that_refuses_when_started_then_one_line_and_1(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        command = [sys.executable, "-m", "facesearch_local", "--port", "0", "--state", str(tmp_path), "--store", url]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        server.shutdown()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("error: the store refused: ")
