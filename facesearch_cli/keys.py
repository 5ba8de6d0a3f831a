"""API keys of the local stack. They are shown once and stored hashed, so the command line keeps a copy for its user."""

import json
import os
from contextlib import suppress
from pathlib import Path

from facesearch.models import digest_of, is_live
from facesearch.reading import Wanted
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import Stack
from facesearch_cli.terminal import say

FILE_NAME = "keys.json"


def remember(stack: Stack, org_id: int, api_key: str) -> None:
    """Keep the key beside the local stack's state; a deployed stack's keys are never written anywhere."""
    if stack.state is None:
        return
    path = stack.state / FILE_NAME
    keys = _remembered(path) | {str(org_id): api_key}
    fresh = path.with_name(f"{FILE_NAME}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(keys, file)
        fresh.replace(path)  # at once: another command may be reading
    except OSError as error:  # a full disk; the key itself is made, and its user must still be shown it
        with suppress(OSError):
            fresh.unlink()
        say(f"The key could not be saved in {path}: {error.strerror or error}.")


def key_for(stack: Stack, org_id: int) -> str:
    """A key of the organisation that works now: the local stack's own, a remembered one, or a new one.

    Raises:
        CommandError: a deployed stack, where a key must be given.
    """
    if stack.state is None:
        raise CommandError(
            f"Give an API key with --key or FACESEARCH_API_KEY. "
            f"Create one with: facesearch --stack {stack.name} key create --org {org_id}"
        )
    candidates = []
    if stack.first_key is not None and stack.first_key[0] == org_id:
        candidates.append(stack.first_key[1])
    if (remembered := _remembered(stack.state / FILE_NAME).get(str(org_id))) is not None:
        candidates.append(remembered)
    for api_key in candidates:
        if _works(stack, org_id, api_key):
            return api_key
    created = stack.container.admin.create_key(org_id).api_key
    remember(stack, org_id, created)
    return created


def _works(stack: Stack, org_id: int, api_key: str) -> bool:
    known = stack.container.reader.read(Wanted(digest=digest_of(api_key))).key
    return known is not None and is_live(known) and known.org_id == org_id


def _remembered(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
