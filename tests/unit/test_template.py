"""What template.yaml promises of every resource of a kind, so that the next function, queue or bucket keeps it too."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from facesearch.admin.page import GONE
from facesearch.faces.health import ALIKE_TOGETHER
from facesearch_local.template import Deployment, Resource, Template, read_document
from tests.conftest import ROOT
from tests.support.codes import CODES
from tools.policies import grants


def stand_in(logical_id: str, attribute: str) -> str:
    return f"{logical_id}.{attribute}"


EVERYTHING = {
    "Alarms": "operator@example.com",
    "ApiBaseUrl": "https://faces.example.com",
    "ApiCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/a",
    "Firewall": "10000",
    "RenditionsBaseUrl": "https://photos.example.com",
    "RenditionsCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/b",
    "FaceSets": "exact,vectors",
}
PATH = ROOT / "template.yaml"
RAW = read_document(PATH)
GLOBAL: dict[str, Any] = RAW["Globals"]["Function"]


def template(parameters: dict[str, str]) -> Template:
    return Template.load(PATH, Deployment("stack", "000000000000", "us-east-1", parameters))


TEMPLATE, PLAIN = template(EVERYTHING), template({})
OPERATIONS, EDGE = (TEMPLATE.nested(name, stand_in) for name in ("Operations", "Edge"))
STACKS = (TEMPLATE, OPERATIONS, EDGE)
FUNCTIONS = TEMPLATE.of_type("AWS::Serverless::Function")
QUEUES = TEMPLATE.of_type("AWS::SQS::Queue")
BUCKETS = TEMPLATE.of_type("AWS::S3::Bucket")
ALARMS = [
    replace(alarm, properties=stack.resolve(alarm.properties, stand_in))
    for stack in STACKS
    for alarm in stack.of_type("AWS::CloudWatch::Alarm")
]
"""Of all three templates, with the names that main gives to its nested stacks."""
REDRIVES = [queue.properties["RedrivePolicy"] for queue in QUEUES if "RedrivePolicy" in queue.properties]
DEAD_LETTERS = {redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] for redrive in REDRIVES}
NAMESPACE = "FaceSearch"
RELEASE_ALARMS = {
    alarm["Ref"]
    for function in FUNCTIONS
    for alarm in function.properties.get("DeploymentPreference", {}).get("Alarms", [])
}


def ids(resource: Resource) -> str:
    return resource.id


def alarms(metric: str, dimension: str) -> list[Resource]:
    return [
        alarm
        for alarm in ALARMS
        if alarm.properties["MetricName"] == metric
        and [each["Value"] for each in alarm.properties["Dimensions"]] == [dimension]
    ]


@pytest.mark.parametrize("bucket", BUCKETS, ids=ids)
def test_every_bucket_answers_only_over_tls(bucket: Resource) -> None:
    policies = [each.properties for each in TEMPLATE.of_type("AWS::S3::BucketPolicy")]
    (policy,) = (each for each in policies if each["Bucket"] == {"Ref": bucket.id})
    statements = TEMPLATE.resolve(policy["PolicyDocument"]["Statement"], stand_in)
    (refusal,) = (each for each in statements if each["Effect"] == "Deny")
    assert (refusal["Principal"], refusal["Action"]) == ("*", "s3:*")
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert refusal["Resource"] == [f"{bucket.id}.Arn", f"{bucket.id}.Arn/*"]


@pytest.mark.parametrize("queue", QUEUES, ids=ids)
def test_what_a_queue_gives_up_is_kept_two_weeks_and_told(queue: Resource) -> None:
    name = f"{queue.id}.QueueName"
    if queue.id in DEAD_LETTERS:
        assert queue.properties["MessageRetentionPeriod"] == 1209600
        assert alarms("ApproximateNumberOfMessagesVisible", name)
    else:
        assert "RedrivePolicy" in queue.properties
        assert alarms("ApproximateAgeOfOldestMessage", name)


def test_queues_and_tables_are_encrypted_and_tables_paid_by_use() -> None:
    assert {queue.properties["SqsManagedSseEnabled"] for queue in QUEUES} == {True}
    tables = TEMPLATE.of_type("AWS::DynamoDB::Table")
    assert all(table.properties["SSESpecification"] == {"SSEEnabled": True} for table in tables)
    assert all(table.properties["BillingMode"] == "PAY_PER_REQUEST" for table in tables)


@pytest.mark.parametrize("function", FUNCTIONS, ids=ids)
def test_every_function_has_its_alarms_and_writes_into_the_log_group_of_all(function: Resource) -> None:
    """One query follows a request_id through all of them."""
    assert function.properties["LoggingConfig"]["LogGroup"] == {"Ref": "Logs"}
    for metric in ("Errors", "Throttles"):
        assert alarms(metric, f"{function.id}.Ref"), metric
    if any(event["Type"] == "Api" for event in function.properties["Events"].values()):
        assert alarms("Duration", f"{function.id}.Ref")


@pytest.mark.parametrize("alarm", [each for each in ALARMS if each.id not in RELEASE_ALARMS], ids=ids)
def test_every_alarm_says_what_is_wrong_and_tells_the_operator_if_there_is_one(alarm: Resource) -> None:
    assert len(alarm.properties["AlarmDescription"]) > 20
    written = OPERATIONS.resources[alarm.id].properties
    for actions in ("AlarmActions", "OKActions"):
        assert alarm.properties[actions] == ["AlarmTopic.Ref"]
        assert PLAIN.nested("Operations", stand_in).resolve(written[actions], stand_in) == []


def test_alarms_go_to_the_address_that_is_given_and_without_one_there_is_no_topic() -> None:
    (topic,) = OPERATIONS.of_type("AWS::SNS::Topic")
    subscriptions = OPERATIONS.resolve(topic.properties["Subscription"], stand_in)
    assert subscriptions == [{"Protocol": "email", "Endpoint": EVERYTHING["Alarms"]}]
    assert not PLAIN.nested("Operations", stand_in).of_type("AWS::SNS::Topic")


def test_without_alarms_those_are_left_by_which_a_new_version_goes_back() -> None:
    without = template({"Alarms": "false"})
    assert "Operations" not in without.resources
    rollouts = [function.properties.get("DeploymentPreference", {"Alarms": []}) for function in FUNCTIONS]
    needed = {alarm["Ref"] for rollout in rollouts for alarm in rollout["Alarms"]}
    assert {alarm.id for alarm in without.of_type("AWS::CloudWatch::Alarm")} == needed
    assert needed < {alarm.id for alarm in ALARMS}


SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())


def overrides_of(config: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in SAMCONFIG[config]["deploy"]["parameters"]["parameter_overrides"])


@pytest.mark.parametrize("config", ["fresh", "dev", "prod"])
def test_make_deploy_gives_what_the_template_takes_and_asks_for_no_capability(config: str) -> None:
    """`sam deploy` without --guided fails on what is missing."""
    assert set(SAMCONFIG) == {"version", "default", "fresh", "dev", "prod"}
    given = SAMCONFIG[config]["deploy"]["parameters"]
    assert given["capabilities"].split() == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert given["resolve_s3"] is True
    assert SAMCONFIG[config]["global"]["parameters"]["stack_name"] == f"face-search-{config}"
    template(overrides_of(config))
    for name, value in overrides_of(config).items():
        declared = RAW["Parameters"][name]
        if "MinValue" in declared:
            assert declared["MinValue"] <= int(value) <= declared["MaxValue"], name


class TestANewAccount:
    """`make deploy CONFIG=fresh`: 3,008 MB for a function, ten calls at once, no CloudFront; and a second try works."""

    FRESH: ClassVar[Template] = template(overrides_of("fresh"))

    def test_no_function_has_more_memory_than_a_new_account_gives(self) -> None:
        for function in self.FRESH.of_type("AWS::Serverless::Function"):
            assert int(self.FRESH.resolve(function.properties["MemorySize"], stand_in)) <= 3008, function.id

    def test_no_concurrency_is_reserved_and_queues_leave_room_for_people(self) -> None:
        at_once = 0
        for function in self.FRESH.of_type("AWS::Serverless::Function"):
            assert self.FRESH.resolve(function.properties.get("ReservedConcurrentExecutions"), stand_in) is None
            assert "ProvisionedConcurrencyConfig" not in function.properties
            for event in function.properties["Events"].values():
                scaling = event["Properties"].get("ScalingConfig")
                if scaling is not None:
                    at_once += int(self.FRESH.resolve(scaling, stand_in)["MaximumConcurrency"])
        assert 0 < at_once < 10

    def test_nothing_of_cloudfront_is_made(self) -> None:
        assert [each.id for each in self.FRESH.resources.values() if each.type.startswith("AWS::CloudFront")] == []

    def test_photos_are_signed_for_by_the_functions_that_show_them_and_by_no_other(self) -> None:
        """Indexing reads those whose originals are gone, to draw a watermark into them."""

        def readers(stack: Template) -> set[str]:
            reading = [grant for grant in grants(stack) if grant.action == "s3:GetObject"]
            return {grant.function for grant in reading if any("imgs/" in each for each in grant.resources)}

        assert readers(self.FRESH) == {"SearchFunction", "ResultsFunction", "IndexingFunction"}
        assert readers(PLAIN) == {"IndexingFunction"}

    def test_what_outlives_a_stack_under_a_fixed_name_does_not_outlive_a_create_that_failed(self) -> None:
        fixed = {
            id_: body.get("DeletionPolicy", "Delete")
            for id_, body in RAW["Resources"].items()
            if {"BucketName", "TableName", "QueueName", "RoleName", "LogGroupName"} & body.get("Properties", {}).keys()
        }
        assert fixed["PhotosBucket"] == "RetainExceptOnCreate"
        assert set(fixed.values()) <= {"RetainExceptOnCreate", "Delete"}
        assert RAW["Resources"]["PhotosBucket"]["UpdateReplacePolicy"] == "Retain"


def test_every_alarm_has_its_row_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operating" / "runbook.md").read_text()
    for alarm in ALARMS:
        assert f"`{alarm.id}`" in runbook, alarm.id


def test_no_function_may_do_something_to_everything() -> None:
    for grant in grants(TEMPLATE):
        assert not grant.action.endswith("*"), grant
        assert all(not resource.startswith("*") for resource in grant.resources), grant


class TestGradualDeployment:
    def test_the_functions_that_people_wait_for_go_back_by_alarms(self) -> None:
        for function in FUNCTIONS:
            has_routes = any(event["Type"] == "Api" for event in function.properties["Events"].values())
            assert ("DeploymentPreference" in function.properties) is has_routes, function.id
            if has_routes:
                assert function.properties["DeploymentPreference"]["Alarms"]
                assert function.properties["AutoPublishAliasAllProperties"] is True

    @pytest.mark.parametrize("function", [f for f in FUNCTIONS if "AutoPublishAlias" in f.properties], ids=ids)
    def test_one_failure_of_the_new_version_and_nothing_of_an_older_one_brings_it_back(
        self, function: Resource
    ) -> None:
        """An alarm of the whole function, or of the API, would stop the release that mends what it fires for."""
        version = f"{function.id}.Version.Version"
        seen = set()
        for reference in function.properties["DeploymentPreference"]["Alarms"]:
            (alarm,) = (each.properties for each in ALARMS if each.id == reference["Ref"])
            dimensions = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
            assert version in dimensions.values()
            assert f"{function.id}.Ref" in dimensions.values()
            assert alarm["AlarmName"].endswith(version), "a new alarm for each version, in no state yet"
            assert (alarm["Statistic"], alarm["Threshold"], alarm["DatapointsToAlarm"]) == ("Sum", 1, 1)
            assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
            seen.add((alarm["Namespace"], alarm["MetricName"]))
        assert seen == {("AWS/Lambda", "Errors"), (NAMESPACE, "CallsFailed")}

    def test_a_new_layer_is_a_new_version(self) -> None:
        for layer in TEMPLATE.of_type("AWS::Serverless::LayerVersion"):
            assert layer.properties["PublishLambdaVersion"] is True, layer.id

    @pytest.mark.parametrize("function", [f for f in FUNCTIONS if "AutoPublishAlias" in f.properties], ids=ids)
    def test_a_parameters_new_value_is_a_new_version(self, function: Resource) -> None:
        """Else `sam deploy` would change $LATEST, and the alias would stay on the version with the old value."""
        part_of_a_version = ("Environment", "MemorySize", "Timeout", "EphemeralStorage", "SnapStart")
        needed = {
            parameter
            for name in part_of_a_version
            for parameter in parameters_in(RAW["Resources"][function.id]["Properties"].get(name, GLOBAL.get(name)))
        } | set(parameters_in(GLOBAL["Environment"]))
        said = RAW["Resources"][function.id]["Properties"]["VersionDescription"]
        assert needed <= set(parameters_in(said))

    @pytest.mark.parametrize("function", [f for f in FUNCTIONS if "AutoPublishAlias" in f.properties], ids=ids)
    def test_the_description_of_a_version_is_never_longer_than_lambda_takes(self, function: Resource) -> None:
        longest = {name: longest_value(declared) for name, declared in RAW["Parameters"].items()}
        assert len(template(longest).resolve(function.properties["VersionDescription"], stand_in)) <= 256


def parameters_in(value: Any) -> Iterator[str]:
    """Names of the parameters that a value depends on, by its conditions too."""
    if isinstance(value, list):
        for item in value:
            yield from parameters_in(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "Ref" and item in RAW["Parameters"]:
                yield item
            elif name == "Fn::Sub":
                yield from (found for found in re.findall(r"\$\{(\w+)\}", str(item)) if found in RAW["Parameters"])
            elif name == "Fn::If":
                yield from parameters_in(RAW["Conditions"][item[0]])
                yield from parameters_in(item[1:])
            elif name == "Condition":
                yield from parameters_in(RAW["Conditions"][item])
            else:
                yield from parameters_in(item)


def longest_value(declared: dict[str, Any]) -> str:
    if "AllowedValues" in declared:
        return max(map(str, declared["AllowedValues"]), key=len)
    if declared["Type"] == "Number":
        return str(declared["MaxValue"])
    return "x" * int(declared.get("MaxLength", 4096))


class TestMetrics:
    """What the code counts is what the operator sees, and no alarm waits for what nobody counts."""

    def test_the_dashboard_shows_what_the_code_counts_and_nothing_else(self) -> None:
        assert {metric[1] for metric in shown() if metric[0] == NAMESPACE} == counted()

    def test_alarms_of_our_own_are_about_what_the_code_counts(self) -> None:
        own = {alarm.properties["MetricName"] for alarm in ALARMS if alarm.properties["Namespace"] == NAMESPACE}
        assert own
        assert own <= counted() | {"CallsFailed"}  # by version: see test_handlers

    def test_every_function_and_every_queue_is_on_the_dashboard(self) -> None:
        assert {metric[3] for metric in shown() if metric[0] == "AWS/Lambda"} == {f"{f.id}.Ref" for f in FUNCTIONS}
        names = {metric[3] for metric in shown() if metric[0] == "AWS/SQS"}
        assert names == {f"{queue.id}.QueueName" for queue in QUEUES}

    def test_stacks_of_one_account_do_not_count_together(self) -> None:
        service = GLOBAL["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        assert service == {"Ref": "AWS::StackName"}
        assert {metric[3] for metric in shown() if metric[0] == NAMESPACE} == {"stack"}
        for alarm in ALARMS:
            if alarm.properties["Namespace"] == NAMESPACE:
                dimensions = alarm.properties["Dimensions"]
                assert dimensions[0] == {"Name": "service", "Value": "stack"}
                assert len(dimensions) == (3 if alarm.id in RELEASE_ALARMS else 1)


def shown() -> list[list[Any]]:
    """The dashboard's metrics: namespace, name, dimension, its value, options."""
    (dashboard,) = OPERATIONS.of_type("AWS::CloudWatch::Dashboard")
    body = json.loads(OPERATIONS.resolve(dashboard.properties["DashboardBody"], stand_in))
    return [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]


