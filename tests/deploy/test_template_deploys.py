"""The template creates, updates and deletes: `sam deploy` against MiniStack's CloudFormation, then what boto3 sees.

The tests follow the stack's life and run in this order. What they expect is read from template.yaml with the names that
CloudFormation has given, so a new queue, table, function or alarm is checked without a new test. MiniStack 1.5.33 drops
times to live, point-in-time recovery, lifecycles of buckets and the gateway's own responses.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from facesearch.records import image_id_of_bytes
from facesearch_cli.app import run
from tests.deploy.cloud import Cloud, Deployed
from tools.build_sizes import main as weigh

SAM_NAMES = {
    "AWS::Serverless::Api": "AWS::ApiGateway::RestApi",
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::LayerVersion": "AWS::Lambda::LayerVersion",
}
MANAGED = ("AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole")
"""What SAM adds to a function's own statements: its log, and reading from its event source."""


def same(expected: Any, actual: Any) -> bool:
    """Whether a property is what the template says: numbers may have become text, and `<Id.Attribute>` is whatever
    CloudFormation has made up."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(same(value, actual[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    wanted = str(expected).lower() if isinstance(expected, bool) else str(expected)
    given = str(actual).lower() if isinstance(actual, bool) else str(actual)
    return re.fullmatch(re.sub(r"<\w+\\?\.\w+>", ".+", re.escape(wanted)), given) is not None


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# ------------------------------------------------------------------ built


def test_the_build_for_lambda_is_within_every_functions_budget(arm64: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weigh(arm64) == 0, capsys.readouterr().err


# ------------------------------------------------------------------ created


def test_every_resource_of_the_template_is_made(created: Deployed) -> None:
    assert created.status == "CREATE_COMPLETE"
    assert {each["ResourceStatus"] for each in created.summaries} == {"CREATE_COMPLETE"}
    made = {(each["LogicalResourceId"], each["ResourceType"]) for each in created.summaries}
    for resource in created.template.resources.values():
        kind = SAM_NAMES.get(resource.type, resource.type)
        if kind == "AWS::Lambda::LayerVersion":  # SAM adds a digest of the content to its name
            assert any(id_.startswith(resource.id) and type_ == kind for id_, type_ in made), resource.id
        else:
            assert (resource.id, kind) in made


def test_tables_have_the_keys_the_indexes_and_the_billing_of_the_template(created: Deployed) -> None:
    tables = created.of_type("AWS::DynamoDB::Table")
    assert tables
    for name, _, wanted in tables:
        table = created.client("dynamodb").describe_table(TableName=name)["Table"]
        assert table["KeySchema"] == wanted["KeySchema"]
        assert table["BillingModeSummary"]["BillingMode"] == wanted["BillingMode"]
        assert same(wanted.get("DeletionProtectionEnabled", False), table["DeletionProtectionEnabled"])
        assert sorted(map(str, table["AttributeDefinitions"])) == sorted(map(str, wanted["AttributeDefinitions"]))
        indexes = [
            {part: index[part] for part in ("IndexName", "KeySchema", "Projection")}
            for index in table.get("LocalSecondaryIndexes", [])
        ]
        assert indexes == wanted.get("LocalSecondaryIndexes", [])


def test_time_to_live_is_taken_by_the_service_itself(created: Deployed) -> None:
    # CloudFormation here ignores it, so the same words are said to DynamoDB: a wrong attribute or shape would not pass
    dynamodb = created.client("dynamodb")
    tables = [
        (name, wanted.get("TimeToLiveSpecification")) for name, _, wanted in created.of_type("AWS::DynamoDB::Table")
    ]
    assert any(wanted for _, wanted in tables)
    for name, wanted in tables:
        if wanted:
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
            found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            assert found["AttributeName"] == wanted["AttributeName"]


def test_queues_have_every_attribute_of_the_template_dead_letters_included(created: Deployed) -> None:
    queues = created.of_type("AWS::SQS::Queue")
    assert queues
    for url, resource, wanted in queues:
        found = created.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for name, value in wanted.items():
            if name in ("QueueName", "Tags"):
                continue
            actual = json.loads(found[name]) if isinstance(value, dict) else found.get(name)
            assert same(value, actual), f"{resource.id}.{name}: {actual} instead of {value}"


def test_policies_of_queues_and_buckets_say_what_the_template_says(created: Deployed) -> None:
    for _, resource, wanted in created.of_type("AWS::SQS::QueuePolicy"):
        for url in wanted["Queues"]:
            found = created.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
            assert same(wanted["PolicyDocument"], json.loads(found["Policy"])), resource.id
    for _, resource, wanted in created.of_type("AWS::S3::BucketPolicy"):
        policy = created.client("s3").get_bucket_policy(Bucket=wanted["Bucket"])["Policy"]
        assert same(wanted["PolicyDocument"], json.loads(policy)), resource.id


def test_queues_call_their_functions_as_the_template_says(created: Deployed) -> None:
    checked = 0
    for name, resource, wanted in created.of_type("AWS::Serverless::Function"):
        for event in wanted.get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            source = event["Properties"]
            mappings = created.client("lambda").list_event_source_mappings(EventSourceArn=source["Queue"])
            (found,) = mappings["EventSourceMappings"]
            assert f":function:{name}" in found["FunctionArn"], resource.id
            assert found["State"] == "Enabled"
            assert found["BatchSize"] == source.get("BatchSize", 10)
            assert found["MaximumBatchingWindowInSeconds"] == source.get("MaximumBatchingWindowInSeconds", 0)
            assert found["FunctionResponseTypes"] == source.get("FunctionResponseTypes", [])
            assert same(source.get("ScalingConfig", {}), found.get("ScalingConfig", {}))
            checked += 1
    assert checked


def test_schedules_call_their_functions(created: Deployed) -> None:
    events = created.client("events")
    for name, resource, wanted in created.of_type("AWS::Serverless::Function"):
        for event_id, event in wanted.get("Events", {}).items():
            if event["Type"] == "Schedule":
                rule = created.physical[f"{resource.id}{event_id}"]
                assert events.describe_rule(Name=rule)["ScheduleExpression"] == event["Properties"]["Schedule"]
                (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
                assert f":function:{name}" in target["Arn"]


def test_buckets_are_private_encrypted_and_announce_as_the_template_says(created: Deployed) -> None:
    s3 = created.client("s3")
    buckets = created.of_type("AWS::S3::Bucket")
    assert buckets
    for name, resource, wanted in buckets:
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert block == wanted["PublicAccessBlockConfiguration"], resource.id
        (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        (given,) = wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ApplyServerSideEncryptionByDefault"] == given["ServerSideEncryptionByDefault"]
        announced = wanted.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        found = s3.get_bucket_notification_configuration(Bucket=name).get("QueueConfigurations", [])
        wished = [(each["Queue"], [each["Event"]]) for each in announced]
        assert [(each["QueueArn"], each["Events"]) for each in found] == wished
        if "CorsConfiguration" in wanted:
            origins = [each["AllowedOrigins"] for each in wanted["CorsConfiguration"]["CorsRules"]]
            assert [each["AllowedOrigins"] for each in s3.get_bucket_cors(Bucket=name)["CORSRules"]] == origins


def test_functions_have_the_limits_the_layers_and_the_environment_of_the_template(created: Deployed) -> None:
    functions = created.of_type("AWS::Serverless::Function")
    assert functions
    for name, resource, wanted in functions:
        found = created.client("lambda").get_function_configuration(FunctionName=name)
        for property_ in ("Runtime", "Handler", "Timeout", "MemorySize", "Architectures"):
            assert same(wanted[property_], found[property_]), f"{resource.id}.{property_}"
        assert len(found["Layers"]) == len(wanted["Layers"])
        assert same(wanted["Environment"]["Variables"], found["Environment"]["Variables"]), (
            resource.id, wanted["Environment"]["Variables"], found["Environment"]["Variables"],
        )  # fmt: skip


def test_a_functions_role_allows_what_the_template_says_and_no_more(created: Deployed) -> None:
    iam = created.client("iam")
    for _, resource, wanted in created.of_type("AWS::Serverless::Function"):
        role = created.physical[f"{resource.id}Role"]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in sorted(names)]
        documents = [policy for policy in listed(wanted.get("Policies", [])) if isinstance(policy, dict)]
        assert len(found) == len(documents), resource.id
        for document, policy in zip(documents, found, strict=True):
            assert same(document["Statement"], policy["Statement"]), (resource.id, document, policy)
        policies = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        attached = {policy["PolicyName"] for policy in policies}
        named = {policy.rpartition("/")[2] for policy in listed(wanted.get("Policies", [])) if isinstance(policy, str)}
        tracing = {"AWSXRayDaemonWriteAccess"} if wanted.get("Tracing") == "Active" else set()
        assert attached <= {*MANAGED, *named, *tracing}, resource.id


def test_the_api_has_every_route_and_throttle_of_the_template(created: Deployed) -> None:
    gateway = created.client("apigateway")
    ((api, _, wanted),) = created.of_type("AWS::Serverless::Api")
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    found = {(method, each["path"]) for page in pages for each in page["items"] for method in each["resourceMethods"]}
    routes = {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
        for _, _, function in created.of_type("AWS::Serverless::Function")
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api"
    }
    assert routes <= found
    assert gateway.get_rest_api(restApiId=api)["binaryMediaTypes"] == wanted["BinaryMediaTypes"]
    settings = gateway.get_stage(restApiId=api, stageName=wanted["StageName"])["methodSettings"]
    for setting in wanted["MethodSettings"]:
        path = "*" if setting["ResourcePath"] == "/*" else setting["ResourcePath"]
        admitted = settings[f"{path}/{setting['HttpMethod']}"]
        assert admitted["throttlingRateLimit"] == setting["ThrottlingRateLimit"]
        assert admitted["throttlingBurstLimit"] == setting["ThrottlingBurstLimit"]


def test_log_groups_are_kept_as_long_as_the_template_says(created: Deployed) -> None:
    for name, resource, wanted in created.of_type("AWS::Logs::LogGroup"):
        groups = created.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        (found,) = [group for group in groups if group["logGroupName"] == name]
        assert found["retentionInDays"] == int(wanted["RetentionInDays"]), resource.id


def test_alarms_watch_what_the_templates_say(created: Deployed) -> None:
    operations = created.nested("Operations")
    alarms = operations.of_type("AWS::CloudWatch::Alarm")
    assert alarms
    for name, resource, wanted in alarms:  # by the names that main gave
        (found,) = operations.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert found["Dimensions"] == wanted["Dimensions"], resource.id
    for name, resource, wanted in [*alarms, *created.of_type("AWS::CloudWatch::Alarm")]:
        (found,) = created.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        for property_ in ("Namespace", "MetricName", "Threshold", "ComparisonOperator", "EvaluationPeriods"):
            if property_ in wanted:
                assert same(wanted[property_], _number(found[property_])), f"{resource.id}.{property_}"


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def test_the_command_line_works_on_the_stack_by_its_outputs(
    created: Deployed,
    cloud: Cloud,
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)

    def facesearch(*arguments: object) -> Any:
        code = run(["--stack", cloud.stack, *map(str, arguments), "--json"])
        said = capsys.readouterr()
        assert code == 0, said.err
        return json.loads(said.out)

    # Given an organisation with a key and an event
    org_id = facesearch("org", "create", "Marathon Photos")["org_id"]
    facesearch("key", "create", "--org", org_id)
    event_id = facesearch("event", "create", "Marathon", "--org", org_id)["event_id"]
    # When a photo is uploaded into it
    shutil.copy(samples / "biden.jpg", tmp_path)
    uploaded = facesearch("photos", "upload", tmp_path, "--event", event_id)
    # Then it lies in the stack's bucket, and the bucket has told the queue
    image_id = str(image_id_of_bytes(event_id, (samples / "biden.jpg").read_bytes()))
    assert [photo["image_id"] for photo in uploaded["photos"]] == [image_id]
    bucket = created.outputs["PhotosBucket"]
    (stored,) = cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{org_id}/{event_id}/")["Contents"]
    assert image_id in stored["Key"]
    waiting = cloud.client("sqs").get_queue_attributes(
        QueueUrl=created.outputs["UploadsQueueUrl"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    assert sum(map(int, waiting.values())) >= 1
    # And the keys and events are the organisation's own
    assert len(facesearch("key", "list", "--org", org_id)["keys"]) == 1
    events = facesearch("event", "list", "--org", org_id)["events"]
    assert [event["event_id"] for event in events] == [event_id]


# ------------------------------------------------------------------ updated


def test_an_update_changes_what_its_parameters_change_and_keeps_the_data(created: Deployed, updated: Deployed) -> None:
    assert updated.status == "UPDATE_COMPLETE"
    orders = updated.lookup("SearchJobsQueue", "Arn")
    (source,) = updated.client("lambda").list_event_source_mappings(EventSourceArn=orders)["EventSourceMappings"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 4}
    search = updated.client("lambda").get_function_configuration(FunctionName=updated.physical["SearchFunction"])
    assert search["MemorySize"] == 5307
    for name, _, wanted in updated.of_type("AWS::Logs::LogGroup"):
        (found, *_) = updated.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        assert (found["retentionInDays"], int(wanted["RetentionInDays"])) == (7, 7)
    lasting = [resource.id for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue")
               for resource in created.template.of_type(kind)]  # fmt: skip
    assert {id_: created.physical[id_] for id_ in lasting} == {id_: updated.physical[id_] for id_ in lasting}
    assert updated.outputs.items() >= {**created.outputs, "ApiUrl": "https://faces.example.com"}.items()
    assert updated.physical["FacesTable"] == updated.outputs["FacesTableName"]
    table = updated.client("dynamodb").scan(TableName=updated.outputs["TableName"], Select="COUNT")
    assert table["Count"] >= 3  # the organisation, its key, its event


def test_an_update_changes_the_stacks_within_and_adds_those_that_were_not_asked_for(
    created: Deployed, updated: Deployed
) -> None:
    assert not {"Edge", "Http"} & created.physical.keys()
    operations, edge, http = (updated.nested(each) for each in ("Operations", "Edge", "Http"))
    for stack in (operations, edge, http):
        assert stack.physical.keys() == stack.template.resources.keys()
    topic = operations.physical["AlarmTopic"]
    (subscription,) = updated.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "operator@example.com")
    assert updated.outputs["ApiDomainTarget"] == edge.outputs["ApiDomainTarget"]


def test_an_http_api_takes_the_rest_api_s_place(updated: Deployed) -> None:
    http, gateway = updated.nested("Http"), updated.client("apigatewayv2")
    api = http.physical["Api"]
    called = {each["IntegrationId"]: each for each in gateway.get_integrations(ApiId=api)["Items"]}
    assert {each["PayloadFormatVersion"] for each in called.values()} == {"1.0"}
    found = {
        route["RouteKey"]: called[route["Target"].removeprefix("integrations/")]["IntegrationUri"]
        for route in gateway.get_routes(ApiId=api)["Items"]
    }
    assert found["POST /api/v1/ext/{org_id}/event/{event_id}/faces"] == updated.physical["SearchFunctionAliaslive"]
    assert found["$default"] == updated.physical["ResultsFunctionAliaslive"]
    assert found.keys() == {each["RouteKey"] for _, _, each in http.of_type("AWS::ApiGatewayV2::Route")}
    (mapping,) = gateway.get_api_mappings(DomainName="faces.example.com")["Items"]
    assert (mapping["ApiId"], mapping["Stage"]) == (api, "$default")


# ------------------------------------------------------------------ deleted


def test_a_deletion_keeps_the_photos_and_the_table_and_nothing_else(cloud: Cloud, updated: Deployed) -> None:
    cloudformation, s3 = cloud.client("cloudformation"), cloud.client("s3")
    # Given everything that the template says must outlive the stack
    text = json.loads(json.dumps(cloudformation.get_template(StackName=cloud.stack)["TemplateBody"]))
    document = text if isinstance(text, dict) else json.loads(text)
    kept = {id_ for id_, body in document["Resources"].items() if body.get("DeletionPolicy", "").startswith("Retain")}
    assert {"PhotosBucket", "Table"} <= kept
    # When the stack is deleted
    cloudformation.delete_stack(StackName=cloud.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=cloud.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    # Then those are there, and no other table, bucket, queue, function or role
    tables = {updated.physical[each.id] for each in updated.template.of_type("AWS::DynamoDB::Table") if each.id in kept}
    buckets = {updated.physical[each.id] for each in updated.template.of_type("AWS::S3::Bucket") if each.id in kept}
    # (of this stack: the built functions' tests keep theirs in the same store).
    left = [name for name in cloud.client("dynamodb").list_tables()["TableNames"] if cloud.stack in name]
    assert set(left) == tables
    assert {each["Name"] for each in s3.list_buckets()["Buckets"] if cloud.stack in each["Name"]} == buckets
    assert [url for url in cloud.client("sqs").list_queues().get("QueueUrls", []) if cloud.stack in url] == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    roles = {role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"] if cloud.stack in role["RoleName"]}
    assert roles == {
        updated.physical[each.id] for each in updated.template.of_type("AWS::IAM::Role") if each.id in kept
    }
