"""The steps of a run, as the real code of a run takes them: fleet.py, run.py, the plan, the lease and the journal."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from fleet_simulation.workload import Cloud, Step, Store, build_manifests, build_target
from support import builders
from support.fakes import FakeClock

from reconciler.core.model import Desired, Mode, Target
from reconciler.core.plan.create_bound import CreateBound
from reconciler.core.ports import Writers
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter
from reconciler.fleet import TargetConnection, run_targets

MANIFESTS = build_manifests()
_OLD_LIST = 40.0
"""Seconds of a look after which core/apply/preview.py looks again before a write."""


class Phase(Enum):
    """Where a target stands: it waits until each target was counted, it creates, or it has nothing to do."""

    COUNT = "count"
    CREATE = "create"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of a run, and the number of associations that its plan creates before the bound of all targets."""

    steps: tuple[Step, ...]
    create_count: int


class RealTarget:
    """A target whose runs are real, with AppIntegrations and S3 in memory. `cpu_seconds` are those of all runs."""

    def __init__(self, number: int) -> None:
        self.target = build_target(number)
        self._clock = FakeClock()
        self._steps: list[Step] = []
        self._list_seconds = 0.0
        self._cloud = Cloud(self.target, MANIFESTS, self._clock, self._take_step)
        self._store = Store(self.target, self._cloud.records, self._take_step)
        self._desired = Desired((self.target,), {self.target.name: MANIFESTS}, is_part=True)
        self._reader = StoredJournalReader(self._store, str(self.target.account), str(self.target.region))
        self._run_count = 0
        self.cpu_seconds = 0.0

    def run(self, bound: CreateBound, seconds: float = 300, *, is_old: bool = False) -> Script:
        """Run the target once, some seconds after its last run. With `is_old`, the first look takes too long."""
        self._clock.advance(seconds=seconds)
        self._run_count += 1
        self._steps = [Step("assume")]
        self._list_seconds = _OLD_LIST if is_old else 0.0
        context = builders.context(self._clock, Mode.CREATE_AND_UPDATE)
        started_at = time.process_time()
        (report,), _ = run_targets(self._desired, self._connect, context, bound)
        self.cpu_seconds += time.process_time() - started_at
        assert report.error is None, report.error
        creates = sum(each.decision == "create" for each in report.associations)
        return Script(tuple(self._steps), creates)

    def _connect(self, target: Target) -> TargetConnection:
        author = JournalAuthor(f"run-{self._run_count}", "simulation", "host")
        writer = StoredJournalWriter(
            self._store, self._reader, author, self._clock, self._clock, timeout=0, new_lineage=lambda: "lineage"
        )
        account, region = str(target.account), str(target.region)
        return TargetConnection(account, region, self._cloud, self._reader, Writers(self._cloud, writer), lambda: None)

    def _take_step(self, step: Step) -> None:
        """Record a step. After the first look comes the plan."""
        self._steps.append(step)
        if step.kind == "list" and self._list_seconds:
            self._clock.time += timedelta(seconds=self._list_seconds)
            self._list_seconds = 0.0