def counted() -> set[str]:
    """The names that the code gives to `count`, `milliseconds` and `metrics.add_metric`."""
    files = [path for folder in ("functions", "layers/facesearch") for path in (ROOT / folder).rglob("*.py")]
    calls = r"^.*\b(?:count|milliseconds|metrics\.add_metric)\(.*$"
    lines = [line for path in files for line in re.findall(calls, path.read_text(), re.MULTILINE)]
    return {name for line in lines for name in re.findall('"([A-Z][A-Za-z]+)"', line)}


def test_the_access_log_has_nobodys_address_key_or_path() -> None:
    (api,) = TEMPLATE.of_type("AWS::Serverless::Api")
    line = TEMPLATE.resolve(api.properties["AccessLogSetting"], stand_in)["Format"]
    said = set(re.findall(r"\$context\.([A-Za-z.]+)", line))
    assert said == {
        "requestId", "integration.requestId", "requestTimeEpoch", "httpMethod", "resourcePath", "status",
        "responseLength", "responseLatency", "error.responseType",
    }  # fmt: skip
    line_of_a_request = re.sub(r"\$context\.[A-Za-z.]+", "200", line)
    assert json.loads(line_of_a_request)["status"] == "200"


def test_the_alarm_of_alike_faces_is_where_the_code_finds_them_unusual() -> None:
    (alarm,) = [each for each in ALARMS if each.properties["MetricName"] == "FacesAlike"]
    assert alarm.properties["Threshold"] == ALIKE_TOGETHER
    assert alarm.properties["Statistic"] == "Maximum"


