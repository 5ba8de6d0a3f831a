"""The capacity model: what it reads, what it adds up, and that a simulation which knows no formula agrees."""

import json
import sys
from dataclasses import fields, replace
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesearch.adapters.dynamodb import schema
from facesearch.admin.links import PER_MINUTE
from facesearch_client.retries import RetryPolicy
from facesearch_local.intrinsics import TemplateError
from facesearch_local.template import Deployment, Template, read_document
from tests.conftest import ROOT
from tools.bench import cost, counts
from tools.bench.capacity import __main__ as command
from tools.bench.capacity import checks as checking
from tools.bench.capacity import report
from tools.bench.capacity.checks import checks
from tools.bench.capacity.crowd import Crowd, cold_starts, erlang_b, refused_by_bucket, refused_by_environments
from tools.bench.capacity.deployment import Deployed, Throttle, of_template, read_deployment
from tools.bench.capacity.figures import (
    LINK,
    LISTED_BYTES,
    PAGE,
    SEARCH,
    Figures,
    read_figures,
    shard_reads,
    snapshot_gets,
)
from tools.bench.capacity.limits import LIMITS, Limits, read_limits
from tools.bench.capacity.load import Load
from tools.bench.capacity.model import Model
from tools.bench.capacity.simulation import RETRY_AFTER, Outcome, Rules, Simulation, gun, poisson
from tools.bench.capacity.storms import STORM_SECONDS, Step, Storm, steps, storms
from tools.bench.cost import Assumptions
from tools.bench.units import item_bytes

PROD, GIVEN = read_deployment("prod"), read_limits()


def model(deployed: Deployed = PROD, figures: Figures | None = None, **load: Any) -> Model:
    return Model(deployed=deployed, load=Load(**load), figures=figures or Figures(), limits=GIVEN)


SLOW_TO_START = Figures(Assumptions(init=700))
"""So slow that SnapStart's restore takes less time."""


@cache
def met_by_a_crowd(figures: Figures | None = None) -> list[Step]:
    return list(steps(model(figures=figures), Crowd(), RetryPolicy()))


@cache
def met_from_nothing(figures: Figures | None = None) -> list[Storm]:
    return list(storms(model(figures=figures), report.RATES, RetryPolicy()))


def breaks(of: Model) -> dict[str, float]:
    return {each.name: each.breaks_at for each in of.constraints()}


