"""One run: intents before calls, answers after, never a second Create, and nothing written in a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest
from builders import SETTLE, manifest
from fakes import FakeClock, FakeCloud, FakeJournal

from reconciler.core.decisions import Adopt, Create, Decision, InSync, Settling
from reconciler.core.errors import StateHeld, StateMoved
from reconciler.core.journal import Bound, Intended, Journal
from reconciler.core.model import Live, Manifest, Mode, Observation, Spec, Target, Unobserved
from reconciler.core.outcome import Answer, Created, NotSent, Refused, Skipped, Unknown
from reconciler.core.ports import Progress, Writers
from reconciler.core.report import Result
from reconciler.run import Run, preview, reconcile
from reconciler.sandbox.behaviour import Behaviour

TWO = (manifest("a", DestinationURI="s3://corp-exports/a"), manifest("b", DestinationURI="s3://corp-exports/b"))


class World:
    """A clock, a cloud and a journal, and runs over them."""

    def __init__(self, behaviour: Behaviour | None = None, *manifests: Manifest) -> None:
        self.clock = FakeClock()
        self.cloud = FakeCloud(self.clock, behaviour)
        self.journal = FakeJournal()
        self.manifests: Sequence[Manifest] = manifests or (manifest(),)
        self.told: list[tuple[str, int, int]] = []
        self.stop_after = 99

    @property
    def work(self) -> Run:
        """Return the run that reconcile and preview are given."""
        return Run(
            Target("prod"),
            self.manifests,
            Mode.CREATE,
            SETTLE,
            self.clock,
            lambda *step: self.told.append(step),
            lambda: self.created >= self.stop_after,
        )

    @property
    def created(self) -> int:
        """Return how many Creates were carried out."""
        return len(self.cloud.service.carried_out)

    def run(self) -> Result:
        """Reconcile once."""
        return reconcile(self.work, self.cloud, self.journal, Writers(self.cloud, self.journal))


class Busy:
    """A writer that gives these answers before it passes calls on."""

    def __init__(self, cloud: FakeCloud, answers: list[Answer]) -> None:
        self.cloud, self.answers = cloud, answers

    def wait(self) -> None:
        """Do not wait."""

    def create(self, request: Spec, token: str) -> Answer:
        """Create, or be busy."""
        return self.answers.pop() if self.answers else self.cloud.create(request, token)


class Slow:
    """A reader that takes two minutes."""

    def __init__(self, cloud: FakeCloud, clock: FakeClock) -> None:
        self.cloud, self.clock = cloud, clock

    def observe(self, progress: Progress) -> Observation:
        """Observe, slowly."""
        seen = self.cloud.observe(progress)
        self.clock.advance(minutes=2)
        return seen

    def associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List some."""
        return self.cloud.associations(integration_arns)


class Overtaken(Slow):
    """A reader during whose first look another run begins and ends."""

    def __init__(self, cloud: FakeCloud, other: World) -> None:
        super().__init__(cloud, other.clock)
        self.others = [other]

    def observe(self, progress: Progress) -> Observation:
        """Observe, and let the other run."""
        seen = self.cloud.observe(progress)
        if self.others:
            self.others.pop().run()
        return seen


def only(result: Result) -> Decision:
    """Return the one decision of a result."""
    (decision,) = result.plan.decisions
    return decision


def test_a_missing_association_is_created_once_and_then_in_sync() -> None:
    """Create, bind, and find nothing to do: the second run reads the journal once and writes nothing."""
    world = World()
    first = world.run()
    assert isinstance(only(first), Create)
    outcome = first.outcomes["export"]
    assert isinstance(outcome, Created)
    assert first.refreshed[outcome.association_id].id == outcome.association_id
    assert world.told[-1] == ("creating", 1, 1)
    world.journal.reads = world.journal.swaps = 0
    second = world.run()
    assert isinstance(only(second), InSync)
    assert (world.created, world.journal.reads, world.journal.swaps) == (1, 1, 0)


