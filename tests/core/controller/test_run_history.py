"""Tests for the history that a controller keeps across restarts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.builders import NOW

from reconciler.core.controller.controller_status import FinishedRun
from reconciler.core.controller.run_history import (
    MAX_RUNS,
    MAX_STORED_RUNS,
    MAX_STORED_UNMANAGED,
    RunHistory,
    decode,
    encode,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RUN = FinishedRun("r", "prod", NOW - MINUTE, NOW, is_success=True, write_count=2, drift_count=1, open_count=0)


def build_run(name: str, finished_at: datetime, target: str = "prod") -> FinishedRun:
    """Return a run of a minute."""
    return replace(RUN, id=name, target=target, started_at=finished_at - MINUTE, finished_at=finished_at)


def test_stored_history_is_restored() -> None:
    """A history in JSON is the same history when it is read."""
    history = RunHistory(NOW - HOUR, (RUN, build_run("s", NOW)), {"prod": {"arn:a": NOW - HOUR, "arn:b": NOW}})
    assert decode(json.loads(json.dumps(encode(history)))) == history
    assert decode(json.loads(json.dumps(encode(RunHistory())))) == RunHistory()


def test_histories_of_two_processes_are_merged() -> None:
    """The runs of both are kept in their order, each once, without those of the day before and of the future."""
    runs = tuple(build_run(name, time) for name, time in (("a", NOW - DAY), ("b", NOW - 2 * HOUR), ("c", NOW + HOUR)))
    earlier = RunHistory(NOW - 9 * HOUR, runs, {"prod": {"x": NOW - HOUR, "y": NOW}, "old": {"z": NOW}})
    later = RunHistory(NOW - HOUR, (build_run("b", NOW - 2 * HOUR), RUN), {"prod": {"x": NOW, "y": NOW - HOUR}})
    merged = later.merge(earlier, NOW)
    assert [run.id for run in merged.runs] == ["b", "r"]
    assert merged.since == NOW - 9 * HOUR
    assert merged.unmanaged_since == {"prod": {"x": NOW - HOUR, "y": NOW - HOUR}, "old": {"z": NOW}}
    assert merged.select_targets(["prod", "new"]).unmanaged_since == {"prod": merged.unmanaged_since["prod"]}
    assert RunHistory().merge(RunHistory(NOW + HOUR), NOW).since is None


def test_unmanaged_association_keeps_the_time_of_its_first_sight() -> None:
    """An association keeps its time until a complete run no longer sees it, and gets a new one when it comes back."""
    history = RunHistory(NOW)
    for minutes, arns, is_complete in ((0, "ab", True), (1, "b", False), (2, "bc", True), (3, "abc", True)):
        history = history.add(build_run(str(minutes), NOW + minutes * MINUTE), arns, is_complete=is_complete)
        if minutes == 1:
            assert history.unmanaged_since == {"prod": {"a": NOW, "b": NOW}}
    assert history.unmanaged_since == {"prod": {"a": NOW + 3 * MINUTE, "b": NOW, "c": NOW + 2 * MINUTE}}
    assert len(history.runs) == 4


def test_history_is_bounded_in_memory_and_in_the_store() -> None:
    """Old runs are dropped, and the stored text holds the latest runs, with the time since which they are complete."""
    runs = tuple(build_run(str(number), NOW + number * timedelta(seconds=1)) for number in range(MAX_RUNS + 5))
    arns = {f"arn:{number}": NOW for number in range(MAX_STORED_UNMANAGED + 5)}
    history = RunHistory(NOW, runs, {"prod": arns}).add(build_run("last", NOW + 9 * HOUR), (), is_complete=False)
    assert len(history.runs) == MAX_RUNS
    document = encode(history)
    assert len(document["runs"]) == MAX_STORED_RUNS
    assert document["runs"][-1][0] == "last"
    assert document["since"] == document["runs"][0][3]
    assert len(document["unmanagedSince"]["prod"]) == MAX_STORED_UNMANAGED
    assert len(json.dumps(document)) < 2_000_000
    later = history.add(build_run("next day", NOW + 2 * DAY), (), is_complete=True)
    assert [run.id for run in later.runs] == ["next day"]


DOCUMENT = encode(RunHistory(NOW, (RUN,), {"prod": {"a": NOW}}))


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, 7, DOCUMENT | {"format": "reconciler/runs/v2"}, DOCUMENT | {"since": "yesterday"},
        DOCUMENT | {"since": 7}, DOCUMENT | {"since": "2026-11-01T12:00:00"}, DOCUMENT | {"runs": None},
        DOCUMENT | {"runs": [[]]}, DOCUMENT | {"runs": [7]}, DOCUMENT | {"runs": [["r", "prod"]]},
        DOCUMENT | {"runs": [[*DOCUMENT["runs"][0][:-1], "1"]]}, DOCUMENT | {"unmanagedSince": []},
        DOCUMENT | {"unmanagedSince": {"prod": {"a": "x"}}}, DOCUMENT | {"unmanagedSince": {"prod": 7}},
    ],
)  # fmt: skip
def test_another_document_is_no_history(document: Any) -> None:
    """A document that is no history of this format is refused, and nothing else is raised."""
    with pytest.raises(ValueError, match=r"."):
        decode(document)
