"""The picture of data integration → association → destination: where each thing stands in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.web.page.rows import Row

MOST = 60
"""How many associations the picture shows: more cannot be read."""
_ROW, _GAP, _TOP = 30, 14, 8
_LONGEST = 42


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
class Thread:
    """One association, from its integration to its destination."""

    row: Row
    box: Box
    source: int
    sink: int


@dataclass(frozen=True, slots=True)
class Flow:
    """The picture; `more` is how many associations it leaves out."""

    integrations: tuple[Box, ...]
    threads: tuple[Thread, ...]
    destinations: tuple[Box, ...]
    height: int
    more: int


def flow(rows: tuple[Row, ...]) -> Flow:
    """Return the picture of the first associations, grouped by target and data integration."""
    groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows[:MOST]:
        groups.setdefault((row.target, row.association.integration), {}).setdefault(
            row.association.destination, []
        ).append(row)
    several = len({target for target, _ in groups}) > 1
    integrations: list[Box] = []
    threads: list[Thread] = []
    destinations: list[Box] = []
    top = _TOP
    for (target, integration), sinks in sorted(groups.items()):
        count = sum(map(len, sinks.values()))
        name = f"{integration} ({target})"
        source = _box(name, name if several else integration, top, count)
        integrations.append(source)
        for destination, bound in sinks.items():
            sink = _box(destination or "(no destination)", destination or "(no destination)", top, len(bound))
            destinations.append(sink)
            threads.extend(_threads(bound, source, sink, top))
            top += _ROW * len(bound)
        top += _GAP
    return Flow(tuple(integrations), tuple(threads), tuple(destinations), top, max(0, len(rows) - MOST))


def _threads(bound: Iterable[Row], source: Box, sink: Box, top: int) -> Iterator[Thread]:
    for number, row in enumerate(bound):
        box = _box(row.association.name, row.association.name, top + number * _ROW, 1)
        yield Thread(row, box, source.y, sink.y)


def _box(name: str, text: str, top: int, rows: int) -> Box:
    return Box(name, cut(text), top + 2, top + rows * _ROW - 2)


def cut(text: str) -> str:
    """Return a text that fits, its middle left out: ends tell names, ARNs and addresses apart."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[: half - 1]}…{text[-half:]}"
