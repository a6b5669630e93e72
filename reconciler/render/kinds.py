"""Define the kinds of report entry, most severe first, and how each format labels, ranks, colours and groups them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self, TypeAlias, assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.overdue import is_overdue
from reconciler.core.report.report import AssociationReport

Level: TypeAlias = Literal["error", "warning", "note", "none"]
"""The severity of an entry, in the words of SARIF."""

Group: TypeAlias = Literal["person", "difference", "write", "adopted", "not adopted", "in sync", "retired", "other"]
"""The section of the pull request comment that lists an entry without a call."""

Color: TypeAlias = Literal["green", "yellow", "cyan", "red", "dim"]


class ReportKind(StrEnum):
    """One kind of report entry: a stable name, and its label, severity, section, symbol, colour and meaning."""

    label: str
    level: Level
    group: Group
    symbol: str
    color: Color
    meaning: str

    def __new__(  # noqa: PLR0913, PLR0917 - the columns of the table below
        cls, name: str, label: str, level: Level, group: Group, symbol: str, color: Color, meaning: str
    ) -> Self:
        """Return a member. The value of a member is its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.label, member.level, member.group = label, level, group
        member.symbol, member.color, member.meaning = symbol, color, meaning
        return member

    # fmt: off
    FAILED = ("failed", "failed", "error", "person", "✗", "red", "A call failed, and AWS changed nothing.")
    UNKNOWN = (
        "unknown", "without an answer", "error", "person", "?", "red",
        "A call had no answer. AWS may have carried it out.",
    )
    BLOCKED = ("blocked", "blocked", "error", "person", "✗", "red", "Needs action. The reason says what to do.")
    LOST = (
        "lost", "lost", "warning", "person", "?", "red",
        "The association is in the journal, but List no longer shows it.",
    )
    DRIFTED = (
        "drifted", "drifted", "warning", "difference", "≠", "yellow",
        "AWS no longer matches the last applied or adopted configuration. Drift is reported, not repaired.",
    )
    CHANGED = (
        "changed", "changed", "warning", "difference", "~", "yellow",
        "Git differs from the last applied or adopted configuration, and the difference is not sent.",
    )
    UPDATE = (
        "update", "to update", "note", "write", "~", "yellow",
        "A window is due, or git changed ExecutionConfiguration. The update starts an export.",
    )
    CREATE = (
        "create", "to create", "note", "write", "+", "green",
        "The association is missing. Creating it starts an export that cannot be stopped.",
    )
    HELD = ("held", "held", "note", "difference", "‖", "cyan", "A write waits. The reason says what it waits for.")
    SETTLING = (
        "settling", "settling", "note", "difference", "…", "cyan",
        "An answer was lost, or List may lag. Nothing is sent until the result is certain.",
    )
    UPDATED = ("updated", "updated", "note", "write", "~", "green", "AWS accepted the update, which starts an export.")
    CREATED = (
        "created", "created", "note", "write", "+", "green",
        "The association was created, and its export has started.",
    )
    ADOPT = (
        "adopt", "to adopt", "note", "adopted", "⇢", "cyan",
        "A live association is not in the journal. It is bound to the manifest without a write to AWS.",
    )
    UNADOPTED = (
        "unadopted", "not adopted", "note", "not adopted", "⇢", "cyan",
        "A live association could not be added to the journal. The next run tries again.",
    )
    IN_SYNC = (
        "in-sync", "in sync", "none", "in sync", "✓", "dim",
        "Git, journal and AWS agree in every member that AWS shows.",
    )
    FINISHED = (
        "finished", "finished", "none", "in sync", "✓", "dim",
        "The last export was completed, and List no longer shows the association. Nothing is left to do.",
    )
    RETIRED = (
        "retired", "retired", "none", "retired", "▪", "dim",
        "Git keeps the manifest as a record. Nothing is written, and no difference is reported.",
    )
    UNMANAGED = ("unmanaged", "unmanaged", "note", "other", "·", "dim", "No manifest covers this live association.")
    ORPHANED = ("orphaned", "orphaned", "note", "other", "·", "dim", "The manifest of this journal record is gone.")
    UNLISTED = (
        "unlisted", "not listed", "warning", "other", "?", "yellow",
        "A data integration could not be listed, so its unmanaged associations are unknown.",
    )
    TARGET_FAILED = (
        "target-failed", "target failed", "error", "other", "✗", "red",
        "A target could not be reconciled.",
    )
    PLAN_MISMATCH = (
        "plan-mismatch", "plan mismatch", "error", "other", "✗", "red",
        "The plan differs from the reviewed plan. Nothing was written.",
    )
    INVALID_MANIFEST = (
        "invalid-manifest", "invalid manifest", "error", "other", "✗", "red",
        "A manifest is invalid. No manifest is used until it is corrected.",
    )
    MANIFEST_WARNING = (
        "manifest-warning", "manifest warning", "warning", "other", "!", "yellow",
        "A manifest is valid, but probably contains a mistake.",
    )
    # fmt: on

    @property
    def rank(self) -> int:
        """The position in the order of severity, starting with 0 for the most severe."""
        return _RANKS[self]


_RANKS = {kind: rank for rank, kind in enumerate(ReportKind)}


def get_kind(association: AssociationReport) -> ReportKind:
    """Return the kind of an association: the outcome of its call, or its decision if no call was made."""
    match association.outcome:
        case Unknown():
            return ReportKind.UNKNOWN
        case Refused() if association.waits_for_quota:
            return ReportKind.HELD
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


def get_level(association: AssociationReport) -> Level:
    """Return the severity of an association: that of its kind, or of a difference if a person should act on it."""
    level, needs_action = get_kind(association).level, association.needs_attention or is_overdue(association)
    return "warning" if needs_action and level in {"note", "none"} else level


def get_kind_of_decision(decision: DecisionKind) -> ReportKind:  # noqa: PLR0911, C901, PLR0912 - a row for each decision
    """Return the kind of a decision without a call."""
    match decision:
        case DecisionKind.CREATE:
            return ReportKind.CREATE
        case DecisionKind.UPDATE:
            return ReportKind.UPDATE
        case DecisionKind.ADOPT:
            return ReportKind.ADOPT
        case DecisionKind.IN_SYNC:
            return ReportKind.IN_SYNC
        case DecisionKind.RETIRED:
            return ReportKind.RETIRED
        case DecisionKind.DRIFTED:
            return ReportKind.DRIFTED
        case DecisionKind.CHANGED:
            return ReportKind.CHANGED
        case DecisionKind.SETTLING:
            return ReportKind.SETTLING
        case DecisionKind.LOST:
            return ReportKind.LOST
        case DecisionKind.FINISHED:
            return ReportKind.FINISHED
        case DecisionKind.HELD:
            return ReportKind.HELD
        case DecisionKind.BLOCKED:
            return ReportKind.BLOCKED
        case other:
            assert_never(other)
