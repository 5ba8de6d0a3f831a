"""Probes at rest: encrypted by a key of KMS, which never leaves it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from facesearch.faces.matching import StoredProbe
from facesearch.models import SearchKey
from facesearch.webhooks.watches.watch import LostProbeError, Probes, Watch

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


@dataclass(frozen=True)
class KmsProbes(Probes):
    """One symmetric key.

    512 bytes fit into one call of Encrypt, so there is no data key beside them. Organisation, event and search are the
    encryption context: part of what is authenticated, and named in CloudTrail with every Decrypt.

    Attributes:
        key: ARN; may be empty where probes are only opened.
    """

    kms: "KMSClient"
    key: str

    @override
    def seal(self, search: SearchKey, kept: StoredProbe) -> bytes:
        response = self.kms.encrypt(KeyId=self.key, Plaintext=kept.values, EncryptionContext=_context(search))
        return response["CiphertextBlob"]

    @override
    def open(self, watch: Watch) -> StoredProbe:
        gone = self.kms.exceptions
        try:
            response = self.kms.decrypt(CiphertextBlob=watch.probe, EncryptionContext=_context(watch.search))
        except (gone.InvalidCiphertextException, gone.NotFoundException, gone.KMSInvalidStateException):
            raise LostProbeError from None  # the key is being deleted, or it is another stack's
        return StoredProbe(watch.model, response["Plaintext"])


def _context(search: SearchKey) -> dict[str, str]:
    return {"org": str(search.org_id), "event": str(search.event_id), "request": str(search.request_id)}
