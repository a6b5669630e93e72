"""The associations of a board as the rows of a table: the gravest first.

How an association stands and how its last export went are two things: the graver one says how grave its row is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.controller.status import ControllerStatus
from reconciler.core.model import Execution, Live, Origin
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, get_kind
from reconciler.web.page.filters import Filters
from reconciler.web.page.relative_time import RelativeTime

_LEVELS = ("error", "warning", "note", "none")


@dataclass(frozen=True, slots=True)
class Badge:
    """How something stands: a kind of entry as it is shown. `rank` is the place in the order of gravity."""

    kind: str
    rank: int
    label: str
    level: str
    meaning: str

    @classmethod
    def from_kind(cls, kind: ReportKind, report: Report) -> Badge:
        """Return the state of a kind in a report."""
        return cls(kind, kind.rank, wording.get_label(kind, report), kind.level, kind.meaning)


EXPORT_FAILED_BADGE = Badge(
    "export-failed", -1, "export failed", "warning", "The last job failed: AWS's console says why."
)
BADGES = (
    EXPORT_FAILED_BADGE,
    *(
        Badge(kind, kind.rank, kind.label, kind.level, kind.meaning)
        for kind in ReportKind
        if kind.rank <= ReportKind.UNMANAGED.rank
    ),
)
"""What every badge of the page means."""


@dataclass(frozen=True, slots=True)
class LastSeen:
    """How an association was last seen."""

    label: str
    since: RelativeTime | None
    arn: str | None
    execution: str


@dataclass(frozen=True, slots=True)
class AssociationRow:
    """One association that a manifest asks for. What is long is put into words only as the page is written.

    `state` is how it stands, `export` that its last job failed, if it did, and `level` the graver of both. `last_seen`
    is how it was last seen, where the last run could not see it.
    """

    id: str
    target: str
    state: Badge
    export: Badge | None
    level: str
    since: RelativeTime | None
    execution: str
    link: str | None
    association: AssociationReport
    last_seen: LastSeen | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of it, less what has a column of its own."""
        return wording.list_sentences(replace(self.association, arn=None, last_execution=None))

    @property
    def differences(self) -> tuple[str, ...]:
        """The lines of a diff."""
        return wording.format_differences(self.association)

    @property
    def call(self) -> tuple[str, ...]:
        """The call that is or would be made, line by line."""
        return wording.format_write(self.association)


@dataclass(frozen=True, slots=True)
class UnmanagedRow:
    """One live association that no manifest asks for."""

    target: str
    arn: str
    integration: str
    client: str
    destination: str
    execution: str


LinkBuilder = Callable[[Report, Origin], str | None]


def build_rows(status: ControllerStatus, filters: Filters, build_link: LinkBuilder) -> tuple[AssociationRow, ...]:
    """Return the rows that are asked for."""
    matching_rows = (
        replace(
            _build_row(target_status.target, association, target_status.last_report, status.now, build_link),
            last_seen=last_seen,
        )
        for target_status in status.targets
        if target_status.last_report
        for unlisted in (target_status.unlisted_associations,)
        for association in target_status.last_report.associations
        for last_seen in (_build_last_seen(unlisted.get(association.name), target_status.last_report, status.now),)
        if _matches(filters, target_status.target, association)
    )
    return tuple(sorted(matching_rows, key=_get_sort_key))


def get_level(association: AssociationReport) -> str:
    """Return how grave it is: how the association stands, or how its last export went."""
    levels = [
        get_kind(association).level,
        *([EXPORT_FAILED_BADGE.level] if association.has_failed_export else []),
    ]
    return min(levels, key=_LEVELS.index)


def _get_sort_key(row: AssociationRow) -> tuple[int, int, str, str]:
    return _LEVELS.index(row.level), row.state.rank, row.target, row.association.name


def build_unmanaged_rows(status: ControllerStatus, filters: Filters) -> tuple[UnmanagedRow, ...]:
    """Return the unmanaged ones that are asked for."""
    return tuple(
        row
        for target_status in status.targets
        for row in _build_target_unmanaged_rows(target_status.target, target_status.last_report, filters)
    )


def _build_target_unmanaged_rows(target_name: str, report: Report | None, filters: Filters) -> Iterator[UnmanagedRow]:
    for target in report.targets if report else ():
        for live in target.unmanaged:
            row = _build_unmanaged_row(target_name, live, target)
            texts = (target_name, live.arn, row.integration, row.client, row.destination)
            if filters.matches({ReportKind.UNMANAGED}, ReportKind.UNMANAGED.level, target_name, *texts):
                yield row


def _matches(filters: Filters, target: str, association: AssociationReport) -> bool:
    kind = get_kind(association)
    export_state = EXPORT_FAILED_BADGE if association.has_failed_export else None
    return filters.matches(
        {kind, export_state.kind} if export_state else {kind},
        get_level(association),
        target,
        target,
        association.name,
        association.integration,
        association.destination,
        association.arn or "",
        str(association.origin),
        association.reason,
        kind.label,
        export_state.label if export_state else "",
    )


def _build_row(
    target: str, association: AssociationReport, report: Report, now: datetime, build_link: LinkBuilder
) -> AssociationRow:
    return AssociationRow(
        id="a-" + hashlib.sha256(f"{target}\0{association.name}".encode("utf-8", "replace")).hexdigest()[:12],
        target=target,
        state=Badge.from_kind(get_kind(association), report),
        export=EXPORT_FAILED_BADGE if association.has_failed_export else None,
        level=get_level(association),
        since=RelativeTime.from_datetime(association.since, now),
        execution=_format_execution(association.last_execution, has_badge=association.has_failed_export),
        link=build_link(report, association.origin),
        association=association,
    )


def _build_last_seen(association: AssociationReport | None, report: Report, now: datetime) -> LastSeen | None:
    if association is None:
        return None
    label, since = wording.get_label(get_kind(association), report), RelativeTime.from_datetime(association.since, now)
    return LastSeen(label, since, association.arn, _format_execution(association.last_execution))


def _build_unmanaged_row(target_name: str, live: Live, target: TargetReport) -> UnmanagedRow:
    spec = live.spec
    return UnmanagedRow(
        target=target_name,
        arn=live.arn,
        integration=target.get_integration_name(str(spec["DataIntegrationIdentifier"])),
        client=str(spec.get("ClientId") or ""),
        destination=str(spec.get("DestinationURI") or ""),
        execution=_format_execution(live.last_execution),
    )


def _format_execution(execution: Execution | None, *, has_badge: bool = False) -> str:
    """Return how the last job went; where a badge says that, what AWS says to it."""
    if execution is None:
        return ""
    if has_badge:
        return execution.message or ""
    status = execution.status.lower().replace("_", " ")
    return f"{status}: {execution.message}" if execution.message else status
