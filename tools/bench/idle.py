"""What a stack costs in a month in which nobody uses it, counted from template.yaml."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import Any

from facesearch_local.stack import ROOT
from facesearch_local.template import Deployment, Template
from tools.bench.requests import PRICES

POLLERS = 5
"""Long polls that Lambda keeps open for each queue that calls a function; fewer only without a MaximumConcurrency."""
POLL_SECONDS = 20
MONTH_SECONDS = 30 * 86_400
NAMESPACE = "FaceSearch"


@dataclass(frozen=True)
class Item:
    """Something that is paid for by the month.

    Attributes:
        free: dollars of it that an account which has nothing else does not pay.
        off: how to do without; empty = not at all.
    """

    what: str
    dollars: float
    free: float
    off: str = ""


def template(**parameters: str) -> Template:
    """template.yaml with its defaults, but for these."""
    return Template.load(ROOT / "template.yaml", Deployment("stack", "000000000000", "us-east-1", parameters))


def items(stack: Template) -> list[Item]:
    """What the stack costs though nothing runs."""
    prices = tomllib.loads(PRICES.read_text())
    stacks = [stack, *_nested(stack)]
    alarms = sum(len(each.of_type("AWS::CloudWatch::Alarm")) for each in stacks)
    keys = len(stack.of_type("AWS::KMS::Key"))
    dashboards = sum(len(each.of_type("AWS::CloudWatch::Dashboard")) for each in stacks)
    queues = [queue.properties for queue in stack.of_type("AWS::SQS::Queue") if "RedrivePolicy" in queue.properties]
    fifo = sum("FifoQueue" in queue for queue in queues)
    polls = POLLERS * MONTH_SECONDS / POLL_SECONDS / 1e6
    sqs = prices["sqs"]
    polling = polls * (
        (len(queues) - fifo) * sqs["dollars_per_million_requests"] + fifo * sqs["dollars_per_million_fifo_requests"]
    )
    watch = prices["cloudwatch"]
    alarm, dashboard = watch["dollars_per_alarm_month"], watch["dollars_per_dashboard_month"]
    free_alarms, free_dashboards = min(alarms, watch["free_alarms"]), min(dashboards, watch["free_dashboards"])
    free_polling = min(polling, sqs["free_million_requests"] * sqs["dollars_per_million_requests"])
    return [
        Item(f"{alarms} alarms", alarms * alarm, free_alarms * alarm, "`Alarms=false` leaves six"),
        Item(f"{keys} key for watches", keys * prices["kms"]["dollars_per_key_month"], 0, "`Watching=false`"),
        Item(f"{len(queues)} queues, polled by Lambda", polling, free_polling),
        Item(f"{dashboards} dashboard", dashboards * dashboard, free_dashboards * dashboard, "`Alarms=false`"),
    ]


def metrics(stack: Template) -> int:
    """How many metrics of its own the stack counts when it is used: those on its dashboard."""
    (operations,) = _nested(stack)
    (dashboard,) = operations.of_type("AWS::CloudWatch::Dashboard")
    body: Any = json.loads(operations.resolve(dashboard.properties["DashboardBody"], lambda name, attribute: name))
    shown = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    return len({metric[1] for metric in shown if metric[0] == NAMESPACE})


def _nested(stack: Template) -> list[Template]:
    """The stacks within the stack."""
    nested = stack.of_type("AWS::CloudFormation::Stack")
    return [stack.nested(each.id, lambda name, attribute: f"{name}.{attribute}") for each in nested]


def table(stack: Template) -> str:
    """The table of docs/operating/costs.md, in Markdown."""
    counted = items(stack)
    lines = ["| a month, idle | dollars | beyond the free tier | do without |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {each.what} | ${each.dollars:.2f} | ${each.dollars - each.free:.2f} | {each.off or '-'} |"
        for each in counted
    ]
    dollars, free = (sum(each) for each in zip(*((item.dollars, item.free) for item in counted), strict=True))
    return "\n".join([*lines, f"| all | ${dollars:.2f} | ${dollars - free:.2f} | |"])
