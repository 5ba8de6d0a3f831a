"""template.yaml as CloudFormation would see it: parameters, conditions, resources with SAM's Globals merged in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import yaml

from facesearch_local.intrinsics import Lookup, Resolver, TemplateError

GLOBAL_SECTIONS = {"AWS::Serverless::Function": "Function", "AWS::Serverless::Api": "Api"}
PARTITION, URL_SUFFIX = "aws", "amazonaws.com"


# libyaml reads it in a tenth of the time, 0.1 s; every wheel of PyYAML has it.
_SafeLoader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc, valid-type]
    """YAML with CloudFormation's short tags; `!Sub x` becomes `{"Fn::Sub": "x"}`."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)}


_Loader.add_multi_constructor("!", _tagged)
# A policy's `Version: 2012-10-17` is a string to CloudFormation, a date to YAML.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Resource:
    """One resource; its properties still hold intrinsic functions."""

    id: str
    type: str
    properties: dict[str, Any]
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """What a template is deployed with.

    Attributes:
        parameters: values by name; the others keep their defaults.
        suggestions: the same, but only for parameters that the template has.
    """

    stack: str
    account: str
    region: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    suggestions: Mapping[str, str] = field(default_factory=dict)


class Template:
    """A template with its parameters set."""

    def __init__(self, document: Mapping[str, Any], folder: Path, deployment: Deployment) -> None:
        """The template of a folder, as it would be deployed.

        Raises:
            TemplateError: an unknown parameter, one without a value, or one outside its AllowedValues.
        """
        self.folder = folder
        self.deployment = deployment
        parameters = _parameters(document.get("Parameters", {}), deployment)
        pseudo = {
            "AWS::StackName": deployment.stack,
            "AWS::AccountId": deployment.account,
            "AWS::Region": deployment.region,
            "AWS::Partition": PARTITION,
            "AWS::URLSuffix": URL_SUFFIX,
        }
        self._parameters = parameters
        self._resolver = Resolver(pseudo | parameters, document.get("Conditions", {}))
        self.resources = {
            logical_id: _resource(logical_id, body, document.get("Globals", {}))
            for logical_id, body in document.get("Resources", {}).items()
            if "Condition" not in body or self._resolver.condition(body["Condition"])
        }

    @classmethod
    def load(cls, path: Path, deployment: Deployment) -> Template:
        """Read a template file; see `__init__` and `read_document`."""
        return cls(read_document(path), path.resolve().parent, deployment)

    def nested(self, logical_id: str, lookup: Lookup) -> Template:
        """The template of a nested stack, with the parameters that this one gives it."""
        given = self.resolve(self.resources[logical_id].properties, lookup)
        deployment = replace(
            self.deployment,
            stack=f"{self.deployment.stack}-{logical_id}",
            parameters=given["Parameters"],
            suggestions={},
        )
        return Template.load(self.folder / given["TemplateURL"], deployment)

    def parameters(self, names: Sequence[str]) -> dict[str, str]:
        """Values of those of the parameters that the template has, as an output would show them."""
        return {name: str(self._parameters[name]) for name in names if name in self._parameters}

    def of_type(self, kind: str) -> list[Resource]:
        """The resources of one type, in the template's order."""
        return [resource for resource in self.resources.values() if resource.type == kind]

    def resolve(self, value: Any, lookup: Lookup) -> Any:
        """`value` without intrinsic functions; `lookup` resolves Ref and GetAtt of resources."""
        return self._resolver.resolve(value, lookup)

    def references(self, value: Any) -> set[str]:
        """Logical ids of the resources that resolving `value` would ask for."""
        found: set[str] = set()

        def note(logical_id: str, attribute: str) -> str:
            if logical_id not in self.resources:
                raise TemplateError(f"there is no resource or parameter {logical_id}")
            found.add(logical_id)
            return attribute

        self.resolve(value, note)
        return found


def read_document(path: Path) -> dict[str, Any]:
    """A template file as it is written, its short tags as `{"Fn::…": …}`.

    Raises:
        TemplateError: it cannot be read.
    """
    try:
        document: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path}: {error}") from error
    return document


def _parameters(declared: Mapping[str, Any], deployment: Deployment) -> dict[str, Any]:
    if unknown := deployment.parameters.keys() - declared.keys():
        raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
    given = {**deployment.suggestions, **deployment.parameters}
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            raise TemplateError(f"parameter {name} needs a value")
        if declaration["Type"] == "Number":
            value = _number(name, value)
        allowed = declaration.get("AllowedValues")
        if allowed is not None and str(value) not in map(str, allowed):
            raise TemplateError(f"parameter {name} must be one of {', '.join(map(str, allowed))}")
        values[name] = value
    return values


def _number(name: str, value: Any) -> int | float:
    try:
        number = float(value)
    except ValueError:
        raise TemplateError(f"parameter {name} must be a number, not {value!r}") from None
    return int(number) if number.is_integer() else number


def _resource(logical_id: str, body: Mapping[str, Any], global_sections: Mapping[str, Any]) -> Resource:
    shared = global_sections.get(GLOBAL_SECTIONS.get(body["Type"], ""), {})
    depends_on = body.get("DependsOn", ())
    return Resource(
        id=logical_id,
        type=body["Type"],
        properties=_merge(shared, body.get("Properties", {})),
        depends_on=(depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
    )


def _merge(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """As SAM does: maps are merged, lists joined, everything else is the resource's own."""
    merged = dict(shared)
    for name, value in own.items():
        before = shared.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[name] = _merge(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            merged[name] = before + value
        else:
            merged[name] = value
    return merged
