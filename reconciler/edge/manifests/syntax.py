"""Say in plain words why libyaml rejects a text. No other module matches on libyaml's messages."""

from __future__ import annotations

import yaml

from reconciler import redaction
from reconciler.core.errors import Problem

_KEY_ALONE = "could not find expected ':'"
_EXPLANATIONS = {
    "while parsing a flow sequence": "a [ has no ], or a comma between its entries is missing",
    "while parsing a flow mapping": "a { has no }, or a comma between its members is missing",
    "while parsing a flow node": "a [ or { is not closed, or a value is missing",
    "while parsing a block node": "no value can begin here: put the text in quotes",
    "while parsing a block mapping": "this line is neither a key nor part of the value above: check the indentation",
    "while parsing a block collection": "this line neither is an entry nor belongs to one: check the indentation",
    _KEY_ALONE: "a key must be followed by ': ', and text of several lines needs quotes or a |",
    "mapping values are not allowed": "a value cannot contain ': ': put it in quotes, or check the indentation",
    "quoted scalar found unexpected end of stream": "a quote is not closed",
    "unknown escape character": r"this escape is unknown: write \\ for a backslash, or use single quotes",
    "invalid Unicode character escape": (
        r"this \u escape is half of a surrogate pair: write the character itself, or write the whole file as JSON"
    ),
}
"""Parts of libyaml's messages, each with what we say instead."""
_NEXT_DOCUMENT = "expected <document start>"
_TEXT_AFTER_DOCUMENT = (
    "text follows the end of the document: remove it, or write --- on a separate line before the next document"
)
_BAD_CHARACTER = "cannot start any token"


def build_syntax_problem(name: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """Return the problem of the file `name`, whose text libyaml rejects."""
    mark = error.problem_mark or error.context_mark
    if error.problem and _KEY_ALONE in error.problem:
        mark = error.context_mark  # the key. The problem is noticed in the next line
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    message = redaction.redact(" ".join(part for part in (error.context, error.problem) if part))
    if _NEXT_DOCUMENT in message:
        return Problem(name, line, column, "", _TEXT_AFTER_DOCUMENT)
    if _BAD_CHARACTER in message and mark:
        message = _explain_character(text[mark.index : mark.index + 1])
    else:
        message = next((ours for words, ours in _EXPLANATIONS.items() if words in message), message)
    return Problem(name, line, column, "", f"the file is not YAML: {message}")


def _explain_character(char: str) -> str:
    return "a tab cannot indent: use spaces" if char == "\t" else f"{char!r} cannot begin a value: put it in quotes"
