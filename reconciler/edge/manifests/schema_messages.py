"""Explain the errors of jsonschema: what is wrong with a value, and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.core.model import Json
from reconciler.core.suggestions import find_closest, format_suggestion, join_names
from reconciler.core.text import format_count, shorten
from reconciler.edge.manifests.patterns import fits

if TYPE_CHECKING:  # jsonschema takes a third of the start-up of a dry run, and only invalid manifests need it
    from jsonschema import ValidationError


def explain_error(
    error: ValidationError, find_source_text: Callable[[tuple[str | int, ...]], str]
) -> Iterator[tuple[tuple[str | int, ...], bool, str]]:
    """Yield (path, whether the problem is the key, message) for each problem in an error."""
    path = tuple(error.absolute_path)
    value: Any = error.instance
    rule: Any = error.validator_value
    subschema: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    is_key = "propertyNames" in error.absolute_schema_path
    if is_key:
        path = (*path, value)
    match error.validator:
        case "additionalProperties":
            for key, message in _describe_unknown_keys(value, subschema):
                yield (*path, key), True, message
        case "required":
            for key in _find_missing_keys(rule, value, subschema.get("properties", value)):
                yield path, False, subschema.get("errorMessage", f"{key!r} is missing")
        case "type":
            yield path, False, _describe_wrong_type(value, subschema, lambda: find_source_text(path))
        case "enum" | "const":
            words = rule if isinstance(rule, list) else [rule]
            yield path, False, _describe_wrong_word(value, words, lambda: find_source_text(path))
        case "pattern":
            yield path, is_key, f"{'the key ' if is_key else ''}{shorten(value)} {_explain_pattern(value, subschema)}"
        case "minLength" if not fits(subschema, value):
            pass  # the pattern reports this value too
        case "not":
            yield path, is_key or not rule, subschema.get("errorMessage", "must not be set")
        case "maxItems" | "minItems" | "minProperties" if "errorMessage" in subschema:
            yield path, False, subschema["errorMessage"]
        case _:
            message = _LIMITS[str(error.validator)].format(
                rule=rule, value=shorten(value), size=_measure(value), **_format_counts(rule)
            )
            yield path, is_key, f"the key {message}" if is_key else message


def has_placeholder(value: object) -> bool:
    """Tell whether a value is a text with the beginning of a placeholder."""
    return isinstance(value, str) and "${" in value


def describe_placeholder(value: Json) -> str:
    """Return a message about a placeholder in a place where no value is inserted."""
    return (
        f"{shorten(value)} is not replaced here: write the value itself, because ${{NAME}} works only in values of "
        "spec and window, in target, and in RoleArn and ExternalId of a Target"
    )


_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}


def _describe_type(rule: str | list[str]) -> str:
    return _TYPES[rule] if isinstance(rule, str) else " or ".join(_TYPES[each] for each in rule)


_EACH_ENTRY = "put a blank after the '-' of each entry"
_PLAIN_TEXT = re.compile("[A-Za-z0-9_./-]+")
_MAX_TEXT_LENGTH = 64
_LIMITS = {
    "minLength": "must have at least {characters}, but has {size}",
    "maxLength": "must have at most {characters}, but has {size}",
    "minItems": "must have at least {items}, but has {size}",
    "maxItems": "must have at most {items}, but has {size}",
    "minProperties": "must have at least {members}, but has {size}",
    "maxProperties": "must have at most {members}, but has {size}",
    "minimum": "must be {rule} or more, not {value}",
    "maximum": "must be {rule} or less, not {value}",
    "exclusiveMinimum": "must be more than {rule}, not {value}",
}


def _find_missing_keys(
    required_keys: list[str], value: Mapping[str, Json], known_keys: Collection[str]
) -> Iterator[str]:
    """Yield the missing keys, except those that are misspelt, which are reported as unknown."""
    unknown_keys = [key for key in value if key not in known_keys]
    for key in required_keys:
        if key not in value and not find_closest(key, unknown_keys):
            yield key


def _describe_unknown_keys(value: Mapping[str, Json], subschema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for each key that the schema does not know."""
    properties, messages = subschema.get("properties", {}), subschema.get("unknownKeyMessages", {})
    unused_keys = [name for name in properties if name not in value]
    possible_keys = [name for name, inner in properties.items() if not inner.get("doNotSuggest")]
    for key in value:
        if key in messages:
            yield key, f"{shorten(key)} {messages[key]}"
        elif key not in properties:
            yield key, _describe_unknown_key(key, unused_keys, possible_keys)


def _describe_unknown_key(key: str, unused_keys: list[str], possible_keys: list[str]) -> str:
    """Return a message that suggests a key not yet used, or lists the possible keys, used or not."""
    suggestion = find_closest(key, unused_keys) or find_closest(key.lower(), [name.lower() for name in unused_keys])
    if suggestion:
        known_key = next(name for name in unused_keys if name.lower() == suggestion.lower())
        return f"unknown key {shorten(key)}: {format_suggestion(repr(known_key))}"
    return f"unknown key {shorten(key)}: possible keys are {', '.join(possible_keys)}"