class TestWhatIsRead:
    def test_every_limit_says_who_says_so_and_since_when_we_know(self) -> None:
        given = [getattr(GIVEN, each.name) for each in fields(Limits) if each.name != "as_of"]
        for limit in given:
            assert limit.value > 0
            assert all((limit.title, limit.unit))
            assert limit.url.startswith(
                ("https://docs.aws.amazon.com/", "https://aws.amazon.com/", "https://repost.aws/")
            )
            assert limit.moves in ("request", "never")
        assert GIVEN.as_of.year >= 2026

    def test_a_file_that_lacks_a_limit_is_refused(self, tmp_path: Path) -> None:
        less = tmp_path / "limits.toml"
        less.write_text(LIMITS.read_text().replace("[s3_puts]", "[s3_putts]"))
        with pytest.raises(TypeError):
            read_limits(less)

    @pytest.mark.parametrize("name", [each.name for each in fields(Limits) if each.name != "as_of"])
    def test_every_limit_counts(self, name: str) -> None:
        given = replace(GIVEN, lambda_concurrency=replace(GIVEN.lambda_concurrency, value=10_000))
        lower = replace(getattr(given, name), value=getattr(given, name).value / 1e6)
        whole = replace(model(replace(PROD, firewall=10_000)), limits=given)
        less = replace(whole, limits=replace(given, **{name: lower}))
        few = Crowd(people=60, seconds=10)

        def told(of: Model) -> tuple[str, ...]:
            return report.ladder(of), report.slowest(of), report.steps(steps(of, few, RetryPolicy()))

        assert told(whole) != told(less)

    @pytest.mark.parametrize(
        ("parameter", "value", "attribute", "read"),
        [
            ("SearchMemory", "2048", "search_gb", 2.0),
            ("SnapStart", "true", "snapstart", True),
            ("ReservedSearch", "300", "reserved_search", 300),
            ("IndexingConcurrency", "30", "queued", 2 * 30 + 2 * 20),
            ("WebhooksConcurrency", "30", "webhook_searches", 30),
            ("SearchQuotaPerMinute", "1200", "search_quota", Throttle(20, 400)),
            ("ResultRetentionDays", "5", "result_days", 5),
            ("SelfieRetentionDays", "0", "selfie_days", 0),
            ("Firewall", "10000", "firewall", 10_000),
            ("CloudFront", "false", "cloudfront", False),
            ("HttpApi", "true", "http_api", True),
        ],
    )
    def test_a_parameter_is_read_from_the_template(self, parameter: str, value: str, attribute: str, read: Any) -> None:
        assert getattr(PROD, attribute) != read
        assert getattr(read_deployment("prod", {parameter: value}), attribute) == read

    def test_an_http_api_costs_less_and_has_no_firewall(self) -> None:
        def thousand(http_api: bool) -> float:
            assumed = cost.Model(cost.Assumptions(pages=Load().pages, http_api=http_api))
            return cost.total([*assumed.searches(Load().faces), *assumed.pages()])

        cheaper = model(read_deployment("prod", {"HttpApi": "true"}))
        saved = model().dollars_a_day(1) - cheaper.dollars_a_day(1)
        assert saved == pytest.approx((thousand(False) - thousand(True)) / 1000 * 3600 * Load().hours)
        assert saved > 0
        with pytest.raises(TemplateError, match="Firewall"):
            read_deployment("prod", {"HttpApi": "true", "Firewall": "10000"})

    def test_throttles_and_the_way_to_start_are_read_from_the_template(self) -> None:
        document = read_document(ROOT / "template.yaml")
        resources = document["Resources"]
        rates = iter((11, 12, 13))
        for setting in resources["Api"]["Properties"]["MethodSettings"]:
            setting["ThrottlingRateLimit"] = next(rates)
        resources["SearchFunction"]["Properties"]["SnapStart"] = {"ApplyOn": "PublishedVersions"}
        del resources["IdempotencyTable"]["Properties"]["BillingMode"]
        read = of_template(Template(document, ROOT, Deployment("stack", "000000000000", "us-east-1")))
        assert (read.page_route.rate, read.search_route.rate, read.webhook_route.rate) == (11, 12, 13)
        assert read.snapstart
        assert read.on_demand == ("Table",)
        assert "IdempotencyTable, writes of a table never busy" not in breaks(model(read))

    def test_samconfig_says_what_differs(self) -> None:
        fresh = read_deployment("fresh")
        assert (fresh.search_gb, fresh.queued, fresh.cloudfront) == (1769 / 1024, 8, False)
        assert PROD.queued == 2 * 50 + 2 * 20
        with pytest.raises(KeyError):
            read_deployment("nobody's")

    def test_figures_come_from_a_file_by_their_names(self, tmp_path: Path) -> None:
        file = tmp_path / "figures.json"
        file.write_text(json.dumps({"search": [151, 152, 153], "page": 9, "restore": 300}))
        figures = read_figures(file)
        assert figures == Figures(Assumptions(search=(151, 152, 153), page=9, source="figures.json"), restore=300)
        assert figures.search_seconds(100_000) == pytest.approx(0.152)
        file.write_text(json.dumps({"serach": 100}))
        with pytest.raises(ValueError, match="serach"):
            read_figures(file)


