"""Runs of one target: intents before calls, outcomes after them, never a second Create, and no writes in a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import ACCOUNT, ON_DEMAND, REGION, context, manifest
from support.fakes import FakeClock, FakeCloud, FakeJournal, WriterWithAnswers

from reconciler.core.apply.outcome import Answer, Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.apply.result import Result
from reconciler.core.errors import StateConflict, StateError, StopRequested
from reconciler.core.journal.jobs import Job
from reconciler.core.journal.records import LEASE_DURATION, Bound, CreatePending, Journal, Lease
from reconciler.core.model import Live, Manifest, Mode, Observation, Policy, Target, Unobserved
from reconciler.core.plan.decision import Adopt, Blocked, Decision, Held, InSync, Settling
from reconciler.core.plan.review import ReviewedPlan
from reconciler.core.plan.write import Create
from reconciler.core.ports import Progress
from reconciler.core.report.build import build_target_report
from reconciler.core.run_context import Run
from reconciler.run import preview, reconcile
from reconciler.sandbox.service.behaviour import Behaviour

TWO = (manifest("a", DestinationURI="s3://corp-exports/a"), manifest("b", DestinationURI="s3://corp-exports/b"))


class RunScenario:
    """A clock, a cloud and a journal, with runs over them."""

    def __init__(self, behaviour: Behaviour | None = None, *manifests: Manifest) -> None:
        self.clock = FakeClock()
        self.cloud = FakeCloud(self.clock, behaviour)
        self.journal = FakeJournal(self.clock)
        self.manifests: Sequence[Manifest] = manifests or (manifest(),)
        self.progress_steps: list[tuple[str, int, int]] = []
        self.stop_after = 99
        self.mode = Mode.CREATE

    @property
    def run_inputs(self) -> Run:
        """The run for `reconcile` and `preview`."""
        return Run(
            Target("prod"),
            self.manifests,
            context(
                self.clock,
                self.mode,
                progress=lambda *step: self.progress_steps.append(step),
                is_stopped=lambda: self.create_count >= self.stop_after,
            ),
        )

    @property
    def reviewed_run(self) -> Run:
        """The same run with a reviewed plan."""
        run = self.run_inputs
        return replace(run, context=replace(run.context, reviewed=ReviewedPlan("sha256:reviewed")))

    @property
    def create_count(self) -> int:
        """The number of Creates that AWS carried out."""
        return len(self.cloud.service.executed_writes)

    def run(self) -> Result:
        """Reconcile once and return the result."""
        return reconcile(self.run_inputs, self.cloud, self.journal.reader, self.journal.create_writers(self.cloud))


class SlowReader:
    """Reader whose listing takes two minutes."""

    def __init__(self, cloud: FakeCloud, clock: FakeClock) -> None:
        self.cloud, self.clock = cloud, clock

    def observe(self, progress: Progress) -> Observation:
        """Observe, and let two minutes pass."""
        observed = self.cloud.observe(progress)
        self.clock.advance(minutes=2)
        return observed

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List the associations."""
        return self.cloud.list_associations(integration_arns)


