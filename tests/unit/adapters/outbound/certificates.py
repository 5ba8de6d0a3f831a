"""An authority of our own, made when the tests run, and certificates by it."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOUR = timedelta(hours=1)
SIGNS = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # certificates, revocations


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `folder` is where the files go that `ssl` wants."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        is_authority = x509.BasicConstraints(ca=True, path_length=0)
        return cls(folder, key, _certificate("authority", key, key, is_authority, SIGNS))

    def trusted(self) -> ssl.SSLContext:
        """What a client that trusts this authority, and no other, checks with."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(Encoding.DER))

    def server(self, *names: str) -> ssl.SSLContext:
        """What a server of these names, or addresses, shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        for_names = x509.SubjectAlternativeName([_name(name) for name in names])
        certificate = _certificate("server", key, self.key, for_names)
        file = self.folder / f"{certificate.serial_number}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _certificate(subject: str, key: Any, signer: Any, *extensions: x509.ExtensionType) -> x509.Certificate:
    issuer, name = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("authority", subject))
    now, serial = datetime.now(UTC), x509.random_serial_number()
    builder = x509.CertificateBuilder(issuer, name, key.public_key(), serial, now - HOUR, now + HOUR)
    ours = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    for extension in (*extensions, ours, theirs):
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(signer, SHA256())


def _name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[-1].isdigit() else x509.DNSName(name)
