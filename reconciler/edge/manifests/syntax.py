"""Say in plain words why libyaml rejects a text. No other module matches on libyaml's messages."""

from __future__ import annotations

import sys
from typing import Any

import yaml

from reconciler.core.errors import Problem

_KEY_ALONE = "could not find expected ':'"
_BAD_ESCAPE = "invalid Unicode character escape"
_TAB = "a tab cannot indent: use spaces"
_TAG = "a '!' at the beginning of a value begins a tag, and tags are not allowed: remove the tag, or use quotes"
_VERSION = "the version of YAML must be 1.2: write %YAML 1.2, or remove the line"
_DIRECTIVE = "a line with % at its beginning must be a directive of YAML: remove the line, or put its text in quotes"
_EXPLANATIONS = {
    "while parsing a flow sequence": "a [ has no ], or a comma between its entries is missing",
    "while parsing a flow mapping": "a { has no }, or a comma between its members is missing",
    "while parsing a flow node": "a [ or { is not closed, or a value is missing",
    "while parsing a block node": "no value can begin here: put the text in quotes",
    "while parsing a block mapping": "this line is neither a key nor part of the value above: check the indentation",
    "while parsing a block collection": "this line neither is an entry nor belongs to one: check the indentation",
    _KEY_ALONE: "a key must be followed by ': ', and text of several lines needs quotes or a |",
    "mapping values are not allowed": "a value cannot contain ': ': put it in quotes, or check the indentation",
    "mapping keys are not allowed": "a value cannot begin with '? ': put it in quotes",
    "block sequence entries are not allowed": (
        "a list cannot begin in this line: write each entry on its own line, or put the text in quotes"
    ),
    "found a tab character": _TAB,
    "indentation indicator equal to 0": "the number after | or > must be 1 to 9: correct or remove it",
    "while scanning a block scalar": (
        "text cannot follow | or > in the same line: write it on the next line, or put all of it in quotes"
    ),
    "quoted scalar found unexpected": "a quote is not closed",
    "unknown escape character": r"this escape is unknown: write \\ for a backslash, or use single quotes",
    "did not find expected hexdecimal number": (
        r"this escape needs more hexadecimal digits: write one such as \x41 or \u00e9, or \\ for a backslash"
    ),
    _BAD_ESCAPE: (
        r"this \u escape is half of a surrogate pair: write the character itself, or write the whole file as JSON"
    ),
    "found incompatible YAML document": _VERSION,
    "while scanning a %YAML directive": _VERSION,
    "found duplicate %": "this line repeats a directive: remove it",
    "directive": _DIRECTIVE,
    "tag": _TAG,
}
"""Parts of libyaml's messages, each with what we say instead. The first part that fits counts."""
_UNEXPLAINED = "this text cannot stand here: put it in quotes, or check the indentation"
_MISPLACED = ("did not find expected key", "did not find expected '-' indicator", "did not find expected <document")
_NEXT_DOCUMENT = "expected <document start>"
_TEXT_AFTER_DOCUMENT = (
    "text follows the end of the document: remove it, or write --- on a separate line before the next document"
)
_TEXT_AFTER_DIRECTIVE = "the lines with % at their beginning must end with a line ---: add it, or remove them"
_BAD_CHARACTER = "cannot start any token"
_NAMELESS = ("while scanning an alias", "while scanning an anchor")
_INNER_QUOTES = {"'": "''", '"': r"\""}
"""Each quote, with its spelling inside a pair of the same quotes."""


def build_syntax_problem(name: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """Return the problem of the file `name`, whose text libyaml rejects."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark or error.context_mark
    if error.context_mark and (_KEY_ALONE in message or error.context in _NAMELESS):
        mark = error.context_mark  # the key or the sign. libyaml notices the problem later
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    explanation = mark and _explain_place(text, mark, message)
    if not explanation and _NEXT_DOCUMENT in message:
        return Problem(name, line, column, "", _TEXT_AFTER_DOCUMENT)
    explanation = explanation or next((ours for words, ours in _EXPLANATIONS.items() if words in message), _UNEXPLAINED)
    return Problem(name, line, column, "", f"the file is not YAML: {explanation}")


def build_character_problem(name: str, position: tuple[int, int], char: str) -> Problem:
    """Return the problem of a character that YAML does not allow. `char` is empty if it is unknown."""
    noun = f"character U+{ord(char):04X}" if char else "control character"
    escape = f'write it as "\\u{ord(char):04x}" in double quotes' if char else "write it as an escape in double quotes"
    return Problem(name, *position, "", f"the file is not YAML: the {noun} is not allowed: remove it, or {escape}")


def _explain_place(text: str, mark: Any, message: str) -> str | None:
    """Return what the text around the mark shows to be wrong, or None if the message of libyaml says enough."""
    char = text[mark.index : mark.index + 1]
    if _BAD_CHARACTER in message or message.startswith(_NAMELESS):
        return _TAB if char == "\t" else f"{char!r} cannot begin a value: put it in quotes"
    if (
        _BAD_ESCAPE in message
        and text[mark.index - 1] == "U"
        and int(text[mark.index : mark.index + 8], 16) > sys.maxunicode
    ):
        return r"this escape is above \U0010ffff, the last character: write \\ for a backslash, or another number"
    if not any(words in message for words in _MISPLACED):
        return None
    before = text[mark.index - mark.column : mark.index].rstrip()
    if inner_quote := _INNER_QUOTES.get(before[-1:]):
        return (
            "text follows the closing quote: put all of it in one pair of quotes, "
            f"and write {inner_quote} for a quote inside"
        )
    if _NEXT_DOCUMENT in message:
        lines = text[: mark.index - mark.column].splitlines()
        above = next((line for line in reversed(lines) if line.strip() and not line.lstrip().startswith("#")), "")
        return _TEXT_AFTER_DIRECTIVE if above.startswith("%") else None
    if char == ":":
        return "a key is missing before the ':': write KEY: VALUE, or put the text in quotes"
    if before.endswith(("]", "}")):
        return f"text follows the closing {before[-1]}: remove it, or put all of it in quotes"
    is_first = not before.strip("-? ")
    return None if is_first else "a value cannot continue here: put all of it in quotes"
