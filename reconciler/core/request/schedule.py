"""Validate schedule expressions before a request is sent to AWS."""

from __future__ import annotations

import re

from reconciler.core.text import format_count

_RATE = re.compile(r"rate\( *([0-9]{1,9}) *(minutes?|hours?|days?|weeks?|months?) *\)")
_CRON = re.compile(r"cron\(([ -~]*)\)")
_TOO_MANY_DIGITS = 5  # no value in a cron field has more than four digits
_MAX_LENGTH = 255
"""Characters in the longest expression that AWS accepts. A longer one is rejected without parsing."""

_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
_FIELDS = (
    ("minutes", 0, 59, "", ""),
    ("hours", 0, 23, "", ""),
    ("day of month", 1, 31, "", "?LW"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of week", 1, 7, _DAYS, "?L#"),
    ("year", 1970, 2199, "", ""),
)
"""Name, minimum, maximum, words and special characters of each cron field, as Amazon EventBridge documents them."""


def find_schedule_problem(expression: str) -> str | None:
    """Return the problem of a `rate(…)` or `cron(…)` expression, or None if it is valid.

    AppIntegrations documents no syntax. This function follows the documentation of Amazon EventBridge and AppFlow.
    AppFlow writes `rate(5minutes)` without a space, so the space is optional.
    """
    if len(expression) > _MAX_LENGTH:
        return f"{expression[:40]!r}… has more than {_MAX_LENGTH} characters"
    if expression.startswith("rate("):
        rate = _RATE.fullmatch(expression)
        if rate is None:
            return f"{expression!r} is not a rate: write rate(VALUE UNIT), such as rate(1 hour)"
        return None if int(rate[1]) else f"{expression!r} never runs: the value of a rate must be 1 or more"
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return f"{expression!r} is neither rate(VALUE UNIT) nor cron(MINUTES HOURS DAY MONTH WEEKDAY YEAR)"
    return _find_cron_problem(expression, cron[1].split())


def find_unit_warning(expression: str) -> str | None:
    """Return the warning about a valid rate whose unit does not match its value, such as `rate(1 hours)`, or None.

    Amazon EventBridge documents that it rejects such a rate. AppIntegrations documents no syntax.
    """
    rate = _RATE.fullmatch(expression)
    if rate is None or (int(rate[1]) == 1) != rate[2].endswith("s"):
        return None
    unit = rate[2].removesuffix("s") + ("" if int(rate[1]) == 1 else "s")
    return f"AWS may reject {expression!r}, as Amazon EventBridge does: write rate({int(rate[1])} {unit})"


def _find_cron_problem(expression: str, fields: list[str]) -> str | None:
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        return f"{expression!r} has {format_count(len(fields), 'field')}, but cron needs {len(_FIELDS)}: {names}"
    for text, (name, low, high, words, special) in zip(fields, _FIELDS, strict=True):
        is_valid = all(_is_valid_part(part, low, high, words, special) for part in text.split(","))
        if not is_valid and not (text == "?" and "?" in special):
            allowed_values = f"{low}-{high}" + (f" or {words.replace('|', ' ')}" if words else "")
            signs = " ".join(("*", ",", "-", "/", *special))
            return f"{expression!r}: {text!r} is not valid for {name}: use {allowed_values} and {signs}"
    if (fields[2] == "?") == (fields[4] == "?"):
        return f"{expression!r}: exactly one of day of month and day of week must be ?"
    return None


def _is_valid_part(part: str, low: int, high: int, words: str, special: str) -> bool:
    """Return whether one item of a comma-separated field is valid."""
    if "L" in special and re.fullmatch(r"L|LW|[1-7]L" if "#" in special else r"L|LW|L-[0-9]{1,2}", part):
        return True
    if "W" in special and re.fullmatch(r"[0-9]{1,2}W", part):
        return low <= int(part[:-1]) <= high
    if "#" in special and "#" in part:
        day, _, nth = part.partition("#")
        return _is_valid_value(day, low, high, words) and nth in {"1", "2", "3", "4", "5"}
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and len(step) < _TOO_MANY_DIGITS and int(step) > 0):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    return _is_valid_value(first, low, high, words) and (not dash or _is_valid_value(last, low, high, words))


def _is_valid_value(text: str, low: int, high: int, words: str) -> bool:
    if words and text.upper() in words.split("|"):
        return True
    return text.isascii() and text.isdigit() and len(text) < _TOO_MANY_DIGITS and low <= int(text) <= high
