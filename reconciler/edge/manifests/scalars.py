"""Read an unquoted scalar by the core schema of YAML 1.2.2 (section 10.3.2), which includes the literals of JSON."""

from __future__ import annotations

import re
from math import isinf

from reconciler.core.model import Json

FIRST_CHARACTERS = frozenset("~nNtTfF+-.0123456789")
"""The first characters of values that may be something other than text."""

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_UNUSABLE_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_INTEGER_LENGTH = 18  # characters of a whole number that always fits 64 bits
_MAX_NUMBER_LENGTH = 128  # characters of any number: longer text is probably not a number


def resolve_scalar(text: str) -> tuple[Json, str | None]:
    """Return the value of an unquoted scalar, and its problem or None."""
    if text and text[0] not in FIRST_CHARACTERS:
        return text, None
    if text in _NULL:
        return None, None
    if text in _BOOL:
        return _BOOL[text], None
    if _INT.fullmatch(text):
        if len(text) > _MAX_INTEGER_LENGTH:
            return text, f"the number has more than {_MAX_INTEGER_LENGTH} characters: put it in quotes"
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text), None
    if _FLOAT.fullmatch(text):
        if len(text) > _MAX_NUMBER_LENGTH:
            return text, f"the number has more than {_MAX_NUMBER_LENGTH} characters: put it in quotes"
        number = float(text)
        return (text, "the number is too large: put it in quotes") if isinf(number) else (number, None)
    problem = f"the number {text} is not supported: use a finite number, or put the text in quotes"
    return text, problem if _UNUSABLE_NUMBER.fullmatch(text) else None
