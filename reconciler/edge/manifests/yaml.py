"""Read YAML by the 1.2 core schema, keep the position of every value, and reject dangerous input.

The module reads libyaml's events instead of using PyYAML's loaders. The loaders read YAML 1.1, in which `no` is false,
drop positions, and crash on deep nesting.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
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
from reconciler.core.manifests.document import Document, SourceText
from reconciler.core.manifests.files import MAX_BYTES
from reconciler.core.model import Json
from reconciler.core.text import shorten
from reconciler.edge.manifests.budget import MAX_DEPTH, MAX_NODES, Budget, BudgetExceeded, UnreadableFile
from reconciler.edge.manifests.scalars import FIRST_CHARACTERS, resolve_scalar
from reconciler.edge.manifests.syntax import Loader, build_character_problem, build_syntax_problem
from reconciler.edge.manifests.templates import find_template

_YAML_1_1_BREAK = re.compile("[\x85\u2028\u2029]")
_BLOCK_STYLES = ("|", ">")
_ANCHOR_ENDS = frozenset(("", *" \t\r\n,[]{}"))
_MAX_SHOWN_LENGTH = 80
_MAX_MARKS = 2 * MAX_NODES
_BLOCK_HEADER_LENGTH = len("|2+")
_TAG_DIRECTIVE = "%TAG"
_MAX_TAG_DIRECTIVES = 64
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_documents(
    name: str, text: SourceText, budget: Budget, json_problem: Problem | None
) -> Iterator[Document | Problem]:
    """Yield the documents of YAML text, and a problem for each part that is not accepted. Raises BudgetExceeded.

    `json_problem` replaces the problem of a text that is not YAML either.
    """
    if problem := next(_find_misreadings(name, text), None):
        yield json_problem or problem
        return
    reader = _Reader(name, text, budget)
    try:
        for document in reader.read_documents():
            if isinstance(document, Problem) or document.value is not None:
                yield document
    except BudgetExceeded:
        raise
    except UnreadableFile as error:
        yield from (*reader.problems, error.problem)
    except yaml.MarkedYAMLError as error:
        yield from (*reader.problems, json_problem or build_syntax_problem(name, text.text, error))
    except yaml.YAMLError:  # the text has a character that YAML does not allow
        unprintable = _UNPRINTABLE.search(text.text)
        position = text.find_line_and_column(unprintable.start()) if unprintable else (0, 0)
        yield from (
            *reader.problems,
            json_problem or build_character_problem(name, position, unprintable[0] if unprintable else ""),
        )


def _find_misreadings(name: str, source: SourceText) -> Iterator[Problem]:
    """Yield a problem for text that libyaml would read by YAML 1.1, or would take unbounded time to read."""
    text = source.text
    if not text.isascii() and (line_break := _YAML_1_1_BREAK.search(text)):
        message = (
            f"the character U+{ord(line_break[0]):04X} ends a line in YAML 1.1, but not in YAML 1.2: remove it, "
            f'or write it as "\\u{ord(line_break[0]):04x}" in double quotes'
        )
        yield Problem(name, *source.find_line_and_column(line_break.start()), "", message)
    if text.count(_TAG_DIRECTIVE) > _MAX_TAG_DIRECTIVES:  # libyaml compares each one with all earlier ones
        position = source.find_line_and_column(text.index(_TAG_DIRECTIVE))
        yield Problem(
            name,
            *position,
            "",
            f"{_TAG_DIRECTIVE} is used more than {_MAX_TAG_DIRECTIVES} times: remove it, because tags are not allowed",
        )


class _Reader:
    """A reader that turns the events of one file into documents, and collects problems that do not end the reading."""

    def __init__(self, name: str, text: SourceText, budget: Budget) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._source = text
        self._text = text.text
        self._budget = budget
        self._next_event = Loader(text.text).get_event
        self._marks: array[int] = array("I")
        self._character_count = 0  # characters of all scalars, including those that aliases repeat
        self._anchors: dict[str, tuple[Json, array[int], int] | None] = {}

    def read_documents(self) -> Iterator[Document | Problem]:
        """Yield each document, or its problems. Raises yaml.YAMLError and UnreadableFile."""
        while type(event := self._next_event()) is not StreamEndEvent:
            if isinstance(event, DocumentStartEvent):
                self._marks, self._character_count = array("I"), 0
                self._anchors.clear()
                start: Any = event.start_mark
                line = start.line + 1
                self._budget.begin_document(self._name, line)
                value = self._read_value(self._next_event(), 0)
                self._budget.end_document(self._name, line, len(self._marks) // 2)
                if not self.problems:
                    yield Document(value, self._marks, self._source)
                yield from self.problems
                self.problems.clear()

    def _read_value(self, event: Any, depth: int) -> Json:
        kind = type(event)
        if event.anchor:
            self._check_anchor(event)
        if kind is AliasEvent:
            return self._resolve_alias(event, depth)
        first_mark, count_before = len(self._marks), self._character_count
        if event.anchor:
            self._anchors[event.anchor] = None
        if event.tag:
            tag = shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
            self._report(event.start_mark, f"the tag {tag} is not allowed: write the value without a tag")
        value: Json
        if kind is ScalarEvent:
            value = self._read_scalar(event)
        elif depth == MAX_DEPTH:
            raise self._build_error(
                event.start_mark, f"the document is nested more than {MAX_DEPTH} levels deep: use fewer levels"
            )
        else:
            self._mark(event.start_mark)
            value = self._read_mapping(depth + 1) if kind is MappingStartEvent else self._read_sequence(depth + 1)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._marks[first_mark:], self._character_count - count_before)
        return value

    def _read_mapping(self, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        starts: dict[str, Any] = {}
        next_event, marks, text = self._next_event, self._marks, self._text
        while type(event := next_event()) is not MappingEndEvent:
            start = event.start_mark
            if type(event) is not ScalarEvent:
                raise self._build_key_error(start)
            if event.anchor or text[start.index - 1] == "?":
                self._check_key(event)
            marks.append(start.line)
            marks.append(start.column)
            key = event.value
            self._character_count += len(key)
            child = next_event()
            is_simple = type(child) is ScalarEvent and not child.anchor and not child.tag  # as most values are
            value = self._read_scalar(child) if is_simple else self._read_value(child, depth)
            if key in mapping:
                self._report(start, f"duplicate key {shorten(key)}: already used in line {starts[key].line + 1}")
            mapping[key] = value
            starts[key] = start
        if "<<" in mapping:
            self._report(starts["<<"], "the merge key '<<' is not part of YAML 1.2: write the keys out")
        return mapping

    def _read_sequence(self, depth: int) -> list[Json]:
        sequence = []
        while type(event := self._next_event()) is not SequenceEndEvent:
            sequence.append(self._read_value(event, depth))
        return sequence

    def _resolve_alias(self, event: Any, depth: int) -> Json:
        target = self._anchors.get(event.anchor)
        if target is None:
            is_known = event.anchor in self._anchors
            reason = "is inside its own anchor" if is_known else "has no anchor before it"
            raise self._build_error(event.start_mark, f"the alias *{event.anchor[:_MAX_SHOWN_LENGTH]} {reason}")
        value, marks, size = target
        self._character_count += size
        if len(self._marks) + len(marks) > _MAX_MARKS:
            raise self._build_error(
                event.start_mark, f"aliases expand the document to more than {MAX_NODES:,} keys and values"
            )
        if self._character_count > MAX_BYTES:
            raise self._build_error(event.start_mark, f"aliases expand the document to more than {MAX_BYTES >> 20} MiB")
        if depth + _measure_depth(value) > MAX_DEPTH:
            raise self._build_error(
                event.start_mark, f"aliases nest the document more than {MAX_DEPTH} levels deep: use fewer levels"
            )
        self._marks.extend(marks)
        return value

    def _mark(self, start: Any) -> None:
        """Keep the position of a value. Raises UnreadableFile."""
        marks = self._marks
        marks.append(start.line)
        marks.append(start.column)
        if len(marks) > _MAX_MARKS:
            raise self._build_error(start, f"the document has more than {MAX_NODES:,} keys and values: split it")

    def _read_scalar(self, event: Any) -> Json:
        self._mark(event.start_mark)
        text: str = event.value
        self._character_count += len(text)
        if event.style in _BLOCK_STYLES:
            self._check_block(event)
        if not event.implicit[0] or (text and text[0] not in FIRST_CHARACTERS):
            return text
        value, problem = resolve_scalar(text)
        if problem:
            self._report(event.start_mark, problem)
        return value

    def _check_anchor(self, event: Any) -> None:
        """Raise UnreadableFile for an anchor name that libyaml cuts short, such as `a:b` in `&a:b c`."""
        after = event.start_mark.index + 1 + len(event.anchor)
        if self._text[event.start_mark.index] in "&*" and self._text[after : after + 1] not in _ANCHOR_ENDS:
            raise self._build_error(
                event.start_mark, "the name of an anchor may contain only letters, digits, '-' and '_'"
            )

    def _check_key(self, event: Any) -> None:
        """Raise UnreadableFile for `[?x]`, which is a key without a value to libyaml, and the text `?x` in YAML 1.2."""
        start = event.start_mark.index
        if event.anchor:
            self._check_anchor(event)
        if self._text[start - 1 : start] == "?" and self._text[start : start + 1] not in _ANCHOR_ENDS:
            raise self._build_error(
                event.start_mark, "the '?' is ambiguous: put a space after it to begin a key, or put the text in quotes"
            )

    def _check_block(self, event: Any) -> None:
        """Raise UnreadableFile for a block text whose last line has only spaces and no line break.

        libyaml and YAML 1.2 differ in whether such a line is part of the text.
        """
        if self._source.blank_tail_start is None or event.end_mark.index < self._source.blank_tail_start:
            return
        start = event.start_mark.index
        has_keep_indicator = "+" in self._text[start : start + _BLOCK_HEADER_LENGTH]
        if has_keep_indicator or event.value.endswith(" "):
            message = (
                "the last line of this text has only spaces and no line break: remove the spaces, or add a line break"
            )
            raise self._build_error(event.start_mark, message)

    def _build_key_error(self, mark: Any) -> UnreadableFile:
        """Return the error of a list, mapping or alias in the place of a key."""
        if template := find_template(self._text, mark.index):
            start, message = template
            line, column = self._source.find_line_and_column(start)
            return UnreadableFile(Problem(self._name, line, column, "", message))
        return self._build_error(mark, "a key must be plain text: write KEY: VALUE")

    def _report(self, mark: Any, message: str) -> None:
        self.problems.append(Problem(self._name, mark.line + 1, mark.column + 1, "", message))

    def _build_error(self, mark: Any, message: str) -> UnreadableFile:
        return UnreadableFile(Problem(self._name, mark.line + 1, mark.column + 1, "", message))


def _measure_depth(value: Json) -> int:
    """Return the number of levels of a tree. A single value has no level."""
    if isinstance(value, Mapping):
        return 1 + max(map(_measure_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_measure_depth, value), default=0)
    return 0