class TestTheArithmetic:
    def test_units_are_those_of_the_cost_model(self) -> None:
        """Which a test counts; beside them, header and chunk that a search with a request_id asks for."""
        assert sum(touch.reads for touch in SEARCH) == counts.SEARCH.read_units + 2
        assert sum(touch.writes for touch in SEARCH) == counts.SEARCH.write_units
        assert (LINK.reads, LINK.writes) == (counts.GUEST_READS, counts.GUEST_WRITES)
        assert sum(touch.reads for touch in PAGE) == counts.PAGE.read_units

    def test_a_small_case_is_what_one_reckons_by_hand(self) -> None:
        """Two pages a search, 300 ms a search and 20 ms a page, a cold start of 2 s and half of the searches cold."""
        assumed = Assumptions(search=(300, 300, 300), page=20, init=2000, load_bytes_per_ms=inf, cold=0.5)
        given = model(figures=Figures(assumed), pages=2, images=5, faces=10_000, organisations=2, hours=1)
        assert given.environments(10) == pytest.approx((10 * (0.3 + 0.5 * 2), 10 * 2 * 0.02))
        found = breaks(given)
        assert found == pytest.approx(
            {
                "route POST faces": 200,
                "route GET faces": 1000 / 2,
                "API Gateway, account": 10_000 / 3,
                "CloudFront": 250_000 / 5,
                "quota of an organisation, a minute": 600 * 2 / 60,
                "Lambda, environments": (1000 - 140) / (1.3 + 0.04),
                "Lambda, from nothing warm": 860 / 2.3,
                "Lambda, calls": 10 * 1000 / 3,
                "heat of KEY": 3000 / (1 + 2 / 2),
                "heat of EVENT": 3000 / (2 + 2 / 2),
                "heat of QUOTA": 2 / (1 / 3000 + 1.0125 / 1000),
                "heat of SEARCHES": 1 / (1 / 3000 + 1 / 1000),
                "size of SEARCHES": 10 * 2**30 / (LISTED_BYTES * 3600),
                "Table, reads of a table never busy": 12_000 / (7 + 2 * 2),
                "Table, reads": 40_000 / (7 + 2 * 2),
                "Table, writes of a table never busy": 4_000 / 4,
                "Table, writes": 40_000 / 4,
                "IdempotencyTable, writes of a table never busy": 4_000 / 2,
                "IdempotencyTable, writes": 40_000 / 2,
                "S3, selfies kept": 3_500,
                "S3, faces loaded": 5_500 / (0.5 * 2),
            }
        )
        assert list(found) == sorted(found, key=lambda name: found[name]), "in the order in which they break"

    def test_what_is_not_there_is_not_asked(self) -> None:
        assert (
            not {"CloudFront", "firewall", "quota of a link, a minute", "ReservedSearch"}
            & breaks(model(read_deployment("fresh"))).keys()
        )
        assert "S3, selfies kept" not in breaks(model(read_deployment("prod", {"SelfieRetentionDays": "0"})))

    def test_an_account_that_is_too_small_takes_nothing(self) -> None:
        few = replace(GIVEN, lambda_concurrency=replace(GIVEN.lambda_concurrency, value=10))
        assert breaks(replace(model(), limits=few))["Lambda, environments"] == 0
        switched_off = model(read_deployment("prod", {"ReservedSearch": "0"}))
        (search, *_) = switched_off.constraints()
        assert (search.name, search.breaks_at, search.used(1)) == ("ReservedSearch", 0, inf)
        assert "inf" in report.rates(switched_off)
        assert search.needs(10) == "2"

    def test_searches_by_links_and_webhooks_ask_more(self) -> None:
        found = breaks(model(replace(PROD, firewall=10_000, reserved_search=100), links=4, webhooks=0.25))
        assert found["quota of a link, a minute"] == pytest.approx(4 * PER_MINUTE / 60)
        assert found["heat of QUOTA#TOKEN"] == pytest.approx(4 * breaks(model())["heat of QUOTA"])
        assert found["firewall"] == pytest.approx(100_000 / 101)
        assert "firewall, an address in five minutes" not in found
        assert breaks(model(replace(PROD, firewall=10_000), addresses=2, pages=3))[
            "firewall, an address in five minutes"
        ] == pytest.approx(2 * 10_000 / 300 / 4)
        assert found["route POST faces/webhook"] == pytest.approx(4 * 200)
        assert found["WebhooksConcurrency"] == pytest.approx(20 / (0.25 * model().seconds))
        assert found["ReservedSearch"] == pytest.approx(100 / (0.75 * model().seconds))
        assert found["Lambda, environments"] == pytest.approx((1000 - 140 - 100) / 0.8)

    def test_short_calls_need_a_tenth_of_their_rate_in_concurrency(self) -> None:
        assert model().concurrency(100) == pytest.approx(100 * 101 / 10)
        assert model(pages=0).concurrency(100) == pytest.approx(100 * model().seconds + 140)

    def test_dollars_are_those_of_the_cost_command(self) -> None:
        assumed = Assumptions(pages=3)
        thousand = cost.total([*cost.Model(assumed).searches(100_000), *cost.Model(assumed).pages()])
        assert model(pages=3, hours=1).dollars_a_day(1) == pytest.approx(3.6 * thousand)
        by_link = model(pages=3, hours=1, links=1).dollars_a_day(1)
        assert by_link == pytest.approx(3.6 * (thousand + cost.Model(assumed).guests()))

    def test_a_search_in_its_events_list_is_no_larger_than_said(self) -> None:
        row = schema.search_key(2**31, "00000000-0000-4000-8000-000000000000")
        item = {name: {"S": text} for name, text in row.items()}
        item |= {"org_id": {"N": str(2**31)}, "expires_at": {"N": str(2**31)}}
        assert LISTED_BYTES - 5 <= item_bytes(item) <= LISTED_BYTES

    def test_a_search_during_an_upload_reads_what_adr_20_says(self) -> None:
        assert 8 * shard_reads(75, 8) == pytest.approx(85, rel=0.05)
        assert "heat of PHOTOS" not in breaks(model()), "nothing is asked where nothing is new"
        assert breaks(model(photos=75.0))["heat of PHOTOS"] == pytest.approx(265, rel=0.05)

    def test_a_cold_load_of_a_million_faces_takes_the_gets_of_the_benchmark(self) -> None:
        assert [snapshot_gets(faces) for faces in report.FACES] == [2, 2, 3, 17]

    def test_what_a_rate_needs_is_said_in_the_limits_own_words(self) -> None:
        said = {each.name: each.needs(1_000) for each in model(organisations=1, events=2).constraints()}
        assert said["heat of QUOTA"] == "2 organisations"
        assert said["heat of EVENT"] == "18 events"
        assert said["quota of an organisation, a minute"] == "60,000"
        assert said["S3, selfies kept"] == ""

    @given(
        rate=st.floats(0.1, 1e5),
        more=st.floats(1, 100),
        pages=st.integers(0, 300),
        faces=st.integers(1, 2_000_000),
        photos=st.floats(0, 100),
    )
    @settings(max_examples=30, deadline=None)
    def test_more_never_needs_less(self, rate: float, more: float, pages: int, faces: int, photos: float) -> None:
        less = model(pages=pages, faces=faces, photos=photos)
        for limit in less.constraints():
            assert limit.used(rate * more) >= limit.used(rate)
        assert less.dollars_a_day(rate * more) >= less.dollars_a_day(rate)
        for grown in (
            replace(less.load, pages=pages + 1),
            replace(less.load, faces=2 * faces),
            replace(less.load, photos=2 * photos),
            replace(less.load, hours=24, days=2),
        ):
            after = breaks(replace(less, load=grown))
            assert all(after[name] <= at * (1 + 1e-9) for name, at in breaks(less).items())
        for spread in ("organisations", "events", "keys"):
            after = breaks(replace(less, load=replace(less.load, **{spread: 2})))
            assert all(after[name] >= at * (1 - 1e-9) for name, at in breaks(less).items())


