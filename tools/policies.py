"""Compare what the functions may do, by template.yaml, with what a test run saw them do.

`python -m tools.policies`, after a run of all tests: each function's policy must allow every call that its code made
against the local stack, and nothing that it never made. What is allowed for another reason is listed here with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from facesearch_cli import interrupts
from facesearch_local.intrinsics import TemplateError
from facesearch_local.resources import static_attributes
from facesearch_local.stack import ACCOUNT, ROOT, STACK_NAME
from facesearch_local.template import Deployment, Template

CALLS = ROOT / ".cache" / "calls"
"""Where a test run's workers note what they need; `make test-all` empties it first."""

ASKED_BY_S3 = "S3 asks for it itself: without it an object that is not there is a 403, not a 404"
LOST_RACE = "takes back what was written of something that was deleted meanwhile: no run can be made to have that race"
SAME_SEARCH = "the use case is SearchFunction's, of which the run shows it, or which has its reason here"

NEVER_SEEN: dict[tuple[str, str, str], str] = {
    ("SearchFunction", "SayReplacedNotForbidden", "s3:ListBucket"): ASKED_BY_S3,
    ("SearchFunction", "SayMissingNotForbidden", "s3:ListBucket"): ASKED_BY_S3,
    ("ResultsFunction", "SayMissingNotForbidden", "s3:ListBucket"): ASKED_BY_S3,
    ("IndexingFunction", "SayMissingNotForbidden", "s3:ListBucket"): ASKED_BY_S3,
    ("SearchFunction", "ExactlyOnce", "dynamodb:GetItem"): (
        "powertools reads a claim that the answer to its refused put does not bring along"
    ),
    ("SearchFunction", "KeysEventsResultsQuota", "dynamodb:BatchWriteItem"): (
        "only of a result of more than 28 photos; tests/unit/adapters/test_stores.py has them"
    ),
    ("SearchFunction", "ReadFullPartitions", "dynamodb:Query"): (
        "only when a hundred faces of one partition match; tests/unit/faces/test_face_index.py has them in memory"
    ),
    ("IndexingFunction", "EventsAndPhotos", "dynamodb:DeleteItem"): LOST_RACE,
    ("IndexingFunction", "WriteRenditions", "s3:DeleteObject"): LOST_RACE,
    ("IndexingFunction", "WriteFaces", "dynamodb:Query"): LOST_RACE,
    ("SnapshotsFunction", "EventsAndCurrentSnapshots", "dynamodb:BatchWriteItem"): (
        "only of an event that somebody still watches on its last day; tests/unit/deletion has it"
    ),
    ("SnapshotsFunction", "Files", "s3:DeleteObject"): (
        "only of a snapshot that is replaced, a minute or more after another; tests/unit/faces/test_snapshots.py has it"
    ),
    ("SearchJobsFunction", "SayReplacedNotForbidden", "s3:ListBucket"): ASKED_BY_S3,
    ("SearchJobsFunction", "SayMissingNotForbidden", "s3:ListBucket"): ASKED_BY_S3,
    ("SearchJobsFunction", "ExactlyOnce", "dynamodb:GetItem"): SAME_SEARCH,
    ("SearchJobsFunction", "KeysEventsResultsQuota", "dynamodb:DeleteItem"): (
        "only of a search that fails or is deleted while it runs; tests/unit/deletion/test_nothing_left.py has it"
    ),
    ("SearchJobsFunction", "KeysEventsResultsQuota", "dynamodb:ConditionCheckItem"): (
        "only of a search that fails or is deleted while it runs; tests/unit/deletion/test_nothing_left.py has it"
    ),
    ("SearchJobsFunction", "KeysEventsResultsQuota", "dynamodb:BatchWriteItem"): SAME_SEARCH,
    ("SearchJobsFunction", "FaceIndexes", "s3:GetObject"): SAME_SEARCH,
    ("SearchJobsFunction", "ReadFullPartitions", "dynamodb:Query"): SAME_SEARCH,
    ("SearchJobsFunction", "SearchVectorIndex", "dynamodb:SearchVectors"): SAME_SEARCH,
}
"""(function, statement, action) that a policy allows though a run need not show the call -> why."""


@dataclass(frozen=True)
class Grant:
    """One action that one statement allows; `resources` as patterns of ARNs' last parts."""

    function: str
    statement: str
    action: str
    resources: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """As in NEVER_SEEN."""
        return self.function, self.statement, self.action

    def allows(self, need: tuple[str, str]) -> bool:
        """Whether this grant is enough for an action on a resource."""
        action, resource = need
        return action == self.action and any(fnmatchcase(resource, pattern) for pattern in self.resources)


def grants(template: Template) -> Iterator[Grant]:
    """Everything that the functions' own policies allow.

    Raises:
        TemplateError: a policy of another kind than a list of statements that allow.
    """

    def lookup(logical_id: str, attribute: str) -> Any:
        attributes = static_attributes(template, logical_id)
        if attribute not in attributes:
            raise TemplateError(f"{logical_id}.{attribute} is not known here")
        return attributes[attribute]

    for function in template.of_type("AWS::Serverless::Function"):
        for policy in template.resolve(function.properties.get("Policies", []), lookup):
            if not isinstance(policy, dict) or "Statement" not in policy:
                raise TemplateError(f"{function.id}: write the policy's statements out, with the resource of each")
            for statement in policy["Statement"]:
                if statement["Effect"] != "Allow" or "Sid" not in statement:
                    raise TemplateError(f"{function.id}: a statement allows something and has a Sid that says what for")
                resources = tuple(arn.split(":", 5)[-1] for arn in _list(statement["Resource"]))
                for action in _list(statement["Action"]):
                    yield Grant(function.id, statement["Sid"], action, resources)


def recorded(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """Function's logical id -> what its calls needed."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        function = path.stem.removeprefix(f"{STACK_NAME}-")
        found[function] = {(action, resource) for action, resource in map(json.loads, path.read_text().splitlines())}
    return found


def differences(
    allowed: list[Grant],
    made: Mapping[str, set[tuple[str, str]]],
    never_seen: Mapping[tuple[str, str, str], str],
) -> Iterator[str]:
    """One sentence for each thing that is wrong."""
    for function, needs in sorted(made.items()):
        own = [grant for grant in allowed if grant.function == function]
        for need in sorted(needs):
            if not any(grant.allows(need) for grant in own):
                yield f"{function} is not allowed {need[0]} on {need[1]}, and calls it"
    for grant in allowed:
        if grant.function not in made:
            continue
        # A call that is excused may still be seen: of a race nobody knows beforehand.
        if grant.key not in never_seen and not any(grant.allows(need) for need in made[grant.function]):
            yield f"{grant.function} is allowed {grant.action} ({grant.statement}), and never calls it"
    for function in sorted({grant.function for grant in allowed} - made.keys()):
        yield f"{function} made no call in the recorded run: run all tests first (make test-all)"
    for key in sorted(never_seen.keys() - {grant.key for grant in allowed}):
        yield f"{' '.join(key)}: NEVER_SEEN excuses what no policy allows"


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def main() -> int:
    """Exit code 0 if the policies fit."""
    parameters = {"FaceSets": "exact,vectors"}
    template = Template.load(ROOT / "template.yaml", Deployment(STACK_NAME, ACCOUNT, "us-east-1", parameters))
    allowed = list(grants(template))
    found = list(differences(allowed, recorded(CALLS), NEVER_SEEN))
    for sentence in found:
        print(f"error: {sentence}", file=sys.stderr)
    if not found:
        print(f"The functions' policies allow what their code calls and no more: {len(allowed)} grants.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
