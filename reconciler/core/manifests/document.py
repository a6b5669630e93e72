"""YAML document with the line and column of each key and value."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from reconciler.core.model import Json

ValuePath: TypeAlias = "tuple[str | int, ...]"
"""Keys and indices from the top of a document to a value."""

LINE_BREAK = re.compile("\r\n|[\n\r]")
"""A line break. libyaml knows three more line breaks, and never receives a text that contains one of them."""

_NUMBER = re.compile(r"(?:[&!]\S*[ \t]+)*([^\s,\[\]{}#&!]*)")  # an anchor or tag may precede the number


_MAX_HEADER = 200
"""Characters of quotes, block markers and indentation before a part of a string. Blocks are indented in each line."""


class SourceText:
    """The text of a file, with the index at which each line begins."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find_line_start(self, line: int) -> int:
        """Return the index at which a line begins. Lines count from 1."""
        return self._line_starts[line - 1]

    @cached_property
    def may_have_placeholders(self) -> bool:
        """False if no string of the file contains `${`. An escape sequence may stand for either character."""
        return "${" in self.text or "\\" in self.text

    @cached_property
    def blank_tail_start(self) -> int | None:
        """The index after the last non-blank character if only spaces follow in an unfinished line, else None."""
        last_line = self.text[max(self.text.rfind("\n"), self.text.rfind("\r")) + 1 :]
        return len(self.text.rstrip()) if last_line and not last_line.strip(" ") else None

    def find_line_and_column(self, index: int) -> tuple[int, int]:
        """Return the line and column of an index, counted from 1."""
        line = bisect_right(self._line_starts, index)
        return line, index - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> array[int]:
        starts = array("I", (0,))
        starts.extend(line_break.end() for line_break in LINE_BREAK.finditer(self.text))
        return starts


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: its value, and the line and column of each key and value in document order.

    `text` is the file of the document. It is None once no message quotes the file any more.
    """

    value: Json
    marks: array[int]
    text: SourceText | None
    member_index: dict[int, dict[str | int, tuple[int, int, Json]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def find_position(self, path: ValuePath, *, is_key: bool = False) -> tuple[int, int]:
        """Return the line and column of a value or its key, from 1. A missing value has those of its nearest parent."""
        node, key_node, value = 0, 0, self.value
        for step in path:
            if node not in self.member_index:
                self.member_index[node] = dict(_iterate_members(value, node))
            member = self.member_index[node].get(step)
            if member is None:
                break
            key_node, node, value = member
        index = key_node if is_key else node
        return self.marks[2 * index] + 1, self.marks[2 * index + 1] + 1

    def find_source_text(self, path: ValuePath) -> str:
        """Return a number, true or false as written in the file, for messages. Return "" without the file."""
        line, column = self.find_position(path)
        number = _NUMBER.match(self.text.text, self.text.find_line_start(line) + column - 1) if self.text else None
        return number[1] if number else ""

    def find_text_position(self, path: ValuePath, text: str, size: int) -> tuple[int, int]:
        """Return the line and column of a part of a string. Return those of the string if the part is not found.

        `size` is the length of the string, which limits the search.
        """
        line, column = self.find_position(path)
        if self.text is None:
            return line, column
        start = self.text.find_line_start(line) + column - 1
        index = self.text.text.find(text, start, start + 2 * size + _MAX_HEADER)
        return (line, column) if index < 0 else self.text.find_line_and_column(index)

    def without_text(self) -> Document:
        """Return the document without the text of its file, which may be much larger."""
        return Document(self.value, self.marks, None)


def _iterate_members(value: Json, node: int) -> Iterator[tuple[str | int, tuple[int, int, Json]]]:
    """Yield (step, (index of the key, index of the value, value)) for each member, in document order."""
    index = node + 1
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield key, (index, index + 1, child)
            index += 1 + _count_nodes(child)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield number, (index, index, child)
            index += _count_nodes(child)


def _count_nodes(value: Json) -> int:
    """Return the number of keys and values in a tree."""
    if isinstance(value, Mapping):
        return 1 + sum(1 + _count_nodes(child) for child in value.values())
    if isinstance(value, list):
        return 1 + sum(_count_nodes(child) for child in value)
    return 1
