"""Say in plain words why a text is not JSON, with remedies that exist in JSON."""

from __future__ import annotations

import re

from reconciler.core.manifests.document import LINE_BREAK
from reconciler.edge.manifests.templates import find_template

UNCLOSED = {
    "[": "a [ has no ], or a comma between its entries is missing",
    "{": "a { has no }, or a comma between its members is missing",
}
"""The message about a missing comma or a missing closing bracket, by opening bracket."""
UNCLOSED_OR_EMPTY = "a [ or { is not closed, or a value is missing"
TEXT_AFTER_DOCUMENT = (
    "text follows the end of the document: remove it, or write --- on a separate line before the next document"
)
_SLASH_COMMENTS = ("//", "/*")
_COMMENTS = (*_SLASH_COMMENTS, "#")
_BLANKS = " \t\r\n"
_UNPRINTABLE = re.compile(r"[^\S \t\r\n]|[\x00-\x08\x0e-\x1b\x7f-\x9f\ufeff]")
_VALID_PART = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+')
_WORD_IN_CAPITALS = re.compile("(?:true|false|null)(?![A-Za-z0-9_])", re.IGNORECASE)


class NotJson(Exception):
    """The text is not JSON. It may still be valid YAML.

    `expected` is what JSON needs at `index`: "document", "end", "key", "value", "string", ":" or ",". Before
    a comma or the end of a list or mapping, `opening` is the index of its opening bracket.
    """

    def __init__(self, index: int, expected: str, opening: int = 0) -> None:
        super().__init__(index, expected, opening)
        self.index, self.expected, self.opening = index, expected, opening


def is_comment(text: str, fault: NotJson) -> bool:
    """Return whether a text stops being JSON at a comment that YAML would read as a key or value."""
    return fault.expected != "string" and text.startswith(_SLASH_COMMENTS, fault.index)


def describe_bracket(text: str, opening: int, index: int) -> str:
    """Return the end of a sentence about a bracket, or nothing if it is in the line of the index."""
    if not LINE_BREAK.search(text, opening, index):
        return ""
    return f": the {text[opening]} is in line {len(LINE_BREAK.findall(text, 0, opening)) + 1}"


def explain_fault(text: str, fault: NotJson) -> tuple[int, str]:
    """Return (index, message) of the place where a text stops being JSON."""
    if fault.expected == "string":
        index, explanation = _explain_string(text, fault.index)
    elif _UNPRINTABLE.match(text, fault.index):
        index, explanation = fault.index, f"the character U+{ord(text[fault.index]):04X} is not allowed: remove it"
    elif fault.expected == "end" and not text.startswith(_COMMENTS, fault.index):
        return fault.index, TEXT_AFTER_DOCUMENT
    else:
        index, explanation = find_template(text, fault.index) or _explain_place(text, fault)
    return index, f"the file is not JSON: {explanation}"


def _explain_place(text: str, fault: NotJson) -> tuple[int, str]:
    index, expected = fault.index, fault.expected
    char = text[index : index + 1]
    before = text[:index].rstrip(_BLANKS)
    if text.startswith(_COMMENTS, index):
        return index, "comments are not allowed: remove this one"
    if before.endswith(",") and char in {"]", "}"}:
        return len(before) - 1, f"a comma cannot stand before '{char}': remove the comma"
    if char == "'" and expected in {"key", "value"}:
        return index, "text needs double quotes: write \" in place of '"
    if expected == "value" and char in {",", "]", "}"}:
        return index, f"a value is missing before '{char}': add a value, or remove the comma or key before it"
    if char in {"", "]", "}"} and expected in {"key", "value"}:
        return index, UNCLOSED_OR_EMPTY
    explanations = {
        "document": "a manifest must begin with {: write JSON, or give the file a name that ends with .yaml",
        "key": 'a key needs double quotes: write "KEY": VALUE',
        ":": 'a key must be followed by a colon: write "KEY": VALUE',
        "value": _explain_value(text, index),
    }
    return index, explanations.get(expected) or _explain_missing_comma(text, fault)


def _explain_value(text: str, index: int) -> str:
    word = _WORD_IN_CAPITALS.match(text, index)
    return f"this word needs small letters: write {word[0].lower()}" if word else "this value needs double quotes"


def _explain_missing_comma(text: str, fault: NotJson) -> str:
    """Return why neither a comma nor the closing bracket is at a place."""
    char, before = text[fault.index : fault.index + 1], text[fault.index - 1 : fault.index]
    if char not in {"", *_BLANKS, *',:]}"'}:
        if before == '"':
            return r"text follows the closing quote: remove it, or write \" for a quote inside"
        if before.isalnum() or before == ".":
            return "this value needs double quotes, or is not a number of JSON"
    bracket = text[fault.opening]
    if char == ":" and bracket == "[":
        return "a list cannot contain a key: close the list with ], or put the key and its value in { }"
    return UNCLOSED[bracket] + describe_bracket(text, fault.opening, fault.index)


def _explain_string(text: str, start: int) -> tuple[int, str]:
    """Return (index, explanation) of a text in double quotes that begins at `start` and is not valid."""
    valid = _VALID_PART.match(text, start)
    end = valid.end() if valid else start
    char = text[end : end + 1]
    if char == "\\":
        return end, r"this escape is unknown: write \\ for a backslash, or four hexadecimal digits after \u"
    if char in {"", "\n", "\r"}:
        return start, r"this quote is not closed in its line: close it, or write \n for a line break"
    return end, f"the character U+{ord(char):04X} is not allowed: remove it, or write \\u{ord(char):04x}"