class SleepyReader(SlowReader):
    """Reader that takes a minute to observe, and sleeps for three hours after each of its first second looks."""

    def __init__(self, cloud: FakeCloud, clock: FakeClock, nap_count: int) -> None:
        super().__init__(cloud, clock)
        self.remaining_naps, self.observe_count = nap_count, 0

    def observe(self, progress: Progress) -> Observation:
        """Observe, and count the calls."""
        self.observe_count += 1
        self.clock.advance(minutes=1)
        return self.cloud.observe(progress)

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List the associations, and sleep."""
        observed = self.cloud.list_associations(integration_arns)
        if self.remaining_naps:
            self.remaining_naps -= 1
            self.clock.advance(hours=3)
        return observed


class ReaderWithConcurrentRun(SlowReader):
    """Reader during whose first listing another run starts and ends."""

    def __init__(self, cloud: FakeCloud, other: RunScenario) -> None:
        super().__init__(cloud, other.clock)
        self.other_scenarios = [other]

    def observe(self, progress: Progress) -> Observation:
        """Observe, and let the other run happen."""
        observed = self.cloud.observe(progress)
        if self.other_scenarios:
            self.other_scenarios.pop().run()
        return observed


def get_decision(result: Result) -> Decision:
    """Return the only decision of a result."""
    (decision,) = result.plan.decisions
    return decision


def test_a_missing_association_is_created_once_and_then_in_sync() -> None:
    """A Create takes three journal writes: intent, answer, and that its job runs. A fourth one records the match."""
    scenario = RunScenario()
    first = scenario.run()
    assert isinstance(get_decision(first), Create)
    outcome = first.outcomes["export"]
    assert isinstance(outcome, Created)
    assert first.live_after_writes[outcome.association_id].id == outcome.association_id
    assert scenario.progress_steps[-1] == ("sending", 1, 1)
    store = scenario.journal.store
    assert (store.loads, store.puts) == (2, 3)
    assert isinstance(get_decision(scenario.run()), InSync)
    assert (store.loads, store.puts) == (3, 4)
    assert isinstance(get_decision(scenario.run()), InSync)
    assert (scenario.create_count, store.loads, store.puts) == (1, 4, 4)


def test_full_disk_after_the_answers_loses_no_answer() -> None:
    """If the journal cannot be written after the answers, the report says so, and the answers are in the journal."""
    scenario = RunScenario()
    scenario.journal.store.failing_puts = {3, 4, 5}
    result = scenario.run()
    assert isinstance(result.outcomes["export"], Created)
    assert "the disk is full; the answers of AWS are in the journal, and its lease was" in str(result.error)
    state = scenario.journal.journal.records["export"].state
    assert isinstance(state, Bound)
    assert state.job
    assert state.job.running_at is None
    scenario.clock.advance(minutes=5)
    assert isinstance(get_decision(scenario.run()), InSync)
    assert scenario.create_count == 1


def test_dry_run_only_reads() -> None:
    """A preview plans the Create, calls only List and leaves the journal unchanged."""
    scenario = RunScenario()
    previewed = preview(scenario.run_inputs, scenario.cloud, scenario.journal.reader)
    assert isinstance(previewed.plan.decisions[0], Create)
    assert previewed.journal == Journal(ACCOUNT, REGION, "")
    assert {call[:4] for call in scenario.cloud.calls} == {"List"}
    assert (scenario.create_count, scenario.journal.store.puts) == (0, 0)


def test_the_intent_is_journalled_before_the_call() -> None:
    """During the call, the journal already contains the intent."""
    scenario = RunScenario()
    journals: list[Journal] = []
    scenario.cloud.before_write = lambda: journals.append(scenario.journal.journal)
    scenario.run()
    assert isinstance(journals[0].records["export"].state, CreatePending)
    assert isinstance(scenario.journal.journal.records["export"].state, Bound)


def test_lost_answer_does_not_create_twice() -> None:
    """After a lost answer and with a slow List, the run settles, makes no call and later adopts the association."""
    scenario = RunScenario(Behaviour(lose_answers=1, list_lag=300, tokens="ignored"))
    assert isinstance(scenario.run().outcomes["export"], Unknown)
    assert isinstance(get_decision(scenario.run()), Settling)
    scenario.clock.advance(minutes=6)
    assert isinstance(get_decision(scenario.run()), Adopt)
    assert isinstance(get_decision(scenario.run()), InSync)
    assert scenario.create_count == 1


def test_a_create_that_never_arrived_is_repeated_after_the_settle_time() -> None:
    """After the settle time, the same request is sent again under the same token."""
    scenario = RunScenario(Behaviour(fail_writes=1))
    assert isinstance(scenario.run().outcomes["export"], Unknown)
    scenario.clock.advance(minutes=16)
    assert isinstance(scenario.run().outcomes["export"], Created)
    assert scenario.create_count == 1


def test_refused_create_leaves_no_record() -> None:
    """A refused Create had no effect, and its intent is removed."""
    scenario = RunScenario(Behaviour(explicit_deny=True))
    assert isinstance(scenario.run().outcomes["export"], Refused)
    assert scenario.journal.journal.records == {}


def test_adoption_writes_the_journal_once_and_not_aws() -> None:
    """A matching live association is bound with one journal write and no Create."""
    scenario = RunScenario()
    scenario.run()
    scenario.journal = FakeJournal(scenario.clock)
    assert isinstance(get_decision(scenario.run()), Adopt)
    assert (scenario.create_count, scenario.journal.store.puts) == (1, 1)


def test_run_replans_after_the_journal_changed() -> None:
    """If another run wrote the journal, this run plans again and finds the association in sync."""
    scenario, other = RunScenario(), RunScenario()
    other.cloud, other.journal = scenario.cloud, FakeJournal(scenario.clock, scenario.journal.store, "run-2")
    has_overtaken = False

    def run_other(*_: object) -> None:
        nonlocal has_overtaken
        if not has_overtaken:
            has_overtaken = True
            other.run()

    run = Run(Target("prod"), scenario.manifests, context(scenario.clock, progress=run_other))
    # The other run happens after this one has read the journal and before it has listed.
    result = reconcile(run, scenario.cloud, scenario.journal.reader, scenario.journal.create_writers(scenario.cloud))
    assert isinstance(get_decision(result), InSync)
    assert scenario.create_count == 1


def test_constantly_changing_journal_ends_the_run() -> None:
    """After three attempts the run fails, and has sent nothing."""
    scenario = RunScenario()

    def write_journal(*_: object) -> None:
        """Write the journal as another run would, during the listing of this run."""
        journal_ = scenario.journal.journal
        scenario.journal.journal = replace(journal_, lineage="lineage", serial=journal_.serial + 1)

    run = replace(scenario.run_inputs, context=replace(scenario.run_inputs.context, progress=write_journal))
    with pytest.raises(StateConflict, match="run again"):
        reconcile(run, scenario.cloud, scenario.journal.reader, scenario.journal.create_writers(scenario.cloud))
    assert scenario.create_count == 0


def test_run_without_the_lease_sends_nothing() -> None:
    """If another process holds the lease, the run sends nothing and reports its plan."""
    scenario = RunScenario()
    expires_at = scenario.clock.now() + LEASE_DURATION
    scenario.journal.journal = Journal(
        ACCOUNT, REGION, "l", 4, lease=Lease("run-9", "another", "elsewhere", 4, expires_at)
    )
    result = scenario.run()
    assert isinstance(get_decision(result), Create)
    assert result.outcomes == {}
    assert "held by another" in str(result.error)
    assert (scenario.create_count, scenario.journal.store.puts) == (0, 0)


def test_unjournalled_outcome_is_reported_and_adopted_later() -> None:
    """If the disk is full after the call, the run reports the error, and the next one adopts the association."""
    scenario = RunScenario()
    scenario.journal.store.failing_puts = {2, 3, 4, 5}
    result = scenario.run()
    assert result.error is not None
    assert "the disk is full" in result.error
    assert isinstance(result.outcomes["export"], Created)
    scenario.clock.advance(minutes=5)  # the lease could not be released either
    assert isinstance(get_decision(scenario.run()), Adopt)
    assert scenario.create_count == 1


def test_unjournalled_adoption_is_not_reported_as_adopted() -> None:
    """An adoption that could not be written to the journal is reported as skipped."""
    for failing_puts in ({1}, set[int]()):
        scenario = RunScenario(None, *TWO)
        scenario.run()
        scenario.journal = FakeJournal(scenario.clock)
        if not failing_puts:
            expires_at = scenario.clock.now() + LEASE_DURATION
            lease = Lease("run-9", "another", "elsewhere", 4, expires_at)
            scenario.journal.journal = Journal(ACCOUNT, REGION, "l", 4, lease=lease)
            scenario.manifests = (*TWO, manifest("c", DestinationURI="s3://corp-exports/c"))
        scenario.journal.store.failing_puts = failing_puts
        result = scenario.run()
        assert result.error is not None
        report = build_target_report("prod", ACCOUNT, REGION, result)
        assert not report.has_attempted_writes
        adoptions = [each for each in report.associations if each.decision == "adopt"]
        assert len(adoptions) == 2
        assert all(isinstance(each.outcome, Skipped) and "not adopted" in each.outcome.reason for each in adoptions)
        assert scenario.journal.journal.records == {}


def test_adoption_journalled_before_a_call_is_kept() -> None:
    """An adoption that was written together with an intent stays, even if a later journal write fails."""
    scenario = RunScenario(None, *TWO)
    scenario.run()
    scenario.journal = FakeJournal(scenario.clock)
    scenario.manifests = (*TWO, manifest("c", DestinationURI="s3://corp-exports/c"))
    scenario.journal.store.failing_puts = {2, 3, 4, 5}
    result = scenario.run()
    assert result.error is not None
    assert "AWS may have carried out the sent calls" in result.error
    assert {"a", "b"} <= set(scenario.journal.journal.records)
    adoptions = [
        each for each in build_target_report("prod", ACCOUNT, REGION, result).associations if each.decision == "adopt"
    ]
    assert [each.outcome for each in adoptions] == [None, None]


def test_stopped_run_with_a_full_disk_reports_that_aws_did_nothing() -> None:
    """If a stop prevented every call, the journal error says that AWS carried out nothing."""
    scenario = RunScenario()
    scenario.stop_after = 0
    scenario.journal.store.failing_puts = {2, 3, 4, 5}
    result = scenario.run()
    assert isinstance(result.outcomes["export"], Skipped)
    assert "AWS carried out nothing" in str(result.error)


def test_stop_prevents_further_creates() -> None:
    """After a stop, the active call is finished and journalled. The other calls are skipped, without an intent."""
    scenario = RunScenario(None, *TWO)
    scenario.stop_after = 1
    result = scenario.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, Skipped]
    assert set(scenario.journal.journal.records) == {"a"}
    assert scenario.create_count == 1


def test_throttled_create_is_retried_within_the_run() -> None:
    """A throttled call is tried three times in a run, and then reported as not sent."""
    scenario = RunScenario()
    answers: list[Answer] = [NotSent("busy"), NotSent("busy")]
    writer = WriterWithAnswers(scenario.cloud, answers)
    result = reconcile(
        scenario.run_inputs, scenario.cloud, scenario.journal.reader, scenario.journal.create_writers(writer)
    )
    assert isinstance(result.outcomes["export"], Created)
    answers += [NotSent("busy")] * 3
    scenario.manifests = (manifest("b", DestinationURI="s3://corp-exports/b"),)
    result = reconcile(
        scenario.run_inputs, scenario.cloud, scenario.journal.reader, scenario.journal.create_writers(writer)
    )
    assert isinstance(result.outcomes["b"], NotSent)
    assert answers == []
    assert set(scenario.journal.journal.records) == {"export"}


def test_stop_ends_the_retries() -> None:
    """After a stop, a throttled call is not sent again."""
    scenario = RunScenario()
    answers: list[Answer] = [NotSent("busy")]
    is_stopped = lambda: answers == []  # noqa: E731 - the stop comes with the first answer
    run = replace(scenario.run_inputs, context=replace(scenario.run_inputs.context, is_stopped=is_stopped))
    result = reconcile(
        run,
        scenario.cloud,
        scenario.journal.reader,
        scenario.journal.create_writers(WriterWithAnswers(scenario.cloud, answers)),
    )
    assert isinstance(result.outcomes["export"], NotSent)
    assert scenario.create_count == 0


def test_old_intent_is_renewed_before_the_call() -> None:
    """If the first call takes over a minute, its outcome and a renewed intent are written before the second call."""
    scenario = RunScenario(None, *TWO)
    journals: list[Journal] = []

    def record_journal() -> None:
        journals.append(scenario.journal.journal)
        scenario.clock.advance(seconds=61)

    scenario.cloud.before_write = record_journal
    result = scenario.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, Created]
    assert isinstance(journals[1].records["a"].state, Bound)
    assert journals[1].records["b"].state == CreatePending(
        1, scenario.clock.now() - timedelta(seconds=61), scenario.clock.now() - timedelta(seconds=61)
    )
    assert scenario.journal.store.puts == 4  # with the jobs that run at the end
    assert {type(record.state) for record in scenario.journal.journal.records.values()} == {Bound}


def test_run_suspended_longer_than_its_lease_sends_nothing() -> None:
    """A run that slept past its lease sends nothing more. The next run makes the remaining calls."""
    scenario = RunScenario(None, *TWO)
    scenario.cloud.before_write = lambda: scenario.clock.advance(minutes=6)
    result = scenario.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
    assert scenario.create_count == 1
    scenario.cloud.before_write = lambda: None
    assert isinstance(scenario.run().outcomes["b"], Created)
    assert scenario.create_count == 2


def test_a_run_that_lost_its_lease_makes_no_further_create() -> None:
    """If another run takes over the lease during a call, this run makes no further call."""
    scenario = RunScenario(None, *TWO)

    def take_lease() -> None:
        scenario.cloud.before_write = lambda: None
        former, expires_at = scenario.journal.journal, scenario.clock.now() + LEASE_DURATION
        other_lease = Lease("run-9", "another", "elsewhere", former.serial + 1, expires_at)
        scenario.journal.journal = replace(former, serial=former.serial + 1, lease=other_lease)
        scenario.clock.advance(seconds=61)

    scenario.cloud.before_write = take_lease
    result = scenario.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
    assert "another" in str(result.outcomes["b"])
    assert scenario.create_count == 1
    stored_journal = scenario.journal.journal
    assert stored_journal.lease is not None
    assert stored_journal.lease.holder == "another"
    assert isinstance(stored_journal.records["a"].state, Bound)
    assert set(stored_journal.records) == {"a"}


def test_decisions_are_reported_when_the_journal_cannot_be_written() -> None:
    """If the journal cannot be written, nothing is sent, and the report shows every decision."""
    scenario = RunScenario(None, *TWO[:1])
    scenario.run()
    scenario.manifests = TWO
    scenario.journal.store.failing_puts = {scenario.journal.store.puts + 1}
    result = scenario.run()
    assert [type(decision) for decision in result.plan.decisions] == [InSync, Create]
    assert (result.outcomes, result.error, scenario.create_count) == ({}, "the disk is full", 1)
    assert type(scenario.run().outcomes["b"]) is Created


def test_lease_is_confirmed_before_each_further_call() -> None:
    """A released lease or an unreachable store prevents further calls."""
    for is_store_down in (False, True):
        scenario = RunScenario(None, *TWO)

        def release_lease(scenario: RunScenario = scenario, *, is_store_down: bool = is_store_down) -> None:
            if is_store_down:
                scenario.journal.store.after_load = raise_store_error
            else:
                former = scenario.journal.journal
                scenario.journal.journal = replace(former, serial=former.serial + 1, lease=None)

        scenario.cloud.before_write = release_lease
        result = scenario.run()
        assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
        assert ("freed" in str(result.outcomes["b"]), bool(result.error)) == (not is_store_down, False)
        assert scenario.create_count == 1


def raise_store_error() -> None:
    """Raise the error of an unreachable store."""
    raise StateError("the store does not answer")


def test_run_suspended_while_confirming_its_lease_sends_nothing() -> None:
    """A process that sleeps while it confirms or renews its intent sends nothing."""
    for call_seconds in (0, 61):
        scenario = RunScenario(None, *TWO)

        def suspend(scenario: RunScenario = scenario, call_seconds: int = call_seconds) -> None:
            scenario.clock.advance(seconds=call_seconds)
            scenario.journal.store.after_load = lambda: scenario.clock.advance(minutes=2)
            scenario.journal.store.after_put = lambda: scenario.clock.advance(minutes=2)

        scenario.cloud.before_write = suspend
        result = scenario.run()
        assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
        assert "was delayed" in str(result.outcomes["b"])


def test_run_with_outdated_observations_observes_again() -> None:
    """If the observation is too old for the lease, the run observes again. It gives up after three attempts."""
    scenario = RunScenario()
    scenario.journal.store.after_load = lambda: None
    reader = SleepyReader(scenario.cloud, scenario.clock, nap_count=1)
    assert isinstance(
        reconcile(
            scenario.run_inputs, reader, scenario.journal.reader, scenario.journal.create_writers(scenario.cloud)
        ),
        Result,
    )
    assert (scenario.create_count, reader.observe_count) == (1, 2)
    other = RunScenario()
    reader = SleepyReader(other.cloud, other.clock, nap_count=9)
    with pytest.raises(StateConflict, match="took too long"):
        reconcile(other.run_inputs, reader, other.journal.reader, other.journal.create_writers(other.cloud))
    assert other.create_count == 0


def test_each_changed_integration_is_listed_again() -> None:
    """A second look at one data integration keeps the second look at another."""
    accounts_export = manifest("far", DataIntegrationIdentifier="crm-accounts", DestinationURI="s3://corp-exports/far")
    scenario = RunScenario(None, manifest(), accounts_export)
    assert {type(outcome) for outcome in scenario.run().outcomes.values()} == {Created}
    scenario.journal = FakeJournal(scenario.clock)
    new_export = manifest("late", DestinationURI="s3://corp-exports/late")
    scenario.manifests = (manifest(), accounts_export, new_export)
    result = scenario.run()
    assert [type(decision) for decision in result.plan.decisions] == [Adopt, Adopt, Create]


def test_late_outcome_does_not_overwrite_the_next_holders_record() -> None:
    """After a lease takeover, the outcome of this run does not replace the record of the new holder."""
    scenario = RunScenario()

    def take_lease() -> None:
        former = scenario.journal.journal
        other_record = replace(former.records["export"], state=Bound("theirs", scenario.clock.now()))
        other_lease = Lease("run-9", "another", "elsewhere", 9, scenario.clock.now() + LEASE_DURATION)
        scenario.journal.journal = replace(
            former.with_records(other_record), serial=former.serial + 1, lease=other_lease
        )

    scenario.cloud.before_write = take_lease
    assert isinstance(scenario.run().outcomes["export"], Created)
    state = scenario.journal.journal.records["export"].state
    assert isinstance(state, Bound)
    assert state.association_id == "theirs"


def test_each_call_waits_for_the_rate_limit() -> None:
    """The run waits for the rate limit before every call."""
    scenario = RunScenario(None, *TWO)
    waits: list[int] = []
    scenario.cloud.wait = lambda: waits.append(scenario.create_count)  # type: ignore[method-assign]
    scenario.run()
    assert waits == [0, 1]


def wait_for_export(scenario: RunScenario) -> None:
    """Let a run see that the export runs, and wait for its end."""
    assert isinstance(get_decision(scenario.run()), Held)
    scenario.clock.advance(minutes=1)


def test_update_is_journalled_and_sent_once_for_every_answer() -> None:
    """One change in git causes one Update, even if its answer is lost."""
    scenario = RunScenario(Behaviour(update_lag=10**9))
    scenario.run()
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    new_execution = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000"}}
    scenario.manifests = (manifest(policy=policy, ExecutionConfiguration=new_execution),)
    scenario.mode = Mode.CREATE_AND_UPDATE
    journals: list[Journal] = []
    wait_for_export(scenario)
    scenario.cloud.before_write = lambda: journals.append(scenario.journal.journal)
    scenario.cloud.service.set_behaviour(Behaviour(lose_answers=1, update_lag=10**9))
    assert isinstance(scenario.run().outcomes["export"], Unknown)
    state = journals[0].records["export"].state
    assert isinstance(state, Bound)
    assert isinstance(state.job, Job)
    for decision in (Settling, Blocked, Blocked):
        assert isinstance(get_decision(scenario.run()), decision)
        scenario.clock.advance(minutes=20)
    assert [write.operation[:6] for write in scenario.cloud.service.executed_writes] == ["Create", "Update"]
    scenario.cloud.service.set_behaviour(Behaviour())
    assert isinstance(get_decision(scenario.run()), InSync)


def test_accepted_update_is_in_sync_afterwards() -> None:
    """After an accepted Update that List shows, the association is in sync."""
    scenario = RunScenario()
    scenario.run()
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    new_execution = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000"}}
    scenario.manifests = (manifest(policy=policy, ExecutionConfiguration=new_execution),)
    scenario.mode = Mode.CREATE_AND_UPDATE
    wait_for_export(scenario)
    result = scenario.run()
    assert isinstance(result.outcomes["export"], Updated)
    assert result.live_after_writes
    assert isinstance(get_decision(scenario.run()), InSync)


def test_settle_time_of_a_slow_call_starts_at_its_end() -> None:
    """If a call took longer than the settle time and its answer was lost, the next run still waits."""
    scenario = RunScenario(Behaviour(lose_answers=1, tokens="ignored", list_lag=300))
    scenario.cloud.before_write = lambda: scenario.clock.advance(minutes=16)
    assert isinstance(scenario.run().outcomes["export"], Unknown)
    scenario.cloud.before_write = lambda: None
    assert isinstance(get_decision(scenario.run()), Settling)
    assert scenario.create_count == 1


def test_age_is_measured_from_the_start_of_the_observation() -> None:
    """The settle time is compared with the start of the listing, because List may change while it runs."""
    scenario = RunScenario(Behaviour(lose_answers=1, tokens="ignored", list_lag=870))
    scenario.run()
    scenario.clock.advance(minutes=14)
    previewed = preview(scenario.run_inputs, SlowReader(scenario.cloud, scenario.clock), scenario.journal.reader)
    assert isinstance(previewed.plan.decisions[0], Settling)


def test_association_just_created_by_another_run_is_not_created() -> None:
    """A run settles if another run sent the Create after the listing and before the lease."""
    scenario, other = RunScenario(Behaviour(tokens="ignored", list_lag=600)), RunScenario()
    other.cloud, other.journal = scenario.cloud, FakeJournal(scenario.clock, scenario.journal.store, "run-2")
    result = reconcile(
        scenario.run_inputs,
        ReaderWithConcurrentRun(scenario.cloud, other),
        scenario.journal.reader,
        scenario.journal.create_writers(scenario.cloud),
    )
    assert isinstance(get_decision(result), Settling)
    assert scenario.create_count == 1


def test_failed_list_after_the_calls_does_not_fail_the_run() -> None:
    """The List after the calls only completes the report, and its failure is no error of the run."""
    scenario = RunScenario()
    scenario.cloud.before_write = lambda: scenario.cloud.service.set_behaviour(Behaviour(list_denied="profiles-export"))
    result = scenario.run()
    assert isinstance(result.outcomes["export"], Created)
    assert result.live_after_writes == {}


def test_each_manifest_is_created_under_its_own_token() -> None:
    """Two missing associations are created in order, with two tokens."""
    scenario = RunScenario(None, *TWO)
    scenario.run()
    tokens = [write.token for write in scenario.cloud.service.executed_writes]
    assert tokens == [scenario.journal.journal.records[name].token for name in "ab"]
    assert len(set(tokens)) == 2


def test_reviewed_plan_is_executed_without_another_observation() -> None:
    """A reviewed preview is carried out without listing the data integrations again."""
    scenario = RunScenario()
    reviewed = preview(scenario.run_inputs, scenario.cloud, scenario.journal.reader)
    reviewed_calls = list(scenario.cloud.calls)
    result = reconcile(
        scenario.reviewed_run,
        scenario.cloud,
        scenario.journal.reader,
        scenario.journal.create_writers(scenario.cloud),
        reviewed,
    )
    assert isinstance(result.outcomes["export"], Created)
    assert scenario.cloud.calls.count("ListDataIntegrations") == reviewed_calls.count("ListDataIntegrations") == 1


def test_plan_changed_since_the_review_is_not_executed() -> None:
    """If the second look changes a reviewed plan, the run writes nothing."""
    scenario = RunScenario(None, *TWO)
    reviewed = preview(scenario.run_inputs, scenario.cloud, scenario.journal.reader)
    scenario.cloud.create(TWO[0].spec, "by hand", scenario.clock.now())
    scenario.clock.advance(seconds=31)
    result = reconcile(
        scenario.reviewed_run,
        scenario.cloud,
        scenario.journal.reader,
        scenario.journal.create_writers(scenario.cloud),
        reviewed,
    )
    assert (result.outcomes, scenario.create_count) == ({}, 1)
    assert result.error == "the planned writes changed during the run: nothing was written"
    assert not scenario.journal.journal.records


def test_preview_without_a_review_may_change() -> None:
    """If the second look changes an earlier preview that nobody reviewed, the new plan is carried out."""
    scenario = RunScenario(None, *TWO)
    first = preview(scenario.run_inputs, scenario.cloud, scenario.journal.reader)
    scenario.clock.advance(seconds=31)
    scenario.cloud.create(TWO[0].spec, "by hand", scenario.clock.now())
    writers = scenario.journal.create_writers(scenario.cloud)
    result = reconcile(scenario.run_inputs, scenario.cloud, scenario.journal.reader, writers, first)
    assert isinstance(result.outcomes["b"], Created)
    assert (result.error, scenario.create_count) == (None, 2)


def test_reviewed_plan_is_compared_again_after_the_journal_changed() -> None:
    """If another run wrote the journal, the new plan is carried out only if its writes are the reviewed ones."""
    scenario = RunScenario()
    reviewed = preview(scenario.run_inputs, scenario.cloud, scenario.journal.reader)
    scenario.journal.journal = Journal(ACCOUNT, REGION, "lineage", 3)
    result = reconcile(
        scenario.reviewed_run,
        scenario.cloud,
        scenario.journal.reader,
        scenario.journal.create_writers(scenario.cloud),
        reviewed,
    )
    assert isinstance(result.outcomes["export"], Created)


def test_stop_during_the_final_list_keeps_the_outcomes() -> None:
    """A stop during the last List keeps the outcomes, and leaves out the live associations."""
    scenario = RunScenario()

    class StoppingCloud(FakeCloud):
        def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
            if scenario.create_count:
                raise StopRequested("shutdown requested")
            return super().list_associations(integration_arns)

    scenario.cloud = StoppingCloud(scenario.clock)
    result = scenario.run()
    assert (result.error, result.live_after_writes) == (None, {})
    assert [type(outcome) for outcome in result.outcomes.values()] == [Created]
    assert isinstance(scenario.journal.journal.records["export"].state, Bound)


def test_failed_list_does_not_reset_the_since_time() -> None:
    """A failed List does not reset the time since which a decision has applied."""
    scenario = RunScenario()
    scenario.run()
    scenario.clock.advance(hours=1)
    scenario.run()
    last_decisions = scenario.journal.journal.last_decisions
    scenario.clock.advance(days=3)
    scenario.cloud.service.set_behaviour(Behaviour(list_denied="profiles-export"))
    blocked_result = scenario.run()
    assert [decision.kind for decision in blocked_result.plan.decisions] == ["blocked"]
    assert scenario.journal.journal.last_decisions == last_decisions
    assert build_target_report("prod", ACCOUNT, REGION, blocked_result).associations[0].since is None
    scenario.cloud.service.set_behaviour(Behaviour())
    result = scenario.run()
    assert [decision.kind for decision in result.plan.decisions] == ["in-sync"]
    assert build_target_report("prod", ACCOUNT, REGION, result).associations[0].since == last_decisions["export"].since
