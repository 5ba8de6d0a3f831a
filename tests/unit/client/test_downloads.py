"""Fetching originals: whole files under harmless names, from another host that never sees the key."""

import asyncio
import stat
import sys
import threading
import time
import unicodedata
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesearch_client import AsyncFaceSearchClient, DownloadFailure, FaceSearchClient
from facesearch_client.downloads import LONGEST_NAME, Folder, safe_name
from tests.unit.client.conftest import ClientOf
from tests.unit.client.fakes import API, KEY, REQUEST_ID, FakeApi, Waits

FIRST, SECOND, THIRD = (str(uuid.UUID(int=n)) for n in range(3))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Here:
    """Counts who is inside at the same time."""

    def __init__(self) -> None:
        self._inside: list[None] = []
        self.most = 0

    def __enter__(self) -> None:
        self._inside.append(None)
        self.most = max(self.most, len(self._inside))

    def __exit__(self, *_: object) -> None:
        self._inside.pop()


class TestDownloading:
    def test_a_search_when_downloaded_then_every_original_in_order(self, client_of: ClientOf, tmp_path: Path) -> None:
        api, folder = FakeApi(), tmp_path / "new" / "folder"
        report = client_of(api).download_originals(456, folder, request_id=REQUEST_ID)
        assert report.files == [folder / f"{name}.jpg" for name in (FIRST, SECOND, THIRD)]
        assert report.failed == []
        assert contents(folder) == {f"{name}.jpg": b"original %d" % n for n, name in enumerate((FIRST, SECOND, THIRD))}

    def test_given_more_than_a_page_when_downloaded_then_all_pages(self, client_of: ClientOf, tmp_path: Path) -> None:
        api = FakeApi(photos=130)
        report = client_of(api).download_originals(456, tmp_path, image_ids=iter(list(api.originals)))
        assert len(set(report.files)) == len(contents(tmp_path)) == 130
        assert [request.url.params["page"] for request in api.asked("POST *")] == ["1", "2", "3"]

    def test_given_a_bib_when_downloaded_then_its_photos(self, client_of: ClientOf, tmp_path: Path) -> None:
        api = FakeApi(photos=130)
        api.bibs["42"] = list(range(0, 130, 2))
        report = client_of(api).download_originals(456, tmp_path, bib="42")
        assert [path.name for path in report.files] == [f"{uuid.UUID(int=n)}.jpg" for n in range(0, 130, 2)]
        assert [request.url.params["page"] for request in api.asked("POST *")] == ["1", "2"]

    def test_given_missing_photos_then_the_others_and_the_reasons(self, client_of: ClientOf, tmp_path: Path) -> None:
        unknown = str(uuid.UUID(int=99))
        report = client_of(FakeApi()).download_originals(456, tmp_path, image_ids=[FIRST, unknown, THIRD])
        assert [path.name for path in report.files] == [f"{FIRST}.jpg", f"{THIRD}.jpg"]
        assert report.failed == [DownloadFailure(unknown, "Not found")]

    def test_progress_then_it_is_told_of_each_in_the_callers_thread(self, client_of: ClientOf, tmp_path: Path) -> None:
        told, threads = [], set()

        def progress(done: int, total: int) -> None:
            told.append((done, total))
            threads.add(threading.get_ident())

        ids = [FIRST, str(uuid.UUID(int=99)), THIRD]
        client_of(FakeApi()).download_originals(456, tmp_path, image_ids=ids, progress=progress)
        assert told == [(1, 3), (2, 3), (3, 3)]
        assert threads == {threading.get_ident()}

    def test_given_a_progress_that_raises_when_downloaded_then_its_error_and_no_part_is_left(
        self, client_of: ClientOf, tmp_path: Path
    ) -> None:
        def progress(done: int, _: int) -> None:
            raise KeyError(done)

        with pytest.raises(KeyError):
            client_of(FakeApi(photos=20)).download_originals(456, tmp_path, request_id=REQUEST_ID, progress=progress)
        assert not [name for name in contents(tmp_path) if name.endswith(".part")]


