"""Render a manifest as YAML that readers of YAML 1.1 and YAML 1.2 parse to the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.model import Json
from reconciler.core.text import sanitize

_PLAIN_SCALAR = re.compile(r"[A-Za-z_][A-Za-z0-9_./()*?,+=@-]*(?:[ :][A-Za-z0-9_./()*?,+=@-]+)*")
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
"""Scalars that need no quotes, even inside brackets."""

_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_MAX_BYTE, _MAX_BASIC_PLANE = 0xFF, 0xFFFF


def render_yaml(document: Mapping[str, Json], comments: Sequence[str] = ()) -> str:
    """Return a document in block style, after its comments."""
    return "".join(f"{line}\n" for line in (*map(format_comment, comments), *_render_mapping(document, "")))


def format_comment(message: str) -> str:
    """Return a message as one comment line, with line breaks and control characters escaped."""
    return f"# {sanitize(message)}"


def _render_mapping(members: Mapping[str, Json], indent: str) -> Iterator[str]:
    for key, value in members.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_format_scalar(key)}:"
            yield from _render_mapping(value, f"{indent}  ")
        else:
            yield f"{indent}{_format_scalar(key)}: {_format_inline(value)}"


def _format_inline(value: Json, plain_pattern: re.Pattern[str] = _PLAIN_SCALAR) -> str:
    """Return a value in flow style, on one line."""
    match value:
        case Mapping():
            members = (
                f"{_format_scalar(key, _PLAIN_WORD)}: {_format_inline(inner, _PLAIN_WORD)}"
                for key, inner in value.items()
            )
            return f"{{{', '.join(members)}}}"
        case str():
            return _format_scalar(value, plain_pattern)
        case list() | tuple():
            return f"[{', '.join(_format_inline(each, _PLAIN_WORD) for each in value)}]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _format_scalar(value: str, plain_pattern: re.Pattern[str] = _PLAIN_SCALAR) -> str:
    """Return a string, quoted unless a YAML reader can only read it as this string."""
    return value if plain_pattern.fullmatch(value) and value.lower() not in _RESERVED else _quote(value)


def _quote(value: str) -> str:
    return f'"{"".join(map(_escape, value))}"'


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code <= _MAX_BYTE else f"\\u{code:04x}" if code <= _MAX_BASIC_PLANE else f"\\U{code:08x}"
