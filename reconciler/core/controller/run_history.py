"""History of a controller across restarts: finished runs, and the first sight of each unmanaged association. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from reconciler.core.controller.controller_status import FinishedRun

FORMAT = "reconciler/runs/v1"
RUN_RETENTION = timedelta(days=1)
"""The time for which finished runs are kept."""
MAX_RUNS = 20_000
"""The maximum number of finished runs in memory: one day of about 70 targets that run every five minutes."""
MAX_STORED_RUNS = 5_000
"""The maximum number of finished runs in the stored text: the latest day of about 17 targets, in about 600 kB."""
MAX_STORED_UNMANAGED = 5_000
"""The maximum number of unmanaged associations of each target in the stored text."""


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Finished runs in their order, complete from `since` on, and the first sight of unmanaged associations.

    `unmanaged_since` holds for each target the time of the first run that saw an association, by ARN.
    """

    since: datetime | None = None
    runs: tuple[FinishedRun, ...] = ()
    unmanaged_since: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)

    def add(self, run: FinishedRun, unmanaged: Iterable[str], *, is_complete: bool) -> RunHistory:
        """Return the history with another run, and the ARNs of the unmanaged associations that it saw.

        A run that is not complete may not see all of them, so the others keep their time.
        """
        known = self.unmanaged_since.get(run.target, {})
        times = {arn: known.get(arn, run.finished_at) for arn in unmanaged}
        start, oldest = max(0, len(self.runs) - MAX_RUNS + 1), run.finished_at - RUN_RETENTION
        while start < len(self.runs) and self.runs[start].finished_at <= oldest:
            start += 1
        return RunHistory(
            self.since,
            (*self.runs[start:], run),
            {**self.unmanaged_since, run.target: times if is_complete else {**known, **times}},
        )

    def select_targets(self, names: Iterable[str]) -> RunHistory:
        """Return the history whose unmanaged associations are those of some targets."""
        times = {name: self.unmanaged_since[name] for name in names if self.unmanaged_since.get(name)}
        return RunHistory(self.since, self.runs, times)

    def merge(self, earlier: RunHistory, now: datetime) -> RunHistory:
        """Return this history with an earlier one. Runs that are too old or in the future are left out."""
        runs = {
            (run.target, run.id): run
            for run in (*earlier.runs, *self.runs)
            if now - RUN_RETENTION < run.finished_at <= now
        }
        known_times = [each.since for each in (self, earlier) if each.since and each.since <= now]
        return RunHistory(
            min(known_times, default=None),
            tuple(sorted(runs.values(), key=lambda run: run.finished_at)),
            {
                target: _keep_earliest(each.unmanaged_since.get(target, {}) for each in (earlier, self))
                for target in earlier.unmanaged_since.keys() | self.unmanaged_since.keys()
            },
        )


def _keep_earliest(mappings: Iterable[Mapping[str, datetime]]) -> dict[str, datetime]:
    times: dict[str, datetime] = {}
    for mapping in mappings:
        for arn, time in mapping.items():
            times[arn] = min(time, times.get(arn, time))
    return times


def encode(history: RunHistory) -> dict[str, Any]:
    """Return the JSON document of a history, with the latest runs only."""
    runs = history.runs[-MAX_STORED_RUNS:]
    is_cut = len(runs) < len(history.runs)
    since = runs[0].finished_at if is_cut else history.since
    return {
        "format": FORMAT,
        "since": since.isoformat() if since else None,
        "runs": [
            [
                run.id, run.target, run.started_at.isoformat(), run.finished_at.isoformat(), run.is_success,
                run.write_count, run.drift_count, run.open_count,
            ]
            for run in runs
        ],
        "unmanagedSince": {
            target: {arn: time.isoformat() for arn, time in islice(times.items(), MAX_STORED_UNMANAGED)}
            for target, times in history.unmanaged_since.items()
        },
    }  # fmt: skip


def decode(document: Any) -> RunHistory:
    """Return the history in a JSON document. Raises ValueError if the document is no history."""
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        return RunHistory(
            _parse_time(document["since"]) if document["since"] else None,
            tuple(_decode_run(run) for run in document["runs"][-MAX_STORED_RUNS:]),
            {
                str(target): {str(arn): _parse_time(time) for arn, time in times.items()}
                for target, times in document["unmanagedSince"].items()
            },
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("it is not a history of runs") from error


def _decode_run(members: list[Any]) -> FinishedRun:
    if [type(each) for each in members] != [str, str, str, str, bool, int, int, int]:
        raise ValueError("a run has a member of another type")
    run, target, started_at, finished_at, *figures = members
    return FinishedRun(run, target, _parse_time(started_at), _parse_time(finished_at), *figures)


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time has no offset from UTC")
    return time
