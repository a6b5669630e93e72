"""Select Targets by name and by label, with the semantics of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from reconciler.core.globs import matches_glob
from reconciler.core.suggestions import join_names
from reconciler.core.text import shorten

_MAX_LABELS = 10


class Operator(StrEnum):
    """Operators of a requirement. IN and NOT_IN have values; a Target without the label satisfies NOT_IN."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Requirement for one label of a Target."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def is_met(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet the requirement."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class Selector:
    """Selector of Targets: one of the globs, if there are any, has to match, and every requirement has to be met."""

    globs: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def from_value(cls, value: Any) -> Selector:
        """Return the selector of a valid `targets`: a list of names and globs, or a mapping of label rules."""
        return cls(requirements=tuple(_read_rules(value))) if isinstance(value, Mapping) else cls(tuple(value))

    def has_match(self, name: str, labels: Mapping[str, str]) -> bool:
        """Tell whether the selector selects a Target with this name and these labels."""
        return (not self.globs or any(matches_glob(name, glob) for glob in self.globs)) and has_labels(
            labels, self.requirements
        )


def describe_labels(label_maps: Iterable[Mapping[str, str]]) -> str:
    """Return the first labels of Targets as KEY=VALUE, and the number of the others."""
    pairs = sorted(
        {f"{shorten(key)[1:-1]}={shorten(value)[1:-1]}" for labels in label_maps for key, value in labels.items()}
    )
    return f"the labels {join_names(pairs, _MAX_LABELS)}" if pairs else "no labels"


def has_labels(labels: Mapping[str, str], requirements: Iterable[Requirement]) -> bool:
    """Tell whether labels meet every requirement."""
    return all(each.is_met(labels) for each in requirements)


def _read_rules(value: Mapping[str, Any]) -> Iterator[Requirement]:
    for key, label in value.get("matchLabels", {}).items():
        yield Requirement(key, Operator.IN, frozenset((label,)))
    for rule in value.get("matchExpressions", ()):
        yield Requirement(rule["key"], Operator(rule["operator"]), frozenset(rule.get("values", ())))


_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9_.-]*"
_RULE = (  # a text, because only a run with --selector compiles this pattern
    rf"\s*(?:!\s*(?P<absent>{_KEY})"
    rf"|(?P<key>{_KEY})(?:\s*(?P<sign>==|=|!=)\s*(?P<value>{_VALUE})"
    rf"|\s+(?P<word>in|notin)\s*\((?P<values>\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*)\))?)\s*(?:(?P<comma>,)|\Z)"
)
_BEGINNING = re.compile(
    rf"\s*(?:!\s*)?(?:{_KEY}(?:\s*(?:==|=|!=)\s*{_VALUE}"
    rf"|\s+(?P<word>in|notin)(?![A-Za-z0-9._/-])\s*(?P<list>\(\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*\)?)?)?\s*)?"
)
"""The part of a wrong rule up to its fault."""


def parse_requirements(text: str) -> tuple[Requirement, ...]:
    """Return the requirements of a selector as kubectl takes it: `env=prod,tier in (a, b),!old`.

    Raises ValueError with a message for the user.
    """
    requirements: list[Requirement] = []
    index = 0
    while True:
        rule = re.compile(_RULE).match(text, index)
        if rule is None:
            raise ValueError(_explain_fault(text, index))
        requirements.append(_build_requirement(rule))
        index = rule.end()
        if not rule["comma"]:
            return tuple(requirements)


def _explain_fault(text: str, start: int) -> str:
    """Return the message about the rule that begins at an index, with the position of its fault."""
    beginning = _BEGINNING.match(text, start)
    assert beginning
    index, is_empty = beginning.end(), not beginning[0].strip()
    remedy = "write KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY or !KEY, with a comma between them"
    if is_empty and start and index == len(text):
        index, remedy = start - 1, "remove the comma at the end"
    elif is_empty and text[index : index + 1] == ",":
        remedy = "remove this comma, which has no rule before it"
    elif beginning["word"] and not beginning["list"]:
        remedy = f"put the values in parentheses, as in KEY {beginning['word']} (A,B)"
    elif beginning["list"] and not beginning["list"].endswith(")"):
        remedy = "put a comma between the values, and a closing parenthesis after the last one"
    return f"{text!r} is not a selector: at character {index + 1}, {remedy}"


def _build_requirement(rule: re.Match[str]) -> Requirement:
    if rule["absent"]:
        return Requirement(rule["absent"], Operator.DOES_NOT_EXIST)
    if rule["sign"]:
        operator = Operator.NOT_IN if rule["sign"] == "!=" else Operator.IN
        return Requirement(rule["key"], operator, frozenset((rule["value"],)))
    if rule["word"]:
        operator = Operator.IN if rule["word"] == "in" else Operator.NOT_IN
        return Requirement(rule["key"], operator, frozenset(each.strip() for each in rule["values"].split(",")))
    return Requirement(rule["key"], Operator.EXISTS)
