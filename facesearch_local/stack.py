"""The local stack: a store, the template's resources in it, its functions' workers, pollers, and the gateway."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from facesearch_cli.operator.view import OperatorView
from facesearch_local import secrets, seed, stores
from facesearch_local.cdn import Cdn, CdnHeaders, headers_of
from facesearch_local.clients import Clients, aws_environment, make_clients
from facesearch_local.disk import TROUBLE, LogFile
from facesearch_local.first_page import first_page
from facesearch_local.functions import Function, functions_of
from facesearch_local.gateway import Api, Gateway
from facesearch_local.gateway_responses import GatewayResponses
from facesearch_local.pool import Pool
from facesearch_local.queues import Poller, Queue
from facesearch_local.resources import Resources
from facesearch_local.runtime_api import RuntimeApi
from facesearch_local.schedules import keep_calling
from facesearch_local.server import Serving, listening
from facesearch_local.state import State, write_json
from facesearch_local.template import Deployment, Template
from facesearch_local.throttles import Throttles
from facesearch_local.workers import FunctionLog, Launcher, RuntimeName, Surroundings, default_runtime

if TYPE_CHECKING:
    from facesearch_cli.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("FACESEARCH_ASSETS") or ROOT / ".cache" / "assets").resolve() / "models"
STACK_NAME, ACCOUNT = "facesearch-local", "000000000000"

WAITING_FUNCTIONS = {"search": 2, "searchjobs": 1, "callbacks": 1}
"""Functions whose invocations also wait, for one another or for strangers' hosts, and so many more workers than cores
they get."""
CONCURRENCIES = ("SEARCH_JOBS_CONCURRENCY", "CALLBACKS_CONCURRENCY")
"""Variables that say how many of their function run at once, which here are its workers at most."""
SPARE_PORTS = 2
REQUEST_GRACE_SECONDS = 5
"""How long requests and batches that are being handled may take after a stop was asked for."""

OUTPUTS = {
    "TableName": "Table",
    "IdempotencyTableName": "IdempotencyTable",
    "PhotosBucket": "PhotosBucket",
    "RenditionsBucket": "RenditionsBucket",
    "SelfiesBucket": "SelfiesBucket",
    "SnapshotsBucket": "SnapshotsBucket",
    "FacesTableName": "FacesTable",
    "WatchKeyArn": "WatchKey",
    "UploadsQueueUrl": "UploadsQueue",
    "SnapshotsQueueUrl": "SnapshotsQueue",
    "SearchJobsQueueUrl": "SearchJobsQueue",
    "CallbacksQueueUrl": "CallbacksQueue",
    "CallbacksDeadLettersUrl": "CallbacksDeadLetters",
}
PARAMETER_OUTPUTS = (
    "BiometricRetentionDays",
    "ResultRetentionDays",
    "SelfieRetentionDays",
    "SearchQuotaPerMinute",
    "Engine",
)
"""Outputs that are a parameter's value."""
STORES_WITH_VECTORS = ("ministack",)
"""Stores that know DynamoDB's vector indexes; moto does not."""


OPERATOR_PREFIX = "/admin"
LOOPBACK = "127.0.0.1"
WILDCARDS = ("", "0", "0.0.0.0")  # noqa: S104 - nothing is bound to it here
"""All addresses, of which the loopback is one."""


@dataclass(frozen=True)
class Options:
    """How to run a stack.

    Attributes:
        store: "ministack", "moto" or an endpoint's URL.
        persist: keep the store's content in the state folder; MiniStack only.
        workers: at most so many per function; None = by the cores.
        seed: create an organisation, a key and an event.
        photos: folder of photos to put into that event.
        host: the address that is listened on, for the URL that everybody is told.
        runtime: what runs in the workers; None = awslambdaric where there is one.
        record_calls: where the workers note what permissions their calls need; None = nowhere.
        settings: variables that every function has beside the template's; for what no operator changes.
        throttled: whether the gateway refuses what comes faster than the template admits.
        secrets: names of secrets to keep in the store, and the environment variables that hold them.
    """

    store: str = "ministack"
    state: Path = ROOT / ".local"
    template: Path = ROOT / "template.yaml"
    persist: bool = False
    seed: bool = True
    photos: Path | None = None
    workers: int | None = None
    runtime: RuntimeName | None = None
    record_calls: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    throttled: bool = True
    secrets: Mapping[str, str] = field(default_factory=dict)
    host: str = LOOPBACK


