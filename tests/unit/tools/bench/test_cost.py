"""The cost model: what it adds up, and what it must be sensitive to."""

import pytest

from tests.conftest import ROOT
from tools.bench import idle
from tools.bench.cost import Assumptions, Model, table

ASSUMED = Assumptions()


def test_a_cost_is_the_sum_of_its_services_and_grows_with_the_searches() -> None:
    one, many = (Model(ASSUMED).searches(100_000, 4, count) for count in (1, 1000))
    assert one.total == pytest.approx(one.gateway + one.compute + one.dynamodb + one.s3)
    assert many.total == pytest.approx(1000 * one.total)


def test_the_published_table_is_what_the_command_prints() -> None:
    published = (ROOT / "docs" / "operating" / "costs.md").read_text()
    assert table(Model(ASSUMED), ASSUMED) in published
    assert idle.table(idle.template()) in published
    assert f"{idle.metrics(idle.template())} metrics" in published


def test_what_is_switched_off_is_not_paid_for_and_no_more_is_free_than_is_used() -> None:
    found = [idle.items(idle.template(**each)) for each in ({}, {"Alarms": "false", "Watching": "false"})]
    assert all(0 <= item.free <= item.dollars for items in found for item in items)
    whole, bare = ({item.what.partition(" ")[2]: item.dollars for item in items} for items in found)
    assert bare["alarms"] == pytest.approx(0.6), "docs/operating/costs.md, the runbook and the template say six"
    assert (bare["key for watches"], whole["key for watches"]) == (0, 1)
    assert whole["alarms"] > bare["alarms"]