def test_a_dry_run_reads_and_is_given_nothing_to_write_with() -> None:
    """Preview decides the same, calls List only, and leaves the journal alone."""
    world = World()
    decided, recorded = preview(world.work, world.cloud, world.journal)
    assert isinstance(decided.decisions[0], Create)
    assert recorded == Journal(recorded.account, recorded.region, "")
    assert {call[:4] for call in world.cloud.calls} == {"List"}
    assert (world.created, world.journal.swaps) == (0, 0)


def test_the_intent_is_journalled_before_the_call() -> None:
    """Whatever becomes of the process during the call, the journal knows that it was about to be made."""
    world = World()
    seen: list[Journal] = []
    world.cloud.before_create = lambda: seen.append(world.journal.stored)
    world.run()
    assert isinstance(seen[0].records["export"].state, Intended)
    assert isinstance(world.journal.stored.records["export"].state, Bound)


def test_lost_answer_does_not_create_twice() -> None:
    """The answer is lost and List lags: settling, no call, then the association is found and adopted."""
    world = World(Behaviour(lose_answers=1, list_lag=300, tokens="ignored"))
    assert isinstance(world.run().outcomes["export"], Unknown)
    assert isinstance(only(world.run()), Settling)
    world.clock.advance(minutes=6)
    assert isinstance(only(world.run()), Adopt)
    assert isinstance(only(world.run()), InSync)
    assert world.created == 1


def test_a_create_that_never_arrived_is_repeated_after_the_settle_time() -> None:
    """The same request under the same token, once the settle time has passed."""
    world = World(Behaviour(fail_writes=1))
    assert isinstance(world.run().outcomes["export"], Unknown)
    world.clock.advance(minutes=16)
    assert isinstance(world.run().outcomes["export"], Created)
    assert world.created == 1


def test_a_refused_create_leaves_no_trace() -> None:
    """Nothing was done: the next run may try again."""
    world = World(Behaviour(explicit_deny=True))
    assert isinstance(world.run().outcomes["export"], Refused)
    assert world.journal.stored.records == {}


def test_adoption_writes_the_journal_once_and_aws_never() -> None:
    """What is live already is bound with one write, without a Create."""
    world = World()
    world.run()
    world.journal.stored = FakeJournal().stored
    world.journal.swaps = 0
    assert isinstance(only(world.run()), Adopt)
    assert (world.created, world.journal.swaps) == (1, 1)


def test_a_run_that_another_overtakes_plans_anew() -> None:
    """The journal moved between plan and lease: look again, and find that nothing is missing any more."""
    world, other = World(), World()
    other.cloud, other.journal = world.cloud, world.journal
    overtaken = False

    def overtake(*_: object) -> None:
        nonlocal overtaken
        if not overtaken:
            overtaken = True
            other.run()

    run = Run(Target("prod"), world.manifests, Mode.CREATE, SETTLE, world.clock, overtake, lambda: False)
    # the other run comes after this one has read the journal, and before it has listed
    result = reconcile(run, world.cloud, world.journal, Writers(world.cloud, world.journal))
    assert isinstance(only(result), InSync)
    assert world.created == 1


def test_a_journal_that_never_rests_ends_the_run() -> None:
    """After three plans in vain the run fails, and has sent nothing."""
    world = World()
    lease_of_others = FakeJournal()
    lease_of_others.stored = Journal("1", "r", "other", 5)
    with pytest.raises(StateMoved, match="run again"):
        reconcile(world.work, world.cloud, world.journal, Writers(world.cloud, lease_of_others))
    assert world.created == 0


def test_without_the_lease_nothing_is_sent() -> None:
    """Another process holds it: no intent, no call."""
    world = World()
    world.journal.held = True
    with pytest.raises(StateHeld):
        world.run()
    assert (world.created, world.journal.swaps) == (0, 0)


def test_answers_that_cannot_be_journalled_are_reported_and_found_later() -> None:
    """The disk is full after the call: the run says so, and the next one adopts instead of creating."""
    world = World()
    world.journal.broken = {2}
    result = world.run()
    assert result.error is not None
    assert "the disk is full" in result.error
    assert isinstance(result.outcomes["export"], Created)
    assert isinstance(only(world.run()), Adopt)
    assert world.created == 1


