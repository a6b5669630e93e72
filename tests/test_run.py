"""Runs of one target: intents before calls, outcomes after them, never a second Create, and no writes in a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support.builders import ACCOUNT, ON_DEMAND, REGION, context, manifest
from support.fakes import FakeClock, FakeCloud, FakeJournal

from reconciler.core.apply.outcome import Answer, Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.apply.result import Result
from reconciler.core.errors import StateConflict, StateError, StopRequested
from reconciler.core.journal.records import LEASE_DURATION, Bound, CreatePending, Journal, Lease, UpdatePending
from reconciler.core.model import Json, Live, Manifest, Mode, Observation, Policy, Spec, Target, Unobserved
from reconciler.core.plan.decision import Adopt, Changed, Create, Decision, InSync, Settling
from reconciler.core.ports import Progress
from reconciler.core.report.build import build_target_report
from reconciler.core.run import Run
from reconciler.run import preview, reconcile
from reconciler.sandbox.service.behaviour import Behaviour

TWO = (manifest("a", DestinationURI="s3://corp-exports/a"), manifest("b", DestinationURI="s3://corp-exports/b"))


class World:
    """A clock, a cloud and a journal, with runs over them."""

    def __init__(self, behaviour: Behaviour | None = None, *manifests: Manifest) -> None:
        self.clock = FakeClock()
        self.cloud = FakeCloud(self.clock, behaviour)
        self.journal = FakeJournal(self.clock)
        self.manifests: Sequence[Manifest] = manifests or (manifest(),)
        self.told: list[tuple[str, int, int]] = []
        self.stop_after = 99
        self.mode = Mode.CREATE

    @property
    def work(self) -> Run:
        """The run for `reconcile` and `preview`."""
        return Run(
            Target("prod"),
            self.manifests,
            context(
                self.clock,
                self.mode,
                progress=lambda *step: self.told.append(step),
                is_stopped=lambda: self.created >= self.stop_after,
            ),
        )

    @property
    def created(self) -> int:
        """The number of Creates that AWS carried out."""
        return len(self.cloud.service.executed_writes)

    def run(self) -> Result:
        """Reconcile once and return the result."""
        return reconcile(self.work, self.cloud, self.journal.reader, self.journal.create_writers(self.cloud))


class Busy:
    """Writer that returns these answers before it forwards calls."""

    def __init__(self, cloud: FakeCloud, answers: list[Answer]) -> None:
        self.cloud, self.answers = cloud, answers

    def wait(self) -> None:
        """Return at once."""

    def create(self, request: Spec, token: str, until: datetime) -> Answer:
        """Return the next answer, or forward the Create."""
        return self.answers.pop() if self.answers else self.cloud.create(request, token, until)

    def update(self, integration_arn: str, association_id: str, execution: Json, until: datetime) -> Answer:
        """Return the next answer, or forward the Update."""
        if self.answers:
            return self.answers.pop()
        return self.cloud.update(integration_arn, association_id, execution, until)


class Slow:
    """Reader whose listing takes two minutes."""

    def __init__(self, cloud: FakeCloud, clock: FakeClock) -> None:
        self.cloud, self.clock = cloud, clock

    def observe(self, progress: Progress) -> Observation:
        """Observe, and let two minutes pass."""
        seen = self.cloud.observe(progress)
        self.clock.advance(minutes=2)
        return seen

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List the associations."""
        return self.cloud.list_associations(integration_arns)


