"""Reads JSON as JSON, also where a file is called YAML: its strings may hold what libyaml reads in another way.

Those are surrogate pairs as escapes, as every library writes an emoji, and the line ends of YAML 1.1.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from json import JSONDecodeError, decoder

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import BREAK, Document, Text
from reconciler.core.model import Json
from reconciler.edge.manifests.budget import MAX_DEPTH, MAX_NODES, Budget, Refused
from reconciler.edge.manifests.scalars import resolve

_BLANK = re.compile(r"[ \t\r\n]*+")
_BETWEEN = re.compile(r"(?:[ \t\r\n]++|(?:#[^\r\n]*+|(?:---|\.\.\.)[ \t]*+)(?:[\r\n]|\Z))*+")
"""Between two documents: comments, and the marks of YAML where one ends or begins."""
_MARK = re.compile(r"(?<=[\r\n])(?:---|\.\.\.)[ \t]*+(?:[\r\n]|\Z)")
_WORD = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?[0-9]++)?+|true|false|null")
_scan: Callable[[str, int], tuple[str, int]] = vars(decoder)["scanstring"]  # in C; typeshed does not know it
_HALF = re.compile("[\ud800-\udfff]")


class NotJson(Exception):
    """The text is no JSON; what else it may be is not said."""


def is_likely(text: str) -> bool:
    """Tell whether a text begins as one of JSON documents does, each of which is a mapping or a list."""
    start = _BETWEEN.match(text)
    return start is not None and text.startswith(("{", "["), start.end())


def documents(name: str, text: Text, budget: Budget) -> Iterator[Document | Problem]:
    """Yield the documents of a text one after the other. Raises NotJson and Refused."""
    reader = _Reader(name, text, budget)
    while reader.more():
        yield from reader.document()


class _Reader:
    """Reads one text from its start to its end."""

    def __init__(self, name: str, text: Text, budget: Budget) -> None:
        self._name, self._source, self._text, self._budget = name, text, text.text, budget
        self._at = 0
        self._starts = array("I", (0,))
        self._starts.extend(found.end() for found in BREAK.finditer(self._text))
        self._marks: array[int] = array("I")
        self._problems: list[Problem] = []

    def more(self) -> bool:
        """Tell whether another document follows, and go to it. Raises NotJson where no mark stands between the two."""
        end = self._at
        self._skip(_BETWEEN)
        follows = self._at < len(self._text)
        if follows and end and not _MARK.search(self._text, end, self._at):
            raise NotJson
        return follows

    def document(self) -> Iterator[Document | Problem]:
        """Yield one document, or what is wrong with it."""
        if self._text[self._at] not in "{[":
            raise NotJson
        self._marks, self._problems = array("I"), []
        line, _ = self._place(self._at)
        self._budget.begin(self._name, line + 1)
        value = self._value(0)
        self._budget.end(self._name, line + 1, len(self._marks) // 2)
        yield from self._problems or (Document(value, self._marks, self._source),)

    def _value(self, depth: int) -> Json:
        start = self._at
        self._mark(start)
        if len(self._marks) > 2 * MAX_NODES:
            raise self._refuse(start, f"holds more than {MAX_NODES:,} keys and values: split the document")
        first = self._text[start : start + 1]
        if first == '"':
            return self._string()
        if first not in {"{", "["}:
            return self._word()
        if depth == MAX_DEPTH:
            raise self._refuse(start, f"nests deeper than {MAX_DEPTH} levels")
        self._at += 1
        return self._mapping(depth + 1) if first == "{" else self._list(depth + 1)

    def _mapping(self, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        starts: dict[str, int] = {}
        while self._goes_on("}", first=not starts):
            start = self._at
            self._mark(start)
            key = self._string()
            self._skip(_BLANK)
            self._take(":")
            self._skip(_BLANK)
            value = self._value(depth)
            if key in mapping:
                line = self._place(starts[key])[0] + 1
                self._report(start, f"duplicate key {key[:80]!r}: it stands in line {line} already")
            mapping[key], starts[key] = value, start
        return mapping

    def _list(self, depth: int) -> list[Json]:
        values: list[Json] = []
        while self._goes_on("]", first=not values):
            values.append(self._value(depth))
        return values

    def _goes_on(self, end: str, *, first: bool) -> bool:
        """Tell whether another member follows, and go to it; go behind the end where none does."""
        self._skip(_BLANK)
        if self._text.startswith(end, self._at):
            self._at += 1
            return False
        if not first:
            self._take(",")
            self._skip(_BLANK)
        return True

    def _string(self) -> str:
        start = self._at
        self._take('"')
        try:
            value, self._at = _scan(self._text, start + 1)
        except JSONDecodeError:
            raise NotJson from None
        if not value.isascii() and _HALF.search(value):
            self._report(start, "half of a surrogate pair, which is no character: write both halves, or neither")
        return value

    def _word(self) -> Json:
        found = _WORD.match(self._text, self._at)
        if found is None:
            raise NotJson
        value, wrong = resolve(found[0])
        if wrong:
            self._report(self._at, wrong)
        self._at = found.end()
        return value

    def _take(self, sign: str) -> None:
        if not self._text.startswith(sign, self._at):
            raise NotJson
        self._at += 1

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect_right(self._starts, at) - 1
        return line, at - self._starts[line]

    def _mark(self, at: int) -> None:
        self._marks.extend(self._place(at))

    def _report(self, at: int, message: str) -> None:
        line, column = self._place(at)
        self._problems.append(Problem(self._name, line + 1, column + 1, "", message))

    def _refuse(self, at: int, message: str) -> Refused:
        line, column = self._place(at)
        return Refused(Problem(self._name, line + 1, column + 1, "", message))