def test_what_tells_a_page_what_went_wrong_and_when_to_come_again_exposes_it() -> None:
    (api,) = TEMPLATE.of_type("AWS::Serverless::Api")
    (firewall,) = EDGE.of_type("AWS::WAFv2::WebACL")
    gateways = api.properties["GatewayResponses"].values()
    responses = [(each.get("StatusCode"), each["ResponseParameters"]["Headers"]) for each in gateways]
    actions = [rule["Action"] for rule in firewall.properties["Rules"] if "Action" in rule]
    blocked = [action["Block"]["CustomResponse"] for action in actions]
    assert [response["ResponseCode"] for response in blocked] == [429]
    responses += [(429, {each["Name"]: each["Value"] for each in response["ResponseHeaders"]}) for response in blocked]
    for status, headers in responses:
        exposed = headers["Access-Control-Expose-Headers"].strip("'").split(",")
        assert set(exposed) == {"Face-Search-Error", "Retry-After"} & headers.keys()
        assert headers["Face-Search-Error"].strip("'") in CODES
        assert ("Retry-After" in headers) is (status == 429)


def test_two_stacks_of_an_account_share_no_layer() -> None:
    layers = TEMPLATE.of_type("AWS::Serverless::LayerVersion")
    names = [TEMPLATE.resolve(layer.properties["LayerName"], stand_in) for layer in layers]
    assert len(set(names)) == len(layers)
    assert all(name.startswith("stack-") for name in names)