def _explain_pattern(value: str, rules: Mapping[str, Any]) -> str:
    """Return what is wrong with a text that does not match the `pattern` of the rules, and what to write instead."""
    message = rules.get("patternErrorMessage", f"does not match {rules['pattern']}")
    mistake: str = next((each["message"] for each in rules.get("mistakes", ()) if fits(each, value)), message)
    return mistake.replace("{value}", value)


def _describe_wrong_type(value: Json, rules: Mapping[str, Any], find_source_text: Callable[[], str]) -> str:
    """Return a message about a value that is not of the `type` of the rules."""
    expected_type = rules["type"]
    if isinstance(value, bool | int | float):
        spelling = find_source_text() or str(value).lower()
        if expected_type == "string":
            return _describe_unquoted(spelling, "boolean" if isinstance(value, bool) else "number", rules)
        return f"must be {_describe_type(expected_type)}, not {spelling}"
    hint = _find_hint(value, rules)
    return f"must be {_describe_type(expected_type)}, {_describe_value(value)}{f': {hint}' if hint else ''}"


def _find_hint(value: Json, rules: Mapping[str, Any]) -> str:
    """Return what to write instead of a value of the wrong type. Return "" if the rules do not tell."""
    if "array" in rules["type"] and _has_entries_without_blank(value):
        return _EACH_ENTRY
    if isinstance(value, dict) and "mapErrorMessage" in rules:
        return str(rules["mapErrorMessage"])
    if isinstance(value, list | dict) and "listErrorMessage" in rules:
        text = _format_list(value) if isinstance(value, list) else "{...}"
        return str(rules["listErrorMessage"]).replace("{value}", text)
    items = rules.get("items", {})
    if isinstance(value, str) and items.get("type", "string") == "string" and "array" in rules["type"]:
        if not fits(items, value):
            return ""
        return f"write {_format_list([value])}"
    _, _, remedy = rules.get("patternErrorMessage", "").partition(": ")
    return remedy if rules["type"] == "string" else ""


def _format_list(values: list[Json]) -> str:
    """Return a list of texts in flow style. Long texts, and values of other types, become the word NAME."""
    texts = [each if isinstance(each, str) and len(each) <= _MAX_TEXT_LENGTH else "NAME" for each in values]
    return f"[{join_names([each if _PLAIN_TEXT.fullmatch(each) else json.dumps(each) for each in texts])}]"


def _describe_unquoted(spelling: str, kind: str, rules: Mapping[str, Any]) -> str:
    """Return a message about a number or boolean in the place of a text. It suggests only what the rules accept."""
    if "textErrorMessage" in rules:
        return f"must be a string, not the unquoted {kind} {spelling}: {rules['textErrorMessage']}"
    if fits(rules, spelling):
        return f'must be a string, not the unquoted {kind} {spelling}: write "{spelling}"'
    suggestions = [spelling + unit for unit in rules.get("units", ()) if fits(rules, spelling + unit)]
    if suggestions:
        return f"must be a number with a unit, not the number {spelling}: write {_join_choices(suggestions)}"
    return f"the {kind} {shorten(spelling)[1:-1]} {_explain_pattern(spelling, rules)}"


def _join_choices(choices: list[str]) -> str:
    *first_choices, last_choice = choices
    return f"{', '.join(first_choices)} or {last_choice}" if first_choices else last_choice


def _describe_value(value: Json) -> str:
    match value:
        case None:
            return "but has no value"
        case str():
            return f"not the string {shorten(value)}"
        case list():
            return "not a list"
        case _:
            return "not a mapping"


def _has_entries_without_blank(value: Json) -> bool:
    """Return whether a text or mapping may be a list whose entries, or the first one, have no blank after their '-'."""
    first = value if isinstance(value, str) else next(iter(value), "") if isinstance(value, dict) else ""
    return first.startswith("-") and not first.startswith(("--", "- "))


def _describe_wrong_word(value: Json, allowed_words: list[str], find_source_text: Callable[[], str]) -> str:
    """Return a message about a value that is not one of the allowed words."""
    expected = f"one of {', '.join(allowed_words)}" if len(allowed_words) > 1 else repr(allowed_words[0])
    if isinstance(value, bool | int | float):
        return f"must be {expected}, not {find_source_text() or str(value).lower()}"
    if not isinstance(value, str):
        return f"must be {expected}, {_describe_value(value)}"
    suggestion = find_closest(value.lower(), [word.lower() for word in allowed_words])
    known_word = next((word for word in allowed_words if word.lower() == suggestion), None)
    hint = f": {format_suggestion(known_word)}" if known_word else ""
    return f"must be {expected}, not {shorten(value)}{hint}"


def _format_counts(rule: object) -> dict[str, str]:
    """Return a limit as a number of characters, of items and of members."""
    count = rule if isinstance(rule, int) else 0
    return {
        "characters": format_count(count, "character"),
        "items": format_count(count, "item"),
        "members": format_count(count, "member"),
    }


def _measure(value: object) -> int:
    return len(value) if isinstance(value, str | list | dict) else 0
