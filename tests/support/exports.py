"""A model of one exporting association: its journal, what List shows of it, and runs over both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support.builders import NOW, SETTLE, journal, live, manifest, observation, recurring_manifest, window

from reconciler.core.apply.outcome import Created, Outcome, Updated
from reconciler.core.apply.transitions import with_intents, with_outcomes
from reconciler.core.journal.codec import decode, encode
from reconciler.core.journal.jobs import Job, Recurrence
from reconciler.core.journal.records import Bound, Journal, Record
from reconciler.core.model import Execution, Live, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Decision, get_exit_code
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.inputs import RunOptions, RunRules
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create, Update
from reconciler.core.request.export_window import build_execution, read_window
from reconciler.core.windows.declaration import Missed
from reconciler.core.windows.due import Window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(month: int, day: int = 1, hour: int = 0, minute: int = 0) -> datetime:
    """Return a time of 2026 in UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def span(start: int, end: int) -> Window:
    """Return the window between the first days of two months of 2026, in UTC."""
    return Window(at(start), at(end))


class Export:
    """One association. AWS carries out what it accepts, and a job runs until `finish` ends it.

    `sent` holds the windows of the accepted calls. Every run stores the journal as JSON and reads it again.
    """

    def __init__(self, desired: Manifest, now: datetime = NOW) -> None:
        self.manifest, self.now = desired, now
        self.target, self.mode = Target("prod"), Mode.CREATE_AND_UPDATE
        self.aws_offset: timedelta | None = timedelta(0)
        self.journal: Journal = journal()
        self.live: Live | None = None
        self.shows_updates, self.has_reviewed_plan = True, False
        self.sent: list[Window | None] = []

    def decide(self) -> Decision:
        """Return the decision of a dry run."""
        return self._plan().decisions[0]

    def run(self, outcome: Outcome | None = None, *, is_carried_out: bool = False) -> Decision:
        """Run once and return the decision. AWS accepts a call unless `outcome` says otherwise."""
        plan = self._plan()
        intents = with_intents(self.journal, plan, self.now)
        outcomes: dict[str, Outcome] = {}
        for write in plan.writes:
            if outcome is None or is_carried_out:
                self._carry_out(write)
            accepted = Created(self.live.id if self.live else "") if isinstance(write, Create) else Updated()
            outcomes[write.manifest.name] = outcome or accepted
        self.journal = decode(encode(with_outcomes(intents, intents, plan.writes, outcomes, self.now)))
        return plan.decisions[0]

    def _plan(self) -> Plan:
        listed = observation(*([self.live] if self.live else []))
        listed = replace(listed, aws_time=None if self.aws_offset is None else self.now + self.aws_offset)
        rules = RunRules(RunOptions(self.mode, SETTLE), self.now, has_reviewed_plan=self.has_reviewed_plan)
        plan = compute_plan([self.manifest], listed, self.journal, rules)
        return apply_guardrails(plan, self.target, rules, listed)

    def _carry_out(self, write: Create | Update) -> None:
        self.sent.append(read_window(write.request))
        execution = Execution("IN_PROGRESS", None)
        members = {"ExecutionConfiguration": write.request["ExecutionConfiguration"]}
        if isinstance(write, Create):
            self.live = replace(live("a1"), spec={**live("a1").spec, **members})
        assert self.live
        shown_members = members if self.shows_updates or isinstance(write, Create) else {}
        self.live = replace(self.live, spec={**self.live.spec, **shown_members}, last_execution=execution)

    def show(self, window: Window | None, status: str | None = "COMPLETED", id_: str = "a1") -> None:
        """Let List show an association with this window and this status of its last job."""
        members = {"ExecutionConfiguration": build_execution(window)} if window else {}
        spec = {key: value for key, value in live(id_).spec.items() if key != "ExecutionConfiguration"}
        self.live = replace(live(id_, status=status), spec={**spec, **members})

    def set_status(self, status: str | None, message: str | None = None) -> None:
        """Let List show this status of the last job."""
        assert self.live
        self.live = replace(self.live, last_execution=Execution(status, message) if status else None)

    def finish(self, status: str = "COMPLETED") -> None:
        """Let a run see that the job runs, then let it end."""
        self.set_status("IN_PROGRESS")
        self.run()
        self.set_status(status)

    def wait(self, duration: timedelta) -> None:
        """Let time pass."""
        self.now += duration

    def edit_policy(self, **changes: Any) -> None:
        """Change members of the policy in git."""
        self.manifest = replace(self.manifest, policy=replace(self.manifest.policy, **changes))

    def edit_window(self, **changes: Any) -> None:
        """Change members of the window in git."""
        assert self.manifest.window
        self.manifest = replace(self.manifest, window=replace(self.manifest.window, **changes))

    @property
    def record(self) -> Record:
        """The record in the journal."""
        return self.journal.records[self.manifest.name]

    @property
    def job(self) -> Job:
        """The last job in the journal."""
        assert isinstance(self.record.state, Bound)
        assert self.record.state.job
        return self.record.state.job

    @property
    def recurrence(self) -> Recurrence:
        """What the journal knows of the windows."""
        assert self.record.recurrence
        return self.record.recurrence

    @property
    def watermark(self) -> datetime:
        """The instant up to which everything has been exported."""
        return self.recurrence.watermark


def get_exit_codes(decision: Decision) -> tuple[int, int]:
    """Return the exit codes that a decision asks for: of a run, and of a dry run."""
    return get_exit_code(decision, is_dry_run=False), get_exit_code(decision, is_dry_run=True)


def expect(decision: Decision, kind: type[Decision], exit_codes: tuple[int, int] = (0, 0), text: str = "") -> None:
    """Check the kind, the exit codes and the reason of a decision."""
    assert isinstance(decision, kind)
    assert get_exit_codes(decision) == exit_codes
    assert text in getattr(decision, "reason", "")


def build_fixed_manifest(shown: Window, policy: Policy | None = None) -> Manifest:
    """Return the manifest of a fixed window, which permits updates."""
    own_policy = policy or Policy(mode=Mode.CREATE_AND_UPDATE)
    return manifest(policy=own_policy, ExecutionConfiguration=build_execution(shown))


def rest(export: Export, change: Mapping[str, object]) -> None:
    """Suspend the manifest or its target, or let the manifest only observe. --mode forbids Updates, too."""
    if isinstance(policy := change.get("policy"), dict):
        export.edit_policy(**policy)
    if isinstance(target := change.get("target"), Target):
        export.target = target
    export.mode = Mode.CREATE


REST: tuple[Mapping[str, object], ...] = (
    {"policy": {"suspend": True}},
    {"policy": {"mode": Mode.OBSERVE}},
    {"target": Target("prod", suspend=True)},
)
"""Changes after which a manifest sends nothing and reports no trouble."""


def start_export(missed: Missed = Missed.MERGE) -> Export:
    """Return an export whose January has completed. It is March 1, 01:00 UTC, and February is due."""
    export = Export(recurring_manifest(window(missed=missed)), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.now = at(3, 1, 1)
    return export


def complete_early(export: Export) -> Export:
    """Send February, and let the COMPLETED of January count for it, because List shows no other status in time."""
    export.run()
    export.set_status("COMPLETED")
    export.run()
    export.wait(SETTLE)
    export.run()
    assert (export.watermark, export.job.previous_watermark) == (at(3), at(2))
    return export


def lose(export: Export) -> None:
    """Let the association leave List. The next run is the second one that misses it."""
    export.live = None
    export.run()
    export.wait(SETTLE)
