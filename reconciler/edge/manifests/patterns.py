"""Match patterns by the rules of ECMA-262, and in linear time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jsonschema_rs


def build_fast_validator(rules: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """Return a validator that matches patterns in linear time, and rejects a schema with any other pattern."""
    return jsonschema_rs.Draft202012Validator(rules, pattern_options=jsonschema_rs.RegexOptions())


@cache
def build_pattern_check(pattern: str) -> Callable[[str], bool]:
    """Return the function that checks a value against a pattern."""
    return build_fast_validator({"pattern": pattern}).is_valid


def fits(rules: Mapping[str, Any], value: Any) -> bool:
    """Return whether a value matches the `pattern` of the rules, if there is one."""
    return build_pattern_check(rules.get("pattern", ""))(value)