def test_a_stop_begins_no_further_create() -> None:
    """The call under way is finished and journalled; the others are skipped and forgotten."""
    world = World(None, *TWO)
    world.stop_after = 1
    result = world.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, Skipped]
    assert set(world.journal.stored.records) == {"a"}
    assert world.created == 1


def test_a_throttled_create_is_sent_again_in_the_run() -> None:
    """Nothing was done, so nothing is risked; the pace of the target spaces the calls."""
    world = World()
    answers: list[Answer] = [NotSent("busy"), NotSent("busy")]
    writer = Busy(world.cloud, answers)
    result = reconcile(world.work, world.cloud, world.journal, Writers(writer, world.journal))
    assert isinstance(result.outcomes["export"], Created)
    answers += [NotSent("busy")] * 3
    world.manifests = (manifest("b", DestinationURI="s3://corp-exports/b"),)
    result = reconcile(world.work, world.cloud, world.journal, Writers(writer, world.journal))
    assert isinstance(result.outcomes["b"], NotSent)
    assert answers == []
    assert set(world.journal.stored.records) == {"export"}


def test_a_stop_ends_the_retries_too() -> None:
    """What was throttled when the stop came is not sent again."""
    world = World()
    answers: list[Answer] = [NotSent("busy")]
    stopped = lambda: answers == []  # noqa: E731 - the stop comes with the first answer
    run = replace(world.work, stopped=stopped)
    result = reconcile(run, world.cloud, world.journal, Writers(Busy(world.cloud, answers), world.journal))
    assert isinstance(result.outcomes["export"], NotSent)
    assert world.created == 0


def test_an_old_intent_is_not_sent() -> None:
    """A process that was stopped for a minute between intent and send begins no further Create."""
    world = World(None, *TWO)
    world.cloud.before_create = lambda: world.clock.advance(seconds=61)
    result = world.run()
    assert [type(result.outcomes[name]) for name in "ab"] == [Created, NotSent]
    assert world.created == 1
    world.cloud.before_create = lambda: None
    assert isinstance(world.run().outcomes["b"], Created)


def test_a_slow_send_is_waited_for_from_its_end() -> None:
    """The send took longer than the settle time and its answer was lost: the next run still waits."""
    world = World(Behaviour(lose_answers=1, tokens="ignored", list_lag=300))
    world.cloud.before_create = lambda: world.clock.advance(minutes=16)
    assert isinstance(world.run().outcomes["export"], Unknown)
    world.cloud.before_create = lambda: None
    assert isinstance(only(world.run()), Settling)
    assert world.created == 1


def test_the_age_of_things_is_counted_from_before_they_are_looked_at() -> None:
    """Listing takes its time: what List did not show when it began may have settled only since."""
    world = World(Behaviour(lose_answers=1, tokens="ignored", list_lag=870))
    world.run()
    world.clock.advance(minutes=14)
    decided, _ = preview(world.work, Slow(world.cloud, world.clock), world.journal)
    assert isinstance(decided.decisions[0], Settling)


def test_a_create_that_another_run_has_just_made_is_not_made_again() -> None:
    """The other run comes after this one has listed and before it has the lease: tokens and List do not help here."""
    world, other = World(Behaviour(tokens="ignored", list_lag=600)), World()
    other.cloud, other.journal = world.cloud, world.journal
    result = reconcile(world.work, Overtaken(world.cloud, other), world.journal, Writers(world.cloud, world.journal))
    assert isinstance(only(result), Settling)
    assert world.created == 1


def test_a_list_that_fails_afterwards_is_no_failure() -> None:
    """The second look is for the report only."""
    world = World()
    world.cloud.before_create = lambda: world.cloud.service.behave(Behaviour(list_denied="profiles-export"))
    result = world.run()
    assert isinstance(result.outcomes["export"], Created)
    assert result.refreshed == {}


def test_each_manifest_is_created_under_its_own_token() -> None:
    """Two missing associations are two Creates with two tokens, in order."""
    world = World(None, *TWO)
    world.run()
    tokens = [carried.token for carried in world.cloud.service.carried_out]
    assert tokens == [world.journal.stored.records[name].token for name in "ab"]
    assert len(set(tokens)) == 2
