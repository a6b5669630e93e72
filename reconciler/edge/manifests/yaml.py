"""Reads YAML by the 1.2 core schema, keeps where everything stands, and refuses what is dangerous.

It works on libyaml's events instead of PyYAML's loaders: those read YAML 1.1 (`no` is false there), forget
positions, and crash on deep nesting.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import replace
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

from reconciler import redaction
from reconciler.core.errors import Problem
from reconciler.core.manifests.document import BREAK, Document, Text
from reconciler.core.manifests.files import MAX_BYTES
from reconciler.core.model import Json
from reconciler.core.text import shorten
from reconciler.edge.manifests import json
from reconciler.edge.manifests.budget import MAX_DEPTH, MAX_NODES, Budget, Exhausted, Refused
from reconciler.edge.manifests.scalars import resolve

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
_OLD_BREAK = re.compile("[\x85\u2028\u2029]")
_BLOCK = ("|", ">")
_BEHIND_ANCHOR = frozenset(("", *" \t\r\n,[]{}"))
_SHOWN = 80
_HEADER = len("|2+")
_TAGGING = "%TAG"
_FEW = 64
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def documents(name: str, content: bytes, budget: Budget | None = None) -> Iterator[Document | Problem]:
    """Yield the documents of a file, and a problem for everything in it that is not acceptable as YAML.

    `budget` is what the revision may still hold. Raises Exhausted where it holds more.
    """
    try:
        text = Text(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        yield Problem(
            name,
            *_end(content[: error.start].decode("utf-8-sig", "replace")),
            "",
            "is not UTF-8: save the file in UTF-8",
        )
        return
    budget = budget or Budget()
    empty = True
    for found in _json(name, text, budget) or _yaml(name, text, budget):
        empty = False
        yield found
    if empty:
        yield Problem(name, 1, 1, "", "is empty: remove the file, or write a manifest into it")


def _json(name: str, text: Text, budget: Budget) -> list[Document | Problem]:
    """Return the documents of JSON, and none of what is YAML in another form. Raises Exhausted."""
    if not json.is_likely(text.text):
        return []
    left = replace(budget)
    found: list[Document | Problem] = []
    try:
        found.extend(json.documents(name, text, left))
    except Exhausted:
        raise
    except Refused as error:
        found.append(error.problem)
    except json.NotJson:
        return []
    budget.documents, budget.values = left.documents, left.values
    return found


def _yaml(name: str, text: Text, budget: Budget) -> Iterator[Document | Problem]:
    """Yield the documents of YAML, and a problem for everything that is not acceptable. Raises Exhausted."""
    if wrong := next(_misread(name, text.text), None):
        yield wrong
        return
    reader = _Reader(name, text, budget)
    try:
        for found in reader.documents():
            if isinstance(found, Problem) or found.value is not None:
                yield found
    except Exhausted:
        raise
    except Refused as error:
        yield from (*reader.problems, error.problem)
    except yaml.MarkedYAMLError as error:
        yield from (*reader.problems, _syntax(name, error))
    except yaml.YAMLError as error:
        unprintable = _UNPRINTABLE.search(text.text)
        place = _end(text.text[: unprintable.start()]) if unprintable else (0, 0)
        yield from (
            *reader.problems,
            Problem(name, *place, "", f"is not YAML: {redaction.redact(str(error).splitlines()[0])}"),
        )


def _misread(name: str, text: str) -> Iterator[Problem]:
    """Yield what libyaml would read by YAML 1.1, or not within bounded time."""
    if found := _OLD_BREAK.search(text):
        said = (
            f"the character U+{ord(found[0]):04X} ends a line in YAML 1.1 and not in YAML 1.2: remove it, "
            f'or write it as "\\u{ord(found[0]):04x}", in double quotes'
        )
        yield Problem(name, *_end(text[: found.start()]), "", said)
    if text.count(_TAGGING) > _FEW:  # libyaml compares each with all before it
        place = _end(text[: text.index(_TAGGING)])
        yield Problem(name, *place, "", f"has {_TAGGING} more than {_FEW} times: manifests have plain values only")


class _Reader:
    """Turns the events of one file into documents; collects what can be passed over and reported."""

    def __init__(self, name: str, text: Text, budget: Budget) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._source = text
        self._text = text.text
        self._budget = budget
        self._next = _Loader(text.text).get_event
        self._marks: array[int] = array("I")
        self._size = 0  # characters of all scalars, with those that aliases repeat
        self._anchors: dict[str, tuple[Json, array[int], int] | None] = {}

    def documents(self) -> Iterator[Document | Problem]:
        """Yield document after document, and what is wrong with each; raises yaml.YAMLError and Refused."""
        while type(event := self._next()) is not StreamEndEvent:
            if isinstance(event, DocumentStartEvent):
                self._marks, self._size = array("I"), 0
                self._anchors.clear()
                start: Any = event.start_mark
                line = start.line + 1
                self._budget.begin(self._name, line)
                value = self._value(self._next(), 0)
                self._budget.end(self._name, line, len(self._marks) // 2)
                if not self.problems:
                    yield Document(value, self._marks, self._source)
                yield from self.problems
                self.problems.clear()

    def _value(self, event: Any, depth: int) -> Json:
        start = event.start_mark
        kind = type(event)
        if event.anchor:
            self._check_anchor(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        first, before = len(self._marks), self._size
        self._marks.append(start.line)
        self._marks.append(start.column)
        if len(self._marks) > 2 * MAX_NODES:
            raise self._refuse(start, f"holds more than {MAX_NODES:,} keys and values: split the document")
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag:
            self._report(start, f"the tag {shorten(event.tag)} is not allowed: manifests have plain values only")
        value: Json
        if kind is ScalarEvent:
            value = self._scalar(event)
        elif depth == MAX_DEPTH:
            raise self._refuse(start, f"nests deeper than {MAX_DEPTH} levels")
        elif kind is MappingStartEvent:
            value = self._mapping(depth + 1)
        else:
            value = self._sequence(depth + 1)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._marks[first:], self._size - before)
        return value

    def _mapping(self, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        starts: dict[str, Any] = {}
        while type(event := self._next()) is not MappingEndEvent:
            start = event.start_mark
            if type(event) is not ScalarEvent:
                raise self._refuse(start, "a key must be plain text")
            self._check_key(event)
            self._marks.append(start.line)
            self._marks.append(start.column)
            key = event.value
            self._size += len(key)
            value = self._value(self._next(), depth)
            if key in mapping:
                self._report(start, f"duplicate key {shorten(key)}: it stands in line {starts[key].line + 1} already")
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
            raise self._refuse(event.start_mark, f"the alias *{event.anchor[:_SHOWN]} {wrong}")
        value, marks, size = target
        self._size += size
        if len(self._marks) + len(marks) > 2 * MAX_NODES:
            raise self._refuse(
                event.start_mark, f"aliases make more than {MAX_NODES:,} keys and values of this document"
            )
        if self._size > MAX_BYTES:
            raise self._refuse(event.start_mark, f"aliases make more than {MAX_BYTES >> 20} MiB of this document")
        if depth + _height(value) > MAX_DEPTH:
            raise self._refuse(event.start_mark, f"aliases make this document nest deeper than {MAX_DEPTH} levels")
        self._marks.extend(marks)
        return value

    def _scalar(self, event: Any) -> Json:
        text: str = event.value
        self._size += len(text)
        if event.style in _BLOCK:
            self._check_block(event)
        if not event.implicit[0]:
            return text
        value, wrong = resolve(text)
        if wrong:
            self._report(event.start_mark, wrong)
        return value

    def _check_anchor(self, event: Any) -> None:
        """Refuse a name that goes on where libyaml ends it: to YAML 1.2, `&a:b c` is the anchor `a:b` of `c`."""
        after = event.start_mark.index + 1 + len(event.anchor)
        if self._text[event.start_mark.index] in "&*" and self._text[after : after + 1] not in _BEHIND_ANCHOR:
            raise self._refuse(event.start_mark, "the name of an anchor must be of letters, digits, '-' and '_' only")

    def _check_key(self, event: Any) -> None:
        """Refuse `[?x]`: a key of nothing to libyaml, and the text `?x` to YAML 1.2."""
        start = event.start_mark.index
        if event.anchor:
            self._check_anchor(event)
        if self._text[start - 1 : start] == "?" and self._text[start : start + 1] not in _BEHIND_ANCHOR:
            raise self._refuse(
                event.start_mark, "put a blank behind the '?' of a key, or text that begins with it in quotes"
            )

    def _check_block(self, event: Any) -> None:
        """Refuse a block that a line of blanks without an end makes longer: by a line end, or not."""
        if self._source.unended is None or event.end_mark.index < self._source.unended:
            return
        start = event.start_mark.index
        keeps = "+" in self._text[start : start + _HEADER]
        if keeps or event.value.endswith(" "):
            said = "the last line of this text is blank, and is not ended: remove the blanks, or end it with a line end"
            raise self._refuse(event.start_mark, said)

    def _report(self, mark: Any, message: str) -> None:
        self.problems.append(Problem(self._name, mark.line + 1, mark.column + 1, "", message))

    def _refuse(self, mark: Any, message: str) -> Refused:
        return Refused(Problem(self._name, mark.line + 1, mark.column + 1, "", message))


def _height(value: Json) -> int:
    """Count the levels of a tree; a single value has none."""
    if isinstance(value, Mapping):
        return 1 + max(map(_height, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_height, value), default=0)
    return 0


def _end(text: str) -> tuple[int, int]:
    """Return the line and column, from 1, at which a text ends."""
    line, start = 1, 0
    for found in BREAK.finditer(text):
        line, start = line + 1, found.end()
    return line, len(text) - start + 1


def _syntax(name: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    said = " ".join(part for part in (error.context, error.problem) if part)
    if "did not find expected <document start>" in said:
        said = "a second document begins here: write --- on a line of its own before it"
    if "invalid Unicode character escape" in said:
        said = f"{said}: half of a surrogate pair: write the character itself, or the whole file as JSON"
    return Problem(name, line, column, "", f"is not YAML: {said}")
