"""CloudFront's part on this machine: what is shown, by which headers, and what is said where nothing is built."""

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from starlette.responses import Response

from facesearch.adapters.s3.page import S3PageFiles
from facesearch_local.cdn import Cdn, CdnHeaders, headers_of
from facesearch_local.template import Deployment, Template
from tests.conftest import ROOT
from tests.support.aws import moto

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

PHOTO = "imgs/456/large/00000000-0000-4000-8000-000000000001.jpg"
TEMPLATE = Template.load(ROOT / "template.yaml", Deployment("stack", "000000000000", "us-east-1"))


def own(policy: str) -> dict[str, str]:
    """As our own template has them."""
    properties = TEMPLATE.resolve(TEMPLATE.resources[policy].properties, lambda logical_id, _: logical_id)
    return headers_of(properties["ResponseHeadersPolicyConfig"])


@pytest.fixture
def cdn() -> "Iterator[Cdn]":
    with moto():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="renditions")
        s3.put_object(Bucket="renditions", Key=PHOTO, Body=b"jpeg", ContentType="image/jpeg", CacheControl="immutable")
        s3.put_object(Bucket="renditions", Key="secret", Body=b"not for guests")
        yield Cdn(s3, "renditions", CdnHeaders(own("RenditionsHeaders"), own("PageHeaders")))


@pytest.fixture
def built(cdn: Cdn) -> Cdn:
    files = S3PageFiles(boto3.client("s3"), "renditions")
    for key in ("page/template.html", "page/gone.html", "page/v1/face-search.js", "e/run-0123456789"):
        files.put(key, f"<{key}>".encode())
    cdn.home = "/e/run-0123456789"
    return cdn


async def content(response: Response) -> bytes:
    streamed: Any = getattr(response, "body_iterator", None)
    return b"".join([chunk async for chunk in streamed]) if streamed is not None else bytes(response.body)


async def test_a_photo_is_shown_to_pages_of_any_origin(cdn: Cdn) -> None:
    response = await cdn.serve("GET", f"/{PHOTO}")
    assert (response.status_code, await content(response)) == (200, b"jpeg")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert response.headers["cache-control"] == "immutable"


async def test_a_link_is_a_page_with_the_templates_headers(built: Cdn) -> None:
    response = await built.serve("GET", "/e/run-0123456789")
    assert (response.status_code, await content(response)) == (200, b"<e/run-0123456789>")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=60"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-robots-tag"] == "noindex"
    policy = response.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    for directive in ("img-src", "connect-src"):  # photos and buckets are reached by http here
        assert f"{directive} 'self' https: http://127.0.0.1:* http://localhost:*" in policy


async def test_the_element_is_for_other_sites(built: Cdn) -> None:
    response = await built.serve("GET", "/page/v1/face-search.js")
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["access-control-allow-origin"] == "*"


async def test_head_has_the_headers_alone(built: Cdn) -> None:
    response = await built.serve("HEAD", "/e/run-0123456789")
    assert (response.status_code, await content(response)) == (200, b"")
    assert response.headers["content-length"] == "18"


@pytest.mark.parametrize(
    "path",
    [
        "/e/run-gone",
        "/e/",
        "/e/../secret",
        "/e/%2e%2e/secret",
        "/page/../secret",
        f"/imgs/../{PHOTO}",
        f"/{PHOTO.replace('01.jpg', '02.jpg')}",
    ],
)
async def test_what_is_not_there_is_the_page_of_a_link_that_is_over(built: Cdn, path: str) -> None:
    response = await built.serve("GET", path)
    assert (response.status_code, await content(response)) == (404, b"<page/gone.html>")


async def test_the_root_leads_to_the_first_link(built: Cdn) -> None:
    response = await built.serve("GET", "/")
    assert (response.status_code, response.headers["location"]) == (302, "/e/run-0123456789")


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/e/run-0123456789", 404), ("/page/x.js", 404)])
async def test_without_a_build_it_says_how_to_make_one(cdn: Cdn, path: str, status: int) -> None:
    response = await cdn.serve("GET", path)
    assert response.status_code == status
    assert b"The guest page is not built." in await content(response)
    assert b"make web" in await content(response)


async def test_nothing_can_be_written(built: Cdn) -> None:
    response = await built.serve("POST", "/e/run-0123456789")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
