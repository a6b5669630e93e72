"""Runs of several targets: a failure of one target does not affect the others."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TypeAlias

from support.builders import context, manifest
from support.fakes import FakeClock, FakeCloud, FakeJournal

from reconciler.core.apply.outcome import Created
from reconciler.core.errors import AccessDenied
from reconciler.core.model import Desired, Target
from reconciler.core.plan.inputs import RunOptions
from reconciler.core.plan.review import PlanMismatch, ReviewedPlan, compute_digest, format_write_line
from reconciler.core.report.report import TargetReport
from reconciler.fleet import TargetConnection, run_targets

RunResult: TypeAlias = tuple[tuple[TargetReport, ...], PlanMismatch | None]


class FakeFleet:
    """Four targets, each with its own cloud and journal. Three of them fail in different ways."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.clouds = {name: FakeCloud(self.clock) for name in "abcd"}
        self.closed_targets: list[str] = []
        targets = tuple(Target(name) for name in "abcd")
        self.desired = Desired(targets, {name: (manifest(),) for name in "abcd"})

    def __call__(self, target: Target) -> TargetConnection:
        """Connect to a target, or raise its error."""
        if target.name == "b":
            raise AccessDenied("AssumeRole: denied")
        if target.name == "c":
            raise ZeroDivisionError("division by zero")
        cloud, journal = self.clouds[target.name], FakeJournal(self.clock)
        if target.name == "d":
            cloud.observe = None  # type: ignore[method-assign,assignment]
        writers = journal.create_writers(cloud)
        return TargetConnection(
            target.name, "r", cloud, journal.reader, writers, partial(self.closed_targets.append, target.name)
        )


def test_failing_target_does_not_stop_the_others() -> None:
    """An expected error is reported by its text, an unexpected one as an internal error. Target a is reconciled."""
    fleet = FakeFleet()
    run_context = context(fleet.clock)
    reports, _ = run_targets(fleet.desired, fleet, run_context)
    assert [report.name for report in reports] == list("abcd")
    assert [report.associations[0].decision for report in reports] == ["create", "blocked", "blocked", "blocked"]
    assert reports[1].error == "AssumeRole: denied"
    assert "internal error, please report it: ZeroDivisionError" in str(reports[2].error)
    assert "internal error" in str(reports[3].error)
    assert len(fleet.clouds["a"].service.executed_writes) == 1


def test_reached_targets_are_closed_once() -> None:
    """Each connection is closed once, also after a plan mismatch."""
    fleet = FakeFleet()
    run_fleet(fleet)
    assert fleet.closed_targets == ["d", "a"]
    run_fleet(fleet, ReviewedPlan("sha256:none"))
    assert fleet.closed_targets == ["d", "a", "d", "a"]


def test_context_variables_reach_every_target() -> None:
    """Each target runs in its own thread, with the context variables of the caller."""
    fleet, bound = build_healthy_fleet(), ContextVar("bound", default="")
    values = []

    def connect(target: Target) -> TargetConnection:
        values.append(bound.get())
        return fleet(target)

    bound.set("run 1")
    run_targets(fleet.desired, connect, context(fleet.clock))
    assert values == ["run 1", "run 1"]


def build_healthy_fleet() -> FakeFleet:
    """Return a fleet of two working targets."""
    fleet = FakeFleet()
    fleet.desired = Desired((Target("a"), Target("e")), {name: (manifest(),) for name in "ae"})
    fleet.clouds["e"] = FakeCloud(fleet.clock)
    return fleet


def run_fleet(fleet: FakeFleet, reviewed: ReviewedPlan | None = None, max_creates: int | None = None) -> RunResult:
    """Run the targets of a fleet."""
    run_context = context(fleet.clock, options=RunOptions(max_creates=max_creates), reviewed=reviewed)
    return run_targets(fleet.desired, fleet, run_context)


def compute_fleet_digest(fleet: FakeFleet) -> str:
    """Return the digest of the writes of such a fleet."""
    reports, _ = run_fleet(fleet, ReviewedPlan("sha256:none"))
    return compute_digest(
        format_write_line(each.write) for report in reports for each in report.associations if each.write
    )


def test_reviewed_plan_is_executed_in_every_target() -> None:
    """A matching reviewed plan is carried out in every target, with one listing for each."""
    fleet = build_healthy_fleet()
    reviewed = ReviewedPlan(compute_fleet_digest(build_healthy_fleet()))
    reports, mismatch = run_fleet(fleet, reviewed)
    assert mismatch is None
    assert [type(report.associations[0].outcome) for report in reports] == [Created, Created]
    assert [fleet.clouds[name].calls.count("ListDataIntegrations") for name in "ae"] == [1, 1]


def test_plan_mismatch_in_one_target_blocks_every_write() -> None:
    """A mismatch in one target prevents the writes in every target."""
    reviewed, fleet = ReviewedPlan(compute_fleet_digest(build_healthy_fleet())), build_healthy_fleet()
    fleet.clouds["e"].create(manifest().spec, "by hand", fleet.clock.now())
    reports, mismatch = run_fleet(fleet, reviewed)
    assert mismatch is not None
    assert mismatch.reviewed_digest == reviewed.digest
    assert [report.associations[0].decision for report in reports] == ["create", "adopt"]
    assert [len(fleet.clouds[name].service.executed_writes) for name in "ae"] == [0, 1]


def test_unreachable_target_makes_the_plan_differ() -> None:
    """A target that fails has no planned writes, and the plan then differs from the reviewed one."""
    fleet = FakeFleet()
    reports, mismatch = run_fleet(fleet, ReviewedPlan(compute_fleet_digest(build_healthy_fleet())))
    assert mismatch is not None
    assert [bool(report.error) for report in reports] == [False, True, True, True]
    assert not fleet.clouds["a"].service.executed_writes


def test_failed_target_without_writes_does_not_block_the_plan() -> None:
    """A failing target without reviewed writes does not prevent the writes of the others."""
    reviewed_fleet = build_healthy_fleet()
    reviewed_fleet.desired = Desired((Target("a"),), {"a": (manifest(),)})
    fleet = FakeFleet()
    fleet.desired = Desired((Target("a"), Target("b")), {"a": (manifest(),), "b": ()})
    reports, mismatch = run_fleet(fleet, ReviewedPlan(compute_fleet_digest(reviewed_fleet)))
    assert (mismatch, reports[1].error) == (None, "AssumeRole: denied")
    assert isinstance(reports[0].associations[0].outcome, Created)


def test_stricter_max_creates_applies() -> None:
    """The command line may lower the limit of a Target, but not raise it."""
    (report, _), _ = run_fleet(build_healthy_fleet(), max_creates=0)
    assert report.associations[0].decision == "blocked"
    fleet = build_healthy_fleet()
    fleet.desired = Desired((Target("a", max_creates=0),), {"a": (manifest(),)})
    (report,), _ = run_fleet(fleet, max_creates=5)
    assert report.associations[0].decision == "blocked"
