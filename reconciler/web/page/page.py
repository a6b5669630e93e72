"""Build the content of the page at `/` from the controller status and the filters. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Origin
from reconciler.core.report.report import Report, TargetReport
from reconciler.core.shards import Shard
from reconciler.core.text import format_count
from reconciler.render import wording
from reconciler.render.kinds import ReportKind
from reconciler.web.page import links
from reconciler.web.page.attention import Trouble, list_troubles
from reconciler.web.page.badges import BADGES, EXPORT_FAILED_BADGE, OVERDUE_BADGE, Badge
from reconciler.web.page.cards import Card, build_cards
from reconciler.web.page.figures import Figure, build_figures
from reconciler.web.page.filters import ATTENTION, GRAVE_LEVELS, IN_ORDER, WAITING, Filters
from reconciler.web.page.flow import Flow, build_flow
from reconciler.web.page.relative_time import RelativeTime
from reconciler.web.page.rows import AssociationRow, build_rows
from reconciler.web.page.table import Table, build_table
from reconciler.web.page.timeline import Timeline, build_timeline
from reconciler.web.page.unmanaged import UnmanagedRow, build_unmanaged_rows, format_export_command
from reconciler.web.page.view import GROUPS, View
from reconciler.web.page.warnings import WarningKind, count_warnings

MAX_UNMANAGED_ROWS = 200
"""The maximum number of unmanaged associations on the page. The filter finds the others."""
MAX_SHOWN_CARDS = 24
"""The number of targets that are always shown, the most severe first. A reader unfolds the others."""
MAX_LISTED_PROBLEMS = 100
"""The maximum number of problems on the page."""


@dataclass(frozen=True, slots=True)
class Header:
    """The state of the controller as a whole. `shard` is its shard, if there are several.

    `revision` is the commit, or None if the manifests come from a folder. `subject`, `author` and `revision_link` are
    those of the commit. `pending_count` counts the targets whose first run has not finished, and `has_unknown_target`
    is true if a target has no result, also because its runs failed.

    `is_idle` means that the scheduler has stopped although no shutdown was requested. `stuck_since` is the time of the
    last progress, if the poll of git or of the folder is stuck.
    """

    shard: str | None
    now: RelativeTime | None
    source_checked_at: RelativeTime | None
    has_revision: bool
    revision: str | None
    revision_link: str | None
    subject: str
    author: str
    manifest_count: int
    pending_count: int
    has_unknown_target: bool
    since: RelativeTime | None
    rejection: str | None
    rejected_since: RelativeTime | None
    problems: tuple[Problem, ...]
    more_problems: int
    is_dry_run: bool
    is_idle: bool
    is_stopping: bool
    stuck_since: RelativeTime | None

    @property
    def alerts(self) -> tuple[str, ...]:
        """The troubles of the controller as a whole, which belong to no target."""
        rejected = "revision rejected" if self.problems else "revision rejected or unread"
        troubles = {"scheduler stopped": self.is_idle, "poll stuck": self.stuck_since, rejected: self.rejection}
        return tuple(label for label, is_so in troubles.items() if is_so)


@dataclass(frozen=True, slots=True)
class Process:
    """The state and settings of the process that are not in the controller status.

    `is_stopping` means that a shutdown was requested. `stuck_after` is the time without progress after which a run is
    stuck. `manifest_url` and `commit_url` are templates (see `web/page/links.py`). `shard` is the shard of the
    controller, or None if it has the targets of all shards.
    """

    is_scheduler_running: bool
    is_stopping: bool
    stuck_after: timedelta
    manifest_url: str | None = None
    commit_url: str | None = None
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One option of a menu."""

    value: str
    label: str
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """The values of a filter, of which a reader chooses any number. None means all. `summary` says what is chosen."""

    name: str
    label: str
    summary: str
    entries: tuple[MenuEntry, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The content of the page.

    `more_unmanaged_rows` counts the matching rows that are not listed. `total` counts the manifests in the last report
    of each target. `folded_cards` are the targets that a reader unfolds. With `has_single_row`, the table has one row,
    and shows its details.
    """

    header: Header
    figures: tuple[Figure, ...]
    troubles: tuple[Trouble, ...]
    cards: tuple[Card, ...]
    folded_cards: tuple[Card, ...]
    view: View
    menus: tuple[Menu, ...]
    group_choices: tuple[MenuEntry, ...]
    badges: tuple[Badge, ...]
    count_text: str
    total: int
    table: Table
    has_single_row: bool
    unmanaged_rows: tuple[UnmanagedRow, ...]
    more_unmanaged_rows: int
    export_command: str
    unlisted: tuple[str, ...]
    orphaned: tuple[str, ...]
    warning_count: int
    warnings: tuple[WarningKind, ...]
    flow: Flow
    timeline: Timeline


def build_page(status: ControllerStatus, view: View, process: Process) -> Page:
    """Return the page of a controller status."""

    def build_link(report: Report, origin: Origin) -> str | None:
        return links.build_link(process.manifest_url, report.run.revision, origin)

    filters = view.filters
    rows = build_rows(status, build_link)
    matching_rows = tuple(row for row in rows if row.matches(filters)) if filters.has_any else rows
    unmanaged_rows = build_unmanaged_rows(status, filters)
    unmanaged_count = sum(each.last_report.unmanaged_count for each in status.targets if each.last_report)
    targets = _select_targets(status, view)
    cards = build_cards(status, process.stuck_after)
    warnings = _list_warnings(status)
    table = build_table(matching_rows, view)
    header = _build_header(status, process)
    return Page(
        header=header,
        figures=build_figures(header.alerts, cards, rows, unmanaged_count, view),
        troubles=list_troubles(status, cards, rows, view),
        cards=cards[:MAX_SHOWN_CARDS],
        folded_cards=cards[MAX_SHOWN_CARDS:],
        view=view,
        menus=(
            _build_menu("decision", "State", _list_decisions(rows, unmanaged_count, filters), filters.decisions),
            _build_menu("target", "Target", {each.target: each.target for each in status.targets}, filters.targets),
        ),
        group_choices=tuple(
            MenuEntry(each, {"": "none", "integration": "data integration"}.get(each, each), each == view.group)
            for each in GROUPS
        ),
        badges=BADGES,
        count_text=(
            f"Showing {len(matching_rows):,} of {format_count(len(rows), 'association')} and "
            f"{len(unmanaged_rows):,} of {format_count(unmanaged_count, 'unmanaged association')}"
        ),
        total=len(rows),
        table=table,
        has_single_row=len(matching_rows) == 1,
        unmanaged_rows=unmanaged_rows[:MAX_UNMANAGED_ROWS],
        more_unmanaged_rows=max(0, len(unmanaged_rows) - MAX_UNMANAGED_ROWS),
        export_command=format_export_command(unmanaged_rows),
        unlisted=tuple(
            wording.describe_unlisted(arn, reason, target) for target in targets for arn, reason in target.unlisted
        ),
        orphaned=tuple(wording.describe_orphan(record, target) for target in targets for record in target.orphaned),
        warning_count=len(warnings),
        warnings=count_warnings(warnings),
        flow=build_flow(tuple(row for group in table.groups for row in group.rows)),
        timeline=build_timeline(status, filters.targets, tuple(card.target for card in cards)),
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
        shard=str(process.shard) if process.shard else None,
        now=RelativeTime.from_datetime(now, now),
        source_checked_at=RelativeTime.from_datetime(status.source_checked_at, now),
        has_revision=revision is not None,
        revision=revision.id if revision else None,
        revision_link=links.build_commit_link(process.commit_url, revision.id if revision else None),
        subject=revision.subject if revision else "",
        author=revision.author if revision else "",
        manifest_count=revision.manifest_count if revision else 0,
        pending_count=sum(each.last_report is None and not each.failures for each in status.targets),
        has_unknown_target=any(each.last_report is None for each in status.targets),
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


def _list_decisions(rows: tuple[AssociationRow, ...], unmanaged_count: int, filters: Filters) -> dict[str, str]:
    """Return the values of the filter by state with their labels, which say how many associations match."""
    levels = Counter(row.level for row in rows)
    kinds = Counter(state.kind for row in rows for state in row.states)
    kinds[ReportKind.UNMANAGED] = unmanaged_count
    labels = {badge.kind: badge.label for badge in (OVERDUE_BADGE, EXPORT_FAILED_BADGE)}
    labels |= {kind: kind.label for kind in ReportKind}
    return {
        ATTENTION: f"needs action or has differences ({sum(levels[each] for each in GRAVE_LEVELS):,})",
        WAITING: f"waiting or just done ({levels['note']:,})",
        IN_ORDER: f"in order ({levels['none']:,})",
        **{
            kind: f"{label} ({kinds[kind]:,})"
            for kind, label in labels.items()
            if kinds[kind] or kind in filters.decisions
        },
    }


def _build_menu(name: str, label: str, labels: Mapping[str, str], chosen: tuple[str, ...]) -> Menu:
    """Return the menu of a filter. A chosen value without a label is added, so that the form shows every filter."""
    all_labels = {**labels, **{value: value for value in chosen if value not in labels}}
    entries = tuple(MenuEntry(value, text, value in chosen) for value, text in all_labels.items())
    summary = all_labels[chosen[0]] if len(chosen) == 1 else f"{len(chosen)} chosen" if chosen else "all"
    return Menu(name, label, summary, entries)


def _select_targets(status: ControllerStatus, view: View) -> tuple[TargetReport, ...]:
    """Return the last report of each target that the filter shows."""
    return tuple(
        target
        for target_status in status.targets
        if target_status.last_report and (not view.filters.targets or target_status.target in view.filters.targets)
        for target in target_status.last_report.targets
    )


def _list_warnings(status: ControllerStatus) -> tuple[Problem, ...]:
    """Return the warnings about the manifests without duplicates. A manifest may have several targets."""
    reports = (each.last_report for each in status.targets if each.last_report)
    general_warnings = status.revision.warnings if status.revision else ()
    return tuple(dict.fromkeys((*general_warnings, *(each for report in reports for each in report.warnings))))