class Sleepy(Slow):
    """Reader that sleeps for three hours after each of its first lists."""

    def __init__(self, cloud: FakeCloud, clock: FakeClock, naps: int) -> None:
        super().__init__(cloud, clock)
        self.naps, self.looks = naps, 0

    def observe(self, progress: Progress) -> Observation:
        """Observe, and count the calls."""
        self.looks += 1
        return self.cloud.observe(progress)

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List the associations, and sleep."""
        seen = self.cloud.list_associations(integration_arns)
        if self.naps:
            self.naps -= 1
            self.clock.advance(hours=3)
        return seen


class Overtaken(Slow):
    """Reader during whose first listing another run starts and ends."""

    def __init__(self, cloud: FakeCloud, other: World) -> None:
        super().__init__(cloud, other.clock)
        self.others = [other]

    def observe(self, progress: Progress) -> Observation:
        """Observe, and let the other run happen."""
        seen = self.cloud.observe(progress)
        if self.others:
            self.others.pop().run()
        return seen


def only(result: Result) -> Decision:
    """Return the only decision of a result."""
    (decision,) = result.plan.decisions
    return decision


def test_a_missing_association_is_created_once_and_then_in_sync() -> None:
    """A Create takes two journal writes, and a third one records the match. Later runs write nothing."""
    world = World()
    first = world.run()
    assert isinstance(only(first), Create)
    outcome = first.outcomes["export"]
    assert isinstance(outcome, Created)
    assert first.live_after_writes[outcome.association_id].id == outcome.association_id
    assert world.told[-1] == ("sending", 1, 1)
    store = world.journal.store
    assert (store.loads, store.puts) == (2, 2)
    assert isinstance(only(world.run()), InSync)
    assert (store.loads, store.puts) == (3, 3)
    assert isinstance(only(world.run()), InSync)
    assert (world.created, store.loads, store.puts) == (1, 4, 3)


def test_dry_run_only_reads() -> None:
    """A preview plans the Create, calls only List and leaves the journal unchanged."""
    world = World()
    decided = preview(world.work, world.cloud, world.journal.reader)
    assert isinstance(decided.plan.decisions[0], Create)
    assert decided.journal == Journal(ACCOUNT, REGION, "")
    assert {call[:4] for call in world.cloud.calls} == {"List"}
    assert (world.created, world.journal.store.puts) == (0, 0)


def test_the_intent_is_journalled_before_the_call() -> None:
    """During the call, the journal already contains the intent."""
    world = World()
    seen: list[Journal] = []
    world.cloud.before_write = lambda: seen.append(world.journal.journal)
    world.run()
    assert isinstance(seen[0].records["export"].state, CreatePending)
    assert isinstance(world.journal.journal.records["export"].state, Bound)


def test_lost_answer_does_not_create_twice() -> None:
    """After a lost answer and with a slow List, the run settles, makes no call and later adopts the association."""
    world = World(Behaviour(lose_answers=1, list_lag=300, tokens="ignored"))
    assert isinstance(world.run().outcomes["export"], Unknown)
    assert isinstance(only(world.run()), Settling)
    world.clock.advance(minutes=6)
    assert isinstance(only(world.run()), Adopt)
    assert isinstance(only(world.run()), InSync)
    assert world.created == 1


def test_a_create_that_never_arrived_is_repeated_after_the_settle_time() -> None:
    """After the settle time, the same request is sent again under the same token."""
    world = World(Behaviour(fail_writes=1))
    assert isinstance(world.run().outcomes["export"], Unknown)
    world.clock.advance(minutes=16)
    assert isinstance(world.run().outcomes["export"], Created)
    assert world.created == 1


def test_refused_create_leaves_no_record() -> None:
    """A refused Create had no effect, and its intent is removed."""
    world = World(Behaviour(explicit_deny=True))
    assert isinstance(world.run().outcomes["export"], Refused)
    assert world.journal.journal.records == {}


def test_adoption_writes_the_journal_once_and_not_aws() -> None:
    """A matching live association is bound with one journal write and no Create."""
    world = World()
    world.run()
    world.journal = FakeJournal(world.clock)
    assert isinstance(only(world.run()), Adopt)
    assert (world.created, world.journal.store.puts) == (1, 1)


def test_run_replans_after_the_journal_changed() -> None:
    """If another run wrote the journal, this run plans again and finds the association in sync."""
    world, other = World(), World()
    other.cloud, other.journal = world.cloud, FakeJournal(world.clock, world.journal.store, "run-2")
    overtaken = False

    def overtake(*_: object) -> None:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            other.run()

    run = Run(Target("prod"), world.manifests, context(world.clock, progress=overtake))
    # The other run happens after this one has read the journal and before it has listed.
    result = reconcile(run, world.cloud, world.journal.reader, world.journal.create_writers(world.cloud))
    assert isinstance(only(result), InSync)
    assert world.created == 1


def test_constantly_changing_journal_ends_the_run() -> None:
    """After three attempts the run fails, and has sent nothing."""
    world = World()

    def write(*_: object) -> None:
        """Write the journal as another run would, during the listing of this run."""
        found = world.journal.journal
        world.journal.journal = replace(found, lineage="lineage", serial=found.serial + 1)

    run = replace(world.work, context=replace(world.work.context, progress=write))
    with pytest.raises(StateConflict, match="run again"):
        reconcile(run, world.cloud, world.journal.reader, world.journal.create_writers(world.cloud))
    assert world.created == 0


def test_run_without_the_lease_sends_nothing() -> None:
    """If another process holds the lease, the run sends nothing and reports its plan."""
    world = World()
    until = world.clock.now() + LEASE_DURATION
    world.journal.journal = Journal(ACCOUNT, REGION, "l", 4, lease=Lease("run-9", "another", "elsewhere", 4, until))
    result = world.run()
    assert isinstance(only(result), Create)
    assert result.outcomes == {}
    assert "held by another" in str(result.error)
    assert (world.created, world.journal.store.puts) == (0, 0)


def test_unjournalled_outcome_is_reported_and_adopted_later() -> None:
    """If the disk is full after the call, the run reports the error, and the next one adopts the association."""
    world = World()
    world.journal.store.failing_puts = {2, 3, 4}
    result = world.run()
    assert result.error is not None
    assert "the disk is full" in result.error
    assert isinstance(result.outcomes["export"], Created)
    world.clock.advance(minutes=5)  # the lease could not be released either
    assert isinstance(only(world.run()), Adopt)
    assert world.created == 1


def test_unjournalled_adoption_is_not_reported_as_adopted() -> None:
    """An adoption that could not be written to the journal is reported as skipped."""
    for broken in ({1}, set[int]()):
        world = World(None, *TWO)
        world.run()
        world.journal = FakeJournal(world.clock)
        if not broken:
            until = world.clock.now() + LEASE_DURATION
            lease = Lease("run-9", "another", "elsewhere", 4, until)
            world.journal.journal = Journal(ACCOUNT, REGION, "l", 4, lease=lease)
            world.manifests = (*TWO, manifest("c", DestinationURI="s3://corp-exports/c"))
        world.journal.store.failing_puts = broken
        result = world.run()
        assert result.error is not None
        told = build_target_report("prod", ACCOUNT, REGION, result)
        assert not told.has_attempted_writes
        adopting = [each for each in told.associations if each.decision == "adopt"]
        assert len(adopting) == 2
        assert all(isinstance(each.outcome, Skipped) and "not adopted" in each.outcome.reason for each in adopting)
        assert world.journal.journal.records == {}


def test_adoption_journalled_before_a_call_is_kept() -> None:
    """An adoption that was written together with an intent stays, even if a later journal write fails."""
    world = World(None, *TWO)
    world.run()
    world.journal = FakeJournal(world.clock)
    world.manifests = (*TWO, manifest("c", DestinationURI="s3://corp-exports/c"))
    world.journal.store.failing_puts = {2, 3, 4}
    result = world.run()
    assert result.error is not None
    assert "AWS may have carried out the sent calls" in result.error
    assert {"a", "b"} <= set(world.journal.journal.records)
    adopting = [
        each for each in build_target_report("prod", ACCOUNT, REGION, result).associations if each.decision == "adopt"
    ]
    assert [each.outcome for each in adopting] == [None, None]


def test_stopped_run_with_a_full_disk_reports_that_nothing_was_sent() -> None:
    """If a stop prevented every call, the journal error says that nothing was sent."""
    world = World()
    world.stop_after = 0
    world.journal.store.failing_puts = {2, 3, 4}
    result = world.run()
    assert isinstance(result.outcomes["export"], Skipped)
    assert "nothing was sent" in str(result.error)


def test_stop_prevents_further_creates() -> None:
    """After a stop, the active call is finished and journalled. The other calls are skipped, without an intent."""
    world = World(None, *TWO)
    world.stop_after = 1
    result = world.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, Skipped]
    assert set(world.journal.journal.records) == {"a"}
    assert world.created == 1


def test_throttled_create_is_retried_within_the_run() -> None:
    """A throttled call is tried three times in a run, and then reported as not sent."""
    world = World()
    answers: list[Answer] = [NotSent("busy"), NotSent("busy")]
    writer = Busy(world.cloud, answers)
    result = reconcile(world.work, world.cloud, world.journal.reader, world.journal.create_writers(writer))
    assert isinstance(result.outcomes["export"], Created)
    answers += [NotSent("busy")] * 3
    world.manifests = (manifest("b", DestinationURI="s3://corp-exports/b"),)
    result = reconcile(world.work, world.cloud, world.journal.reader, world.journal.create_writers(writer))
    assert isinstance(result.outcomes["b"], NotSent)
    assert answers == []
    assert set(world.journal.journal.records) == {"export"}


def test_stop_ends_the_retries() -> None:
    """After a stop, a throttled call is not sent again."""
    world = World()
    answers: list[Answer] = [NotSent("busy")]
    stopped = lambda: answers == []  # noqa: E731 - the stop comes with the first answer
    run = replace(world.work, context=replace(world.work.context, is_stopped=stopped))
    result = reconcile(run, world.cloud, world.journal.reader, world.journal.create_writers(Busy(world.cloud, answers)))
    assert isinstance(result.outcomes["export"], NotSent)
    assert world.created == 0


def test_old_intent_is_renewed_before_the_call() -> None:
    """If the first call takes over a minute, its outcome and a renewed intent are written before the second call."""
    world = World(None, *TWO)
    seen: list[Journal] = []

    def slow() -> None:
        seen.append(world.journal.journal)
        world.clock.advance(seconds=61)

    world.cloud.before_write = slow
    result = world.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, Created]
    assert isinstance(seen[1].records["a"].state, Bound)
    assert seen[1].records["b"].state == CreatePending(
        1, world.clock.now() - timedelta(seconds=61), world.clock.now() - timedelta(seconds=61)
    )
    assert world.journal.store.puts == 3
    assert {type(record.state) for record in world.journal.journal.records.values()} == {Bound}


def test_run_suspended_longer_than_its_lease_sends_nothing() -> None:
    """A run that slept past its lease sends nothing more. The next run makes the remaining calls."""
    world = World(None, *TWO)
    world.cloud.before_write = lambda: world.clock.advance(minutes=6)
    result = world.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
    assert world.created == 1
    world.cloud.before_write = lambda: None
    assert isinstance(world.run().outcomes["b"], Created)
    assert world.created == 2


def test_a_run_that_lost_its_lease_makes_no_further_create() -> None:
    """If another run takes over the lease during a call, this run makes no further call."""
    world = World(None, *TWO)

    def taken() -> None:
        world.cloud.before_write = lambda: None
        found, until = world.journal.journal, world.clock.now() + LEASE_DURATION
        theirs = Lease("run-9", "another", "elsewhere", found.serial + 1, until)
        world.journal.journal = replace(found, serial=found.serial + 1, lease=theirs)
        world.clock.advance(seconds=61)

    world.cloud.before_write = taken
    result = world.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
    assert "another" in str(result.outcomes["b"])
    assert world.created == 1
    after = world.journal.journal
    assert after.lease is not None
    assert after.lease.holder == "another"
    assert isinstance(after.records["a"].state, Bound)
    assert set(after.records) == {"a"}


def test_decisions_are_reported_when_the_journal_cannot_be_written() -> None:
    """If the journal cannot be written, nothing is sent, and the report shows every decision."""
    world = World(None, *TWO[:1])
    world.run()
    world.manifests = TWO
    world.journal.store.failing_puts = {world.journal.store.puts + 1}
    result = world.run()
    assert [type(decision) for decision in result.plan.decisions] == [InSync, Create]
    assert (result.outcomes, result.error, world.created) == ({}, "the disk is full", 1)
    assert type(world.run().outcomes["b"]) is Created


def test_lease_is_confirmed_before_each_further_call() -> None:
    """A released lease or an unreachable store prevents further calls."""
    for broken in (False, True):
        world = World(None, *TWO)

        def freed(world: World = world, *, broken: bool = broken) -> None:
            if broken:
                world.journal.store.after_load = broken_store
            else:
                found = world.journal.journal
                world.journal.journal = replace(found, serial=found.serial + 1, lease=None)

        world.cloud.before_write = freed
        result = world.run()
        assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
        assert ("freed" in str(result.outcomes["b"]), bool(result.error)) == (not broken, False)
        assert world.created == 1


def broken_store() -> None:
    """Raise the error of an unreachable store."""
    raise StateError("the store does not answer")


def test_run_suspended_while_confirming_its_lease_sends_nothing() -> None:
    """A process that sleeps while it confirms or renews its intent sends nothing."""
    for slow in (0, 61):
        world = World(None, *TWO)

        def first(world: World = world, slow: int = slow) -> None:
            world.clock.advance(seconds=slow)
            world.journal.store.after_load = lambda: world.clock.advance(minutes=2)
            world.journal.store.after_put = lambda: world.clock.advance(minutes=2)

        world.cloud.before_write = first
        result = world.run()
        assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
        assert "too long ago" in str(result.outcomes["b"])


def test_run_with_outdated_observations_observes_again() -> None:
    """If the observation is too old for the lease, the run observes again. It gives up after three attempts."""
    world = World()
    world.journal.store.after_load = lambda: None
    sleepy = Sleepy(world.cloud, world.clock, naps=1)
    assert isinstance(
        reconcile(world.work, sleepy, world.journal.reader, world.journal.create_writers(world.cloud)), Result
    )
    assert (world.created, sleepy.looks) == (1, 2)
    other = World()
    sleepy = Sleepy(other.cloud, other.clock, naps=9)
    with pytest.raises(StateConflict, match="took too long"):
        reconcile(other.work, sleepy, other.journal.reader, other.journal.create_writers(other.cloud))
    assert other.created == 0


def test_each_changed_integration_is_listed_again() -> None:
    """A second look at one data integration keeps the second look at another."""
    far = manifest("far", DataIntegrationIdentifier="crm-accounts", DestinationURI="s3://corp-exports/far")
    world = World(None, manifest(), far)
    assert {type(outcome) for outcome in world.run().outcomes.values()} == {Created}
    world.journal = FakeJournal(world.clock)
    late = manifest("late", DestinationURI="s3://corp-exports/late")
    world.manifests = (manifest(), far, late)
    result = world.run()
    assert [type(decision) for decision in result.plan.decisions] == [Adopt, Adopt, Create]


def test_late_outcome_does_not_overwrite_the_next_holders_record() -> None:
    """After a lease takeover, the outcome of this run does not replace the record of the new holder."""
    world = World()

    def taken() -> None:
        found = world.journal.journal
        bound = replace(found.records["export"], state=Bound("theirs", world.clock.now()))
        theirs = Lease("run-9", "another", "elsewhere", 9, world.clock.now() + LEASE_DURATION)
        world.journal.journal = replace(found.with_records(bound), serial=found.serial + 1, lease=theirs)

    world.cloud.before_write = taken
    assert isinstance(world.run().outcomes["export"], Created)
    state = world.journal.journal.records["export"].state
    assert isinstance(state, Bound)
    assert state.association_id == "theirs"


def test_each_call_waits_for_the_rate_limit() -> None:
    """The run waits for the rate limit before every call."""
    world = World(None, *TWO)
    waits: list[int] = []
    world.cloud.wait = lambda: waits.append(world.created)  # type: ignore[method-assign]
    world.run()
    assert waits == [0, 1]


def test_update_is_journalled_and_sent_once_for_every_answer() -> None:
    """One change in git causes one Update, even if its answer is lost."""
    world = World(Behaviour(update_lag=10**9))
    world.run()
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    later = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000"}}
    world.manifests = (manifest(policy=policy, ExecutionConfiguration=later),)
    world.mode = Mode.CREATE_AND_UPDATE
    seen: list[Journal] = []
    world.cloud.before_write = lambda: seen.append(world.journal.journal)
    world.cloud.service.set_behaviour(Behaviour(lose_answers=1, update_lag=10**9))
    world.clock.advance(minutes=1)
    assert isinstance(world.run().outcomes["export"], Unknown)
    state = seen[0].records["export"].state
    assert isinstance(state, Bound)
    assert isinstance(state.update, UpdatePending)
    for decision in (Settling, Changed, Changed):
        assert isinstance(only(world.run()), decision)
        world.clock.advance(minutes=20)
    assert [carried.operation[:6] for carried in world.cloud.service.executed_writes] == ["Create", "Update"]
    world.cloud.service.set_behaviour(Behaviour())
    assert isinstance(only(world.run()), InSync)


def test_accepted_update_is_in_sync_afterwards() -> None:
    """After an accepted Update that List shows, the association is in sync."""
    world = World()
    world.run()
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    later = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000"}}
    world.manifests = (manifest(policy=policy, ExecutionConfiguration=later),)
    world.mode = Mode.CREATE_AND_UPDATE
    result = world.run()
    assert isinstance(result.outcomes["export"], Updated)
    assert result.live_after_writes
    assert isinstance(only(world.run()), InSync)


def test_settle_time_of_a_slow_call_starts_at_its_end() -> None:
    """If a call took longer than the settle time and its answer was lost, the next run still waits."""
    world = World(Behaviour(lose_answers=1, tokens="ignored", list_lag=300))
    world.cloud.before_write = lambda: world.clock.advance(minutes=16)
    assert isinstance(world.run().outcomes["export"], Unknown)
    world.cloud.before_write = lambda: None
    assert isinstance(only(world.run()), Settling)
    assert world.created == 1


def test_age_is_measured_from_the_start_of_the_observation() -> None:
    """The settle time is compared with the start of the listing, because List may change while it runs."""
    world = World(Behaviour(lose_answers=1, tokens="ignored", list_lag=870))
    world.run()
    world.clock.advance(minutes=14)
    decided = preview(world.work, Slow(world.cloud, world.clock), world.journal.reader)
    assert isinstance(decided.plan.decisions[0], Settling)


def test_association_just_created_by_another_run_is_not_created() -> None:
    """A run settles if another run sent the Create after the listing and before the lease."""
    world, other = World(Behaviour(tokens="ignored", list_lag=600)), World()
    other.cloud, other.journal = world.cloud, FakeJournal(world.clock, world.journal.store, "run-2")
    result = reconcile(
        world.work, Overtaken(world.cloud, other), world.journal.reader, world.journal.create_writers(world.cloud)
    )
    assert isinstance(only(result), Settling)
    assert world.created == 1


def test_failed_list_after_the_calls_does_not_fail_the_run() -> None:
    """The List after the calls only completes the report, and its failure is no error of the run."""
    world = World()
    world.cloud.before_write = lambda: world.cloud.service.set_behaviour(Behaviour(list_denied="profiles-export"))
    result = world.run()
    assert isinstance(result.outcomes["export"], Created)
    assert result.live_after_writes == {}


def test_each_manifest_is_created_under_its_own_token() -> None:
    """Two missing associations are created in order, with two tokens."""
    world = World(None, *TWO)
    world.run()
    tokens = [carried.token for carried in world.cloud.service.executed_writes]
    assert tokens == [world.journal.journal.records[name].token for name in "ab"]
    assert len(set(tokens)) == 2


def test_reviewed_plan_is_executed_without_another_observation() -> None:
    """A reviewed preview is carried out without listing the data integrations again."""
    world = World()
    agreed = preview(world.work, world.cloud, world.journal.reader)
    seen = list(world.cloud.calls)
    done = reconcile(world.work, world.cloud, world.journal.reader, world.journal.create_writers(world.cloud), agreed)
    assert isinstance(done.outcomes["export"], Created)
    assert world.cloud.calls.count("ListDataIntegrations") == seen.count("ListDataIntegrations") == 1


def test_plan_changed_since_the_review_is_not_executed() -> None:
    """If the second look changes a reviewed plan, the run writes nothing."""
    world = World(None, *TWO)
    agreed = preview(world.work, world.cloud, world.journal.reader)
    world.cloud.create(TWO[0].spec, "by hand", world.clock.now())
    done = reconcile(world.work, world.cloud, world.journal.reader, world.journal.create_writers(world.cloud), agreed)
    assert (done.outcomes, world.created) == ({}, 1)
    assert done.error == "the planned writes changed during the run: nothing was written"
    assert not world.journal.journal.records


def test_reviewed_plan_is_compared_again_after_the_journal_changed() -> None:
    """If another run wrote the journal, the new plan is carried out only if its writes are the reviewed ones."""
    world = World()
    agreed = preview(world.work, world.cloud, world.journal.reader)
    world.journal.journal = Journal(ACCOUNT, REGION, "lineage", 3)
    done = reconcile(world.work, world.cloud, world.journal.reader, world.journal.create_writers(world.cloud), agreed)
    assert isinstance(done.outcomes["export"], Created)


def test_stop_during_the_final_list_keeps_the_outcomes() -> None:
    """A stop during the last List keeps the outcomes, and leaves out the live associations."""
    world = World()

    class Stopping(FakeCloud):
        def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
            if world.created:
                raise StopRequested("shutdown requested")
            return super().list_associations(integration_arns)

    world.cloud = Stopping(world.clock)
    result = world.run()
    assert (result.error, result.live_after_writes) == (None, {})
    assert [type(outcome) for outcome in result.outcomes.values()] == [Created]
    assert isinstance(world.journal.journal.records["export"].state, Bound)


def test_failed_list_does_not_reset_the_since_time() -> None:
    """A failed List does not reset the time since which a decision has applied."""
    world = World()
    world.run()
    world.clock.advance(hours=1)
    world.run()
    before = world.journal.journal.last_decisions
    world.clock.advance(days=3)
    world.cloud.service.set_behaviour(Behaviour(list_denied="profiles-export"))
    blocked = world.run()
    assert [decision.kind for decision in blocked.plan.decisions] == ["blocked"]
    assert world.journal.journal.last_decisions == before
    assert build_target_report("prod", ACCOUNT, REGION, blocked).associations[0].since is None
    world.cloud.service.set_behaviour(Behaviour())
    seen = world.run()
    assert [decision.kind for decision in seen.plan.decisions] == ["in-sync"]
    assert build_target_report("prod", ACCOUNT, REGION, seen).associations[0].since == before["export"].since
