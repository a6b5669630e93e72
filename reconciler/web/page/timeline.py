"""The runs of the last day as a picture: for each target bars as high as its runs were long. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.controller.status import ControllerStatus, FinishedRun
from reconciler.web.page.relative_time import Moment, span

DAY = timedelta(days=1)
MOST = 20
"""How many targets the picture shows, and how many runs of each are listed."""
WIDTH, HEIGHT = 960, 48
_STEP = 4
_LEAST = 4
_HOURS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """The runs that began within a few minutes of each other: as long as the longest, as grave as the gravest."""

    x: int
    height: int
    shade: str
    said: str


@dataclass(frozen=True, slots=True)
class Past:
    """One run in the list."""

    started: Moment | None
    took: str
    shade: str
    said: str


@dataclass(frozen=True, slots=True)
class Track:
    """One target's day. `id` stays with the target, whichever others come and go."""

    id: str
    target: str
    said: str
    bars: tuple[Bar, ...]
    recent: tuple[Past, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of it: `hours` are where full hours stand; `more` is how many targets are left out.

    `since` is when the controller started, where that is less than a day ago: earlier runs are known to nobody here.
    """

    tracks: tuple[Track, ...]
    hours: tuple[tuple[int, str], ...]
    more: int
    since: Moment | None


def timeline(board: ControllerStatus, target: str) -> Timeline:
    """Return the last day of all targets, or of one."""
    by_target: dict[str, list[FinishedRun]] = {}
    for run in board.finished_runs:
        if target in {"", run.target} and board.now - DAY < run.started_at <= board.now:
            by_target.setdefault(run.target, []).append(run)
    longest = max(
        (run.finished_at - run.started_at for runs in by_target.values() for run in runs), default=timedelta()
    )
    tracks = (_track(name, runs, board.now, longest) for name, runs in sorted(by_target.items())[:MOST])
    since = Moment.of(board.started_at, board.now) if board.now - board.started_at < DAY else None
    return Timeline(tuple(tracks), tuple(_hours(board.now)), max(0, len(by_target) - MOST), since)


def _track(target: str, runs: Sequence[FinishedRun], now: datetime, longest: timedelta) -> Track:
    columns: dict[int, list[FinishedRun]] = {}
    for run in runs:
        columns.setdefault(_x(run.started_at, now), []).append(run)
    bars = tuple(_bar(x, beside, longest) for x, beside in sorted(columns.items()))
    recent = tuple(
        Past(Moment.of(run.started_at, now), span(run.finished_at - run.started_at), _shade([run]), _figures([run]))
        for run in reversed(runs[-MOST:])
    )
    count = "1 run" if len(runs) == 1 else f"{len(runs):,} runs"
    most = span(max(run.finished_at - run.started_at for run in runs))
    id_ = hashlib.sha256(target.encode("utf-8", "replace")).hexdigest()[:12]
    return Track(id_, target, f"{count}, the longest {most}: {_figures(runs)}", bars, recent)


def _bar(x: int, runs: Sequence[FinishedRun], longest: timedelta) -> Bar:
    took = max(run.finished_at - run.started_at for run in runs)
    height = _LEAST + round((HEIGHT - _LEAST) * (took / longest if longest else 0))
    count = f"{len(runs):,} runs from " if len(runs) > 1 else ""
    return Bar(x, height, _shade(runs), f"{count}{runs[0].started_at:%H:%MZ}, {span(took)}: {_figures(runs)}")


def _shade(runs: Sequence[FinishedRun]) -> str:
    if not all(run.is_success for run in runs):
        return "failed"
    if any(run.write_count for run in runs):
        return "made"
    return "drifted" if any(run.drift_count or run.open_count for run in runs) else "well"


def _figures(runs: Sequence[FinishedRun]) -> str:
    failed, made = sum(not run.is_success for run in runs), sum(run.write_count for run in runs)
    drifted, open_ = (
        max(run.drift_count for run in runs),
        max(run.open_count for run in runs),
    )  # the same are in each of them
    of = "failed" if len(runs) == 1 else f"{failed:,} failed"
    said = [
        of if failed else "",
        f"{made:,} created or updated" if made else "",
        f"{drifted:,} drifted" * bool(drifted),
        f"{open_:,} not as git says" * bool(open_),
    ]
    return ", ".join(filter(None, said)) or "nothing to do"


def _x(time: datetime, now: datetime) -> int:
    return int((WIDTH - _STEP) * (1 - (now - time) / DAY)) // _STEP * _STEP


def _hours(now: datetime) -> Iterator[tuple[int, str]]:
    full = now.replace(minute=0, second=0, microsecond=0)
    for back in range(24):
        hour = full - timedelta(hours=back)
        if hour.hour % _HOURS == 0:
            yield _x(hour, now), f"{hour:%H:%M}"
