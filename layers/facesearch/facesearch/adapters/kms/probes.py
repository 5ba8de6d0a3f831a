"""Probes at rest: encrypted by a key of KMS, which never leaves it."""

from typing import TYPE_CHECKING

from facesearch.faces.matching import StoredProbe
from facesearch.models import SearchKey
from facesearch.webhooks.watches.watch import LostProbeError, Watch

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsProbes:
    """`Probes` by one symmetric key.

    512 bytes fit into one call of Encrypt, so there is no data key beside them. Organisation, event and search are the
    encryption context: part of what is authenticated, and named in CloudTrail with every Decrypt.
    """

    def __init__(self, kms: "KMSClient", key: str) -> None:
        """`key`: ARN; who only opens can do without."""
        self._kms = kms
        self._key = key

    def seal(self, search: SearchKey, kept: StoredProbe) -> bytes:
        """See `Probes.seal`."""
        answer = self._kms.encrypt(KeyId=self._key, Plaintext=kept.values, EncryptionContext=_context(search))
        return answer["CiphertextBlob"]

    def open(self, watch: Watch) -> StoredProbe:
        """See `Probes.open`."""
        gone = self._kms.exceptions
        try:
            answer = self._kms.decrypt(CiphertextBlob=watch.probe, EncryptionContext=_context(watch.search))
        except (gone.InvalidCiphertextException, gone.NotFoundException, gone.KMSInvalidStateException):
            raise LostProbeError from None  # the key is being deleted, or it is another stack's
        return StoredProbe(watch.model, answer["Plaintext"])


def _context(search: SearchKey) -> dict[str, str]:
    return {"org": str(search.org_id), "event": str(search.event_id), "request": str(search.request_id)}