class TestTheOtherHost:
    def test_given_a_link_then_without_the_key_and_without_encoding(self, client_of: ClientOf, tmp_path: Path) -> None:
        api, store = FakeApi(), FakeApi()
        client_of(api, storage=store).download_originals(456, tmp_path, request_id=REQUEST_ID)
        assert len(store.requests) == 3
        assert all("X-API-Key" not in request.headers for request in store.requests)
        assert {request.headers["Accept-Encoding"] for request in store.requests} == {"identity"}

    def test_given_passing_failures_then_the_whole_file_in_the_end(self, client_of: ClientOf, tmp_path: Path) -> None:
        api, waits = FakeApi(photos=1), Waits()
        cut = httpx.Response(200, content=b"orig", headers={"Content-Length": "10"})
        api.troubles["GET /originals/*"] = [cut, httpx.Response(503), httpx.ReadError("reset")]
        report = client_of(api, waits).download_originals(456, tmp_path, request_id=REQUEST_ID)
        assert report.failed == []
        assert contents(tmp_path) == {f"{FIRST}.jpg": b"original 0"}
        assert waits.seconds == [0.5, 1, 2]

    @pytest.mark.parametrize(
        ("trouble", "reason"),
        [
            (httpx.Response(403), "The storage returned 403 Forbidden."),
            (httpx.Response(404), "The storage returned 404 Not Found."),
            (httpx.Response(500), "The storage returned 500 Internal Server Error."),
            (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), "The storage returned 302 Found."),
            (httpx.Response(200, content=b"x", headers={"Content-Length": "7"}), "Cut off after 1 of 7 bytes."),
            (httpx.ConnectError("refused"), "No response: refused."),
        ],
        ids=str,
    )
    def test_given_a_lasting_failure_when_fetched_then_a_row_of_the_report_and_no_file(
        self, client_of: ClientOf, tmp_path: Path, trouble: httpx.Response | Exception, reason: str, api: FakeApi
    ) -> None:
        api.troubles[f"GET /originals/{SECOND}"] = [trouble] * 9
        report = client_of(api).download_originals(456, tmp_path, request_id=REQUEST_ID)
        assert report.failed == [DownloadFailure(f"{SECOND}.jpg", reason)]
        assert sorted(contents(tmp_path)) == [f"{FIRST}.jpg", f"{THIRD}.jpg"]
        assert "signature" not in str(report)

    def test_given_many_links_when_fetched_then_four_at_once(self, tmp_path: Path) -> None:
        api, here = FakeApi(photos=20), Here()

        def handle(request: httpx.Request) -> httpx.Response:
            with here:
                time.sleep(0.01)
                return api(request)

        async def handle_async(request: httpx.Request) -> httpx.Response:
            with here:
                await asyncio.sleep(0.01)
                return api(request)

        with FaceSearchClient(API, KEY, 903, transport=httpx.MockTransport(handle)) as client:
            client.download_originals(456, tmp_path, request_id=REQUEST_ID)
        assert here.most == 4
        here.most = 0
        asyncio.run(download_async(handle_async, tmp_path))
        assert here.most == 4

    def test_given_a_cancelled_task_when_downloading_then_no_part_is_left(self, tmp_path: Path) -> None:
        async def never(request: httpx.Request) -> httpx.Response:
            if request.url.host == "store.example":
                await asyncio.Event().wait()
            return FakeApi()(request)

        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(download_async(never, tmp_path), 0.1))
        assert contents(tmp_path) == {}


async def download_async(handle: Callable[[httpx.Request], Awaitable[httpx.Response]], folder: Path) -> None:
    async with AsyncFaceSearchClient(API, KEY, 903, transport=httpx.MockTransport(handle)) as client:  # type: ignore[arg-type]
        await client.download_originals(456, folder, request_id=REQUEST_ID)


class TestNames:
    def test_given_two_of_one_name_then_the_second_gets_a_number(self, client_of: ClientOf, tmp_path: Path) -> None:
        api = FakeApi()
        api.filenames = dict.fromkeys(api.originals, "IMG_1.jpg")
        client_of(api).download_originals(456, tmp_path, request_id=REQUEST_ID)
        found = contents(tmp_path)
        assert sorted(found) == ["IMG_1-2.jpg", "IMG_1-3.jpg", "IMG_1.jpg"]
        assert sorted(found.values()) == [b"original 0", b"original 1", b"original 2"]

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
    @pytest.mark.parametrize("is_link", [False, True])
    def test_a_file_or_dangling_link_of_that_name_is_left_alone(
        self, client_of: ClientOf, tmp_path: Path, is_link: bool
    ) -> None:
        folder, there = tmp_path / "folder", tmp_path / "folder" / f"{FIRST}.jpg"
        folder.mkdir()
        there.symlink_to(tmp_path / "elsewhere") if is_link else there.write_bytes(b"mine")
        report = client_of(FakeApi(photos=1)).download_originals(456, folder, request_id=REQUEST_ID)
        assert report.files == [folder / f"{FIRST}-2.jpg"]
        assert report.files[0].read_bytes() == b"original 0"
        assert not (tmp_path / "elsewhere").exists()
        assert is_link or there.read_bytes() == b"mine"

    @pytest.mark.parametrize(
        ("given_name", "name"),
        [
            ("Zieleinlauf Jürgen 50 km.jpeg", "Zieleinlauf Jürgen 50 km.jpeg"),
            ("..", "photo"),
            ("../../evil.jpg", "evil.jpg"),
            ("C:\\x\\evil.jpg", "evil.jpg"),
            ("\u200b.bashrc", "bashrc"),
            ("-rf.jpg", "rf.jpg"),
            ("a\x00b\n.jpg", "ab.jpg"),
            ("a.jpg:hidden", "a.jpg_hidden"),
            ("con.jpg", "_con.jpg"),
            ("\ud800.jpg", "jpg"),
            ("x" * 300 + ".jpg", "x" * (LONGEST_NAME - 4) + ".jpg"),
            ("é" * 300, "é" * (LONGEST_NAME // 2)),
        ],
    )
    def test_a_name_becomes_harmless_and_stays_readable(self, given_name: str, name: str) -> None:
        assert safe_name(given_name) == name

    @given(st.text(st.characters() | st.sampled_from("./\\-:\x00\u202e ")))
    def test_whatever_the_server_says_it_is_one_visible_name_in_the_folder(self, said: str) -> None:
        name = safe_name(said)
        assert name
        assert Path("folder", name).name == name
        assert not set(name) & set('/\\<>:"|?*')
        assert name[0] not in ".- "
        assert name[-1] not in ". "
        assert not [c for c in name if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
        assert len(name.encode()) <= LONGEST_NAME
        assert safe_name(name) == name

    @pytest.mark.skipif(sys.platform == "win32", reason="no such permissions there")
    def test_given_a_file_when_kept_then_it_has_the_permissions_of_any_new_file(self, tmp_path: Path) -> None:
        with Folder(tmp_path).part() as part:
            part.write(b"x")
            kept = part.keep("a.jpg")
        (tmp_path / "ordinary").touch()
        assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IMODE((tmp_path / "ordinary").stat().st_mode)
