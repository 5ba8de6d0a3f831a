"""The API key that the upstream knows us by: a secret that is read once per process, when it is first needed."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

READ_AGAIN_AFTER = 60.0
"""Seconds. A refused key was perhaps replaced; who is refused for another reason asks no more often than this."""


class Secrets(Protocol):
    """What is needed of boto3's Secrets Manager client."""

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """The secret's content, as `SecretString` if it is text."""


class KeySecret:
    """A secret whose text is the key and nothing else. Threads may share it."""

    def __init__(self, secrets: Secrets, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets, self._name, self._clock = secrets, name, clock
        self._lock = threading.Lock()
        self._key, self._read_at = "", 0.0

    def value(self) -> str:
        """The key.

        Raises:
            botocore.exceptions.ClientError: the secret is not there, or not for this function.
            ValueError: there is nothing in it.
        """
        with self._lock:
            if not self._key:
                self._key = self._read()
                self._read_at = self._clock()
            return self._key

    def refused(self) -> None:
        """The upstream does not take it: it is read again the next time, unless it was just read."""
        with self._lock:
            if self._clock() - self._read_at >= READ_AGAIN_AFTER:
                self._key = ""

    def _read(self) -> str:
        key = str(self._secrets.get_secret_value(SecretId=self._name).get("SecretString", "")).strip()
        if not key:
            raise ValueError("the secret of the upstream's key has no text")
        return key
