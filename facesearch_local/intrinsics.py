"""CloudFormation's intrinsic functions, resolved lazily: the branch of an If that is not taken is never looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Lookup = Callable[[str, str], Any]
"""(logical id, attribute) -> value; the attribute "Ref" asks for what a Ref gives."""

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")
CONDITION_FUNCTIONS = {"Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or"}
_NOTHING = object()  # AWS::NoValue


class TemplateError(Exception):
    """The template asks for something that cannot be done here; the text says what and where."""


class Resolver:
    """Resolves values against parameters and conditions."""

    def __init__(self, parameters: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._conditions = conditions
        self._functions: dict[str, Callable[[Any, Lookup], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }

    def resolve(self, value: Any, lookup: Lookup) -> Any:
        """`value` with every intrinsic function replaced.

        Raises:
            TemplateError: a function that is not known here, or one with arguments that do not fit.
        """
        resolved = self._resolve(value, lookup)
        return None if resolved is _NOTHING else resolved

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        if name not in self._conditions:
            raise TemplateError(f"there is no condition {name}")
        return self._truth(self._conditions[name])

    def _resolve(self, value: Any, lookup: Lookup) -> Any:
        if isinstance(value, list):
            items = (self._resolve(item, lookup) for item in value)
            return [item for item in items if item is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref" or (isinstance(name, str) and name.startswith("Fn::")):
                return self._function(name, argument, lookup)
        resolved = {name: self._resolve(item, lookup) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not _NOTHING}

    def _function(self, name: str, argument: Any, lookup: Lookup) -> Any:
        if name in CONDITION_FUNCTIONS:
            return self._truth({name: argument})
        try:
            return self._functions[name](argument, lookup)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise TemplateError(f"cannot resolve {name} of {argument!r}") from error

    def _ref(self, name: str, lookup: Lookup) -> Any:
        return _NOTHING if name == "AWS::NoValue" else self._reference(name, lookup)

    def _get_att(self, argument: str | list[str], lookup: Lookup) -> Any:
        logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return lookup(logical_id, attribute)

    def _sub(self, argument: str | list[Any], lookup: Lookup) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        return self._substitute(text, self._resolve(own, lookup), lookup)

    def _if(self, argument: list[Any], lookup: Lookup) -> Any:
        condition, taken, otherwise = argument
        return self._resolve(taken if self.condition(condition) else otherwise, lookup)

    def _join(self, argument: list[Any], lookup: Lookup) -> str:
        separator, parts = argument
        return str(separator.join(_text(part) for part in self._resolve(parts, lookup)))

    def _select(self, argument: list[Any], lookup: Lookup) -> Any:
        index, parts = argument
        return self._resolve(parts, lookup)[int(self._resolve(index, lookup))]

    def _split(self, argument: list[Any], lookup: Lookup) -> list[str]:
        separator, text = argument
        return str(self._resolve(text, lookup)).split(separator)

    def _reference(self, name: str, lookup: Lookup) -> Any:
        return self._parameters[name] if name in self._parameters else lookup(name, "Ref")

    def _substitute(self, text: str, own: Mapping[str, Any], lookup: Lookup) -> str:
        def replace(found: re.Match[str]) -> str:
            literal, name = found[1], found[2].strip()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return _text(own[name])
            if "." in name:
                return _text(lookup(*name.split(".", 1)))
            return _text(self._reference(name, lookup))

        return _PLACEHOLDER.sub(replace, text)

    def _truth(self, expression: Any) -> bool:
        match expression:
            case {"Condition": str(name)}:
                return self.condition(name)
            case {"Fn::Equals": [left, right]}:
                # Parameters are strings to CloudFormation whatever their type, so "0" equals 0.
                return _text(self._resolve(left, _unknown)) == _text(self._resolve(right, _unknown))
            case {"Fn::Not": [inner]}:
                return not self._truth(inner)
            case {"Fn::And": list(parts)}:
                return all(self._truth(part) for part in parts)
            case {"Fn::Or": list(parts)}:
                return any(self._truth(part) for part in parts)
        raise TemplateError(f"not a condition: {expression!r}")


def _unknown(logical_id: str, attribute: str) -> Any:
    raise TemplateError(f"a condition cannot refer to the resource {logical_id} ({attribute})")


def _text(value: Any) -> str:
    """As CloudFormation writes a value into a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)
