"""Build the content of the page at `/` from the controller status and the filters. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Origin
from reconciler.core.report.report import Report, TargetReport
from reconciler.core.text import format_count
from reconciler.render import wording
from reconciler.render.kinds import ReportKind
from reconciler.web.page import links
from reconciler.web.page.badges import BADGES, EXPORT_FAILED_BADGE, OVERDUE_BADGE, Badge, list_badges
from reconciler.web.page.cards import Card, build_cards
from reconciler.web.page.filters import ATTENTION, GRAVE_LEVELS, Filters
from reconciler.web.page.flow import Flow, build_flow
from reconciler.web.page.relative_time import RelativeTime
from reconciler.web.page.rows import (
    AssociationRow,
    UnmanagedRow,
    build_rows,
    build_unmanaged_rows,
)
from reconciler.web.page.timeline import Timeline, build_timeline

MAX_ROWS = 2000
"""The maximum number of associations on the page. A longer table would be slow in a browser."""
MAX_LISTED_PROBLEMS = 100
"""The maximum number of problems on the page."""


@dataclass(frozen=True, slots=True)
class Header:
    """The state of the controller as a whole. `revision` is the commit, or None if the manifests come from a folder.

    `is_idle` means that the scheduler has stopped although no shutdown was requested. `stuck_since` is the time of the
    last progress, if the poll of git or of the folder is stuck.
    """

    now: RelativeTime | None
    source_checked_at: RelativeTime | None
    has_revision: bool
    revision: str | None
    manifest_count: int
    since: RelativeTime | None
    rejection: str | None
    rejected_since: RelativeTime | None
    problems: tuple[Problem, ...]
    more_problems: int
    is_dry_run: bool
    is_idle: bool
    is_stopping: bool
    stuck_since: RelativeTime | None


@dataclass(frozen=True, slots=True)
class Process:
    """The state and settings of the process that are not in the controller status.

    `is_stopping` means that a shutdown was requested. `stuck_after` is the time without progress after which a run is
    stuck. `manifest_url` is a template (see `web/page/links.py`).
    """

    is_scheduler_running: bool
    is_stopping: bool
    stuck_after: timedelta
    manifest_url: str | None = None


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One option of a filter."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Page:
    """The content of the page.

    `more_rows` and `more_unmanaged_rows` count the matching rows that are not listed. `total` counts the manifests in
    the last report of each target.
    """

    header: Header
    cards: tuple[Card, ...]
    filters: Filters
    decision_choices: tuple[MenuEntry, ...]
    target_choices: tuple[MenuEntry, ...]
    badges: tuple[Badge, ...]
    count_text: str
    total: int
    rows: tuple[AssociationRow, ...]
    more_rows: int
    unmanaged_rows: tuple[UnmanagedRow, ...]
    more_unmanaged_rows: int
    unlisted: tuple[str, ...]
    orphaned: tuple[str, ...]
    warnings: tuple[Problem, ...]
    flow: Flow
    timeline: Timeline


def build_page(status: ControllerStatus, filters: Filters, process: Process) -> Page:
    """Return the page of a controller status."""

    def build_link(report: Report, origin: Origin) -> str | None:
        return links.build_link(process.manifest_url, report.run.revision, origin)

    matching_rows, unmanaged_rows = build_rows(status, filters, build_link), build_unmanaged_rows(status, filters)
    kinds = _count_kinds(status)
    managed_count, unmanaged_count = sum(kinds.values()) - kinds[ReportKind.UNMANAGED], kinds[ReportKind.UNMANAGED]
    targets = _select_targets(status, filters)
    return Page(
        header=_build_header(status, process),
        cards=build_cards(status, process.stuck_after),
        filters=filters,
        decision_choices=_build_decision_choices(status, kinds, filters),
        target_choices=_build_target_choices(status, filters),
        badges=BADGES,
        count_text=(
            f"Showing {len(matching_rows):,} of {format_count(managed_count, 'association')} and "
            f"{len(unmanaged_rows):,} of {format_count(unmanaged_count, 'unmanaged association')}"
        ),
        total=managed_count,
        rows=matching_rows[:MAX_ROWS],
        more_rows=max(0, len(matching_rows) - MAX_ROWS),
        unmanaged_rows=unmanaged_rows[:MAX_ROWS],
        more_unmanaged_rows=max(0, len(unmanaged_rows) - MAX_ROWS),
        unlisted=tuple(
            wording.describe_unlisted(arn, reason, target) for target in targets for arn, reason in target.unlisted
        ),
        orphaned=tuple(wording.describe_orphan(record, target) for target in targets for record in target.orphaned),
        warnings=_list_warnings(status),
        flow=build_flow(matching_rows),
        timeline=build_timeline(status, filters.target),
    )


def _build_header(status: ControllerStatus, process: Process) -> Header:
    revision, rejection, source_status, now = (
        status.revision,
        status.rejected_revision,
        status.source_status,
        status.now,
    )
    problems = rejection.problems if rejection else ()
    return Header(
        now=RelativeTime.from_datetime(now, now),
        source_checked_at=RelativeTime.from_datetime(status.source_checked_at, now),
        has_revision=revision is not None,
        revision=revision.id if revision else None,
        manifest_count=revision.manifest_count if revision else 0,
        since=RelativeTime.from_datetime(revision.since if revision else None, now),
        rejection=rejection.reason if rejection else None,
        rejected_since=RelativeTime.from_datetime(rejection.since if rejection else None, now),
        problems=problems[:MAX_LISTED_PROBLEMS],
        more_problems=max(0, len(problems) - MAX_LISTED_PROBLEMS),
        is_dry_run=any(
            target_status.last_report.run.dry_run for target_status in status.targets if target_status.last_report
        ),
        is_idle=not (process.is_scheduler_running or process.is_stopping),
        is_stopping=process.is_stopping,
        stuck_since=RelativeTime.from_datetime(
            source_status.stalled_since if source_status in status.find_stuck(process.stuck_after) else None, now
        ),
    )


def _count_kinds(status: ControllerStatus) -> Counter[ReportKind]:
    """Count the kinds of every association, regardless of the filters."""
    counts: Counter[ReportKind] = Counter()
    for target_status in status.targets:
        if target_status.last_report:
            counts += wording.count_kinds(target_status.last_report)
            counts[ReportKind.UNMANAGED] += target_status.last_report.unmanaged_count
    return counts


def _build_decision_choices(
    status: ControllerStatus, kinds: Counter[ReportKind], filters: Filters
) -> tuple[MenuEntry, ...]:
    badge_lists = [
        list_badges(each, target_status.last_report, status.now)
        for target_status in status.targets
        if target_status.last_report
        for each in target_status.last_report.associations
    ]
    badges = Counter(each for badge_list in badge_lists for each in badge_list)
    special_choices = [
        MenuEntry(badge.kind, f"{badge.label} ({badges[badge]:,})")
        for badge in (OVERDUE_BADGE, EXPORT_FAILED_BADGE)
        if badges[badge]
    ]
    kind_choices = [MenuEntry(kind, f"{kind.label} ({kinds[kind]:,})") for kind in ReportKind if kinds[kind]]
    grave_count = sum(any(badge.level in GRAVE_LEVELS for badge in badge_list) for badge_list in badge_lists)
    choices = [
        MenuEntry("", "any"),
        MenuEntry(ATTENTION, f"needs action or has differences ({grave_count:,})"),
        *special_choices,
        *kind_choices,
    ]
    return _include_selected(choices, filters.decision)


def _build_target_choices(status: ControllerStatus, filters: Filters) -> tuple[MenuEntry, ...]:
    return _include_selected(
        [
            MenuEntry("", "all"),
            *(MenuEntry(target_status.target, target_status.target) for target_status in status.targets),
        ],
        filters.target,
    )


def _include_selected(choices: list[MenuEntry], selected: str) -> tuple[MenuEntry, ...]:
    """Return the choices, with the selected value added if it is missing, so that the form shows the active filter."""
    return tuple(
        choices if any(each.value == selected for each in choices) else [*choices, MenuEntry(selected, selected)]
    )


def _select_targets(status: ControllerStatus, filters: Filters) -> tuple[TargetReport, ...]:
    """Return the last report of each target that the filter shows."""
    return tuple(
        target
        for target_status in status.targets
        if target_status.last_report and filters.target in {"", target_status.target}
        for target in target_status.last_report.targets
    )


def _list_warnings(status: ControllerStatus) -> tuple[Problem, ...]:
    """Return the warnings about the manifests without duplicates. The report of each target repeats them."""
    return tuple(
        dict.fromkeys(
            problem
            for target_status in status.targets
            if target_status.last_report
            for problem in target_status.last_report.warnings
        )
    )
