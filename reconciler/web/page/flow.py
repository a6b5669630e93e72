"""The picture of data integration → association → destination: where each thing stands in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.web.page.rows import AssociationRow

MAX_ASSOCIATIONS = 60
"""How many associations the picture shows: more cannot be read."""
_ROW, _GAP, _TOP = 30, 14, 8
_MAX_LENGTH = 42


@dataclass(frozen=True, slots=True)
class Box:
    """Something with a name. `text` is what fits into it, `y` its middle, `low` and `high` where it begins and ends."""

    name: str
    text: str
    low: int
    high: int

    @property
    def y(self) -> int:
        """The middle."""
        return (self.low + self.high) // 2


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One association, from its integration to its destination."""

    row: AssociationRow
    box: Box
    source: int
    sink: int


@dataclass(frozen=True, slots=True)
class Flow:
    """The picture; `more` is how many associations it leaves out."""

    integrations: tuple[Box, ...]
    lines: tuple[FlowLine, ...]
    destinations: tuple[Box, ...]
    height: int
    more: int


def build_flow(rows: tuple[AssociationRow, ...]) -> Flow:
    """Return the picture of the first associations, grouped by target and data integration."""
    groups: dict[tuple[str, str], dict[str, list[AssociationRow]]] = {}
    for row in rows[:MAX_ASSOCIATIONS]:
        groups.setdefault((row.target, row.association.integration), {}).setdefault(
            row.association.destination, []
        ).append(row)
    has_several_targets = len({target for target, _ in groups}) > 1
    integrations: list[Box] = []
    lines: list[FlowLine] = []
    destinations: list[Box] = []
    top = _TOP
    for (target, integration), sinks in sorted(groups.items()):
        count = sum(map(len, sinks.values()))
        name = f"{integration} ({target})"
        source = _build_box(name, name if has_several_targets else integration, top, count)
        integrations.append(source)
        for destination, sink_rows in sinks.items():
            sink = _build_box(destination or "(no destination)", destination or "(no destination)", top, len(sink_rows))
            destinations.append(sink)
            lines.extend(_build_lines(sink_rows, source, sink, top))
            top += _ROW * len(sink_rows)
        top += _GAP
    return Flow(tuple(integrations), tuple(lines), tuple(destinations), top, max(0, len(rows) - MAX_ASSOCIATIONS))


def _build_lines(rows: Iterable[AssociationRow], source: Box, sink: Box, top: int) -> Iterator[FlowLine]:
    for number, row in enumerate(rows):
        box = _build_box(row.association.name, row.association.name, top + number * _ROW, 1)
        yield FlowLine(row, box, source.y, sink.y)


def _build_box(name: str, text: str, top: int, rows: int) -> Box:
    return Box(name, shorten_middle(text), top + 2, top + rows * _ROW - 2)


def shorten_middle(text: str) -> str:
    """Return a text that fits, its middle left out: ends tell names, ARNs and addresses apart."""
    half = _MAX_LENGTH // 2
    return text if len(text) <= _MAX_LENGTH else f"{text[: half - 1]}…{text[-half:]}"
