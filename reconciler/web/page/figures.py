"""Count the targets and associations in each state, for the large figures at the top of the page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.render.kinds import ReportKind
from reconciler.web.page.cards import Card
from reconciler.web.page.filters import ATTENTION, GRAVE_LEVELS, IN_ORDER, WAITING
from reconciler.web.page.rows import AssociationRow
from reconciler.web.page.view import View


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its label, its severity, and the link that shows what it counts."""

    value: str
    label: str
    level: str
    link: str


def build_figures(
    alerts: tuple[str, ...], cards: tuple[Card, ...], rows: Iterable[AssociationRow], unmanaged_count: int, view: View
) -> tuple[Figure, ...]:
    """Return the figures of the controller and of all targets, whatever the filters are."""
    figures = _yield_figures(cards, Counter(row.level for row in rows), unmanaged_count, view)
    return (*([Figure(f"{len(alerts):,}", ", ".join(alerts), "error", "#attention")] if alerts else []), *figures)


def _yield_figures(cards: tuple[Card, ...], levels: Counter[str], unmanaged_count: int, view: View) -> Iterator[Figure]:
    failing_count = sum(card.is_failing for card in cards)
    value = f"{failing_count:,}/{len(cards):,}" if failing_count else f"{len(cards):,}"
    label = "targets failing" if failing_count else "target" if len(cards) == 1 else "targets"
    yield Figure(value, label, "error" if failing_count else "plain", "#targets")
    grave_count = sum(levels[each] for each in GRAVE_LEVELS)
    grave_level = "error" if levels["error"] else "warning" if grave_count else "plain"
    noun = "association" if grave_count == 1 else "associations"
    yield Figure(f"{grave_count:,}", f"{noun} to look at", grave_level, _link(view, ATTENTION))
    waiting_level = "note" if levels["note"] else "plain"
    yield Figure(f"{levels['note']:,}", "waiting or just done", waiting_level, _link(view, WAITING))
    yield Figure(f"{levels['none']:,}", "in order", "none" if levels["none"] else "plain", _link(view, IN_ORDER))
    if unmanaged_count:
        yield Figure(f"{unmanaged_count:,}", "unmanaged", "plain", _link(view, ReportKind.UNMANAGED, "unmanaged"))


def _link(view: View, decision: str, part: str = "associations") -> str:
    return f"{view.with_filters(decision=decision).link}#{part}"
