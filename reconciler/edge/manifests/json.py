"""Read JSON by the rules of JSON, even in a file with a YAML suffix, because libyaml misreads some JSON strings.

Such strings contain escaped surrogate pairs, which many libraries write for an emoji, or the line breaks of YAML 1.1.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from json import JSONDecodeError, decoder

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import LINE_BREAK, Document, SourceText
from reconciler.core.model import Json
from reconciler.edge.manifests.budget import MAX_DEPTH, MAX_NODES, Budget, UnreadableFile
from reconciler.edge.manifests.json_syntax import NotJson
from reconciler.edge.manifests.scalars import resolve_scalar

_BLANK = re.compile(r"[ \t\r\n]*+")
_DOCUMENT_SEPARATOR = re.compile(r"(?:[ \t\r\n]++|(?:#[^\r\n]*+|(?:---|\.\.\.)[ \t]*+)(?:[\r\n]|\Z))*+")
"""The text between two documents: comments, and YAML's markers for the start or end of a document."""
_JSON_START = re.compile(rf"{_DOCUMENT_SEPARATOR.pattern}[{{\[][\[{{ \t\r\n]*+(?<!{{{{)(?:[\"']|//|/\*)")
_DOCUMENT_MARK = re.compile(r"(?<=[\r\n])(?:---|\.\.\.)[ \t]*+(?:[\r\n]|\Z)")
_WORD = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+|true|false|null")
_scan: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]  # written in C, and missing from typeshed
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def is_likely(text: str) -> bool:
    """Return whether a text begins with a mapping or a list, as each JSON document must here."""
    start = _DOCUMENT_SEPARATOR.match(text)
    return start is not None and text.startswith(("{", "["), start.end())


def begins_as_json(text: str) -> bool:
    """Return whether the first key, value or comment of a text shows that its author meant JSON."""
    return _JSON_START.match(text) is not None


def read_documents(name: str, text: SourceText, budget: Budget) -> Iterator[Document | Problem]:
    """Yield the documents of a text in order. Raises NotJson and UnreadableFile."""
    reader = _Reader(name, text, budget)
    while reader.go_to_document():
        yield from reader.read_document()


class _Reader:
    """A reader of one text, from start to end."""

    def __init__(self, name: str, text: SourceText, budget: Budget) -> None:
        self._name, self._source, self._text, self._budget = name, text, text.text, budget
        self._index = 0
        self._line_starts = array("I", (0,))
        self._line_starts.extend(line_break.end() for line_break in LINE_BREAK.finditer(self._text))
        self._marks: array[int] = array("I")
        self._problems: list[Problem] = []

    def go_to_document(self) -> bool:
        """Move to the next document, and return whether there is one. Raises NotJson if no marker separates the two."""
        end = self._index
        self._skip(_DOCUMENT_SEPARATOR)
        has_next = self._index < len(self._text)
        if has_next and end and not _DOCUMENT_MARK.search(self._text, end, self._index):
            raise NotJson(self._index, "end")
        return has_next

    def read_document(self) -> Iterator[Document | Problem]:
        """Yield one document, or its problems."""
        if self._text[self._index] not in "{[":
            raise NotJson(self._index, "document")
        self._marks, self._problems = array("I"), []
        line, _ = self._find_position(self._index)
        self._budget.begin_document(self._name, line + 1)
        value = self._read_value(0)
        self._budget.end_document(self._name, line + 1, len(self._marks) // 2)
        yield from self._problems or (Document(value, self._marks, self._source),)

    def _read_value(self, depth: int) -> Json:
        start = self._index
        self._record_position(start)
        if len(self._marks) > 2 * MAX_NODES:
            raise self._build_error(start, f"the document has more than {MAX_NODES:,} keys and values: split it")
        first = self._text[start : start + 1]
        if first == '"':
            return self._read_string()
        if first not in {"{", "["}:
            return self._read_word()
        if depth == MAX_DEPTH:
            raise self._build_error(
                start, f"the document is nested more than {MAX_DEPTH} levels deep: use fewer levels"
            )
        self._index += 1
        return self._read_mapping(depth + 1) if first == "{" else self._read_list(depth + 1)

    def _read_mapping(self, depth: int) -> dict[str, Json]:
        opening = self._index - 1
        mapping: dict[str, Json] = {}
        starts: dict[str, int] = {}
        while self._go_to_member("}", opening, is_first=not starts):
            start = self._index
            self._record_position(start)
            key = self._read_string()
            self._skip(_BLANK)
            self._expect(":", ":")
            self._skip(_BLANK)
            value = self._read_value(depth)
            if key in mapping:
                line = self._find_position(starts[key])[0] + 1
                self._report(start, f"duplicate key {key[:80]!r}: already used in line {line}")
            mapping[key], starts[key] = value, start
        return mapping

    def _read_list(self, depth: int) -> list[Json]:
        opening = self._index - 1
        values: list[Json] = []
        while self._go_to_member("]", opening, is_first=not values):
            values.append(self._read_value(depth))
        return values

    def _go_to_member(self, end: str, opening: int, *, is_first: bool) -> bool:
        """Move to the next member and return True, or move past the end and return False.

        `opening` is the index of the opening bracket.
        """
        self._skip(_BLANK)
        if self._text.startswith(end, self._index):
            self._index += 1
            return False
        if not is_first:
            if not self._text.startswith(",", self._index):
                raise NotJson(self._index, ",", opening)
            self._index += 1
            self._skip(_BLANK)
        return True

    def _read_string(self) -> str:
        start = self._index
        self._expect('"', "key")
        try:
            value, self._index = _scan(self._text, start + 1)
        except JSONDecodeError:
            raise NotJson(start, "string") from None
        if not value.isascii() and _LONE_SURROGATE.search(value):
            self._report(start, "half of a surrogate pair is not a character: write both halves, or neither")
        return value

    def _read_word(self) -> Json:
        match = _WORD.match(self._text, self._index)
        if match is None:
            raise NotJson(self._index, "value")
        value, problem = resolve_scalar(match[0])
        if problem:
            self._report(self._index, problem)
        self._index = match.end()
        return value

    def _expect(self, sign: str, expected: str) -> None:
        if not self._text.startswith(sign, self._index):
            raise NotJson(self._index, expected)
        self._index += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._index)
        self._index = match.end() if match else self._index

    def _find_position(self, index: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, index) - 1
        return line, index - self._line_starts[line]

    def _record_position(self, index: int) -> None:
        self._marks.extend(self._find_position(index))

    def _report(self, index: int, message: str) -> None:
        line, column = self._find_position(index)
        self._problems.append(Problem(self._name, line + 1, column + 1, "", message))

    def _build_error(self, index: int, message: str) -> UnreadableFile:
        line, column = self._find_position(index)
        return UnreadableFile(Problem(self._name, line + 1, column + 1, "", message))
