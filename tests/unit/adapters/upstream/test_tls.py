"""Whoever cannot prove to be the upstream gets neither key nor selfie."""

import datetime as dt
import ipaddress
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from facesearch.adapters.upstream import UpstreamDownError
from tests.unit.adapters.upstream.bench import FakeApi, Front, serving


@pytest.fixture
def by_nobody(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that is signed by itself alone."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_that_nobody_vouches_for_ends_the_search(http: httpx.Client, by_nobody: ssl.SSLContext) -> None:
    api = FakeApi()
    with serving(api, by_nobody) as url, ThreadPoolExecutor(1) as pool:
        assert url.startswith("https://")
        with pytest.raises(UpstreamDownError):
            Front(url, http, pool).search()
    assert api.asked == []
