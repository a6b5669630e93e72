"""Label the states of associations on the page. A label has one severity, and therefore one colour. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.core.report.overdue import is_overdue
from reconciler.core.report.report import AssociationReport, Report
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, get_kind


@dataclass(frozen=True, slots=True)
class Badge:
    """The label of a state on the page. `rank` is the position in the order of severity."""

    kind: str
    rank: int
    label: str
    level: str
    meaning: str

    @classmethod
    def from_kind(cls, kind: ReportKind, report: Report) -> Badge:
        """Return the badge of a kind in a report."""
        return cls(kind, kind.rank, wording.get_label(kind, report), kind.level, kind.meaning)

    def format_count(self, count: int) -> str:
        """Return a number of associations in this state, in words: "2 in sync" or "2 exports failed"."""
        is_plural = self.kind == EXPORT_FAILED_BADGE.kind and count != 1
        return f"{count:,} {self.label.replace('export ', 'exports ') if is_plural else self.label}"

    @classmethod
    def from_association(cls, association: AssociationReport, report: Report) -> Badge:
        """Return the badge of an association. A held write or a change that makes the run fail has a label of its own.

        Another one with the same decision needs nobody.
        """
        kind = get_kind(association)
        return _FAILING_BADGES[kind] if association.needs_attention else cls.from_kind(kind, report)


_FAILING_BADGES = {
    kind: Badge(kind, kind.rank, f"{kind.label}, exit code 1", "warning", f"{kind.meaning} The run has exit code 1.")
    for kind in (ReportKind.HELD, ReportKind.CHANGED)
}
OVERDUE_BADGE = Badge(
    wording.OVERDUE, -2, wording.OVERDUE, "error",
    "A window has been due for 24 hours. It was not sent, or List does not show it. The reason says what it waits for.",
)  # fmt: skip
EXPORT_FAILED_BADGE = Badge(
    "export-failed", -1, "export failed", "warning", "The last export failed. The AWS console shows the reason."
)
BADGES = (
    OVERDUE_BADGE,
    EXPORT_FAILED_BADGE,
    *(
        badge
        for kind in ReportKind
        if kind.rank <= ReportKind.UNMANAGED.rank
        for badge in (Badge(kind, kind.rank, kind.label, kind.level, kind.meaning), _FAILING_BADGES.get(kind))
        if badge
    ),
)
"""The badges that the page explains."""


def list_badges(association: AssociationReport, report: Report, now: datetime) -> tuple[Badge, ...]:
    """Return the badges of an association at a time: overdue, a failed export, and its state."""
    return (
        *([OVERDUE_BADGE] if is_overdue(association, now) else []),
        *([EXPORT_FAILED_BADGE] if association.has_failed_export else []),
        Badge.from_association(association, report),
    )


def select_states(badges: tuple[Badge, ...]) -> tuple[Badge, ...]:
    """Return the badges that the page counts and filters by. Almost every association has one.

    A held write or a change in git that is overdue counts as overdue. An association in order counts only if it has no
    other badge.
    """
    waits = {ReportKind.HELD, ReportKind.CHANGED} if OVERDUE_BADGE in badges else set()
    states = tuple(each for each in badges if each.kind not in waits and each.level != "none")
    return states or badges