class LocalStack:
    """One run of the stack; everything that is started registers its own end in `exits`."""

    def __init__(self, options: Options, state: State, exits: AsyncExitStack) -> None:
        self._options = options
        self._state = state
        self._exits = exits
        self._force_stops: list[Callable[[], None]] = []
        self._pools: dict[str, Pool] = {}
        self._store_ended = asyncio.Event()

    async def start(self, listener: socket.socket) -> dict[str, Any]:
        """Start everything behind a socket that listens already; what `stack.json` says.

        Raises:
            TemplateError, stores.StoreError: see there, and `secrets.keep`.
        """
        url = url_of(self._options.host, listener.getsockname()[1])
        store = await self._start_store()
        aws = aws_environment(store.endpoint_url, is_ours=store.name != "endpoint")
        clients = await asyncio.to_thread(make_clients, aws)
        if self._options.secrets:
            await asyncio.to_thread(secrets.keep, aws, self._options.secrets)
        suggestions = {
            "RenditionsBaseUrl": url,
            "ApiBaseUrl": url,
            "FaceSets": "exact,vectors" if store.name in STORES_WITH_VECTORS else "exact",
        }
        template = Template.load(
            self._options.template,
            Deployment(STACK_NAME, ACCOUNT, aws["AWS_REGION"], self._options.parameters, suggestions),
        )
        resources = Resources(template, clients)
        await asyncio.to_thread(resources.create)
        # Who tries it out has sender and receiver on this machine.
        settings = {"OUTBOUND_ALLOW_LOCAL": "true", **self._options.settings}
        functions = [
            replace(function, environment={**function.environment, **settings})
            for function in functions_of(template, resources.lookup)
        ]
        await self._start_workers(functions, aws)
        await self._start_pollers(functions, clients, aws["AWS_REGION"])
        self._start_schedules(functions, aws["AWS_REGION"])
        api = _api(template, functions, resources, throttled=self._options.throttled)
        cdn = _cdn(template, resources, clients)
        await self._start_gateway(listener, api, cdn)
        description = await asyncio.to_thread(self._describe, url, store, aws, clients, resources.names())
        description["outputs"] |= template.parameters(PARAMETER_OUTPUTS)
        if cdn is not None and description["event_id"] is not None:
            page = await asyncio.to_thread(first_page, description, self._state.folder)
            cdn.home = urlsplit(page["page_url"]).path
            description |= page
        write_json(self._state.description, description)
        return description

    @property
    def photos(self) -> Path | None:
        """The folder whose photos the event began with."""
        return self._options.photos if self._options.seed else None

    def force_stop(self) -> None:
        """Wait for nothing any more."""
        for kill in self._force_stops:
            kill()

    async def store_ended(self) -> None:
        """Returns when the store has ended by itself, without which there is nothing to serve."""
        await self._store_ended.wait()

    async def _start_store(self) -> stores.Store:
        persistent = self._state.folder / "ministack" if self._options.persist else None
        store = await stores.start(
            self._options.store, stores.Place(persistent, self._state.scratch, self._state.log("store"))
        )
        self._exits.push_async_callback(store.stop)
        self._force_stops.append(store.kill)
        watcher = asyncio.create_task(store.ended())
        watcher.add_done_callback(lambda _: self._store_ended.set())
        self._exits.callback(watcher.cancel)
        return store

    async def _start_workers(self, functions: Sequence[Function], aws: Mapping[str, str]) -> None:
        surroundings = Surroundings(
            aws=aws,
            overrides={"MODELS_DIR": str(MODELS)},
            scratch=self._state.scratch,
            runtime=self._options.runtime or default_runtime(),
            record_calls=self._options.record_calls,
        )
        sockets: list[socket.socket] = []
        by_port: dict[int, Pool] = {}
        arns: dict[int, str] = {}
        for function in functions:
            log = FunctionLog(self._state.log(function.name))
            log.start()
            maximum = self._options.workers or (os.cpu_count() or 1) + WAITING_FUNCTIONS.get(function.name, 0)
            own = [listening("127.0.0.1", 0) for _ in range(maximum + SPARE_PORTS)]
            ports = [each.getsockname()[1] for each in own]
            at_once = min([maximum, *(source.concurrency for source in function.queues if source.concurrency)])
            its = {**surroundings.overrides, **dict.fromkeys(CONCURRENCIES, str(at_once))}
            pool = Pool(
                launch=Launcher(function, replace(surroundings, overrides=its), log).launch,
                ports=ports,
                maximum=maximum,
                timeout=function.timeout,
                log=log,
                on_change=self._note_workers,
            )
            self._pools[function.name] = pool
            sockets += own
            by_port |= dict.fromkeys(ports, pool)
            arns |= dict.fromkeys(ports, function.arn)
        # An hour: a worker's connection is idle as long as its invocation takes.
        serving = Serving(RuntimeApi(by_port, arns).app, keep_alive=3600, grace=1)
        await serving.start(sockets)
        self._exits.push_async_callback(serving.stop)
        self._exits.push_async_callback(self._close_pools)
        self._force_stops.append(serving.force_stop)

    async def _close_pools(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))

    def _note_workers(self) -> None:
        try:
            write_json(self._state.workers, {name: pool.pids() for name, pool in self._pools.items()})
        except OSError as error:
            TROUBLE.say(error)

    async def _start_pollers(self, functions: Sequence[Function], clients: Clients, region: str) -> None:
        stopping = asyncio.Event()
        sources = [(function, source) for function in functions for source in function.queues]
        pollers: list[asyncio.Task[None]] = []
        threads = ThreadPoolExecutor(max(1, sum(self._pools[function.name].maximum for function, _ in sources)), "sqs")
        for function, source in sources:
            pool = self._pools[function.name]
            name = source.queue_arn.rpartition(":")[2]
            url = (await asyncio.to_thread(clients.sqs.get_queue_url, QueueName=name))["QueueUrl"]
            poller = Poller(clients.sqs, Queue(source, url, region), pool, threads, stopping)
            at_once = min(pool.maximum, source.concurrency or pool.maximum)
            pollers += [asyncio.create_task(poller.run()) for _ in range(at_once)]

        async def stop() -> None:
            stopping.set()
            if pollers:
                await asyncio.wait(pollers, timeout=REQUEST_GRACE_SECONDS)
            give_up()
            threads.shutdown(wait=False, cancel_futures=True)

        def give_up() -> None:
            for poller in pollers:
                poller.cancel()

        self._exits.push_async_callback(stop)
        self._force_stops.append(give_up)

    def _start_schedules(self, functions: Sequence[Function], region: str) -> None:
        for function in functions:
            for schedule in function.schedules:
                call = keep_calling(schedule, self._pools[function.name], region, ACCOUNT)
                self._exits.callback(asyncio.create_task(call).cancel)

    async def _start_gateway(self, listener: socket.socket, api: Api, cdn: Cdn | None) -> None:
        log = logging.getLogger("facesearch_local.gateway.requests")
        log.addHandler(LogFile(self._state.log("gateway")))
        log.setLevel(logging.INFO)
        log.propagate = False
        gateway = Gateway(
            api,
            self._pools,
            cdn,
            log=log.info,
            operator=OperatorView(self._opened, prefix=OPERATOR_PREFIX),
        )
        serving = Serving(gateway, keep_alive=75, grace=REQUEST_GRACE_SECONDS)
        await serving.start([listener])
        self._exits.push_async_callback(serving.stop)
        self._force_stops.append(serving.force_stop)

    def _opened(self) -> Stack:
        """This stack, as the command line sees it; imported only when somebody looks."""
        from facesearch_cli.stack import LOCAL, open_stack

        return open_stack(LOCAL, self._state.description)

    def _describe(
        self, url: str, store: stores.Store, aws: Mapping[str, str], clients: Clients, names: Mapping[str, str]
    ) -> dict[str, Any]:
        seeded: Mapping[str, Any] = {"org_id": None, "event_id": None, "api_key": None, "webhook_secret": None}
        table = names.get(OUTPUTS["TableName"])
        if self._options.seed and table is not None:
            seeded = asdict(self._seed(clients, table, names))
        outputs = {output: names[logical_id] for output, logical_id in OUTPUTS.items() if logical_id in names}
        return {
            "url": url,
            **seeded,
            "store": store.name,
            "endpoint_url": store.endpoint_url,
            "region": aws["AWS_REGION"],
            "pid": os.getpid(),
            "outputs": {"ApiUrl": url, "RenditionsBaseUrl": url, "PageUrl": url, **outputs},
        }

    def _seed(self, clients: Clients, table: str, names: Mapping[str, str]) -> seed.Seed:
        if self._options.persist:
            seeded = seed.create_once(clients.dynamodb, table, self._state.seed)
        else:
            seeded = seed.create(clients.dynamodb, table)
        if self._options.photos is not None:
            bucket = names[OUTPUTS["PhotosBucket"]]
            seed.put_photos(clients.dynamodb, table, clients.s3, bucket, seeded, self._options.photos)
        return seeded


