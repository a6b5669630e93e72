"""Switches of the sandbox for updates and jobs: the program takes the documented decision for each of them.

The program runs over HTTP, for a manifest with three daily windows. Its own clock is that of the machine, and the clock
of AWS is advanced. A settle time of zero stands for a run after the settle time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.bucket import ACCOUNT, REGION
from support.program import Program

from reconciler.sandbox import Behaviour, ManualClock, SandboxServer

AWS_START = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
MINUTE, HOUR = 60, 3600
SETTLED = ("--settle-time", "0s")
DAILY = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
policy: {mode: create-and-update, generation: 1}
window: {every: day, first: 2026-10-01, last: 2026-10-03, missed: each, backfill: 2026-10-04}
spec:
  DataIntegrationIdentifier: profiles-export
  DestinationURI: s3://corp-exports/NAME
"""


class DailyExport:
    """The export of a manifest whose three windows are due, with the sandbox that it calls."""

    def __init__(self, program: Program, server: SandboxServer, clock: ManualClock) -> None:
        self._program, self._server, self.clock = program, server, clock
        self.reason = ""
        self.code = 0

    def run(self, *options: str, seconds: float = 0) -> str:
        """Run the program once the clock of AWS has advanced, and return the decision."""
        self.clock.advance(seconds)
        result = self._program.run(*options, "-o", "json")
        (line,) = result.report["targets"][0]["associations"]
        self.reason, self.code = line["reason"], result.code
        return str(line["decision"])

    def set_switches(self, *settings: str) -> None:
        """Set switches as `reconcile sandbox --set` does."""
        self._server.sandbox.set_behaviour(Behaviour.parse(settings))

    def raise_generation(self) -> None:
        """Raise policy.generation in the manifest."""
        self._program.add("daily", text=DAILY.replace("generation: 1", "generation: 2"))

    def repeat_by_hand(self) -> None:
        """Send the current window once more, as a person does in the console of AWS."""
        request = {"DataIntegrationIdentifier": "profiles-export"}
        (item,) = self._call("ListDataIntegrationAssociations", request)["DataIntegrationAssociations"]
        request["DataIntegrationAssociationIdentifier"] = item["DataIntegrationAssociationArn"].rpartition("/")[2]
        execution = {"ExecutionConfiguration": item["ExecutionConfiguration"]}
        self._call("UpdateDataIntegrationAssociation", request | execution)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return self._server.sandbox.call(ACCOUNT, REGION, operation, request)

    @property
    def write_count(self) -> int:
        """The number of Creates and Updates that AWS carried out."""
        return len(self._server.sandbox.executed_writes)

    @property
    def windows(self) -> list[str]:
        """The states of the windows that were sent, the oldest first."""
        return [each["state"] for each in self._list_windows()["past"]]

    @property
    def watermark(self) -> str | None:
        """The date before which everything has been exported."""
        watermark: str | None = self._list_windows()["watermark"]
        return watermark and watermark.removesuffix("T00:00:00+00:00")

    def _list_windows(self) -> Any:
        return json.loads(self._program.run("windows", "daily", "-o", "json").out)["windows"]


@contextmanager
def start_export(folder: Path, *settings: str) -> Iterator[DailyExport]:
    """Yield an export whose first window was created in a sandbox with these switches."""
    clock = ManualClock(AWS_START)
    with SandboxServer(clock=clock, behaviour=Behaviour.parse(settings)) as server:
        program = Program(folder, server.url)
        program.add("daily", text=DAILY)
        export = DailyExport(program, server, clock)
        assert export.run() == "create"
        yield export


@contextmanager
def meet_hidden_job(folder: Path, effect: str) -> Iterator[DailyExport]:
    """Yield an export after an Update that met a job which List did not show yet: one that a person had started."""
    switches = ("job_seconds=1h", f"update_during_job={effect}")
    with start_export(folder, *switches) as export:
        export.run()
        export.set_switches(*switches, "status_lag=30m")
        export.clock.advance(2 * HOUR)
        export.repeat_by_hand()
        assert export.run() == "update"
        yield export


def test_update_that_aws_refuses_during_a_job_is_sent_once_more(tmp_path: Path) -> None:
    """With update_during_job=refuse, the Update is held with exit code 1, and sent again after job and settle time."""
    with meet_hidden_job(tmp_path, "refuse") as export:
        assert (export.code, export.write_count) == (1, 2)
        assert (export.run(), export.code) == ("held", 1)
        assert "The association cannot be updated while its job is running." in export.reason
        assert "it is sent once more after" in export.reason
        assert (export.run(*SETTLED, seconds=40 * MINUTE), export.code) == ("held", 1)
        assert "but List shows that an export is running" in export.reason
        assert export.write_count == 2
        assert (export.run(*SETTLED, seconds=HOUR), export.code) == ("update", 0)
        assert (export.write_count, export.watermark) == (3, "2026-10-02")


def test_update_that_aws_refuses_again_is_blocked(tmp_path: Path) -> None:
    """With update_during_job=refuse, a second refusal blocks the association, and nothing is sent any more."""
    with meet_hidden_job(tmp_path, "refuse") as export:
        export.run(seconds=2 * HOUR)
        export.repeat_by_hand()
        assert (export.run(*SETTLED), export.code) == ("update", 1)
        assert (export.run(*SETTLED, seconds=2 * HOUR), export.code) == ("blocked", 1)
        assert export.write_count == 3


