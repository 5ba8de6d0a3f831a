"""Tables, buckets, queues and keys of the template, made in the store: its properties are boto3's, almost 1:1.

A property or a type that is on neither list is an error, so that the local stack cannot silently lack something.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from typing import Any

from facesearch_local.clients import Clients
from facesearch_local.intrinsics import TemplateError
from facesearch_local.template import Resource, Template

# What matters on AWS only: delivery, permissions, logs, alarms; and nested stacks, which hold no more than such things.
IGNORED_TYPES = {
    "AWS::ApiGateway::Account",
    "AWS::CloudFormation::Stack",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
}
# Read by functions.py.
SERVERLESS_TYPES = {"AWS::Serverless::Api", "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}

TABLE_PROPERTIES = {
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "VectorIndexes",
}
TABLE_IGNORED = {"DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification", "Tags"}
QUEUE_ATTRIBUTES = {
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
}
KEY_IGNORED = {"KeyPolicy", "PendingWindowInDays", "Tags"}
BUCKET_IGNORED = {"BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration", "Tags"}


class Resources:
    """The template's resources in a store; also resolves Ref and GetAtt for them."""

    def __init__(self, template: Template, clients: Clients) -> None:
        self._template = template
        self._dynamodb, self._s3, self._sqs, self._kms = clients.dynamodb, clients.s3, clients.sqs, clients.kms
        self._known: dict[str, dict[str, Any]] = {
            function.id: static_attributes(template, function.id)
            for function in template.of_type("AWS::Serverless::Function")
        }
        self._makers: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
            "AWS::DynamoDB::Table": self._make_table,
            "AWS::KMS::Key": self._make_key,
            "AWS::S3::Bucket": self._make_bucket,
            "AWS::SQS::Queue": self._make_queue,
        }

    def create(self) -> None:
        """Make what is missing, in the order of the references; what exists already is kept.

        Raises:
            TemplateError: a type or property that the local stack does not know.
        """
        made = {id_: resource for id_, resource in self._template.resources.items() if self._is_made(resource)}
        order = TopologicalSorter(
            {
                id_: (self._template.references(_used(resource)) | set(resource.depends_on)) & made.keys()
                for id_, resource in made.items()
            }
        )
        for logical_id in order.static_order():
            resource = made[logical_id]
            properties = self._template.resolve(_used(resource), self.lookup)
            self._known[logical_id] = self._makers[resource.type](logical_id, properties)

    def lookup(self, logical_id: str, attribute: str) -> Any:
        """The value of a Ref ("Ref") or of a GetAtt."""
        attributes = self._known.get(logical_id)
        if attributes is None:
            raise TemplateError(f"the local stack has no resource {logical_id}")
        if attribute not in attributes:
            raise TemplateError(f"the local stack does not know {logical_id}.{attribute}")
        return attributes[attribute]

    def names(self) -> Mapping[str, str]:
        """Logical id -> name of every table, bucket and queue."""
        return {logical_id: str(attributes["Ref"]) for logical_id, attributes in self._known.items()}

    def _name(self, logical_id: str) -> str:
        return str(static_attributes(self._template, logical_id)["Name"])

    def _is_made(self, resource: Resource) -> bool:
        if resource.type in self._makers:
            return True
        if resource.type in IGNORED_TYPES | SERVERLESS_TYPES:
            return False
        raise TemplateError(f"{resource.id}: the local stack does not know the type {resource.type}")

    def _make_table(self, logical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        name = properties.pop("TableName", f"{self._template.deployment.stack}-{logical_id}")
        expiry = properties.pop("TimeToLiveSpecification", None)
        _refuse_unknown(logical_id, properties, TABLE_PROPERTIES)
        with contextlib.suppress(self._dynamodb.exceptions.ResourceInUseException):
            self._dynamodb.create_table(TableName=name, **properties)
        self._dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        if expiry is not None:
            status = self._dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
            if status == "DISABLED":
                self._dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
        return {"Ref": name, "Arn": self._dynamodb.describe_table(TableName=name)["Table"]["TableArn"]}

    def _make_queue(self, logical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        name = self._name(logical_id)
        properties.pop("QueueName", None)
        _refuse_unknown(logical_id, properties, QUEUE_ATTRIBUTES)
        attributes: Any = {key: _attribute(value) for key, value in properties.items()}
        try:
            url = self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        except self._sqs.exceptions.QueueNameExists:  # with other attributes: the template has changed
            url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            attributes.pop("FifoQueue", None)  # cannot be changed, and has not
            self._sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return {"Ref": url, "QueueUrl": url, "Arn": arn, "QueueName": name}

    def _make_bucket(self, logical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        deployment = self._template.deployment
        name = self._name(logical_id)
        properties.pop("BucketName", None)
        lifecycle = properties.pop("LifecycleConfiguration", None)
        notifications = properties.pop("NotificationConfiguration", None)
        cors = properties.pop("CorsConfiguration", None)
        _refuse_unknown(logical_id, properties, set())
        # S3 takes a location for every region but its first.
        place: Any = {"CreateBucketConfiguration": {"LocationConstraint": deployment.region}}
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
            self._s3.create_bucket(Bucket=name, **({} if deployment.region == "us-east-1" else place))
        if lifecycle is not None:
            rules: Any = [_lifecycle_rule(logical_id, rule) for rule in lifecycle["Rules"]]
            self._s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
        if cors is not None:
            cors_rules: Any = [_cors_rule(logical_id, rule) for rule in cors["CorsRules"]]
            self._s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": cors_rules})
        if notifications is not None:
            self._s3.put_bucket_notification_configuration(
                Bucket=name, NotificationConfiguration=_notifications(logical_id, notifications)
            )
        host = f"{name}.s3.amazonaws.com"
        return {"Ref": name, "Arn": f"arn:aws:s3:::{name}", "DomainName": host, "RegionalDomainName": host}

    def _make_key(self, logical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        """A key has no name to be found by after a restart: an alias gives it one."""
        rotates = properties.pop("EnableKeyRotation", False)
        _refuse_unknown(logical_id, properties, {"Description"})
        alias = f"alias/{self._template.deployment.stack}-{logical_id}"
        try:
            key = self._kms.describe_key(KeyId=alias)["KeyMetadata"]
        except self._kms.exceptions.NotFoundException:
            key = self._kms.create_key(**properties)["KeyMetadata"]
            self._kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
        if rotates:
            self._kms.enable_key_rotation(KeyId=key["KeyId"])
        return {"Ref": key["KeyId"], "Arn": key["Arn"]}


def _used(resource: Resource) -> dict[str, Any]:
    """The properties that matter locally, so that the others need not resolve."""
    ignored = {
        "AWS::DynamoDB::Table": TABLE_IGNORED,
        "AWS::KMS::Key": KEY_IGNORED,
        "AWS::S3::Bucket": BUCKET_IGNORED,
        "AWS::SQS::Queue": {"Tags"},
    }
    return {name: value for name, value in resource.properties.items() if name not in ignored[resource.type]}


def _refuse_unknown(logical_id: str, properties: Mapping[str, Any], known: set[str]) -> None:
    if unknown := properties.keys() - known:
        raise TemplateError(f"{logical_id}: the local stack does not know {', '.join(sorted(unknown))}")


def _attribute(value: Any) -> str:
    """SQS takes every attribute as a string, policies as JSON."""
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lifecycle_rule(logical_id: str, rule: dict[str, Any]) -> dict[str, Any]:
    _refuse_unknown(logical_id, rule, {"Id", "Status", "Prefix", "ExpirationInDays", "AbortIncompleteMultipartUpload"})
    translated: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        translated["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        translated["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in rule:
        translated["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return translated


def _cors_rule(logical_id: str, rule: dict[str, Any]) -> dict[str, Any]:
    names = {"MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders", "Id": "ID"}
    _refuse_unknown(logical_id, rule, {*names, "AllowedHeaders", "AllowedMethods", "AllowedOrigins"})
    return {names.get(name, name): value for name, value in rule.items()}


def _notifications(logical_id: str, configuration: dict[str, Any]) -> Any:
    _refuse_unknown(logical_id, configuration, {"QueueConfigurations"})
    queues = []
    for queue in configuration.get("QueueConfigurations", ()):
        translated: dict[str, Any] = {"QueueArn": queue["Queue"], "Events": [queue["Event"]]}
        if "Filter" in queue:
            translated["Filter"] = {"Key": {"FilterRules": queue["Filter"]["S3Key"]["Rules"]}}
        queues.append(translated)
    return {"QueueConfigurations": queues}


def static_attributes(template: Template, logical_id: str) -> dict[str, Any]:
    """What is known of a table, bucket, queue or function before it is made; "Name" is what it is called by.

    Raises:
        TemplateError: there is no such resource, or it is of another type.
    """
    resource = template.resources.get(logical_id)
    deployment = template.deployment
    place = f"{deployment.region}:{deployment.account}"
    named = f"{deployment.stack}-{logical_id}"
    match resource.type if resource else None:
        case "AWS::Serverless::Function":
            return {"Name": named, "Ref": named, "Arn": f"arn:aws:lambda:{place}:function:{named}"}
        case "AWS::DynamoDB::Table":
            name = _own_name(template, logical_id, "TableName") or named
            return {"Name": name, "Ref": name, "Arn": f"arn:aws:dynamodb:{place}:table/{name}"}
        case "AWS::S3::Bucket":
            name = (_own_name(template, logical_id, "BucketName") or f"{named}-{deployment.account}").lower()
            return {"Name": name, "Ref": name, "Arn": f"arn:aws:s3:::{name}"}
        case "AWS::SQS::Queue":
            suffix = ".fifo" if template.resources[logical_id].properties.get("FifoQueue") else ""
            name = _own_name(template, logical_id, "QueueName") or f"{named}{suffix}"
            return {"Name": name, "QueueName": name, "Arn": f"arn:aws:sqs:{place}:{name}"}
        case "AWS::KMS::Key":
            return {"Name": named, "Arn": f"arn:aws:kms:{place}:key/x"}
    raise TemplateError(f"{logical_id} is no table, bucket, queue or function")


def _own_name(template: Template, logical_id: str, property_: str) -> str | None:
    """The name that the template gives by itself, which cannot depend on another resource."""
    given = template.resources[logical_id].properties.get(property_)
    return None if given is None else str(template.resolve(given, _nothing))


def _nothing(logical_id: str, attribute: str) -> Any:
    raise TemplateError(f"a name cannot depend on {logical_id}.{attribute}")
