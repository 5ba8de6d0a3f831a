"""What a deployment allows itself, read from template.yaml with the parameters of samconfig.toml."""

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from facesearch.records import SHARDS
from facesearch_local.intrinsics import TemplateError
from facesearch_local.stack import ROOT
from facesearch_local.template import Template
from facesearch_local.throttles import ANY_METHOD, ANY_PATH
from tools.bench import idle

SAMCONFIG = ROOT / "samconfig.toml"
READ = ("MemorySize", "Timeout", "ReservedConcurrentExecutions", "SnapStart", "Events")
SEARCH_ROUTE = "/~1api~1v1~1ext~1{org_id}~1event~1{event_id}~1faces"
WEBHOOK_ROUTE = f"{SEARCH_ROUTE}~1webhook"


@dataclass(frozen=True)
class Throttle:
    """A token bucket: requests a second, and at once after a rest."""

    rate: float
    burst: float


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What the template and the parameters say.

    Attributes:
        search_gb, results_gb: memory.
        search_timeout: seconds.
        reserved_search: environments that searches have for themselves; None = they share the account's.
        queued: environments that functions behind queues may take at once.
        webhook_searches: environments that searches of webhooks take of them.
        search_route, webhook_route, page_route: throttles of POST faces, of its webhook, and of each other route.
        search_quota: of each organisation that has none of its own.
        result_days, selfie_days: how long results and selfies are kept; no days = selfies are not kept.
        firewall: requests that AWS WAF takes of an address in five minutes; None = no firewall.
        cloudfront: whether photos come from CloudFront.
        snapstart: whether searches start from a snapshot.
        http_api: whether an HTTP API stands in the REST API's place.
        on_demand: tables that are billed by the request, by logical id.
        shards: partition keys of a new event's photos.
    """

    search_gb: float
    results_gb: float
    search_timeout: float
    reserved_search: int | None
    queued: int
    webhook_searches: int
    search_route: Throttle
    webhook_route: Throttle
    page_route: Throttle
    search_quota: Throttle
    result_days: int
    selfie_days: int
    firewall: int | None
    cloudfront: bool
    snapstart: bool
    http_api: bool
    on_demand: tuple[str, ...]
    shards: int = SHARDS


def parameters_of(config: str) -> dict[str, str]:
    """The parameters of a deployment in samconfig.toml.

    Raises:
        KeyError: there is none of this name.
    """
    overrides = tomllib.loads(SAMCONFIG.read_text())[config]["deploy"]["parameters"].get("parameter_overrides", [])
    pairs = (word.partition("=") for each in overrides for word in shlex.split(each))
    return {name: value for name, _, value in pairs}


def read_deployment(config: str, changed: Mapping[str, str] | None = None) -> Deployed:
    """A deployment of samconfig.toml, with some parameters changed.

    Raises:
        KeyError: there is no deployment of this name.
        TemplateError: a parameter that the template does not have, or refuses.
    """
    return of_template(idle.template(**(parameters_of(config) | dict(changed or {}))))


def of_template(template: Template) -> Deployed:
    """What a template with its parameters says.

    Raises:
        TemplateError: it could not be deployed so.
    """
    functions = {
        each.id: _resolved(template, each.properties) for each in template.of_type("AWS::Serverless::Function")
    }
    (api,) = template.of_type("AWS::Serverless::Api")
    settings = {(each["ResourcePath"], each["HttpMethod"]): each for each in api.properties["MethodSettings"]}
    search, tables = functions["SearchFunction"], template.of_type("AWS::DynamoDB::Table")
    given = template.parameters(
        ["SearchQuotaPerMinute", "ResultRetentionDays", "SelfieRetentionDays", "Firewall", "HttpApi"]
    )
    firewall, http_api = None if given["Firewall"] == "false" else int(given["Firewall"]), given["HttpApi"] == "true"
    if firewall and http_api:
        raise TemplateError("HttpApi and Firewall: AWS WAF cannot stand before an HTTP API")
    quota = float(given["SearchQuotaPerMinute"])
    return Deployed(
        search_gb=float(search["MemorySize"]) / 1024,
        results_gb=float(functions["ResultsFunction"]["MemorySize"]) / 1024,
        search_timeout=float(search["Timeout"]),
        reserved_search=_number(search.get("ReservedConcurrentExecutions")),
        queued=sum(map(_queued, functions.values())),
        webhook_searches=_queued(functions["SearchJobsFunction"]),
        search_route=_throttle(settings[SEARCH_ROUTE, "POST"]),
        webhook_route=_throttle(settings[WEBHOOK_ROUTE, "POST"]),
        page_route=_throttle(settings[ANY_PATH, ANY_METHOD]),
        search_quota=Throttle(quota / 60, max(1, quota // 3)),
        result_days=int(given["ResultRetentionDays"]),
        selfie_days=int(given["SelfieRetentionDays"]),
        firewall=firewall,
        cloudfront=bool(template.of_type("AWS::CloudFront::Distribution")),
        snapstart=search.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
        http_api=http_api,
        on_demand=tuple(table.id for table in tables if table.properties.get("BillingMode") == "PAY_PER_REQUEST"),
    )


def _resolved(template: Template, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What is read here, without intrinsic functions; resources by their names."""
    read = {name: properties[name] for name in READ if name in properties}
    resolved: dict[str, Any] = template.resolve(read, lambda name, attribute: f"{name}.{attribute}")
    return resolved


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _throttle(setting: Mapping[str, Any]) -> Throttle:
    return Throttle(float(setting["ThrottlingRateLimit"]), float(setting["ThrottlingBurstLimit"]))


def _queued(function: Mapping[str, Any]) -> int:
    sources = (event["Properties"] for event in function.get("Events", {}).values() if event["Type"] == "SQS")
    return sum(int(source["ScalingConfig"]["MaximumConcurrency"]) for source in sources)