class TestTheGuestsPage:
    """Where it is shown, by which headers, and what it may fetch; without CloudFront there is none."""

    WITHOUT: ClassVar[Template] = template({"CloudFront": "false"})

    @staticmethod
    def of(logical_id: str, stack: Template = TEMPLATE) -> Any:
        return stack.resolve(stack.resources[logical_id].properties, stand_in)

    def test_links_and_builds_are_shown_compressed_and_as_long_as_their_files_say(self) -> None:
        distribution = self.of("Distribution")["DistributionConfig"]
        behaviours = {each["PathPattern"]: each for each in distribution["CacheBehaviors"]}
        assert behaviours.keys() == {"/e/*", "/page/*"}
        for behaviour in behaviours.values():
            assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
            assert behaviour["Compress"] is True
            assert behaviour["ResponseHeadersPolicyId"] == "PageHeaders.Ref"
            assert behaviour["CachePolicyId"] == distribution["DefaultCacheBehavior"]["CachePolicyId"]
        assert distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == "RenditionsHeaders.Ref"

    def test_cloudfront_reads_photos_links_and_builds_and_nothing_else_of_the_bucket(self) -> None:
        statements = self.of("RenditionsBucketPolicy")["PolicyDocument"]["Statement"]
        (allowed,) = [each for each in statements if each is not None and each["Effect"] == "Allow"]
        assert allowed["Resource"] == [f"RenditionsBucket.Arn/{prefix}/*" for prefix in ("imgs", "e", "page")]
        assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}

    def test_what_is_missing_is_the_page_of_a_link_that_is_over_for_ten_seconds(self) -> None:
        (missing,) = self.of("Distribution")["DistributionConfig"]["CustomErrorResponses"]
        assert missing == {
            "ErrorCode": 403, "ResponseCode": 404, "ResponsePagePath": f"/{GONE}", "ErrorCachingMinTTL": 10,
        }  # fmt: skip

    def test_a_page_runs_no_script_but_its_own_and_is_in_nobodys_frame(self) -> None:
        config = self.of("PageHeaders")["ResponseHeadersPolicyConfig"]
        security = config["SecurityHeadersConfig"]
        policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
        directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
        none = {"default-src", "base-uri", "form-action", "frame-ancestors"}
        assert {name for name, sources in directives.items() if sources == "'none'"} == none
        assert (directives["script-src"], directives["style-src"]) == ("'self'", "'self'")
        assert "unsafe" not in policy
        assert security["FrameOptions"]["FrameOption"] == "DENY"
        assert security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
        assert all(value["Override"] is True for value in security.values())
        custom = {each["Header"]: each["Value"] for each in config["CustomHeadersConfig"]["Items"]}
        assert custom["Permissions-Policy"].startswith("camera=(self)")
        assert custom["X-Robots-Tag"] == "noindex"
        cors = config["CorsConfig"]
        assert cors["AccessControlAllowOrigins"]["Items"] == ["*"]
        assert cors["AccessControlAllowCredentials"] is False

    def test_the_headers_name_no_api_for_that_would_be_a_cycle(self) -> None:
        """Functions need the distribution's name, and whatever names the API needs the functions."""
        for logical_id in ("PageHeaders", "RenditionsHeaders", "Distribution"):
            assert not TEMPLATE.references(TEMPLATE.resources[logical_id].properties) & {"Api", "SearchFunction"}

    def test_a_page_of_any_origin_may_fetch_an_original_by_its_signed_link_and_see_its_size_and_name(self) -> None:
        (rule,) = self.of("PhotosBucket")["CorsConfiguration"]["CorsRules"]
        assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["*"], ["GET", "HEAD"])
        assert set(rule["ExposedHeaders"]) == {"Content-Length", "Content-Disposition", "ETag"}

    def test_the_stack_says_where_pages_are_if_it_shows_any(self) -> None:
        output = RAW["Outputs"]["PageUrl"]
        assert output["Condition"] == "HasCloudFront"
        assert TEMPLATE.resolve(output["Value"], stand_in) == EVERYTHING["RenditionsBaseUrl"]
        assert PLAIN.resolve(output["Value"], stand_in) == "https://Distribution.DomainName"
        assert not {"PageHeaders", "Distribution"} & self.WITHOUT.resources.keys()
