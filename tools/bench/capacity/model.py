"""The capacity model: what each limit of AWS, of the template and of the table's keys allows, by plain arithmetic.

Everything grows in proportion to the searches a second: a limit breaks at what it gives, over what one search a second
with its pages asks of it. So the order in which limits break is the same at every rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from facesearch.adapters.dynamodb.quota import TOKENS
from facesearch.admin.links import MOST_PER_MINUTE, PER_MINUTE
from tools.bench import cost
from tools.bench.capacity.deployment import Deployed
from tools.bench.capacity.figures import (
    DESIGNS,
    LINK,
    LISTED_BYTES,
    NEWS,
    PAGE,
    SEARCH,
    Figures,
    Owner,
    Touch,
    shard_reads,
    snapshot_gets,
)
from tools.bench.capacity.limits import Limits
from tools.bench.capacity.load import Constraint, Load


@dataclass(frozen=True, kw_only=True)
class Model:
    """A deployment under a load."""

    deployed: Deployed
    load: Load
    figures: Figures
    limits: Limits

    def constraints(self) -> list[Constraint]:
        """All, in the order in which they break."""
        found = [*self._gateway(), *self._lambda(), *self._keys(), *self._tables(), *self._s3()]
        return sorted(found, key=lambda each: each.breaks_at)

    @property
    def seconds(self) -> float:
        """Of a search, with its share of cold ones."""
        faces = self.load.faces
        cold = self.figures.cold_seconds(faces, self.deployed.snapstart)
        return self.figures.search_seconds(faces) + self.figures.assumed.cold * cold

    def environments(self, rate: float) -> tuple[float, float]:
        """Busy at a time with searches and with pages: Little's law."""
        return rate * self.seconds, rate * self.load.pages * self.figures.page_seconds

    def concurrency(self, rate: float) -> float:
        """Quota of concurrent executions that so many searches a second need, for what is busy or for the calls."""
        calls = rate * (1 + self.load.pages) / self.limits.lambda_invocations_per_concurrency.value
        return max(sum(self.environments(rate)) + self.deployed.queued, calls)

    def dollars_a_day(self, rate: float) -> float:
        """By `make cost`, with this load's pages and the deployment's memory; without what it leaves out."""
        assumed = replace(
            self.figures.assumed,
            pages=self.load.pages,
            snapstart=self.deployed.snapstart,
            http_api=self.deployed.http_api,
        )
        gigabytes = {"SearchFunction": self.deployed.search_gb, "ResultsFunction": self.deployed.results_gb}
        model = cost.Model(assumed, gigabytes.__getitem__)
        thousand = cost.total([*model.searches(self.load.faces), *model.pages()])
        thousand += model.guests() if self.load.links else 0
        return thousand / 1000 * rate * 3600 * self.load.hours

    def _gateway(self) -> Iterator[Constraint]:
        load, deployed, calls = self.load, self.deployed, 1 + self.load.pages
        each = f"1 + {load.pages} pages"
        yield Constraint(
            name="route POST faces",
            asks=1 - load.webhooks,
            limit=deployed.search_route.rate,
            how="1" if not load.webhooks else f"1 - {load.webhooks:g}",
            moves="template: ThrottlingRateLimit",
        )
        if load.webhooks:
            yield Constraint(
                name="route POST faces/webhook",
                asks=load.webhooks,
                limit=deployed.webhook_route.rate,
                how=f"{load.webhooks:g}",
                moves="template: ThrottlingRateLimit",
            )
        yield Constraint(
            name="route GET faces",
            asks=load.pages,
            limit=deployed.page_route.rate,
            how=f"{load.pages} pages",
            moves="template: ThrottlingRateLimit",
        )
        yield Constraint(
            name="API Gateway, account",
            asks=calls,
            limit=self.limits.gateway_rate.value,
            how=each,
            moves="quota request",
        )
        if deployed.firewall is not None:
            yield Constraint(
                name="firewall",
                asks=calls,
                limit=self.limits.waf_requests.value,
                how=each,
                moves="quota request",
            )
        if deployed.firewall is not None and load.addresses:
            yield Constraint(
                name="firewall, an address in five minutes",
                asks=300 * calls / load.addresses,
                limit=deployed.firewall,
                how=_over(f"300 × ({each})", load.addresses),
                moves="Firewall",
            )
        if deployed.cloudfront:
            yield Constraint(
                name="CloudFront",
                asks=load.images,
                limit=self.limits.cloudfront_requests.value,
                how=f"{load.images} images",
                moves="quota request",
            )
        yield Constraint(
            name="quota of an organisation, a minute",
            asks=60 / load.organisations,
            limit=60 * deployed.search_quota.rate,
            how=_over("60", load.organisations),
            moves="SearchQuotaPerMinute, facesearch quota set",
        )
        if load.links:
            yield Constraint(
                name="quota of a link, a minute",
                asks=60 / load.links,
                limit=PER_MINUTE,
                how=_over("60", load.links),
                moves=f"facesearch link create --per-minute, up to {MOST_PER_MINUTE:,}",
            )

    def _lambda(self) -> Iterator[Constraint]:
        searching, reading = self.environments(1)
        how = [f"{self.seconds:.3f} s", f"{self.load.pages} × {self.figures.page_seconds:.3f} s"]
        quota = self.limits.lambda_concurrency.value
        shared = quota - self.deployed.queued
        if webhooks := self.load.webhooks:
            yield Constraint(
                name="WebhooksConcurrency",
                asks=webhooks * self.seconds,
                limit=self.deployed.webhook_searches,
                how=f"{webhooks:g} × {how[0]}",
                moves="WebhooksConcurrency; what waits is not lost",
            )
            searching *= 1 - webhooks
            how[0] = f"{1 - webhooks:g} × {how[0]}"
        calls = self.limits.lambda_invocations_per_concurrency.value
        kept = self.deployed.reserved_search
        if kept is not None:
            yield Constraint(
                name="ReservedSearch",
                asks=searching,
                limit=kept,
                how=how[0],
                moves="ReservedSearch",
            )
            shared -= kept
        shared = max(0, shared)
        yield Constraint(
            name="Lambda, environments",
            asks=reading + (searching if kept is None else 0),
            limit=shared,
            how=" + ".join(how) if kept is None else how[1],
            moves="quota request",
        )
        first = self.figures.search_seconds(self.load.faces)
        first += self.figures.cold_seconds(self.load.faces, self.deployed.snapstart)
        starts = self.limits.lambda_scaling_burst.value + first * self.limits.lambda_scaling_rate.value
        yield Constraint(
            name="Lambda, from nothing warm",
            asks=first * (1 - self.load.webhooks),
            limit=min(starts, shared if kept is None else kept),
            how=f"{first:.2f} s" if not self.load.webhooks else f"{1 - self.load.webhooks:g} × {first:.2f} s",
            moves="provisioned concurrency; a slow rise; a quota request; SnapStart",
        )
        yield Constraint(
            name="Lambda, calls",
            asks=1 + self.load.pages,
            limit=calls * quota,
            how=f"1 + {self.load.pages} pages",
            moves="quota request, as environments: ten calls each",
        )

    def _touches(self) -> Iterator[tuple[Touch, int]]:
        """What a search with its pages touches, and how often."""
        news = replace(NEWS, reads=shard_reads(self.load.photos, self.deployed.shards))
        for touch in (*SEARCH, *[LINK] * bool(self.load.links), *[news] * bool(self.load.photos)):
            yield touch, 1
        yield from ((touch, self.load.pages) for touch in PAGE)

    def _keys(self) -> Iterator[Constraint]:
        """Partition heat: of a partition's 3,000 reads and 1,000 writes, in linear combination."""
        load = self.load
        owners: dict[Owner, tuple[int, str]] = {
            "key": (load.keys, "keys"),
            "event": (load.events, "events"),
            "shard": (load.events, "events"),
            "organisation": (load.organisations, "organisations"),
            "link": (load.links, "links"),
        }
        found = list(self._touches())
        for family in dict.fromkeys(touch.family for touch, _ in found if touch.owner != "request"):
            touched = [(touch, times) for touch, times in found if touch.family == family]
            have, of = owners[touched[0][0].owner]
            reads = sum(touch.reads * times for touch, times in touched)
            writes = sum(touch.writes * times for touch, times in touched)
            if family.startswith("QUOTA"):
                writes *= 1 + 1 / TOKENS  # when a set of tokens is full, a write is refused and sent anew
            per_read, per_write = self.limits.partition_reads.value, self.limits.partition_writes.value
            terms = [f"{reads:g} / {per_read:,.0f}"] * bool(reads) + [f"{writes:g} / {per_write:,.0f}"] * bool(writes)
            yield Constraint(
                name=f"heat of {family}",
                asks=(reads / per_read + writes / per_write) / have,
                limit=1,
                how=_over(" + ".join(terms), have),
                moves=DESIGNS[family],
                have=have,
                of=of,
                fixed=True,
            )
        days = min(load.days, self.deployed.result_days + 1)
        yield Constraint(
            name="size of SEARCHES",
            asks=LISTED_BYTES * 3600 * load.hours * days / load.events,
            limit=self.limits.item_collection_bytes.value,
            how=_over(f"{LISTED_BYTES} B × 3,600 × {load.hours:g} h × {days} d", load.events),
            moves="ResultRetentionDays, where it is shorter than the event; more events",
            have=load.events,
            of="events",
            fixed=True,
        )

    def _tables(self) -> Iterator[Constraint]:
        found = list(self._touches())
        shards = self.deployed.shards
        for table in dict.fromkeys(touch.table for touch, _ in found):
            for unit in ("reads", "writes"):
                counts = [
                    times * getattr(touch, unit) * (shards if touch.owner == "shard" else 1)
                    for touch, times in found
                    if touch.table == table
                ]
                if not (asks := sum(counts)):
                    continue
                for cold in (True, False) if table in self.deployed.on_demand else (False,):
                    limit = getattr(self.limits, f"table_{'initial_' if cold else ''}{unit}")
                    yield Constraint(
                        name=f"{table}, {unit}" + (" of a table never busy" if cold else ""),
                        asks=asks,
                        limit=limit.value,
                        how=" + ".join(f"{count:g}" for count in counts if count),
                        moves="update-table --warm-throughput, or a slow rise" if cold else "quota request",
                    )

    def _s3(self) -> Iterator[Constraint]:
        load, cold = self.load, self.figures.assumed.cold
        if self.deployed.selfie_days:
            yield Constraint(
                name="S3, selfies kept",
                asks=1,
                limit=self.limits.s3_puts.value,
                how="1 PUT",
                moves="S3 splits the prefix within an hour; SelfieRetentionDays=0",
                fixed=True,
            )
        gets = snapshot_gets(load.faces)
        yield Constraint(
            name="S3, faces loaded",
            asks=cold * gets / load.events,
            limit=self.limits.s3_gets.value,
            how=_over(f"{cold:g} cold × {gets} GET", load.events),
            moves="fewer cold starts; more events",
            fixed=True,
        )


def _over(text: str, owners: int) -> str:
    """Divided among owners, where there are several."""
    if owners == 1:
        return text
    return f"({text}) / {owners}" if " " in text else f"{text} / {owners}"
