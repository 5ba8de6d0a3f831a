"""Files of a bucket, found and deleted in bulk."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol


class StillThereError(RuntimeError):
    """S3 kept refusing to delete some files; the whole operation is safe to repeat."""


class Objects(Protocol):
    """The files of one bucket, by their keys."""

    def under(self, prefix: str) -> Iterator[str]:
        """Keys that begin so."""

    def etags_under(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Keys that begin so, and S3's ETags of what is there."""

    def etags(self, keys: Sequence[str]) -> dict[str, str]:
        """S3's ETags of those of the keys that are there."""

    def read(self, key: str, most: int) -> bytes | None:
        """The file; None if it is not there, or has more than `most` bytes."""

    def delete(self, keys: Iterable[str]) -> int:
        """Delete the files; some may be gone already. How many keys there were."""