class TestTheCrowd:
    def test_it_comes_at_once_and_then_less_and_less(self) -> None:
        crowd = Crowd(people=1000, share=0.5, seconds=100)
        assert (crowd.searches, crowd.peak) == (500, 5)
        assert crowd.arrived(0) == 0
        assert crowd.arrived(69.31) == pytest.approx(250, abs=0.1), "half after ln 2 of the mean"
        assert crowd.arrived(1e6) == pytest.approx(500)
        assert crowd.later_than(5) == 0
        assert crowd.arrived(crowd.later_than(1) + 1) - crowd.arrived(crowd.later_than(1)) == pytest.approx(1, rel=0.01)
        assert crowd.finish_peak == pytest.approx(500 * 0.3989 / 1404, rel=1e-3)

    def test_erlangs_formula_is_the_one_of_the_tables(self) -> None:
        assert erlang_b(1, 1) == pytest.approx(1 / 2)
        assert erlang_b(2, 3) == pytest.approx((8 / 6) / (1 + 2 + 2 + 8 / 6))
        assert erlang_b(100, 117) == pytest.approx(0.0098, abs=5e-5), "of 100 erlangs, 117 lines lose one in a hundred"
        assert (erlang_b(0, 3), erlang_b(5, 0)) == (0, 1)
        assert 0.49 < erlang_b(20_000, 10_000) < 0.51

    def test_nothing_is_refused_where_there_is_room(self) -> None:
        crowd = Crowd(people=1000, share=1, seconds=10)
        assert refused_by_bucket(crowd, 100, 0) == 0
        assert refused_by_bucket(crowd, 1, 1000) == 0
        assert refused_by_environments(crowd, 1000, 1, 1) == pytest.approx(0, abs=1e-12)
        assert cold_starts(crowd, 0.5, 0) < cold_starts(crowd, 0.5, 2) < 1000