def url_of(host: str, port: int) -> str:
    """Where a stack that listens there is reached from this machine."""
    return f"http://{LOOPBACK if host in WILDCARDS else host}:{port}"


def _cdn(template: Template, resources: Resources, clients: Clients) -> Cdn | None:
    """None where a template of one's own has no renditions."""
    bucket = resources.names().get(OUTPUTS["RenditionsBucket"])
    policies = [template.resources.get(policy) for policy in ("RenditionsHeaders", "PageHeaders")]
    if bucket is None:
        return None
    headers = [
        headers_of(template.resolve(policy.properties, resources.lookup)["ResponseHeadersPolicyConfig"])
        if policy is not None
        else {}
        for policy in policies
    ]
    return Cdn(clients.s3, bucket, CdnHeaders(*headers))


def _api(template: Template, functions: Sequence[Function], resources: Resources, *, throttled: bool) -> Api:
    (api, *_) = template.of_type("AWS::Serverless::Api")
    resolved = partial(template.resolve, lookup=resources.lookup)
    return Api(
        routes=[route for function in functions for route in function.routes],
        responses=GatewayResponses(resolved(api.properties.get("GatewayResponses", {}))),
        throttles=Throttles(resolved(api.properties.get("MethodSettings", [])) if throttled else ()),
        binary_types=resolved(api.properties.get("BinaryMediaTypes", [])),
        stage=resolved(api.properties["StageName"]),
        account=ACCOUNT,
    )
