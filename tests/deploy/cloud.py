"""A stack in MiniStack's CloudFormation and those within it, beside the templates that they were deployed from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from facesearch_local.intrinsics import TemplateError
from facesearch_local.template import Deployment, Resource, Template
from tests.conftest import ROOT

ACCOUNT, REGION = "000000000000", "us-east-1"
PREFIXES = {
    "AWS::DynamoDB::Table": "dynamodb:{place}:table/{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{place}:{name}",
    "AWS::SQS::Queue": "sqs:{place}:{name}",
    "AWS::Lambda::Function": "lambda:{place}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{place}:log-group:{name}:*",
}
"""How an ARN is made of a name; `place` is region:account."""


@dataclass
class Cloud:
    """The account; `deploy` brings the stack to these parameters."""

    endpoint_url: str
    stack: str
    artifacts: str = "artifacts"
    deploy: Callable[[dict[str, str]], None] = field(default=lambda parameters: None)

    def client(self, service: str) -> Any:
        """A boto3 client that knows no other account."""
        config = Config(proxies={}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]

    def deployed(self, parameters: dict[str, str]) -> "Deployed":
        """Deploy, and look at what became of it."""
        self.deploy(parameters)
        template = Template.load(ROOT / "template.yaml", Deployment(self.stack, ACCOUNT, REGION, parameters))
        return self.described(self.stack, template)

    def described(self, stack: str, template: Template) -> "Deployed":
        """A stack as it is now."""
        cloudformation = self.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        found = [summary for page in pages for summary in page["StackResourceSummaries"]]
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        return Deployed(self, template, described["StackStatus"], found, outputs)


@dataclass
class Deployed:
    """A deployed stack: what the template says, resolved with the names that CloudFormation has given."""

    cloud: Cloud
    template: Template
    status: str
    summaries: list[dict[str, Any]]
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def nested(self, logical_id: str) -> "Deployed":
        """The stack within this one."""
        template = self.template.nested(logical_id, self.lookup)
        return self.cloud.described(self.physical[logical_id], template)

    @cached_property
    def physical(self) -> dict[str, str]:
        """Physical id by logical id."""
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in self.summaries}

    @cached_property
    def types(self) -> dict[str, str]:
        """Type by logical id, after SAM's transform."""
        return {each["LogicalResourceId"]: each["ResourceType"] for each in self.summaries}

    def of_type(self, kind: str) -> list[tuple[str, Resource, dict[str, Any]]]:
        """The template's resources of a type: physical id, the resource, its properties without intrinsic functions."""
        return [
            (self.physical[resource.id], resource, self.template.resolve(_made(resource), self.lookup))
            for resource in self.template.of_type(kind)
        ]

    def lookup(self, logical_id: str, attribute: str) -> Any:
        """Ref and GetAtt by what was really made; an attribute that only MiniStack could tell is a mark of its own."""
        if logical_id not in self.physical:
            return self._made_by_sam(logical_id)
        name = self.physical[logical_id]
        if attribute == "Ref":
            return name
        if attribute in ("Arn", "TopicArn") and self.types[logical_id] in PREFIXES:
            return name if name.startswith("arn:") else _arn(self.types[logical_id], name)
        if attribute == "QueueName":
            return name.rpartition("/")[2]
        return f"<{logical_id}.{attribute}>"

    def _made_by_sam(self, logical_id: str) -> str:
        """What the template knows by another name than CloudFormation."""
        resource, _, part = logical_id.partition(".")
        if part == "Stage":
            return str(self.template.resources[resource].properties["StageName"])
        if part == "Alias":
            return self.physical[f"{resource}Alias{self.template.resources[resource].properties['AutoPublishAlias']}"]
        if self.template.resources[resource].type == "AWS::Serverless::LayerVersion":
            return next(id_ for each, id_ in self.physical.items() if each.startswith(resource))
        raise TemplateError(f"{logical_id} was not made")


def _arn(kind: str, name: str) -> str:
    bare = name.rpartition("/")[2] if "://" in name else name
    return "arn:aws:" + PREFIXES[kind].format(place=f"{REGION}:{ACCOUNT}", name=bare)


def _made(resource: Resource) -> dict[str, Any]:
    """The properties that MiniStack makes something of: CodeDeploy's are not (see conftest's `HERE`)."""
    return {name: value for name, value in resource.properties.items() if name != "DeploymentPreference"}
