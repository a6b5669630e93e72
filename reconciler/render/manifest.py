"""A manifest as YAML text that says the same to readers of YAML 1.1 and 1.2."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.model import Json
from reconciler.core.text import sanitize

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./()*?,+=@-]*(?:[ :][A-Za-z0-9_./()*?,+=@-]+)*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
"""What is plain within brackets, too."""

_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BYTE, _PLANE = 0xFF, 0xFFFF


def text(document: Mapping[str, Json], comments: Sequence[str] = ()) -> str:
    """Return a document in block style, its comments before it."""
    return "".join(f"{line}\n" for line in (*map(comment, comments), *_mapping(document, "")))


def comment(said: str) -> str:
    """Return one line of comment, whatever is said."""
    return f"# {sanitize(said)}"


def _mapping(members: Mapping[str, Json], indent: str) -> Iterator[str]:
    for key, value in members.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_scalar(key)}:"
            yield from _mapping(value, f"{indent}  ")
        else:
            yield f"{indent}{_scalar(key)}: {_inline(value)}"


def _inline(value: Json, plain: re.Pattern[str] = _PLAIN) -> str:
    """Return what fits on one line: a list is written as one."""
    match value:
        case Mapping():
            members = (f"{_scalar(key, _WORD)}: {_inline(inner, _WORD)}" for key, inner in value.items())
            return f"{{{', '.join(members)}}}"
        case str():
            return _scalar(value, plain)
        case list() | tuple():
            return f"[{', '.join(_inline(each, _WORD) for each in value)}]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _scalar(value: str, plain: re.Pattern[str] = _PLAIN) -> str:
    """Return a string, without quotes only where it cannot be taken for anything else."""
    return value if plain.fullmatch(value) and value.lower() not in _RESERVED else _quoted(value)


def _quoted(value: str) -> str:
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}" if code <= _PLANE else f"\\U{code:08x}"
