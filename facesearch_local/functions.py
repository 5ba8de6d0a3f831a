"""The template's functions: code, limits, environment, and what calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesearch_local.intrinsics import Lookup, TemplateError
from facesearch_local.schedules import Schedule
from facesearch_local.template import Resource, Template


@dataclass(frozen=True)
class Route:
    """One method and path of the API; `path` as in the template, with {parameters}."""

    method: str
    path: str
    function: str


@dataclass(frozen=True)
class QueueSource:
    """An SQS event source.

    Attributes:
        window: how long a batch that is not full waits, in seconds.
        postpones: the function itself says when a message that it could not handle comes again.
    """

    queue_arn: str
    batch_size: int
    window: float
    reports_failures: bool
    concurrency: int | None
    postpones: bool = False


@dataclass(frozen=True)
class Function:
    """One function, everything resolved.

    Attributes:
        id: logical id in the template.
        name: what people call it and its log: the logical id without "Function", in lower case.
        timeout: seconds.
        memory: megabytes.
        import_path: what is importable besides the code itself, the content of the function's layers.
    """

    id: str
    name: str
    physical_name: str
    arn: str
    code: Path
    handler: str
    runtime: str
    timeout: float
    memory: int
    environment: Mapping[str, str]
    import_path: tuple[Path, ...]
    routes: tuple[Route, ...]
    queues: tuple[QueueSource, ...]
    schedules: tuple[Schedule, ...] = ()


def functions_of(template: Template, lookup: Lookup) -> list[Function]:
    """Every function of the template.

    Raises:
        TemplateError: something that the local stack cannot do, or a folder that is not there.
    """
    return [_function(template, resource, lookup) for resource in template.of_type("AWS::Serverless::Function")]


def _function(template: Template, resource: Resource, lookup: Lookup) -> Function:
    properties = resource.properties

    def resolved(name: str, default: Any = None) -> Any:
        return template.resolve(properties.get(name, default), lookup)

    code = template.folder / resolved("CodeUri")
    if not code.is_dir():
        raise TemplateError(f"{resource.id}: there is no folder {code}")
    name = resource.id.removesuffix("Function").lower()
    variables = resolved("Environment", {}).get("Variables", {})
    events = {
        event_id: template.resolve(event, _or_id(lookup)) for event_id, event in properties.get("Events", {}).items()
    }
    return Function(
        id=resource.id,
        name=name,
        physical_name=lookup(resource.id, "Ref"),
        arn=lookup(resource.id, "Arn"),
        code=code,
        handler=resolved("Handler"),
        runtime=resolved("Runtime", "python3.13"),
        timeout=float(resolved("Timeout", 3)),
        memory=int(resolved("MemorySize", 128)),
        environment={key: _text(value) for key, value in variables.items()},
        import_path=tuple(_layers(template, properties.get("Layers", ()))),
        routes=tuple(_route(name, event) for event in events.values() if event["Type"] == "Api"),
        queues=tuple(
            _queue(event_id, event, postpones=_mentions(properties.get("Policies"), "sqs:ChangeMessageVisibility"))
            for event_id, event in events.items()
            if event["Type"] not in ("Api", "Schedule")
        ),
        schedules=tuple(
            Schedule.of(event_id, event["Properties"])
            for event_id, event in events.items()
            if event["Type"] == "Schedule"
        ),
    )


def _route(function: str, event: Mapping[str, Any]) -> Route:
    properties = event["Properties"]
    return Route(str(properties["Method"]).upper(), properties["Path"], function)


def _queue(event_id: str, event: Mapping[str, Any], *, postpones: bool) -> QueueSource:
    if event["Type"] != "SQS":
        raise TemplateError(f"{event_id}: the local stack does not know events of type {event['Type']}")
    properties = event["Properties"]
    concurrency = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
    return QueueSource(
        queue_arn=properties["Queue"],
        batch_size=int(properties.get("BatchSize", 10)),
        window=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
        reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
        concurrency=None if concurrency is None else int(concurrency),
        postpones=postpones,
    )


def _mentions(value: Any, text: str) -> bool:
    """Whether the text is anywhere in a part of the template."""
    if isinstance(value, Mapping):
        return any(_mentions(each, text) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_mentions(each, text) for each in value)
    return bool(value == text)


def _layers(template: Template, layers: Any) -> list[Path]:
    """The layers' folders; a layer of pinned packages is empty here, its packages are in this Python already."""
    ids = template.references(list(layers))
    contents = (template.resources[layer].properties["ContentUri"] for layer in sorted(ids))
    return [folder for content in contents if (folder := template.folder / content).is_dir()]


def _or_id(lookup: Lookup) -> Lookup:
    """An event's RestApiId refers to the Api, which has no other name than its logical id here."""

    def look(logical_id: str, attribute: str) -> Any:
        try:
            return lookup(logical_id, attribute)
        except TemplateError:
            if attribute == "Ref":
                return logical_id
            raise

    return look


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