class TestTheSimulation:
    def test_a_small_case_is_what_one_reckons_by_hand(self) -> None:
        rules = Rules(warm_seconds=1, cold_seconds=2, spread=0, environments=2)
        outcome = Simulation(rules, 0).run([0, 1, 2.5, 3, 4.1])
        assert outcome.cold == 2
        assert outcome.found_busy == [0, 1, 2, 1, 0]
        assert (outcome.refused, outcome.gave_up, dict(outcome.refusals)) == (1, 1, {"concurrency": 1})
        assert outcome.waits == pytest.approx([3, 3, 1, 1])

    def test_environments_start_as_fast_as_they_may(self) -> None:
        rules = Rules(warm_seconds=1, cold_seconds=0, spread=0, starts=Throttle(10, 2), warm=1)
        outcome = Simulation(rules, 0).run([0, 0, 0, 0, 0.1, 0.1])
        assert (outcome.cold, dict(outcome.refusals)) == (3, {"scaling rate": 2})

    def test_who_is_refused_comes_again_as_our_client_does(self) -> None:
        policy = RetryPolicy()
        rules = Rules(warm_seconds=0.1, cold_seconds=0, throttles=(("route", Throttle(1, 1)),), retries=policy)
        outcome = Simulation(rules, 3).run([0.0] * 40)
        served_later = len(outcome.waits) - 1
        assert outcome.refused == outcome.gave_up + served_later == 39
        assert 0 < outcome.gave_up < 39
        calls = policy.attempts
        more = outcome.refusals["route"] - calls * outcome.gave_up
        assert served_later <= more <= (calls - 1) * served_later
        assert max(outcome.waits) <= (calls - 1) * (RETRY_AFTER + policy.ceiling) + 1

    def test_a_seed_gives_the_same_run(self) -> None:
        def run(seed: int) -> Outcome:
            return Simulation(Rules(warm_seconds=0.3, cold_seconds=1, environments=9), seed).run(poisson(30, 20, seed))

        assert run(1) == run(1) != run(2)

    def test_arrivals_are_as_many_as_they_should_be(self) -> None:
        times = poisson(50, 100, 0)
        assert len(times) == pytest.approx(5000, rel=4 / 5000**0.5)
        assert times == sorted(times)
        crowd = Crowd(people=10_000, share=1, seconds=60)
        assert sum(time < 30 for time in gun(crowd, 0)) == pytest.approx(crowd.arrived(30), rel=0.04)

    @given(
        arrivals=st.lists(st.floats(0, 20), min_size=1, max_size=60).map(sorted),
        environments=st.integers(0, 5),
        warm=st.integers(0, 3),
        starts=st.none() | st.just(Throttle(0.5, 2)),
        attempts=st.integers(1, 4),
    )
    @settings(max_examples=50, deadline=None)
    def test_every_search_is_served_or_gives_up(
        self, arrivals: list[float], environments: int, warm: int, starts: Throttle | None, attempts: int
    ) -> None:
        outcome = Simulation(
            Rules(
                warm_seconds=0.7,
                cold_seconds=2,
                environments=environments,
                starts=starts,
                throttles=(("route", Throttle(2, 3)),),
                warm=min(warm, environments),
                retries=RetryPolicy(attempts),
            ),
            0,
        ).run(arrivals)
        assert len(outcome.waits) + outcome.gave_up == outcome.searches == len(arrivals)
        assert min(warm, environments) + outcome.cold <= environments
        assert outcome.busiest <= environments
        assert outcome.gave_up <= outcome.refused <= outcome.refusals.total() <= attempts * outcome.searches
        assert all(wait > 0 for wait in outcome.waits)

    def test_it_agrees_with_the_formulas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Within four standard errors of its runs, and a fiftieth for what a crowd's formulas leave out: that within a
        second chance has it come by more or fewer."""
        monkeypatch.setattr(checking, "RATES", (10, 300))
        monkeypatch.setattr(checking, "ARRIVALS", 5_000)
        monkeypatch.setattr(checking, "SEEDS", range(1, 4))
        for check in checks(model(), Crowd(people=40_000, seconds=48)):
            assert check.simulated == pytest.approx(check.model, abs=4 * check.error + check.model / 50), check

    def test_what_is_moved_helps(self) -> None:
        met = [step.outcome for step in met_by_a_crowd(SLOW_TO_START)]
        as_it_is, quota, route, *others = met
        assert as_it_is.gave_up > quota.gave_up > route.gave_up
        assert all(each.refused == 0 for each in (route, *others))
        provisioned, _, snapstart = others
        assert provisioned.cold < snapstart.cold < route.cold
        assert provisioned.wait(99) < snapstart.wait(99) < route.wait(99)

    def test_a_rate_that_begins_from_nothing_starts_as_many_as_littles_law_says(self) -> None:
        """Or as many as Lambda starts. Chance needs up to four standard deviations of the busy ones more."""
        for storm in met_from_nothing():
            if storm.outcome is None:
                assert storm.rate > 1_000
                continue
            allowed = 1_000 + 100 * STORM_SECONDS
            assert (
                min(storm.starts, 1_000) * 0.9
                < storm.outcome.cold
                <= min(storm.starts + 4 * storm.starts**0.5, allowed)
            )
            assert (storm.outcome.refused > 0) == (storm.starts > 1_000)
        slow, quick = met_from_nothing(SLOW_TO_START)[4:6]
        assert slow.rate == quick.rate == 1_000
        assert slow.outcome is not None
        assert quick.outcome is not None
        assert quick.outcome.wait(99) < slow.outcome.wait(99)
        assert met_from_nothing()[-1].seconds == pytest.approx(
            (100_000 * model().figures.search_seconds(10_000) - 1_000) / 100, rel=0.01
        )


class TestTheCommand:
    def test_it_prints_and_writes_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(checking, "RATES", (10, 300))
        monkeypatch.setattr(checking, "ARRIVALS", 500)
        monkeypatch.setattr(checking, "SEEDS", range(1, 3))
        file = tmp_path / "new" / "capacity.json"
        options = ["--people", "2000", "--parameter", "SearchMemory=3538", "--organisations", "3", "--json", str(file)]
        monkeypatch.setattr(sys, "argv", ["capacity", *options])
        assert command.main() == 0
        written = json.loads(file.read_text())
        assert (written["deployed"]["search_gb"], written["load"]["organisations"]) == (3538 / 1024, 3)
        assert [each["searches"] for each in written["rates"]] == list(report.RATES)
        printed = capsys.readouterr().out
        for constraint in written["constraints"]:
            assert constraint["name"] in printed
        assert written["limits"]["as_of"] in printed

    @pytest.mark.parametrize(
        "options", [["--parameter", "SearchMemry=1"], ["--parameter", "x"], ["--config", "none"], ["--figures", "/no"]]
    )
    def test_it_says_what_it_does_not_know(
        self, options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["capacity", *options])
        assert command.main() == 2
        assert capsys.readouterr().err.startswith("error: ")

    @pytest.mark.parametrize("options", [["--events", "0"], ["--share", "2"], ["--faces", "many"]])
    def test_it_refuses_what_makes_no_sense(self, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["capacity", *options])
        with pytest.raises(SystemExit):
            command.main()

    def test_the_published_tables_are_what_the_command_prints(self) -> None:
        """If not: `python -m tools.bench.capacity --document` writes them anew."""
        published = command.DOCUMENT.read_text()
        blocks = report.published(model(), Crowd(), met_by_a_crowd(), met_from_nothing())
        assert report.rewritten(published, blocks) == published
        with pytest.raises(LookupError):
            report.rewritten("nothing of it", blocks)
