"""The kinds of entry in a report, the gravest first: how every format labels, ranks, draws and groups them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self, TypeAlias, assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.plan.decision import DecisionKind
from reconciler.core.report.report import AssociationReport

Level: TypeAlias = Literal["error", "warning", "note", "none"]
"""How grave an entry is, in the words of SARIF."""

Group: TypeAlias = Literal["person", "difference", "write", "adopted", "not adopted", "in sync", "other"]
"""The section of a page that an entry without a call belongs to."""

Color: TypeAlias = Literal["green", "yellow", "cyan", "red", "dim"]


class ReportKind(StrEnum):
    """One kind of entry: its stable name, and how it is shown. A member cannot exist without all of that."""

    label: str
    level: Level
    group: Group
    symbol: str
    color: Color
    meaning: str

    def __new__(  # noqa: PLR0913, PLR0917 - the columns of the table below
        cls, name: str, label: str, level: Level, group: Group, symbol: str, color: Color, meaning: str
    ) -> Self:
        """Return a member; its value is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label, member.level, member.group = label, level, group
        member.symbol, member.color, member.meaning = symbol, color, meaning
        return member

    # fmt: off
    FAILED = ("failed", "failed", "error", "person", "✗", "red", "A call failed: AWS did nothing.")
    UNKNOWN = (
        "unknown", "unknown", "error", "person", "?", "red",
        "A call had no answer: it may have been carried out.",
    )
    BLOCKED = ("blocked", "blocked", "error", "person", "✗", "red", "A person is needed; the reason says for what.")
    LOST = (
        "lost", "lost", "warning", "person", "?", "red",
        "The association is known to the journal, and List no longer shows it.",
    )
    DRIFTED = (
        "drifted", "drifted", "warning", "difference", "≠", "yellow",
        "AWS no longer matches the last applied or adopted configuration. Drift is reported, not repaired.",
    )
    CHANGED = (
        "changed", "changed", "warning", "difference", "~", "yellow",
        "Git asks for something else than what was applied or adopted. It cannot be sent, or is not.",
    )
    UPDATE = (
        "update", "to update", "note", "write", "~", "yellow",
        "Git changed the execution. Sending it REPEATS the export.",
    )
    CREATE = (
        "create", "to create", "note", "write", "+", "green",
        "Missing. Creating it starts an export that nobody can stop.",
    )
    HELD = ("held", "held", "note", "difference", "‖", "cyan", "A write that waits; the reason says for what.")
    SETTLING = (
        "settling", "settling", "note", "difference", "…", "cyan",
        "A call or List may lag: nothing is sent until it is settled.",
    )
    UPDATED = ("updated", "updated", "note", "write", "~", "green", "The update was taken, and the export runs again.")
    CREATED = (
        "created", "created", "note", "write", "+", "green",
        "The association was created, and its export has started.",
    )
    ADOPT = (
        "adopt", "to adopt", "note", "adopted", "⇢", "cyan",
        "Live, and not in the journal: it is bound to the manifest. AWS is not touched.",
    )
    UNADOPTED = (
        "unadopted", "not adopted", "note", "not adopted", "⇢", "cyan",
        "Live, and could not be written into the journal. The next run tries again.",
    )
    IN_SYNC = (
        "in-sync", "in sync", "none", "in sync", "✓", "dim",
        "Git, journal and AWS agree, as far as AWS shows.",
    )
    UNMANAGED = ("unmanaged", "unmanaged", "note", "other", "·", "dim", "Live, and no manifest covers it.")
    ORPHANED = ("orphaned", "orphaned", "note", "other", "·", "dim", "In the journal, and its manifest is gone.")
    UNLISTED = (
        "unlisted", "not listed", "warning", "other", "?", "yellow",
        "A data integration could not be listed: what is unmanaged is not known.",
    )
    TARGET_FAILED = (
        "target-failed", "target failed", "error", "other", "✗", "red",
        "A target could not be reconciled at all.",
    )
    PLAN_MISMATCH = (
        "plan-mismatch", "not as reviewed", "error", "other", "✗", "red",
        "The plan is not the one that was reviewed: nothing was written.",
    )
    INVALID_MANIFEST = (
        "invalid-manifest", "invalid manifest", "error", "other", "✗", "red",
        "A manifest cannot be used; no manifest is, until it is put right.",
    )
    MANIFEST_WARNING = (
        "manifest-warning", "manifest warning", "warning", "other", "!", "yellow",
        "A manifest is valid, and probably not what was meant.",
    )
    # fmt: on

    @property
    def rank(self) -> int:
        """The place in the order of gravity, from 0."""
        return _RANKS[self]


_RANKS = {kind: rank for rank, kind in enumerate(ReportKind)}


def get_kind(association: AssociationReport) -> ReportKind:
    """Return the kind of an association: what became of its call, or otherwise what was decided."""
    match association.outcome:
        case Unknown():
            return ReportKind.UNKNOWN
        case Refused() | NotSent():
            return ReportKind.FAILED
        case Created():
            return ReportKind.CREATED
        case Updated():
            return ReportKind.UPDATED
        case Skipped() if association.decision is DecisionKind.ADOPT:
            return ReportKind.UNADOPTED
        case Skipped() | None:
            return get_kind_of_decision(association.decision)
        case other:
            assert_never(other)


def get_kind_of_decision(decision: DecisionKind) -> ReportKind:  # noqa: PLR0911 - a row for each decision
    """Return the kind of a decision that nothing was done about."""
    match decision:
        case DecisionKind.CREATE:
            return ReportKind.CREATE
        case DecisionKind.UPDATE:
            return ReportKind.UPDATE
        case DecisionKind.ADOPT:
            return ReportKind.ADOPT
        case DecisionKind.IN_SYNC:
            return ReportKind.IN_SYNC
        case DecisionKind.DRIFTED:
            return ReportKind.DRIFTED
        case DecisionKind.CHANGED:
            return ReportKind.CHANGED
        case DecisionKind.SETTLING:
            return ReportKind.SETTLING
        case DecisionKind.LOST:
            return ReportKind.LOST
        case DecisionKind.HELD:
            return ReportKind.HELD
        case DecisionKind.BLOCKED:
            return ReportKind.BLOCKED
        case other:
            assert_never(other)
