"""Lay out the chart of the last day's runs: a track for each target, with bars whose height is the duration. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.controller.controller_status import ControllerStatus, FinishedRun
from reconciler.core.text import format_count
from reconciler.web.page.relative_time import RelativeTime, format_duration

DAY = timedelta(days=1)
MAX_ENTRIES = 20
"""The maximum numbers of targets in the chart and of listed runs for each target."""
WIDTH, HEIGHT = 960, 48
_STEP = 4
_MIN_HEIGHT = 4
_HOUR_STEP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """The runs that started within a few minutes. Height and shade are those of the longest and most severe run."""

    x: int
    height: int
    shade: str
    text: str


@dataclass(frozen=True, slots=True)
class RecentRun:
    """One run in the list of recent runs."""

    started_at: RelativeTime | None
    duration: str
    shade: str
    text: str


@dataclass(frozen=True, slots=True)
class Track:
    """The runs of one target. `id` depends only on the name of the target."""

    id: str
    target: str
    summary: str
    bars: tuple[Bar, ...]
    recent_runs: tuple[RecentRun, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The chart. `hours` are the positions and labels of full hours, and `more` is the number of omitted targets.

    `since` is the time since which the runs are known, if that is less than a day ago.
    """

    tracks: tuple[Track, ...]
    hours: tuple[tuple[int, str], ...]
    more: int
    since: RelativeTime | None


def build_timeline(status: ControllerStatus, targets: Collection[str], order: Sequence[str]) -> Timeline:
    """Return the chart of some targets, or of every target if `targets` is empty. `order` names the worst target first.

    A target that was removed comes last.
    """
    by_target: dict[str, list[FinishedRun]] = {}
    for run in status.finished_runs:
        if (not targets or run.target in targets) and status.now - DAY < run.started_at <= status.now:
            by_target.setdefault(run.target, []).append(run)
    longest = max(
        (run.finished_at - run.started_at for runs in by_target.values() for run in runs), default=timedelta()
    )
    ranks = {name: rank for rank, name in enumerate(order)}
    ordered = sorted(by_target.items(), key=lambda each: (ranks.get(each[0], len(ranks)), each[0]))
    tracks = (_build_track(name, runs, status.now, longest) for name, runs in ordered[:MAX_ENTRIES])
    known_since = status.runs_since or status.started_at
    since = RelativeTime.from_datetime(known_since, status.now) if status.now - known_since < DAY else None
    return Timeline(tuple(tracks), tuple(_list_hours(status.now)), max(0, len(by_target) - MAX_ENTRIES), since)


def _build_track(target: str, runs: Sequence[FinishedRun], now: datetime, longest: timedelta) -> Track:
    columns: dict[int, list[FinishedRun]] = {}
    for run in runs:
        columns.setdefault(_compute_x(run.started_at, now), []).append(run)
    bars = tuple(_build_bar(x, column_runs, longest) for x, column_runs in sorted(columns.items()))
    recent_runs = tuple(
        RecentRun(
            RelativeTime.from_datetime(run.started_at, now),
            format_duration(run.finished_at - run.started_at),
            _get_shade([run]),
            _format_figures([run]),
        )
        for run in reversed(runs[-MAX_ENTRIES:])
    )
    count = "1 run" if len(runs) == 1 else f"{len(runs):,} runs"
    longest_text = format_duration(max(run.finished_at - run.started_at for run in runs))
    id_ = hashlib.sha256(target.encode("utf-8", "replace")).hexdigest()[:12]
    return Track(id_, target, f"{count}, longest {longest_text}: {_format_figures(runs)}", bars, recent_runs)


def _build_bar(x: int, runs: Sequence[FinishedRun], longest: timedelta) -> Bar:
    duration = max(run.finished_at - run.started_at for run in runs)
    height = _MIN_HEIGHT + round((HEIGHT - _MIN_HEIGHT) * (duration / longest if longest else 0))
    count = f"{len(runs):,} runs from " if len(runs) > 1 else ""
    return Bar(
        x,
        height,
        _get_shade(runs),
        f"{count}{runs[0].started_at:%H:%MZ}, {format_duration(duration)}: {_format_figures(runs)}",
    )


def _get_shade(runs: Sequence[FinishedRun]) -> str:
    if not all(run.is_success for run in runs):
        return "failed"
    if any(run.write_count for run in runs):
        return "written"
    return "drifted" if any(run.drift_count or run.open_count for run in runs) else "in-sync"


def _format_figures(runs: Sequence[FinishedRun]) -> str:
    failed_count, write_count = sum(not run.is_success for run in runs), sum(run.write_count for run in runs)
    # Runs report the same differences again, so their numbers are not added up. A failed run may have compared nothing.
    compared_runs = [run for run in runs if run.is_success]
    drift_count = max((run.drift_count for run in compared_runs), default=0)
    open_count = max((run.open_count for run in compared_runs), default=0)
    failure_text = "failed" if len(runs) == 1 else f"{failed_count:,} failed"
    parts = [
        failure_text if failed_count else "",
        f"{write_count:,} created or updated" if write_count else "",
        f"{drift_count:,} drifted" * bool(drift_count),
        f"{format_count(open_count, 'association')} not in sync" * bool(open_count),
    ]
    return ", ".join(filter(None, parts)) or "nothing to do"


def _compute_x(time: datetime, now: datetime) -> int:
    return int((WIDTH - _STEP) * (1 - (now - time) / DAY)) // _STEP * _STEP


def _list_hours(now: datetime) -> Iterator[tuple[int, str]]:
    current_hour = now.replace(minute=0, second=0, microsecond=0)
    for back in range(24):
        hour = current_hour - timedelta(hours=back)
        if hour.hour % _HOUR_STEP == 0:
            yield _compute_x(hour, now), f"{hour:%H:%M}"
