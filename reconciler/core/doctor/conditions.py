"""Judge the Condition of a policy statement, as far as the context of the request is known.

A key has several possible values if nobody documents whether AWS sends it. The judgement is unclear if it depends on
which value AWS sends (IAM User Guide, "IAM JSON policy elements: Condition operators").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.core.doctor.globs import VARIABLE, Truth, match_text

Context = Mapping[str, tuple[str | None, ...]]
"""The possible values of each known condition key, in lower case. None stands for a request without the key."""

_ARN_PART_COUNT = 6


def judge_condition(condition: object, context: Context) -> Truth:
    """Tell whether a Condition is met. A statement without a Condition has None."""
    if condition is None:
        return Truth.YES
    if not isinstance(condition, Mapping):
        return Truth.UNCLEAR
    answers = [Truth.YES]
    for operator, keys in condition.items():
        if not isinstance(keys, Mapping):
            return Truth.UNCLEAR
        answers += [_judge_key(str(operator).lower(), str(key).lower(), keys[key], context) for key in keys]
    return min(answers)


def _judge_key(operator: str, key: str, expected: Any, context: Context) -> Truth:
    """Tell whether one key of a Condition is met for each of its possible values."""
    if key not in context:
        return Truth.UNCLEAR
    patterns = [_format_value(each) for each in (expected if isinstance(expected, list) else [expected])]
    answers = {_judge_value(operator, value, patterns) for value in context[key]}
    return answers.pop() if len(answers) == 1 else Truth.UNCLEAR


def _format_value(value: object) -> str:
    """Return a value of a Condition as text. JSON allows true for "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _judge_value(operator: str, value: str | None, patterns: list[str]) -> Truth:
    if operator == "null":
        is_absent = value is None
        return Truth.from_bool(patterns == [str(is_absent).lower()])
    name = operator.removesuffix("ifexists")
    is_negated = "not" in name
    compare = _COMPARISONS.get(name.replace("not", "", 1))
    if compare is None:
        return Truth.UNCLEAR
    if value is None:  # a negated operator is met if the request lacks the key
        return Truth.from_bool(is_negated or name != operator)
    answer = max((compare(pattern, value) for pattern in patterns), default=Truth.NO)
    return answer.negate() if is_negated else answer


def _compare_text(pattern: str, value: str) -> Truth:
    return Truth.UNCLEAR if VARIABLE in pattern else Truth.from_bool(pattern == value)


def _compare_text_without_case(pattern: str, value: str) -> Truth:
    return _compare_text(pattern.lower(), value.lower())


def _compare_arn(pattern: str, value: str) -> Truth:
    """Compare each of the six parts of an ARN on its own. ArnEquals and ArnLike both accept wildcards."""
    if VARIABLE in pattern:
        return Truth.UNCLEAR
    parts, value_parts = pattern.split(":", _ARN_PART_COUNT - 1), value.split(":", _ARN_PART_COUNT - 1)
    if len(parts) != len(value_parts):
        return Truth.UNCLEAR
    return min(match_text(part, value_part) for part, value_part in zip(parts, value_parts, strict=True))


_COMPARISONS: Mapping[str, Callable[[str, str], Truth]] = {
    "stringequals": _compare_text,
    "stringequalsignorecase": _compare_text_without_case,
    "stringlike": match_text,
    "arnequals": _compare_arn,
    "arnlike": _compare_arn,
    "bool": _compare_text_without_case,
}
"""Comparisons by the name of their operator, in lower case and without "Not" and "IfExists"."""
