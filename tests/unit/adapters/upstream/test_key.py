"""The key's secret: read once, and again if it may have been replaced."""

import pytest

from facesearch.adapters.upstream import KeySecret
from facesearch.adapters.upstream.key import READ_AGAIN_AFTER
from tests.unit.adapters.upstream.bench import KEY, FakeSecrets


def test_the_secret_is_read_once() -> None:
    secrets = FakeSecrets(f" {KEY}\n")
    key = KeySecret(secrets, "the upstream's key")
    assert [key.value(), key.value()] == [KEY, KEY]
    assert secrets.read == 1


def test_a_key_that_was_refused_is_read_again_but_not_all_the_time() -> None:
    secrets, now = FakeSecrets(), [0.0]
    key = KeySecret(secrets, "the upstream's key", lambda: now[0])
    key.value()
    secrets.text = "replaced"
    key.refused()
    assert key.value() == KEY
    now[0] += READ_AGAIN_AFTER
    key.refused()
    assert key.value() == "replaced"
    assert secrets.read == 2


def test_a_secret_without_text_is_no_key() -> None:
    with pytest.raises(ValueError, match="no text"):
        KeySecret(FakeSecrets(""), "the upstream's key").value()
