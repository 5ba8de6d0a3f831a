"""What `python -m facesearch_local` and `tools.bench.index` are told: refused in a line; what a folder
of photos is."""

from __future__ import annotations

import subprocess
import sys
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
