"""Build the rows of the association tables, most severe first. Pure.

An association has a state, its last export may have failed, and a window may be overdue. The most severe of these
decides the severity of the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.model import Execution, Live, Origin
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, get_kind
from reconciler.render.last_export import format_job_status
from reconciler.web.page.badges import EXPORT_FAILED_BADGE, OVERDUE_BADGE, Badge, list_badges
from reconciler.web.page.calendar import Calendar, build_calendar
from reconciler.web.page.filters import Filters
from reconciler.web.page.relative_time import RelativeTime

_LEVELS = ("error", "warning", "note", "none")


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The last known state of an association that the last run could not list."""

    label: str
    since: RelativeTime | None
    arn: str | None
    execution: str


@dataclass(frozen=True, slots=True)
class AssociationRow:
    """The row of one manifest. Long texts are properties, which are computed while the row is rendered.

    `export` is a badge if the last export failed, and `overdue` one if a window is overdue. `level` is the most severe
    level of the badges. `now` is the time of the page. `last_seen` is set if the last run could not list the
    association.
    """

    id: str
    target: str
    state: Badge
    export: Badge | None
    overdue: Badge | None
    level: str
    since: RelativeTime | None
    execution: str
    link: str | None
    association: AssociationReport
    now: datetime
    last_seen: LastSeen | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The sentences about the association, without those that have a separate column."""
        return wording.list_association_sentences(replace(self.association, arn=None, last_execution=None))

    @property
    def calendar(self) -> Calendar | None:
        """The calendar strip of the recurring windows, if there are any."""
        return build_calendar(self.association.windows, self.now) if self.association.windows else None

    @property
    def differences(self) -> tuple[str, ...]:
        """The differences, as the lines of a diff."""
        return wording.format_differences(self.association)

    @property
    def call(self) -> tuple[str, ...]:
        """The lines of the call that is planned or was made."""
        return wording.format_write(self.association)


@dataclass(frozen=True, slots=True)
class UnmanagedRow:
    """The row of one live association that no manifest covers."""

    target: str
    arn: str
    integration: str
    client: str
    destination: str
    execution: str


LinkBuilder = Callable[[Report, Origin], str | None]


def build_rows(status: ControllerStatus, filters: Filters, build_link: LinkBuilder) -> tuple[AssociationRow, ...]:
    """Return the rows that match the filters, most severe first."""
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
        if _matches(filters, target_status.target, association, target_status.last_report, status.now)
    )
    return tuple(sorted(matching_rows, key=_get_sort_key))


def get_level(association: AssociationReport, report: Report, now: datetime) -> str:
    """Return the severity of an association at a time: that of the most severe of its badges."""
    return min((each.level for each in list_badges(association, report, now)), key=_LEVELS.index)


def _get_sort_key(row: AssociationRow) -> tuple[int, int, str, str]:
    return _LEVELS.index(row.level), row.state.rank, row.target, row.association.name


def build_unmanaged_rows(status: ControllerStatus, filters: Filters) -> tuple[UnmanagedRow, ...]:
    """Return the rows of the unmanaged associations that match the filters."""
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


def _matches(filters: Filters, target: str, association: AssociationReport, report: Report, now: datetime) -> bool:
    badges = list_badges(association, report, now)
    return filters.matches(
        {each.kind for each in badges},
        get_level(association, report, now),
        target,
        target,
        association.name,
        association.integration,
        association.destination,
        association.arn or "",
        str(association.origin),
        association.reason,
        *(each.label for each in badges),
    )


def _build_row(
    target: str, association: AssociationReport, report: Report, now: datetime, build_link: LinkBuilder
) -> AssociationRow:
    badges = list_badges(association, report, now)
    return AssociationRow(
        id="a-" + hashlib.sha256(f"{target}\0{association.name}".encode("utf-8", "replace")).hexdigest()[:12],
        target=target,
        state=badges[-1],
        export=EXPORT_FAILED_BADGE if EXPORT_FAILED_BADGE in badges else None,
        overdue=OVERDUE_BADGE if OVERDUE_BADGE in badges else None,
        level=get_level(association, report, now),
        since=RelativeTime.from_datetime(association.since, now),
        execution=_format_last_export(association, has_badge=association.has_failed_export),
        link=build_link(report, association.origin),
        association=association,
        now=now,
    )


def _build_last_seen(association: AssociationReport | None, report: Report, now: datetime) -> LastSeen | None:
    if association is None:
        return None
    label, since = wording.get_label(get_kind(association), report), RelativeTime.from_datetime(association.since, now)
    return LastSeen(label, since, association.arn, _format_last_export(association))


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


def _format_last_export(association: AssociationReport, *, has_badge: bool = False) -> str:
    """Return the status of the last export, and whether it counts yet for the last window."""
    execution, report = association.last_execution, association.windows
    if execution and report and report.is_unconfirmed(execution.status):
        execution = replace(execution, status=f"{execution.status}, not confirmed yet")
    return _format_execution(execution, has_badge=has_badge)


def _format_execution(execution: Execution | None, *, has_badge: bool = False) -> str:
    """Return the status of the last export and the message of AWS, or only the message if a badge shows the status."""
    if execution is None:
        return ""
    if has_badge and execution.status == "FAILED":
        return execution.message or ""
    status = format_job_status(execution)
    return f"{status}: {execution.message}" if execution.message else status
