"""Holds documents against the JSON Schemas: a fast validator accepts, a slow one explains.

jsonschema-rs accepts a valid document in microseconds; only what it refuses is given to jsonschema, whose
errors are put into words here. What is refused stays refused, whatever jsonschema thinks of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from reconciler.core.model import Json
from reconciler.core.suggestions import find_closest
from reconciler.core.text import shorten

if TYPE_CHECKING:  # jsonschema costs a third of a dry run's start-up, and only bad manifests need it
    from jsonschema import ValidationError

FILES = {
    "DataIntegrationAssociation": "data-integration-association.v1.json",
    "Target": "target.v1.json",
}
"""The schema file of each kind of manifest."""


def schema(file: str) -> dict[str, Any]:
    """Return one of the schemas that are shipped with the program, by file name."""
    shipped: Traversable = files("reconciler") / "schemas"
    if not shipped.is_dir():  # a checkout, where the schemas are a folder of their own
        shipped = Path(__file__).parents[3] / "schemas"
    loaded: dict[str, Any] = json.loads((shipped / file).read_text(encoding="utf-8"))
    return loaded


@cache
def accepts(kind: str) -> Callable[[Json], bool]:
    """Return the fast check of a kind."""
    return _fast(schema(FILES[kind])).is_valid


def _fast(rules: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator that matches every pattern in linear time, and takes none that it could not."""
    return jsonschema_rs.Draft202012Validator(rules, pattern_options=jsonschema_rs.RegexOptions())


def explain(
    kind: str, document: Json, written: Callable[[tuple[str | int, ...]], str]
) -> Iterator[tuple[tuple[str | int, ...], bool, str]]:
    """Yield (path, whether the key is meant, sentence) for all that is wrong with a refused document.

    `written` tells how a value is spelled in the file.
    """
    explained = False
    for error in _slow(kind).iter_errors(document):
        for path, of_key, message in _sentences(error, written):
            explained = True
            yield path, of_key, message
    if not explained:
        for refusal in _fast(schema(FILES[kind])).iter_errors(document):
            yield tuple(refusal.instance_path), False, refusal.message


@cache
def _slow(kind: str) -> Any:
    from jsonschema import (  # noqa: PLC0415 - see TYPE_CHECKING above
        Draft202012Validator,
        ValidationError,
        validators,
    )

    extend: Any = validators.extend

    def pattern(_: Any, wanted: str, instance: object, __: Any) -> Iterator[ValidationError]:
        """Match as the fast validator does, so that both speak ECMA-262, and in linear time."""
        if isinstance(instance, str) and not _matches(wanted)(instance):
            yield ValidationError("pattern")

    return extend(Draft202012Validator, {"pattern": pattern})(schema(FILES[kind]))


@cache
def _matches(pattern: str) -> Callable[[str], bool]:
    """Return the check of one pattern."""
    return _fast({"pattern": pattern}).is_valid


def _sentences(
    error: ValidationError, written: Callable[[tuple[str | int, ...]], str]
) -> Iterator[tuple[tuple[str | int, ...], bool, str]]:
    path = tuple(error.absolute_path)
    value: Any = error.instance
    rule: Any = error.validator_value
    about: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    of_key = "propertyNames" in error.absolute_schema_path
    if of_key:
        path = (*path, value)
    match error.validator:
        case "additionalProperties":
            known = about.get("properties", {})
            free = {name: known[name] for name in known if name not in value}
            for key in value:
                if key not in known:
                    yield (*path, key), True, _unknown_key(key, free)
        case "required":
            for key in _missing(rule, value, about.get("properties", value)):
                yield path, False, about.get("errorMessage", f"{key!r} is missing")
        case "type":
            yield path, False, f"must be {_TYPES[rule]}, and is {_spelled(value, rule, lambda: written(path))}"
        case "enum":
            yield path, False, _one_of(value, rule)
        case "pattern":
            said = about.get("patternErrorMessage", f"does not match {rule}")
            yield path, of_key, f"{'the key ' if of_key else ''}{shorten(value)} {said}"
        case "minLength" if not value and not _matches(about.get("pattern", ""))(value):
            pass  # the pattern says it
        case "not":
            yield path, True, about.get("errorMessage", "must not be set")
        case _:
            said = _LIMITS[str(error.validator)].format(rule=rule, value=shorten(value), size=_size(value))
            yield path, of_key, f"the key {said}" if of_key else said


_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}
_LIMITS = {
    "const": "must be {rule!r}, and is {value}",
    "minLength": "must have at least {rule} character(s), and is {value}",
    "maxLength": "must have at most {rule} characters, and has {size}",
    "minItems": "must have at least {rule} item(s), and has {size}",
    "maxItems": "must have at most {rule} items, and has {size}",
    "minimum": "must be {rule} or more, and is {value}",
    "maximum": "must be {rule} or less, and is {value}",
    "exclusiveMinimum": "must be more than {rule}, and is {value}",
}


def _missing(required: list[str], value: Mapping[str, Json], known: Collection[str]) -> Iterator[str]:
    """Yield the keys that are missing, less those that are there and misspelt: they are named as unknown."""
    strangers = [key for key in value if key not in known]
    for key in required:
        if key not in value and not find_closest(key, strangers):
            yield key


def _unknown_key(key: str, free: Mapping[str, Mapping[str, Any]]) -> str:
    near = find_closest(key, free) or find_closest(key.lower(), [name.lower() for name in free])
    if near:
        right = next(name for name in free if name.lower() == near.lower())
        return f"unknown key {shorten(key)}: did you mean {right!r}?"
    known = ", ".join(name for name, about in free.items() if not about.get("doNotSuggest"))
    return f"unknown key {shorten(key)}: {f'known here are {known}' if known else 'nothing more is known here'}"


def _spelled(value: Json, wanted: str, written: Callable[[], str]) -> str:
    match value:
        case None:
            return "empty"
        case bool() | int() | float():
            kind = "true or false" if isinstance(value, bool) else "a number"
            spelled = written() or str(value).lower()
            return f'the unquoted {spelled}, {kind}: write "{spelled}"' if wanted == "string" else spelled
        case str():
            return f"the string {shorten(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _one_of(value: Json, allowed: list[str]) -> str:
    near = find_closest(value.lower(), [word.lower() for word in allowed]) if isinstance(value, str) else None
    right = next((word for word in allowed if word.lower() == near), None)
    hint = f": did you mean {right}?" if right else ""
    return f"must be one of {', '.join(allowed)}, and is {shorten(value)}{hint}"


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0
