"""The runs of the last day as a picture: for each target bars as high as its runs were long. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.controller.status import ControllerStatus, FinishedRun
from reconciler.web.page.relative_time import RelativeTime, format_duration

DAY = timedelta(days=1)
MAX_ENTRIES = 20
"""How many targets the picture shows, and how many runs of each are listed."""
WIDTH, HEIGHT = 960, 48
_STEP = 4
_MIN_HEIGHT = 4
_HOUR_STEP = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """The runs that began within a few minutes of each other: as long as the longest, as grave as the gravest."""

    x: int
    height: int
    shade: str
    text: str


@dataclass(frozen=True, slots=True)
class RecentRun:
    """One run in the list."""

    started_at: RelativeTime | None
    duration: str
    shade: str
    text: str


@dataclass(frozen=True, slots=True)
class Track:
    """One target's day. `id` stays with the target, whichever others come and go."""

    id: str
    target: str
    summary: str
    bars: tuple[Bar, ...]
    recent_runs: tuple[RecentRun, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of it: `hours` are where full hours stand; `more` is how many targets are left out.

    `since` is when the controller started, where that is less than a day ago: earlier runs are known to nobody here.
    """

    tracks: tuple[Track, ...]
    hours: tuple[tuple[int, str], ...]
    more: int
    since: RelativeTime | None


def build_timeline(status: ControllerStatus, target: str) -> Timeline:
    """Return the last day of all targets, or of one."""
    by_target: dict[str, list[FinishedRun]] = {}
    for run in status.finished_runs:
        if target in {"", run.target} and status.now - DAY < run.started_at <= status.now:
            by_target.setdefault(run.target, []).append(run)
    longest = max(
        (run.finished_at - run.started_at for runs in by_target.values() for run in runs), default=timedelta()
    )
    tracks = (_build_track(name, runs, status.now, longest) for name, runs in sorted(by_target.items())[:MAX_ENTRIES])
    since = RelativeTime.from_datetime(status.started_at, status.now) if status.now - status.started_at < DAY else None
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
    return Track(id_, target, f"{count}, the longest {longest_text}: {_format_figures(runs)}", bars, recent_runs)


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
        return "made"
    return "drifted" if any(run.drift_count or run.open_count for run in runs) else "well"


def _format_figures(runs: Sequence[FinishedRun]) -> str:
    failed_count, write_count = sum(not run.is_success for run in runs), sum(run.write_count for run in runs)
    drift_count, open_count = (
        max(run.drift_count for run in runs),
        max(run.open_count for run in runs),
    )  # the same are in each of them
    failure_text = "failed" if len(runs) == 1 else f"{failed_count:,} failed"
    parts = [
        failure_text if failed_count else "",
        f"{write_count:,} created or updated" if write_count else "",
        f"{drift_count:,} drifted" * bool(drift_count),
        f"{open_count:,} not as git says" * bool(open_count),
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
