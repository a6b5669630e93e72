"""Lay out the diagram of data integration → association → destination. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.web.page.rows import AssociationRow

MAX_ASSOCIATIONS = 60
"""The maximum number of associations in the diagram. A larger diagram is not readable."""
_ROW, _GAP, _TOP = 30, 14, 8
_MAX_LENGTH = 42


@dataclass(frozen=True, slots=True)
class Box:
    """A box in the diagram, from `low` to `high` on the y-axis. `text` is the name, shortened to fit."""

    name: str
    text: str
    low: int
    high: int

    @property
    def y(self) -> int:
        """The vertical centre."""
        return (self.low + self.high) // 2


@dataclass(frozen=True, slots=True)
class FlowLine:
    """The line of one association, from the y-coordinate `source` through its box to the y-coordinate `sink`."""

    row: AssociationRow
    box: Box
    source: int
    sink: int


@dataclass(frozen=True, slots=True)
class Flow:
    """The diagram. `more` is the number of associations that are left out."""

    integrations: tuple[Box, ...]
    lines: tuple[FlowLine, ...]
    destinations: tuple[Box, ...]
    height: int
    more: int


def build_flow(rows: tuple[AssociationRow, ...]) -> Flow:
    """Return the diagram of the first associations, grouped by target and data integration."""
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
    """Return a text without its middle if it is too long. Names, ARNs and URIs usually differ at their ends."""
    half = _MAX_LENGTH // 2
    return text if len(text) <= _MAX_LENGTH else f"{text[: half - 1]}…{text[-half:]}"
