"""What the page at `/` shows, as one value: a board seen through what a reader asks for. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from reconciler.core.controller.status import ControllerStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Origin
from reconciler.core.report.report import Report
from reconciler.render import wording
from reconciler.render.kinds import ReportKind
from reconciler.web.page import links
from reconciler.web.page.cards import Card, cards
from reconciler.web.page.filters import ATTENTION, GRAVE, Asked
from reconciler.web.page.flow import Flow, flow
from reconciler.web.page.relative_time import Moment
from reconciler.web.page.rows import (
    EXPORT_FAILED,
    MEANINGS,
    Row,
    State,
    Stranger,
    level,
    rows,
    strangers,
)
from reconciler.web.page.timeline import Timeline, timeline

SHOWN = 2000
"""How many associations are listed; more would be slow in a browser."""
PROBLEMS = 100
"""How many problems are listed."""


@dataclass(frozen=True, slots=True)
class Top:
    """What the controller is about as a whole. `revision` is the commit; None where manifests come from a folder.

    `idle` is that nothing would be run any more, though nobody asked for a stop. `stuck` is since when looking at git,
    or at the folder, makes no progress.
    """

    now: Moment | None
    looked: Moment | None
    in_force: bool
    revision: str | None
    manifests: int
    since: Moment | None
    refusal: str | None
    refused: Moment | None
    problems: tuple[Problem, ...]
    more_problems: int
    dry_run: bool
    idle: bool
    stopping: bool
    stuck: Moment | None


@dataclass(frozen=True, slots=True)
class Process:
    """What the board does not know: whether runs are begun, whether a stop was asked for, and what was set.

    `patience` is how long a run may make no progress, `manifest_url` a template (see `places`).
    """

    working: bool
    stopping: bool
    patience: timedelta
    manifest_url: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a list to choose from."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Page:
    """All of it. `more` and `more_strangers` are how many fit and are not listed; `all` is how many there are."""

    top: Top
    cards: tuple[Card, ...]
    asked: Asked
    decisions: tuple[Choice, ...]
    targets: tuple[Choice, ...]
    meanings: tuple[State, ...]
    count: str
    total: int
    rows: tuple[Row, ...]
    more: int
    strangers: tuple[Stranger, ...]
    more_strangers: int
    left: tuple[str, ...]
    warnings: tuple[Problem, ...]
    flow: Flow
    timeline: Timeline


def page(board: ControllerStatus, asked: Asked, process: Process) -> Page:
    """Return what the page shows of a board."""

    def linked(report: Report, origin: Origin) -> str | None:
        return links.link(process.manifest_url, report.run.revision, origin)

    found, unmanaged = rows(board, asked, linked), strangers(board, asked)
    kinds = _kinds(board)
    managed, live = sum(kinds.values()) - kinds[ReportKind.UNMANAGED], kinds[ReportKind.UNMANAGED]
    return Page(
        top=_top(board, process),
        cards=cards(board, process.patience),
        asked=asked,
        decisions=_decisions(board, kinds, asked),
        targets=_targets(board, asked),
        meanings=MEANINGS,
        count=f"{len(found):,} of {managed:,} associations, {len(unmanaged):,} of {live:,} unmanaged",
        total=managed,
        rows=found[:SHOWN],
        more=max(0, len(found) - SHOWN),
        strangers=unmanaged[:SHOWN],
        more_strangers=max(0, len(unmanaged) - SHOWN),
        left=_left(board, asked),
        warnings=_warnings(board),
        flow=flow(found),
        timeline=timeline(board, asked.target),
    )


def _top(board: ControllerStatus, process: Process) -> Top:
    revision, refusal, looking, now = board.revision, board.rejected_revision, board.source_status, board.now
    problems = refusal.problems if refusal else ()
    return Top(
        now=Moment.of(now, now),
        looked=Moment.of(board.source_checked_at, now),
        in_force=revision is not None,
        revision=revision.id if revision else None,
        manifests=revision.manifest_count if revision else 0,
        since=Moment.of(revision.since if revision else None, now),
        refusal=refusal.reason if refusal else None,
        refused=Moment.of(refusal.since if refusal else None, now),
        problems=problems[:PROBLEMS],
        more_problems=max(0, len(problems) - PROBLEMS),
        dry_run=any(lane.last_report.run.dry_run for lane in board.targets if lane.last_report),
        idle=not (process.working or process.stopping),
        stopping=process.stopping,
        stuck=Moment.of(looking.stalled_since if looking in board.find_stuck(process.patience) else None, now),
    )


def _kinds(board: ControllerStatus) -> Counter[ReportKind]:
    """Count all that there is, whatever is asked for."""
    counts: Counter[ReportKind] = Counter()
    for lane in board.targets:
        if lane.last_report:
            counts += wording.kinds(lane.last_report)
            counts[ReportKind.UNMANAGED] += lane.last_report.summary["unmanaged"]
    return counts


def _decisions(board: ControllerStatus, kinds: Counter[ReportKind], asked: Asked) -> tuple[Choice, ...]:
    every = [each for lane in board.targets if lane.last_report for each in lane.last_report.associations]
    known = [Choice(kind, f"{kind.label} ({kinds[kind]:,})") for kind in ReportKind if kinds[kind]]
    if failed := sum(each.has_failed_export for each in every):
        known.insert(0, Choice(EXPORT_FAILED.kind, f"{EXPORT_FAILED.label} ({failed:,})"))
    grave = sum(level(each) in GRAVE for each in every)
    choices = [Choice("", "any"), Choice(ATTENTION, f"needs attention ({grave:,})"), *known]
    return _with(choices, asked.decision)


def _targets(board: ControllerStatus, asked: Asked) -> tuple[Choice, ...]:
    return _with([Choice("", "all"), *(Choice(lane.target, lane.target) for lane in board.targets)], asked.target)


def _with(choices: list[Choice], asked: str) -> tuple[Choice, ...]:
    """Return the choices with what is asked for, also where that is none of them: the list shows what counts."""
    return tuple(choices if any(each.value == asked for each in choices) else [*choices, Choice(asked, asked)])


def _left(board: ControllerStatus, asked: Asked) -> tuple[str, ...]:
    """Return what else a run told: records whose manifests are gone, and integrations that could not be listed."""
    targets = [
        target
        for lane in board.targets
        if lane.last_report and asked.target in {"", lane.target}
        for target in lane.last_report.targets
    ]
    unlisted = [wording.unlisted(arn, reason, target) for target in targets for arn, reason in target.unlisted]
    return (*unlisted, *(wording.orphaned(record, target) for target in targets for record in target.orphaned))


def _warnings(board: ControllerStatus) -> tuple[Problem, ...]:
    """Return what is unwise in the manifests, once, though the report of each target says it."""
    return tuple(
        dict.fromkeys(problem for lane in board.targets if lane.last_report for problem in lane.last_report.warnings)
    )
