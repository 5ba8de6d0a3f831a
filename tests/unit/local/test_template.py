from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from facesearch_local.functions import QueueSource, Route, functions_of
from facesearch_local.intrinsics import Resolver, TemplateError
from facesearch_local.template import Deployment, Template

TOY = """
Parameters:
  Days: {Type: Number, Default: 3, AllowedValues: [0, 3]}
  Name: {Type: String, Default: ""}
Conditions:
  Keeps: !Not [!Equals [!Ref Days, 0]]
  Named: !Not [!Equals [!Ref Name, ""]]
  Both: !And [!Condition Keeps, !Condition Named]
Globals:
  Function:
    Handler: app.handler
    Timeout: 9
    Layers: [!Ref Shared]
    Environment: {Variables: {TABLE: !Ref Table, STAGE: global}}
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  Queue: {Type: AWS::SQS::Queue}
  Dropped: {Type: AWS::SQS::Queue, Condition: Named}
  Shared: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: live}}
  GreetFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: code
      MemorySize: !If [Keeps, 512, !GetAtt Nowhere.Arn]
      Environment: {Variables: {STAGE: own, DAYS: !Ref Days, FLAG: true}}
      Events:
        Call: {Type: Api, Properties: {Path: "/greet/{name}", Method: get, RestApiId: !Ref Api}}
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
            MaximumBatchingWindowInSeconds: 2
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Version: 2012-10-17}}
"""


def lookup(logical_id: str, attribute: str) -> Any:
    if logical_id in ("Nowhere", "Api"):
        raise TemplateError(f"there is no {logical_id}")
    return f"{logical_id}.{attribute}"


def template_of(tmp_path: Path, text: str = TOY, **parameters: str) -> Template:
    for folder in ("code", "layer"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / "template.yaml").write_text(text)
    return Template.load(tmp_path / "template.yaml", Deployment("stack", "000000000000", "us-east-1", parameters))


def test_given_globals_when_read_then_a_function_has_them_unless_it_says_otherwise(tmp_path: Path) -> None:
    (function,) = functions_of(template_of(tmp_path), lookup)
    assert (function.name, function.handler, function.timeout, function.memory) == ("greet", "app.handler", 9, 512)
    assert function.environment == {"TABLE": "Table.Ref", "STAGE": "own", "DAYS": "3", "FLAG": "true"}
    assert function.import_path == (tmp_path / "layer",)


def test_given_events_when_read_then_they_are_routes_and_queues(tmp_path: Path) -> None:
    (function,) = functions_of(template_of(tmp_path), lookup)
    assert function.routes == (Route("GET", "/greet/{name}", "greet"),)
    assert function.queues == (QueueSource("Queue.Arn", 10, 2.0, reports_failures=True, concurrency=2),)


def test_given_a_condition_that_does_not_hold_when_read_then_the_resource_is_not_there(tmp_path: Path) -> None:
    assert "Dropped" not in template_of(tmp_path).resources
    assert "Dropped" in template_of(tmp_path, Name="x").resources


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [({"Nope": "1"}, "no parameter Nope"), ({"Days": "x"}, "must be a number"), ({"Days": "1"}, "must be one of 0, 3")],
)
def test_given_a_parameter_that_does_not_fit_when_read_then_it_is_refused(
    tmp_path: Path, parameters: dict[str, str], complaint: str
) -> None:
    with pytest.raises(TemplateError, match=complaint):
        template_of(tmp_path, **parameters)


RESOLVER = Resolver({"Name": "x", "Zero": 0, "AWS::Region": "here"}, {"Yes": {"Fn::Equals": ["a", "a"]}})


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Name"}, "x"),
        ({"Ref": "Table"}, "Table.Ref"),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "Table.Arn"),
        ({"Fn::GetAtt": "Table.Arn"}, "Table.Arn"),
        ({"Fn::Sub": "${Name}-${Table.Arn}-${Table}-${AWS::Region}-${!Kept}"}, "x-Table.Arn-Table.Ref-here-${Kept}"),
        ({"Fn::Sub": ["${own}${Name}", {"own": {"Ref": "Zero"}}]}, "0x"),
        ({"Fn::If": ["Yes", 1, {"Fn::GetAtt": ["Nowhere", "Arn"]}]}, 1),
        ([{"Ref": "AWS::NoValue"}, 2], [2]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ({"Fn::Join": ["/", ["a", {"Ref": "Name"}]]}, "a/x"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [1, {"Fn::Split": ["://", "https://host"]}]}, "host"),
        ({"Fn::Or": [{"Fn::Equals": [{"Ref": "Zero"}, "0"]}, {"Condition": "Yes"}]}, True),
        ({"Fn::And": [{"Condition": "Yes"}, {"Fn::Not": [{"Condition": "Yes"}]}]}, False),
    ],
)
def test_when_an_intrinsic_function_is_resolved_then_it_is_as_in_cloudformation(value: Any, resolved: Any) -> None:
    assert RESOLVER.resolve(value, lookup) == resolved


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::ImportValue": "x"},
        {"Fn::GetAtt": "NoDot"},
        {"Fn::Select": [5, ["a"]]},
        {"Fn::If": ["Unknown", 1, 2]},
        {"Fn::Equals": ["one"]},
        {"Ref": "Nowhere"},
    ],
)
def test_given_what_cannot_be_resolved_when_resolved_then_it_is_an_error(value: Any) -> None:
    with pytest.raises(TemplateError):
        RESOLVER.resolve(value, lookup)


def test_given_a_nested_stack_when_read_then_it_has_the_parameters_that_the_one_around_it_gives(tmp_path: Path) -> None:
    nested = """
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: inner.yaml, Parameters: {Queue: !GetAtt Queue.QueueName, Days: !Ref Days}}
"""
    inner = tmp_path / "inner.yaml"
    declared = "Parameters: {Days: {Type: Number}, Queue: {Type: String}}"
    inner.write_text(f"{declared}\nResources: {{A: {{Type: B, Properties: {{Q: !Ref Queue}}}}}}")
    template = template_of(tmp_path, TOY + nested).nested("Inner", lookup)
    assert template.resolve(template.resources["A"].properties, lookup) == {"Q": "Queue.QueueName"}
    assert template.parameters(["Days"]) == {"Days": "3"}
    inner.write_text("Parameters: {Days: {Type: Number}}")
    with pytest.raises(TemplateError, match="no parameter Queue"):
        template_of(tmp_path, TOY + nested).nested("Inner", lookup)
