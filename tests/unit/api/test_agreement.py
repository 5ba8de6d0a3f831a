"""What is said in several places says the same: the template, the settings, the sample events, the documents."""

import json
import re
import tomllib

import pytest

from facesearch import __version__
from facesearch.settings import Settings
from facesearch_cli.stack import NEEDED, setting_of
from facesearch_local.stack import OUTPUTS, PARAMETER_OUTPUTS
from facesearch_local.template import read_document
from tests.conftest import ROOT
from tools.openapi.operations import OPERATIONS

TEMPLATE = read_document(ROOT / "template.yaml")
API = (ROOT / "docs" / "integrating" / "api.md").read_text()
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
SHARED = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
ROUTES = {
    (event["Properties"]["Method"], event["Properties"]["Path"])
    for properties in FUNCTIONS.values()
    for event in properties["Events"].values()
    if event["Type"] == "Api"
}


def test_every_setting_is_set_for_some_function_or_the_same_in_every_deployment() -> None:
    variables = SHARED.union(*(properties["Environment"]["Variables"] for properties in FUNCTIONS.values()))
    given_by_lambda = {"memory_megabytes"}
    constant = {
        "callback_delays", "outbound_allow_local", "search_job_deliveries", "snapshot_delay_seconds",
        "snapshot_tail_bytes",
    }  # fmt: skip
    command_line_s = {  # by the stack's outputs
        "api_url", "biometric_retention_days", "distribution_id", "page_url", "uploads_queue_url",
    }  # fmt: skip
    libraries = {"MALLOC_ARENA_MAX", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "OPENBLAS_NUM_THREADS"}
    libraries |= {"PYDANTIC_DISABLE_PLUGINS"}
    assert libraries <= variables
    assert set(Settings.model_fields) - given_by_lambda - constant - command_line_s == {
        name.lower() for name in variables - libraries if not name.startswith("POWERTOOLS_")
    }


@pytest.mark.parametrize(
    "setting",
    [
        "result_retention_days", "selfie_retention_days", "search_quota_per_minute", "search_jobs_concurrency",
        "callbacks_concurrency",
    ],
)  # fmt: skip
def test_a_parameter_and_its_setting_have_one_default_and_the_same_limits(setting: str) -> None:
    own = "WebhooksConcurrency" if setting.endswith("concurrency") else setting.title().replace("_", "")
    declared, field = TEMPLATE["Parameters"][own], Settings.model_fields[setting]
    assert declared["Default"] == field.default
    limits = {kind: getattr(limit, kind) for limit in field.metadata for kind in ("ge", "le") if hasattr(limit, kind)}
    for value, fits in ((declared["MinValue"], True), (declared["MaxValue"], True), (declared["MaxValue"] + 1, False)):
        assert (limits["ge"] <= value <= limits["le"]) is fits, value


def test_the_code_knows_how_often_its_queue_delivers_and_how_late() -> None:
    orders, snapshots = (TEMPLATE["Resources"][queue]["Properties"] for queue in ("SearchJobsQueue", "SnapshotsQueue"))
    settings = Settings(table_name="t")
    assert orders["RedrivePolicy"]["maxReceiveCount"] == settings.search_job_deliveries
    assert snapshots["DelaySeconds"] == settings.snapshot_delay_seconds


def test_what_a_parameter_says_of_the_code_is_so() -> None:
    declared = TEMPLATE["Parameters"]
    memory, quota = declared["SearchMemory"]["Default"], declared["SearchQuotaPerMinute"]["Default"]
    settings = Settings.from_environment(
        {"TABLE_NAME": "t", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory), "SEARCH_QUOTA_PER_MINUTE": str(quota)}
    )
    assert "up to 29 %" in declared["SearchMemory"]["Description"]
    assert settings.index_cache_megabytes == 512 == round(memory * 0.2894)
    assert "a third" in declared["SearchQuotaPerMinute"]["Description"]
    assert settings.search_quota_burst == 200 == quota // 3
    assert Settings(table_name="t", search_quota_per_minute=1).search_quota_burst == 1


def test_parameters_are_few_and_each_says_what_it_is_and_has_a_default() -> None:
    assert len(TEMPLATE["Parameters"]) <= 27
    for name, parameter in TEMPLATE["Parameters"].items():
        assert len(parameter["Description"]) > 10, name
        assert "Default" in parameter, f"{name}: a plain `sam deploy` asks nobody"


def test_every_route_has_a_sample_event_and_every_sample_event_a_route() -> None:
    samples = [json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")]
    calls = {(event["httpMethod"], event["resource"]) for event in samples if "httpMethod" in event}
    assert {call for call in calls if call[0] != "OPTIONS"} == {route for route in ROUTES if route[0] != "OPTIONS"}


def test_every_path_answers_preflights() -> None:
    assert {path for method, path in ROUTES if method == "OPTIONS"} == {path for _, path in ROUTES}


def test_the_document_of_the_api_lists_every_route_with_its_page_sizes() -> None:
    rows = re.findall(r"^\| `(DELETE|GET|POST) (/\S+?)` \| .*? \| (.*?) \|$", API, re.MULTILINE)
    base = "/api/v1/ext/{org_id}"
    assert {(method, base + path) for method, path, _ in rows} == {r for r in ROUTES if r[0] != "OPTIONS"}
    queries = {(each.method, each.route): each.query for each in OPERATIONS}
    for method, path, said in rows:
        if (query := queries[method, base + path]) is None:
            assert said == "-"
        else:
            field = query.model_fields["page_size"]
            (most,) = (limit.le for limit in field.metadata if hasattr(limit, "le"))
            assert said == f"{field.default} / {most}", path


def test_the_gateways_own_answers_are_the_envelope_with_our_headers() -> None:
    responses = TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"]
    for kind, response in responses.items():
        body = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"m"')
        assert json.loads(body).keys() == {"responseType", "message", "data"}, kind
        headers = response["ResponseParameters"]["Headers"]
        assert {"Cache-Control", "X-Content-Type-Options", "Strict-Transport-Security"} <= set(headers), kind
    assert "faces/uploads" in responses["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"]


def test_the_command_line_finds_what_it_works_on_in_both_kinds_of_stack() -> None:
    for_people = {"ApiDomainTarget", "DashboardUrl", "RenditionsDomainTarget"}
    outputs = set(TEMPLATE["Outputs"]) - for_people
    assert {setting_of(output) for output in outputs} <= set(Settings.model_fields)
    assert outputs >= NEEDED
    local = set(OUTPUTS) | set(PARAMETER_OUTPUTS) | {"ApiUrl", "RenditionsBaseUrl", "PageUrl"}
    assert outputs - local == {"DistributionId", "CollectionPrefix"}, "nothing is cached here, nor Rekognition"


def test_one_version_is_released_and_the_changelog_has_its_section() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert json.loads((ROOT / "docs" / "openapi.json").read_text())["info"]["version"] == project == __version__
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [section for section in sections if section != "Unreleased"]
    assert sections[-len(released) :] == released, "what is not released stands first"
    assert re.fullmatch(rf"{re.escape(project)}, \d{{4}}-\d\d-\d\d", released[0])
