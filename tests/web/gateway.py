"""What reached the gateway, by its log: also preflights, which a browser does not show."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.conftest import Site


@contextmanager
def reached(site: Site) -> Iterator[Counter[str]]:
    """How often each route was asked while the block ran, as `POST /faces 200`; filled when the block has ended."""
    log, counted = site.stack.logs("gateway"), Counter[str]()
    begin = log.stat().st_size
    yield counted
    with log.open("rb") as file:
        file.seek(begin)
        for line in file:
            said = json.loads(line)
            counted[f"{said['method']} {str(said['route']).rpartition('{event_id}')[2]} {said['status']}"] += 1
