"""Reads YAML by the 1.2 core schema, keeps where everything stands, and refuses what is dangerous.

It works on libyaml's events instead of PyYAML's loaders: those read YAML 1.1 (`no` is false there), forget
positions, and crash on deep nesting.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from math import isinf
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from reconciler.core.errors import Problem
from reconciler.core.model import Json
from reconciler.edge.manifests.document import BREAK, Document

MAX_DEPTH = 32
MAX_NODES = 100_000
"""How deep a document may nest, and how many values it may have once its aliases are replaced."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
_PLAIN = frozenset("~nNtTfF+-.0123456789")
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def documents(name: str, content: bytes) -> Iterator[Document | Problem]:
    """Yield the documents of a file, and a problem for everything in it that is not acceptable as YAML."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        yield Problem(name, *_end(before), "", "is not UTF-8: save the file in UTF-8")
        return
    reader = _Reader(name, text)
    empty = True
    try:
        for document in reader.documents():
            if document.value is not None:
                empty = False
                yield document
    except _Refused as error:
        reader.problems.append(error.problem)
    except yaml.MarkedYAMLError as error:
        reader.problems.append(_syntax(name, error))
    except yaml.YAMLError as error:
        wrong = _UNPRINTABLE.search(text)
        place = _end(text[: wrong.start()]) if wrong else (0, 0)
        reader.problems.append(Problem(name, *place, "", f"is not YAML: {str(error).splitlines()[0]}"))
    if reader.problems:
        yield from reader.problems
    elif empty:
        yield Problem(name, 1, 1, "", "is empty: remove the file, or write a manifest into it")


class _Refused(Exception):  # noqa: N818 - ends the reading of one file
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


class _Reader:
    """Turns the events of one file into documents; collects what can be passed over and reported."""

    def __init__(self, name: str, text: str) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._text = text
        self._next = _Loader(text).get_event
        self._marks: array[int] = array("I")
        self._anchors: dict[str, tuple[Json, array[int]] | None] = {}

    def documents(self) -> Iterator[Document]:
        """Yield document after document; raises yaml.YAMLError and _Refused."""
        while type(event := self._next()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                self._marks = array("I")
                self._anchors.clear()
                before = len(self.problems)
                value = self._value(self._next(), 0)
                if len(self.problems) == before:
                    yield Document(value, self._marks, self._text)

    def _value(self, event: Any, depth: int) -> Json:
        start = event.start_mark
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        first = len(self._marks)
        self._marks.append(start.line)
        self._marks.append(start.column)
        if len(self._marks) > 2 * MAX_NODES:
            raise self._refuse(start, f"holds more than {MAX_NODES} values: split the document")
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag:
            self._report(start, f"the tag {event.tag!r} is not allowed: manifests have plain values only")
        value: Json
        if kind is ScalarEvent:
            value = self._scalar(event) if event.implicit[0] else event.value
        elif depth == MAX_DEPTH:
            raise self._refuse(start, f"nests deeper than {MAX_DEPTH} levels")
        elif kind is MappingStartEvent:
            value = self._mapping(depth + 1)
        else:
            value = self._sequence(depth + 1)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._marks[first:])
        return value

    def _mapping(self, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        starts: dict[str, Any] = {}
        while type(event := self._next()) is not MappingEndEvent:
            start = event.start_mark
            if type(event) is not ScalarEvent:
                raise self._refuse(start, "a key must be plain text")
            self._marks.append(start.line)
            self._marks.append(start.column)
            key = event.value
            value = self._value(self._next(), depth)
            if key in mapping:
                self._report(start, f"duplicate key {key!r}: it stands in line {starts[key].line + 1} already")
            mapping[key] = value
            starts[key] = start
        if "<<" in mapping:
            self._report(starts["<<"], "a merge key ('<<') is not part of YAML 1.2: write the keys out")
        return mapping

    def _sequence(self, depth: int) -> list[Json]:
        sequence = []
        while type(event := self._next()) is not SequenceEndEvent:
            sequence.append(self._value(event, depth))
        return sequence

    def _alias(self, event: Any, depth: int) -> Json:
        target = self._anchors.get(event.anchor)
        if target is None:
            known = event.anchor in self._anchors
            wrong = "stands inside its own anchor" if known else "has no anchor before it"
            raise self._refuse(event.start_mark, f"the alias *{event.anchor} {wrong}")
        value, marks = target
        if len(self._marks) + len(marks) > 2 * MAX_NODES:
            raise self._refuse(event.start_mark, f"aliases make more than {MAX_NODES} values of this document")
        if depth + _height(value) > MAX_DEPTH:
            raise self._refuse(event.start_mark, f"aliases make this document nest deeper than {MAX_DEPTH} levels")
        self._marks.extend(marks)
        return value

    def _scalar(self, event: Any) -> Json:
        """Resolve a plain scalar by the core schema of YAML 1.2.2, section 10.3.2."""
        text: str = event.value
        if text and text[0] not in _PLAIN:
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            if len(text) > 18:  # noqa: PLR2004 - what fits 64 bits for certain
                self._report(event.start_mark, "a number of more than 18 characters: put it in quotes")
                return text
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not isinf(number):
                return number
            self._report(event.start_mark, "a number too large to be used: put it in quotes")
        elif _SPECIAL.fullmatch(text):
            self._report(event.start_mark, f"{text} is no number that can be used here")
        return text

    def _report(self, mark: Any, message: str) -> None:
        self.problems.append(Problem(self._name, mark.line + 1, mark.column + 1, "", message))

    def _refuse(self, mark: Any, message: str) -> _Refused:
        return _Refused(Problem(self._name, mark.line + 1, mark.column + 1, "", message))


def _height(value: Json) -> int:
    """Count the levels of a tree; a single value has none."""
    if isinstance(value, Mapping):
        return 1 + max(map(_height, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_height, value), default=0)
    return 0


def _end(text: str) -> tuple[int, int]:
    """Return the line and column, from 1, at which a text ends."""
    lines = BREAK.split(text)
    return len(lines), len(lines[-1]) + 1


def _syntax(name: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    said = " ".join(part for part in (error.context, error.problem) if part)
    return Problem(name, line, column, "", f"is not YAML: {said}")
