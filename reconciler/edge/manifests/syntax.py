"""Say in plain words why libyaml rejects a text. No other module matches on libyaml's messages."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    ScalarToken,
)

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import LINE_BREAK
from reconciler.core.text import shorten
from reconciler.edge.manifests.json_syntax import (
    TEXT_AFTER_DOCUMENT,
    UNCLOSED,
    UNCLOSED_OR_EMPTY,
    describe_bracket,
)
from reconciler.edge.manifests.templates import find_template

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml, if PyYAML was built with it."""

_IN_LIST = "while parsing a flow sequence"
_IN_MAPPING = "while parsing a flow mapping"
_IN_VALUE = "while parsing a flow node"
_KEY_ALONE = "could not find expected ':'"
_BAD_ESCAPE = "invalid Unicode character escape"
_UNEXPECTED_COLON = "mapping values are not allowed"
_UNCLOSED_QUOTE = "quoted scalar found unexpected"
_ESCAPE_CONTEXT = "while parsing a quoted scalar"
_TAB = "a tab cannot indent: use spaces"
_TAG = "a '!' at the beginning of a value begins a tag, and tags are not allowed: remove the tag, or use quotes"
_VERSION = "the version of YAML must be 1.2: write %YAML 1.2, or remove the line"
_DIRECTIVE = "a line that begins with % must be a directive of YAML: remove the line, or put its text in quotes"
_EXPLANATIONS = {
    _IN_LIST: UNCLOSED["["],
    _IN_MAPPING: UNCLOSED["{"],
    _IN_VALUE: UNCLOSED_OR_EMPTY,
    "while parsing a block node": "no value can begin here: put the text in quotes",
    "while parsing a block mapping": "this line is neither a key nor part of the value above: check the indentation",
    "while parsing a block collection": "this line does not belong to the list above it: check the indentation",
    _KEY_ALONE: "a key must be followed by ': ', and text of several lines needs quotes or a |",
    _UNEXPECTED_COLON: "a value cannot contain ': ': put it in quotes, or check the indentation",
    "mapping keys are not allowed": "a value cannot begin with '? ': put it in quotes",
    "block sequence entries are not allowed": (
        "a list cannot begin in this line: write each entry on its own line, or put the text in quotes"
    ),
    "found a tab character": _TAB,
    "indentation indicator equal to 0": "the number after | or > must be 1 to 9: correct or remove it",
    "while scanning a block scalar": (
        "text cannot follow | or > in the same line: write it on the next line, or put all of it in quotes"
    ),
    _UNCLOSED_QUOTE: "this quote is not closed: close it, or remove it",
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
_UNCLOSED = (*UNCLOSED.values(), UNCLOSED_OR_EMPTY)
_UNEXPLAINED = "this text cannot stand here: put it in quotes, or check the indentation"
_NO_KEY = "did not find expected key"
_MISPLACED = (_NO_KEY, "did not find expected '-' indicator", "did not find expected <document")
_NEXT_DOCUMENT = "expected <document start>"
_TEXT_AFTER_DIRECTIVE = "a line --- must follow the lines that begin with %: add it, or remove those lines"
_BAD_CHARACTER = "cannot start any token"
_NAMELESS = ("while scanning an alias", "while scanning an anchor")
_INNER_QUOTES = {"'": "''", '"': r"\""}
"""Each quote, with its spelling inside a pair of the same quotes."""
_ENTRY_WITHOUT_BLANK = re.compile(r"[ ]*(?:-[ ]+)*-(?P<entry>[^-\s][^\r\n]*)")
_ENTRY_ERRORS = (_KEY_ALONE, _UNEXPECTED_COLON, *_MISPLACED[:2])
_QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'""", re.DOTALL)
_AFTER_QUOTED = (",", "]", "}")
_BEFORE_KEY = ("-", "?", "{", ",")


def build_syntax_problem(name: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """Return the problem of the file `name`, whose text libyaml rejects."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    mark: Any = error.problem_mark or error.context_mark
    if error.context_mark and (_KEY_ALONE in message or _UNCLOSED_QUOTE in message or error.context in _NAMELESS):
        mark = error.context_mark  # the key, the quote or the sign. libyaml notices the problem later
    origin = mark and (
        _explain_template(text, mark, message)
        or _explain_entry(text, mark, message)
        or _explain_origin(text, mark, message)
    )
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    explanation: str | None = None
    if origin:
        line, column, explanation = origin
    elif mark:
        explanation = _explain_place(text, mark, message)
    if not explanation and _NEXT_DOCUMENT in message:
        return Problem(name, line, column, "", TEXT_AFTER_DOCUMENT)
    explanation = explanation or next((ours for words, ours in _EXPLANATIONS.items() if words in message), _UNEXPLAINED)
    if explanation in _UNCLOSED and (bracket := _find_open_bracket(text, mark)):
        explanation += describe_bracket(text, bracket.index, mark.index)
    if error.context == _ESCAPE_CONTEXT and error.context_mark and error.context_mark.line < mark.line:
        explanation += f", or close the quote that begins in line {error.context_mark.line + 1}"
    return Problem(name, line, column, "", f"the file is not YAML: {explanation}")


def build_character_problem(name: str, position: tuple[int, int], char: str) -> Problem:
    """Return the problem of a character that YAML does not allow. `char` is empty if it is unknown."""
    noun = f"character U+{ord(char):04X}" if char else "control character"
    escape = f'write it as "\\u{ord(char):04x}" in double quotes' if char else "write it as an escape in double quotes"
    return Problem(name, *position, "", f"the file is not YAML: the {noun} is not allowed: remove it, or {escape}")


def _explain_template(text: str, mark: Any, message: str) -> tuple[int, int, str] | None:
    """Return line, column and explanation of an unrendered template in the line of the mark or bracket, or None."""
    bracket = _find_open_bracket(text, mark) if _IN_VALUE in message else None
    for place in (mark, *((bracket,) if bracket else ())):
        if template := find_template(text, place.index):
            start, explanation = template
            return place.line + 1, place.column + 1 - (place.index - start), explanation
    return None


def _explain_entry(text: str, mark: Any, message: str) -> tuple[int, int, str] | None:
    """Return line, column and explanation of a list entry without a blank after its '-', or None.

    The entry is in the line of the mark, or it is the text that the line of the mark continues.
    """
    if not any(words in message for words in _ENTRY_ERRORS):
        return None
    places = [mark]
    scalar = _find_scalar_before(text, mark) if _UNEXPECTED_COLON in message else None
    if scalar and scalar.plain and not text[scalar.end_mark.index : mark.index].strip():
        places.append(scalar.start_mark)
    for place in places:
        entry = _ENTRY_WITHOUT_BLANK.match(text, place.index - place.column)
        if entry:
            column = entry.start("entry") - (place.index - place.column)
            written = shorten(f"- {entry['entry'].rstrip()}")
            return place.line + 1, column, f"a list entry needs a blank after '-': write {written}"
    return None


def _explain_origin(text: str, mark: Any, message: str) -> tuple[int, int, str] | None:
    """Return line, column and explanation of a problem that begins before libyaml notices it, or None.

    libyaml reads text without a closing quote up to the next quote, and a key without ':' up to the next ':'.
    """
    if _KEY_ALONE in message:
        quoted = _QUOTED.match(text, mark.index)
        breaks = len(LINE_BREAK.findall(quoted[0])) if quoted else 0
        return _explain_late_quote(mark, mark.line + breaks, quoted[0]) if quoted and breaks else None
    scalar = _find_scalar_before(text, mark)
    if scalar is None:
        return None
    between = text[scalar.end_mark.index : mark.index + 1].lstrip()
    if scalar.end_mark.line == mark.line and not scalar.plain:
        is_accepted = between != "," and between.startswith(_AFTER_QUOTED)
        return None if is_accepted else _explain_late_quote(scalar.start_mark, mark.line, scalar.style)
    return _explain_missing_colon(text, scalar.start_mark, mark, between, message)


def _explain_late_quote(start: Any, last: int, quote: str) -> tuple[int, int, str]:
    """Return line, column and explanation of a quote that is closed in a later line, counted from 0."""
    line = start.line + 1
    explanation = (
        f"this quote is closed in line {last + 1}, and text follows there: close it in line {line}, "
        f"or write {_INNER_QUOTES[quote[0]]} for a quote inside"
    )
    return line, start.column + 1, explanation


def _explain_missing_colon(text: str, start: Any, mark: Any, between: str, message: str) -> tuple[int, int, str] | None:
    """Return line, column and explanation of a key without ':', or None.

    The text of the key begins at `start`, above the mark. `between` is what follows that text, up to the mark.
    """
    before = text[start.index - start.column : start.index].rstrip()
    if _IN_LIST in message or (_IN_MAPPING in message and _is_outdented(text, mark)):
        return None  # a bracket is not closed
    is_key = not before or before.endswith(_BEFORE_KEY)
    is_continued = between == ":"
    is_beside_key = _NO_KEY in message and start.column == mark.column and not between.startswith(":")
    if is_key and (is_continued or is_beside_key):
        return start.line + 1, start.column + 1, _EXPLANATIONS[_KEY_ALONE]
    if is_continued and _UNEXPECTED_COLON in message:
        explanation = (
            f"this line continues the value that begins in line {start.line + 1}, and a value cannot contain ': ': "
            "check the indentation, or put the value in quotes"
        )
        return mark.line + 1, mark.column + 1, explanation
    return None


def _is_outdented(text: str, mark: Any) -> bool:
    """Return whether the line of the mark is not indented more than the line of the bracket that is open there."""
    bracket = _find_open_bracket(text, mark) or mark
    line, above = (text[each.index - each.column : each.index + 1] for each in (mark, bracket))
    return len(line) - len(line.lstrip()) <= len(above) - len(above.lstrip())


def _find_open_bracket(text: str, mark: Any) -> Any:
    """Return where the innermost list or mapping in brackets begins that is open at the mark, or None."""
    starts = []
    for token in _scan_up_to(text, mark):
        if isinstance(token, (FlowSequenceStartToken, FlowMappingStartToken)):
            starts.append(token.start_mark)
        elif isinstance(token, (FlowSequenceEndToken, FlowMappingEndToken)) and starts:
            starts.pop()
    return starts[-1] if starts else None


def _find_scalar_before(text: str, mark: Any) -> Any:
    """Return the token of the last text that begins in a line above the mark, or None if it is text after | or >."""
    found = None
    for token in _scan_up_to(text, mark):
        if isinstance(token, ScalarToken) and token.start_mark.line < mark.line:
            found = token
    return found if found and found.style not in ("|", ">") else None


def _scan_up_to(text: str, mark: Any) -> Iterator[Any]:
    """Yield the tokens above and before the mark."""
    try:
        yield from yaml.scan(text[: mark.index], Loader=Loader)
    except yaml.YAMLError:  # the text ends at the mark, which may be inside a list or quotes
        return


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
    before = text[mark.index - mark.column : mark.index].rstrip()
    if _UNCLOSED_QUOTE in message or any(words in message for words in _MISPLACED):
        return _explain_misplaced_text(text, mark, before, message)
    return None


def _explain_misplaced_text(text: str, mark: Any, before: str, message: str) -> str | None:
    """Return why text cannot stand at the mark, or None. `before` is the text before it in its line."""
    if inner_quote := _INNER_QUOTES.get(before[-1:]):
        return _explain_text_after_quote(before, inner_quote)
    if _UNCLOSED_QUOTE in message:
        return None
    if _NEXT_DOCUMENT in message:
        lines = text[: mark.index - mark.column].splitlines()
        above = next((line for line in reversed(lines) if line.strip() and not line.lstrip().startswith("#")), "")
        return _TEXT_AFTER_DIRECTIVE if above.startswith("%") else None
    if text[mark.index : mark.index + 1] == ":":
        return "a key is missing before the ':': write KEY: VALUE, or put the text in quotes"
    if before.endswith(("]", "}")):
        return f"text follows the closing {before[-1]}: remove it, or put all of it in quotes"
    is_first = not before.strip("-? ")
    return None if is_first else "a value cannot continue here: put all of it in quotes"


def _explain_text_after_quote(before: str, inner_quote: str) -> str:
    """Return the explanation of text after a closing quote. `before` is the line up to that quote."""
    remedy = f"put all of it in one pair of quotes, and write {inner_quote} for a quote inside"
    may_be_key = before.lstrip("-? ").startswith(before[-1])
    return f"text follows the closing quote: {remedy}{', or write KEY: VALUE' if may_be_key else ''}"
