"""Servers, an authority, and an `HttpOutbound` whose internet they are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from facesearch.adapters.outbound import LIMITS, HttpOutbound, OutboundLimits
from tests.unit.adapters.outbound.certificates import Authority
from tests.unit.adapters.outbound.servers import PUBLIC, Behaviour, Internet, Names, Server

SHORT = OutboundLimits(fetch_seconds=0.25, post_seconds=0.25, lookup_seconds=0.2)
"""For tests in which somebody is slow; in all others nothing depends on how busy the machine is."""

Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers and ends them."""
    servers: list[Server] = []

    def start(*arguments: Any, **options: Any) -> Server:
        servers.append(Server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@dataclass
class OutboundBench:
    """Names, public addresses, and servers behind them with certificates for the names."""

    authority: Authority
    serve: Serve
    internet: Internet = field(default_factory=Internet)
    names: Names = field(default_factory=lambda: Names({"photos.example": [[str(PUBLIC)]]}))

    def site(self, behave: Behaviour, *names: str) -> Server:
        """A server at PUBLIC:443, by default photos.example's."""
        server = self.serve(behave, self.authority.server(*(names or ("photos.example",))))
        self.internet.servers[PUBLIC, 443] = server
        return server

    def outbound(self, *, allow_local: bool = False, limits: OutboundLimits = LIMITS) -> HttpOutbound:
        return HttpOutbound(
            resolver=self.names,
            allow_local=allow_local,
            limits=limits,
            network=self.internet,
            tls=self.authority.trusted(),
        )


@pytest.fixture
def world(authority: Authority, serve: Serve) -> OutboundBench:
    return OutboundBench(authority, serve)
