"""Runs of several targets: a failure of one target does not affect the others."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

import pytest
from support.builders import context, manifest
from support.fakes import FakeClock, FakeCloud, FakeJournal

from reconciler.core.apply.outcome import Answer, Created
from reconciler.core.errors import AccessDenied, NotConfirmed
from reconciler.core.model import Desired, Observation, Spec, Target
from reconciler.core.plan.inputs import RunOptions
from reconciler.core.plan.review import PlanMismatch, ReviewedPlan, compute_digest, format_write_line
from reconciler.core.ports import Progress
from reconciler.core.report.report import TargetReport
from reconciler.fleet import FleetListener, TargetConnection, build_create_bound, run_targets

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
    assert [report.is_access_failure for report in reports] == [False, True, False, False]
    assert len(fleet.clouds["a"].service.executed_writes) == 1


def test_reached_targets_are_closed_once() -> None:
    """Each connection is closed once, also after a plan mismatch."""
    fleet = FakeFleet()
    run_fleet(fleet)
    assert sorted(fleet.closed_targets) == ["a", "d"]
    run_fleet(fleet, ReviewedPlan("sha256:none"))
    assert sorted(fleet.closed_targets) == ["a", "a", "d", "d"]


def test_ended_target_is_closed_and_reported_before_the_others_end() -> None:
    """A target that has ended holds no connection, and its report is passed on, while another target is under way."""
    fleet, ended_targets, is_first_closed = build_healthy_fleet(), [], threading.Event()
    fleet.desired = replace(fleet.desired, manifests={**fleet.desired.manifests, "a": ()})
    observe = fleet.clouds["e"].observe

    def observe_late(progress: Progress) -> Observation:
        assert is_first_closed.wait(10)
        return observe(progress)

    def record_end(report: TargetReport) -> None:
        ended_targets.append((report.name, list(fleet.closed_targets)))
        is_first_closed.set()

    fleet.clouds["e"].observe = observe_late  # type: ignore[method-assign]
    run_targets(fleet.desired, fleet, context(fleet.clock), listener=FleetListener(on_end=record_end))
    assert ended_targets == [("a", ["a"]), ("e", ["a", "e"])]


def test_every_target_is_listed_before_the_first_create() -> None:
    """A target whose plan has a create waits until the other targets were listed. One without a create has ended."""
    fleet, is_created = build_healthy_fleet(), threading.Event()
    ended_targets: list[str] = []
    fleet.desired = Desired((Target("a"), Target("e"), Target("f")), {**fleet.desired.manifests, "f": ()})
    fleet.clouds["f"] = FakeCloud(fleet.clock)
    observe, create = fleet.clouds["e"].observe, fleet.clouds["a"].create
    ended_before: list[str] = []

    def observe_late(progress: Progress) -> Observation:
        assert not is_created.wait(0.5)
        ended_before.extend(ended_targets)
        return observe(progress)

    def create_first(spec: Spec, token: str, until: datetime) -> Answer:
        is_created.set()
        return create(spec, token, until)

    fleet.clouds["e"].observe = observe_late  # type: ignore[method-assign]
    fleet.clouds["a"].create = create_first  # type: ignore[method-assign,assignment]
    listener = FleetListener(on_end=lambda report: ended_targets.append(report.name))
    reports, _ = run_targets(fleet.desired, fleet, context(fleet.clock), listener=listener)
    assert [report.error for report in reports] == [None, None, None]
    assert (ended_before, is_created.is_set(), count_creates(fleet)) == (["f"], True, [1, 1])


def test_each_of_many_targets_waits_without_the_others() -> None:
    """As many targets as permitted are under way at once: each waits until all of them have begun."""
    clock, count = FakeClock(), 64
    barrier = threading.Barrier(count)
    targets = tuple(Target(f"t{number}") for number in range(count))

    def connect(target: Target) -> TargetConnection:
        barrier.wait(20)
        journal, cloud = FakeJournal(clock), FakeCloud(clock)
        return TargetConnection(target.name, "r", cloud, journal.reader, journal.create_writers(cloud), lambda: None)

    desired = Desired(targets, {target.name: () for target in targets})
    reports, _ = run_targets(desired, connect, context(clock))
    assert [report.error for report in reports] == [None] * count


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


def test_confirmed_plan_is_executed_in_every_target() -> None:
    """The previews of all targets are shown before the first write, and their writes are then sent."""
    fleet = build_healthy_fleet()
    shown: list[str] = []

    def confirm(reports: tuple[TargetReport, ...]) -> None:
        shown.extend(each.decision for report in reports for each in report.associations)
        assert not any(fleet.clouds[name].service.executed_writes for name in "ae")

    reports, _ = run_targets(fleet.desired, fleet, context(fleet.clock), listener=FleetListener(confirm))
    assert shown == ["create", "create"]
    assert [type(report.associations[0].outcome) for report in reports] == [Created, Created]


def test_plan_that_is_not_confirmed_writes_nothing() -> None:
    """Without a confirmation nothing is written in any target, and every connection is closed."""
    fleet = build_healthy_fleet()

    def refuse(_: tuple[TargetReport, ...]) -> None:
        raise NotConfirmed("no")

    with pytest.raises(NotConfirmed):
        run_targets(fleet.desired, fleet, context(fleet.clock), listener=FleetListener(refuse))
    assert not any(fleet.clouds[name].service.executed_writes for name in "ae")
    assert sorted(fleet.closed_targets) == ["a", "e"]


def test_writes_that_changed_after_the_confirmation_are_not_sent() -> None:
    """If the plan of a target changes while the question waits, nothing is written in any target."""
    fleet = build_healthy_fleet()

    def confirm(_: tuple[TargetReport, ...]) -> None:
        fleet.clouds["e"].create(manifest().spec, "by hand", fleet.clock.now())
        fleet.clock.advance(hours=3)

    with pytest.raises(NotConfirmed, match="the plan changed after it was shown"):
        run_targets(fleet.desired, fleet, context(fleet.clock), listener=FleetListener(confirm))
    assert [len(fleet.clouds[name].service.executed_writes) for name in "ae"] == [0, 1]


def test_plan_without_writes_is_not_made_again() -> None:
    """Without writes there is no question, and the plan is made once."""
    fleet = FakeFleet()
    fleet.clouds["a"].create(manifest().spec, "by hand", fleet.clock.now())
    looks: list[int] = []

    def observe(progress: Progress) -> Observation:
        looks.append(1)
        return FakeCloud.observe(fleet.clouds["a"], progress)

    fleet.clouds["a"].observe = observe  # type: ignore[method-assign]
    reports, _ = run_targets(fleet.desired, fleet, context(fleet.clock), listener=FleetListener(lambda _: None))
    assert [report.associations[0].decision for report in reports] == ["adopt", "blocked", "blocked", "blocked"]
    assert len(looks) == 1


def test_failed_target_does_not_change_the_confirmed_plan() -> None:
    """A person saw which targets failed. The writes of the others are sent after the answer."""
    fleet = FakeFleet()
    run_targets(fleet.desired, fleet, context(fleet.clock), listener=FleetListener(lambda _: None))
    assert len(fleet.clouds["a"].service.executed_writes) == 1


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


def build_wide_fleet(count: int = 6) -> FakeFleet:
    """Return a fleet of two working targets with several manifests each."""
    fleet = build_healthy_fleet()
    manifests = tuple(manifest(str(number), DestinationURI=f"s3://corp-exports/{number}") for number in range(count))
    fleet.desired = replace(fleet.desired, manifests=dict.fromkeys("ae", manifests))
    return fleet


def count_creates(fleet: FakeFleet) -> list[int]:
    """Return the number of creates in each of the two targets."""
    return [len(fleet.clouds[name].service.executed_writes) for name in "ae"]


def test_creates_of_all_targets_are_counted_before_the_first() -> None:
    """If all targets together need more creates than the limit, none is sent, and each says why."""
    fleet = build_wide_fleet()
    reports, _ = run_fleet(fleet)
    assert count_creates(fleet) == [0, 0]
    assert {each.decision for report in reports for each in report.associations} == {"blocked"}
    assert "together would get 12 associations and --max-creates-total is 10" in str(reports[1].associations[0].reason)
    run_targets(fleet.desired, fleet, context(fleet.clock, options=RunOptions(max_creates_total=12)))
    assert count_creates(fleet) == [6, 6]


def test_creates_up_to_the_total_are_sent_after_one_listing() -> None:
    """Targets that stay within the limit create, without listing the data integrations twice."""
    fleet = build_wide_fleet()
    fleet.clouds["e"].create(manifest("5", DestinationURI="s3://corp-exports/5").spec, "by hand", fleet.clock.now())
    fleet.clouds["a"].create(manifest("5", DestinationURI="s3://corp-exports/5").spec, "by hand", fleet.clock.now())
    reports, _ = run_fleet(fleet)
    assert [report.error for report in reports] == [None, None]
    assert count_creates(fleet) == [6, 6]
    assert [fleet.clouds[name].calls.count("ListDataIntegrations") for name in "ae"] == [1, 1]


def test_failed_target_counts_each_manifest() -> None:
    """A target that could not be looked at counts each of its manifests, and stops the creates of the others."""
    fleet = build_wide_fleet()
    fleet.desired = Desired((Target("a"), Target("b")), dict.fromkeys("ab", fleet.desired.manifests["a"]))
    reports, _ = run_fleet(fleet)
    assert count_creates(fleet) == [0, 0]
    assert "could not be listed: b)" in str(reports[0].associations[0].reason)
    assert reports[1].error == "AssumeRole: denied"


def test_plan_above_the_total_differs_from_the_review() -> None:
    """A reviewed plan whose creates exceed the total is not carried out."""
    fleet = build_wide_fleet()
    _, mismatch = run_fleet(fleet, ReviewedPlan("sha256:none"))
    assert mismatch is not None
    empty_digest = compute_digest(())
    reports, mismatch = run_fleet(fleet, ReviewedPlan(empty_digest))
    assert mismatch is None
    assert {each.decision for report in reports for each in report.associations} == {"blocked"}


def test_targets_that_run_one_by_one_share_a_bound() -> None:
    """In a controller, the creates of a revision wait until every target was looked at once."""
    fleet = build_wide_fleet(4)
    east, west = (replace(fleet.desired, targets=(target,)) for target in fleet.desired.targets)
    bound = build_create_bound(fleet.desired, 8 - 1)
    assert bound is not None
    wide = build_create_bound(fleet.desired, 100)
    assert wide is None
    run_context = context(fleet.clock, options=RunOptions(max_creates_total=7))
    (first,), _ = run_targets(east, fleet, run_context, bound)
    assert {each.decision for each in first.associations} == {"held"}
    (second,), _ = run_targets(west, fleet, run_context, bound)
    assert {each.decision for each in second.associations} == {"blocked"}
    assert (count_creates(fleet), bound.take_waiting()) == ([0, 0], ["a"])
    fleet.clouds["e"].create(fleet.desired.manifests["e"][0].spec, "by hand", fleet.clock.now())
    run_targets(west, fleet, run_context, bound)
    run_targets(east, fleet, run_context, bound)
    assert count_creates(fleet) == [4, 4]


def test_failed_target_of_a_controller_counts_each_manifest() -> None:
    """A target that fails in a controller counts as looked at, with each of its manifests."""
    fleet = build_wide_fleet()
    desired = Desired((Target("a"), Target("b")), dict.fromkeys("ab", fleet.desired.manifests["a"]))
    bound, run_context = build_create_bound(desired, 10), context(fleet.clock)
    (failed,), _ = run_targets(replace(desired, targets=desired.targets[1:]), fleet, run_context, bound)
    assert failed.error == "AssumeRole: denied"
    (report,), _ = run_targets(replace(desired, targets=desired.targets[:1]), fleet, run_context, bound)
    assert {each.decision for each in report.associations} == {"blocked"}


def test_stricter_max_creates_applies() -> None:
    """The command line may lower the limit of a Target, but not raise it."""
    (report, _), _ = run_fleet(build_healthy_fleet(), max_creates=0)
    assert report.associations[0].decision == "blocked"
    fleet = build_healthy_fleet()
    fleet.desired = Desired((Target("a", max_creates=0),), {"a": (manifest(),)})
    (report,), _ = run_fleet(fleet, max_creates=5)
    assert report.associations[0].decision == "blocked"