@pytest.mark.parametrize(("effect", "minutes"), [("run", 80), ("queue", 140)])
def test_watermark_waits_for_the_job_of_an_update_during_a_job(effect: str, minutes: int, tmp_path: Path) -> None:
    """With update_during_job=run and =queue, the watermark and the next Update wait for the job of the window."""
    with meet_hidden_job(tmp_path, effect) as export:
        assert (export.write_count, export.watermark) == (3, "2026-10-02")
        for seconds in (MINUTE, 35 * MINUTE, (minutes - 36) * MINUTE):
            assert export.run(seconds=seconds) == "held"
            assert "the last export may still be running" in export.reason
        assert (export.write_count, export.watermark) == (3, "2026-10-02")
        assert export.run(seconds=15 * MINUTE) == "update"
        assert export.watermark == "2026-10-03"


def test_late_status_does_not_complete_the_next_window(tmp_path: Path) -> None:
    """With status_lag, the COMPLETED of the job before moves no watermark, and no Update meets a job."""
    with start_export(tmp_path, "job_seconds=1h", "status_lag=10m") as export:
        export.run(seconds=15 * MINUTE)
        assert export.run(seconds=HOUR) == "update"
        for seconds in (0, 5 * MINUTE, 10 * MINUTE):
            assert export.run(seconds=seconds) == "held"
            assert (export.write_count, export.watermark) == (2, "2026-10-02")
        assert export.run(seconds=HOUR) == "update"
        assert export.watermark == "2026-10-03"


def test_late_window_settles_until_list_shows_it(tmp_path: Path) -> None:
    """With update_lag, an Update settles with exit code 0 until List shows its window, and is then followed."""
    with start_export(tmp_path, "job_seconds=1h", "update_lag=10m") as export:
        export.run()
        assert export.run(seconds=HOUR) == "update"
        assert (export.run(seconds=5 * MINUTE), export.code) == ("settling", 0)
        assert "List does not show it yet" in export.reason
        assert export.run(seconds=10 * MINUTE) == "held"
        assert (export.run(seconds=HOUR), export.write_count) == ("update", 3)


def test_job_shorter_than_the_interval_counts_after_the_settle_time(tmp_path: Path) -> None:
    """With job_seconds=0, no run sees IN_PROGRESS, so COMPLETED counts a settle time after List showed the window."""
    with start_export(tmp_path, "job_seconds=0") as export:
        assert export.run() == "held"
        assert export.run(seconds=15 * MINUTE - 1) == "held"
        assert (export.write_count, export.watermark) == (1, None)
        assert export.run(seconds=1) == "update"
        assert (export.write_count, export.watermark) == (2, "2026-10-02")


def test_stale_failed_does_not_fail_the_repetition(tmp_path: Path) -> None:
    """With status_lag, the FAILED of the job before is not taken for that of its repetition, and nothing is resent."""
    with start_export(tmp_path, "job_seconds=1h", "job_outcome=FAILED") as export:
        export.run()
        assert (export.run(seconds=HOUR), export.code) == ("blocked", 1)
        assert "FAILED" in export.reason
        export.set_switches("job_seconds=1h", "status_lag=30m")
        export.raise_generation()
        assert export.run(*SETTLED, seconds=HOUR) == "update"
        for seconds in (0, 20 * MINUTE, 30 * MINUTE):
            assert export.run(*SETTLED, seconds=seconds) == "held"
            assert (export.write_count, export.windows[-1], export.watermark) == (2, "running", None)
        assert export.run(*SETTLED, seconds=HOUR) == "update"
        assert (export.write_count, export.watermark) == (3, "2026-10-02")


def test_update_that_list_never_shows_counts_once_its_job_was_seen(tmp_path: Path) -> None:
    """With updates_shown=false, a job seen from IN_PROGRESS to its end counts as sent, with a warning."""
    with start_export(tmp_path, "job_seconds=1h", "updates_shown=false") as export:
        export.run()
        assert export.run(seconds=HOUR) == "update"
        assert (export.run(), export.code) == ("settling", 0)
        assert (export.run(*SETTLED, seconds=HOUR), export.code) == ("update", 0)
        assert "a job ended since, but List still shows the previous configuration" in export.reason
        assert (export.run(), export.watermark) == ("settling", "2026-10-03")
        assert (export.run(*SETTLED, seconds=HOUR), export.code) == ("in-sync", 0)
        assert "a job ended since, but List still shows the previous configuration" in export.reason
        assert (export.write_count, export.watermark) == (3, "2026-10-04")


def test_update_that_list_never_shows_is_blocked_without_its_job(tmp_path: Path) -> None:
    """With updates_shown=false, an Update whose job was never seen is blocked after the settle time, and not resent."""
    with start_export(tmp_path, "job_seconds=1h", "updates_shown=false") as export:
        export.run()
        export.set_switches("job_seconds=0", "updates_shown=false")
        assert export.run(seconds=HOUR) == "update"
        assert (export.run(seconds=HOUR), export.code) == ("settling", 0)
        for _ in range(2):
            assert (export.run(*SETTLED, seconds=HOUR), export.code) == ("blocked", 1)
            assert "AWS accepted it, and List never showed it" in export.reason
        assert (export.write_count, export.watermark) == (2, "2026-10-02")
