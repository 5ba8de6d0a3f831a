"""Notes which permissions the AWS calls of this process need, to be compared with its function's policy.

Python imports a `sitecustomize` by itself before everything else; this one is on a worker's path only while a run is
recorded (`python -m facesearch_local --record-calls FOLDER`). One line for each new need, `["s3:GetObject",
"bucket/uploads/x"]`: names of tables, indexes, buckets and queues, and of a key its first folder at most.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = "FACESEARCH_RECORD_CALLS"
"""The environment variable that names the folder; there is one file a function in it."""

_ADDRESS_OF_FORM = "CreateBucket"
"""What botocore pretends to call for the address of an upload form. None of ours makes a bucket."""

Need = tuple[str, str]
"""An IAM action, and what it is done to: an ARN's last part."""

_TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_OBJECT_ACTIONS = {  # where the action is not called as the operation is
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadObject": "GetObject",
    "UploadPart": "PutObject",
}
_BUCKET_ACTIONS = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
}


def needs(service: str, operation: str, parameters: Mapping[str, Any]) -> Iterator[Need]:
    """What a call needs. The resource is `*` for a service that this does not know."""
    if service == "dynamodb":
        yield from _of_dynamodb(operation, parameters)
    elif service == "s3":
        yield from _of_s3(operation, parameters)
    elif service == "sqs":
        yield f"sqs:{operation.removesuffix('Batch')}", parameters["QueueUrl"].rpartition("/")[2]
    elif service == "kms":  # there is one key, which has no name
        yield f"kms:{operation}", "key/x"
    elif service == "rekognition" and "CollectionId" in parameters:
        yield f"rekognition:{operation}", f"collection/{parameters['CollectionId']}"
    else:
        yield f"{service}:{operation}", "*"


def _of_dynamodb(operation: str, parameters: Mapping[str, Any]) -> Iterator[Need]:
    if "TransactItems" in parameters:
        for item in parameters["TransactItems"]:
            for kind, part in item.items():
                yield f"dynamodb:{_TRANSACTED[kind]}", _table(part)
    elif "RequestItems" in parameters:
        for table in parameters["RequestItems"]:
            yield f"dynamodb:{operation}", f"table/{table}"
    else:
        yield f"dynamodb:{operation}", _table(parameters)


def _table(parameters: Mapping[str, Any]) -> str:
    index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
    return f"table/{parameters['TableName']}{index}"


def _of_s3(operation: str, parameters: Mapping[str, Any]) -> Iterator[Need]:
    bucket = parameters["Bucket"]
    if operation == "DeleteObjects":
        for each in parameters["Delete"]["Objects"]:
            yield "s3:DeleteObject", f"{bucket}/{_folder(each['Key'])}"
    elif operation == "CopyObject":
        source = parameters["CopySource"]
        yield "s3:GetObject", f"{source['Bucket']}/{_folder(source['Key'])}"
        yield "s3:PutObject", f"{bucket}/{_folder(parameters['Key'])}"
    elif "Key" in parameters:
        yield f"s3:{_OBJECT_ACTIONS.get(operation, operation)}", f"{bucket}/{_folder(parameters['Key'])}"
    else:
        yield f"s3:{_BUCKET_ACTIONS.get(operation, operation)}", bucket


def _folder(key: str) -> str:
    """`snapshots/1001/…` -> `snapshots/x`; a first folder that is a number is somebody's."""
    first, slash, _ = key.partition("/")
    return f"{first}/x" if slash and first.isalpha() else "x"


class _Record:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[Need] = set()

    def call(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Before a call, and before a link is signed."""
        if model.name == _ADDRESS_OF_FORM:
            return
        self._add(needs(model.service_model.service_name, model.name, params))

    def form(self, request: Any, **_: Any) -> None:
        """Before an upload form is signed, of which botocore says nothing else."""
        policy = request.context.get("s3-presign-post-policy")
        if policy is not None:
            said = {
                name: value for part in policy["conditions"] if isinstance(part, dict) for name, value in part.items()
            }
            self._add(needs("s3", "PutObject", {"Bucket": said["bucket"], "Key": said["key"]}))

    def _add(self, found: Iterator[Need]) -> None:
        new = set(found) - self._known
        if new:
            self._known |= new
            lines = "".join(f"{json.dumps(need)}\n" for need in sorted(new))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:  # one write: other workers add to it as well
                file.write(lines.encode())


def install(folder: Path, function: str) -> None:
    """Listen to every client, botocore's and boto3's: the one session that there will be is this one."""
    import botocore.session

    record = _Record(folder / f"{function}.jsonl")
    session = botocore.session.get_session()
    botocore.session.get_session = lambda env_vars=None: session
    events = session.get_component("event_emitter")
    events.register("before-parameter-build", record.call)
    events.register("before-sign.s3.PutObject", record.form)


if FOLDER in os.environ:
    install(Path(os.environ[FOLDER]), os.environ["AWS_LAMBDA_FUNCTION_NAME"])
