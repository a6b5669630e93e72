"""Build the rows of the association table. Pure.

An association has a state, its last export may have failed, and a window may be overdue. The most severe of these
decides the severity of the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote_plus

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.model import Execution, Origin
from reconciler.core.report.report import AssociationReport, Report
from reconciler.render import wording
from reconciler.render.kinds import get_kind
from reconciler.render.last_export import format_job_status
from reconciler.web.page.badges import EXPORT_FAILED_BADGE, Badge, list_badges, select_states
from reconciler.web.page.calendar import Calendar, build_calendar
from reconciler.web.page.filters import NAME, Filters
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

    `badges` are those of `list_badges`, the most severe first. `level` is the severity of the first one.
    `now` is the time of the page. `last_seen` is set if the last run could not list the association.
    """

    id: str
    target: str
    badges: tuple[Badge, ...]
    level: str
    since: RelativeTime | None
    execution: str
    link: str | None
    association: AssociationReport
    now: datetime
    last_seen: LastSeen | None = None

    @property
    def address(self) -> str:
        """The relative URL of a view with only this association and its details."""
        name, target = (quote_plus(text, errors="replace") for text in (self.association.name, self.target))
        return f"?q={NAME}{name}&target={target}#{self.id}-i"

    @property
    def severity(self) -> tuple[int, int, str, str]:
        """The key that sorts rows by severity, the most severe first."""
        return _LEVELS.index(self.level), self.badges[0].rank, self.target, self.association.name

    @property
    def states(self) -> tuple[Badge, ...]:
        """The badges that count, the most severe first."""
        return select_states(self.badges)

    @property
    def arn(self) -> str | None:
        """The ARN of the live association, if it is known."""
        return self.association.arn or (self.last_seen.arn if self.last_seen else None)

    @property
    def has_failed_export(self) -> bool:
        """True if a badge says that the last export failed. `execution` is then its message."""
        return EXPORT_FAILED_BADGE in self.badges

    def matches(self, filters: Filters) -> bool:
        """Tell whether the row matches the filters."""
        association = self.association
        return filters.matches(
            {each.kind for each in self.states} if filters.decisions else (),
            self.level,
            self.target,
            association.name,
            association.integration,
            association.destination,
            association.arn or "",
            str(association.origin),
            association.reason,
            *(each.label for each in self.badges),
        )

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


LinkBuilder = Callable[[Report, Origin], str | None]


def build_rows(status: ControllerStatus, build_link: LinkBuilder) -> tuple[AssociationRow, ...]:
    """Return the rows of all associations, in the order of the controller status."""
    return tuple(
        replace(_build_row(target_status.target, association, report, status.now, build_link), last_seen=last_seen)
        for target_status in status.targets
        if (report := target_status.last_report)
        for unlisted in (target_status.unlisted_associations,)
        for association in report.associations
        for last_seen in (_build_last_seen(unlisted.get(association.name), report, status.now),)
    )


def _build_row(
    target: str, association: AssociationReport, report: Report, now: datetime, build_link: LinkBuilder
) -> AssociationRow:
    badges = list_badges(association, report, now)
    return AssociationRow(
        id="a-" + hashlib.sha256(f"{target}\0{association.name}".encode("utf-8", "replace")).hexdigest()[:12],
        target=target,
        badges=tuple(sorted(badges, key=lambda each: (_LEVELS.index(each.level), each.rank))),
        level=min((each.level for each in badges), key=_LEVELS.index),
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


def _format_last_export(association: AssociationReport, *, has_badge: bool = False) -> str:
    """Return the status of the last export, and whether it counts yet for the last window."""
    execution, report = association.last_execution, association.windows
    if execution and report and report.is_unconfirmed(execution.status):
        execution = replace(execution, status=f"{execution.status}, not confirmed yet")
    return format_execution(execution, has_badge=has_badge)


def format_execution(execution: Execution | None, *, has_badge: bool = False) -> str:
    """Return the status of the last export and the message of AWS, or only the message if a badge shows the status."""
    if execution is None:
        return ""
    if has_badge and execution.status == "FAILED":
        return execution.message or ""
    status = format_job_status(execution)
    return f"{status}: {execution.message}" if execution.message else status
