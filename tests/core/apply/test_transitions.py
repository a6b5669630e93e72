"""Journal transitions: the records before the calls of a plan, and after each outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import INTEGRATION, NOW, ON_DEMAND, SETTLE, journal, live, manifest, observation, record, rules

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.apply.transitions import with_intents, with_outcomes, with_renewed_intents
from reconciler.core.journal.records import Bound, CreatePending, Journal, LastDecision, Lease, Record, UpdatePending
from reconciler.core.model import Execution, Manifest, Mode, Policy
from reconciler.core.plan.compute import compute_plan
from reconciler.core.request.normalise import resolve_request

FIRST = NOW - SETTLE * 4
LATER = NOW + timedelta(minutes=2)


def after(outcome: Outcome, known: Record | None = None) -> Record | None:
    """Return the record after one Create with this outcome."""
    before = journal(*([known] if known else []))
    decided = compute_plan([manifest()], observation(), before, rules())
    wrote = with_intents(before, decided, NOW)
    return with_outcomes(wrote, wrote, decided.writes, {"export": outcome}, LATER).records.get("export")


def written(known: Journal, *manifests: Manifest, now: timedelta = timedelta(0)) -> Journal:
    """Return the journal that a run writes first, over these manifests and one live association."""
    return with_intents(
        known, compute_plan(manifests, observation(live()), known, rules(Mode.CREATE_AND_UPDATE)), NOW + now
    )


def lost(attempts: int) -> Record:
    """Return the record of a Create that is due for a retry."""
    return replace(record(), state=CreatePending(attempts, FIRST, NOW - SETTLE * 2**attempts))


def test_pending_record_has_the_time_of_writing() -> None:
    """The settle time starts when the intent is written, not when the plan is computed."""
    before = journal()
    wrote = with_intents(before, compute_plan([manifest()], observation(), before, rules()), LATER)
    assert wrote.records["export"].state == CreatePending(1, LATER, LATER)


def test_adoption_writes_a_bound_record() -> None:
    """An adoption writes a bound record. A renamed manifest takes over its old record."""
    assert written(journal(record("old")), manifest("new")).records == {"new": record("new")}


def test_record_of_a_removed_manifest_is_kept() -> None:
    """The record of a removed manifest stays, with its last decision."""
    known = written(journal(record()), manifest())
    later = written(known, now=timedelta(hours=1))
    assert later == known


def test_decision_without_a_record_is_dropped_with_its_manifest() -> None:
    """The last decision of a manifest without a record is removed with the manifest."""
    known = written(journal(), manifest("stray", DataIntegrationIdentifier="none"))
    assert known.last_decisions == {"stray": LastDecision("blocked", NOW)}
    assert written(known).last_decisions == {}


def test_last_decision_keeps_its_start_and_last_job() -> None:
    """A decision keeps the time of its first run. The last job stays known while List omits the association."""
    done = Execution("COMPLETED", "done")
    first = compute_plan([manifest()], observation(replace(live(), last_execution=done)), journal(record()), rules())
    known = with_intents(journal(record()), first, NOW)
    assert known.last_decisions == {"export": LastDecision("in-sync", NOW, done)}
    assert with_intents(known, first, LATER) == known
    gone = with_intents(known, compute_plan([manifest()], observation(), known, rules()), LATER)
    assert gone.last_decisions == {"export": LastDecision("settling", LATER, done)}


def test_run_without_news_does_not_change_the_journal() -> None:
    """A run without changes leaves the content of the journal equal, and therefore needs no write."""
    known = written(journal(record()), manifest())
    assert written(known, manifest(), now=timedelta(hours=1)).has_same_content_as(known)


def test_a_created_association_is_bound() -> None:
    """After a successful Create, the record is bound to the returned id, with the time of the answer."""
    bound = after(Created("a9"))
    assert bound is not None
    assert bound.state == Bound("a9", LATER)


@pytest.mark.parametrize("outcome", [Refused("no"), NotSent("busy"), Skipped("stopped")])
def test_create_without_effect_removes_the_pending_record(outcome: Outcome) -> None:
    """A first Create without effect leaves no record, and the next run may create at once."""
    assert after(outcome) is None


def test_unknown_outcome_keeps_the_pending_record() -> None:
    """After an unknown outcome, the pending record stays."""
    unknown = after(Unknown("time-out"))
    assert unknown is not None
    assert isinstance(unknown.state, CreatePending)


def test_refused_repeat_leaves_the_outcome_unknown() -> None:
    """A refused second Create keeps the pending record, because the first one may have caused the refusal."""
    refused = after(Refused("already associated"), lost(1))
    assert refused is not None
    assert refused.state == CreatePending(2, FIRST, LATER)


@pytest.mark.parametrize("outcome", [NotSent("busy"), Skipped("stopped")])
def test_unsent_repeat_does_not_count_as_an_attempt(outcome: Outcome) -> None:
    """An unsent retry restores the previous record, with its attempts and times."""
    assert after(outcome, lost(1)) == lost(1)


def test_rename_is_kept_when_a_repeat_was_not_sent() -> None:
    """A renamed manifest keeps its record if the retry was not sent."""
    before = journal(replace(lost(1), name="old"), record("other", DestinationURI="s3://corp-exports/other"))
    manifests = [manifest(), manifest("other", DestinationURI="s3://corp-exports/other")]
    decided = compute_plan(manifests, observation(live(DestinationURI="s3://corp-exports/other")), before, rules())
    wrote = with_intents(before, decided, LATER)
    assert set(wrote.records) == {"export", "other"}
    done = with_outcomes(wrote, wrote, decided.writes, {"export": NotSent("busy")}, LATER)
    assert done.records["export"] == lost(1)


def test_settle_time_starts_after_the_last_call() -> None:
    """After an unknown outcome, the settle time starts at the end of the call."""
    unknown = after(Unknown("time-out"))
    assert unknown is not None
    assert unknown.state == CreatePending(1, NOW, LATER)


CHANGED = manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE), ExecutionConfiguration={**ON_DEMAND, "X": "y"})


UPDATED = "s3://corp-exports/updated"
CHANGED_OTHER = replace(
    manifest("changed", CHANGED.policy, DestinationURI=UPDATED, ExecutionConfiguration={**ON_DEMAND, "X": "y"})
)
KNOWN = journal(record("changed", "u1", DestinationURI=UPDATED))
UPDATING = rules(Mode.CREATE_AND_UPDATE)


@pytest.mark.parametrize(
    ("outcome", "update"),
    [
        (Updated(), UpdatePending(LATER)),
        (Unknown("time-out"), UpdatePending(LATER)),
        (Refused("no"), UpdatePending(NOW, "no")),
    ],
)
def test_update_is_recorded_for_every_outcome(outcome: Outcome, update: UpdatePending) -> None:
    """A sent Update is recorded as applied, a refusal keeps its reason, and an unsent one restores the record."""
    known = journal(record())
    decided = compute_plan([CHANGED], observation(live()), known, rules(Mode.CREATE_AND_UPDATE))
    wrote = with_intents(known, decided, NOW)
    assert wrote.records["export"].request == resolve_request(CHANGED.spec, INTEGRATION.arn)
    state = with_outcomes(wrote, wrote, decided.writes, {"export": outcome}, LATER).records["export"].state
    assert isinstance(state, Bound)
    assert state.update == update
    assert with_outcomes(wrote, wrote, decided.writes, {"export": NotSent("busy")}, LATER).records == known.records


def test_renewal_writes_outcomes_and_refreshes_pending_records() -> None:
    """A renewal binds finished calls and renews the other intents. A retry keeps its first time."""
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    third = manifest("third", DestinationURI="s3://corp-exports/third")
    known = journal(replace(lost(1), name="third", request=record(DestinationURI="s3://corp-exports/third").request))
    decided = compute_plan([manifest(), other, third], observation(), known, rules())
    wrote = with_intents(known, decided, NOW)
    anew = with_renewed_intents(wrote, wrote, decided.writes, {"export": Created("a9")}, LATER)
    assert anew.records["export"].state == Bound("a9", LATER)
    assert anew.records["other"].state == CreatePending(1, LATER, LATER)
    assert anew.records["third"].state == CreatePending(2, FIRST, LATER)


def test_unconfirmed_renewal_still_belongs_to_this_run() -> None:
    """If the answer to a renewal was lost but the lease is held, newer intents still belong to this run."""
    lease = Lease("run-1", "process 1", "h", 1, LATER)
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    decided = compute_plan(
        [manifest(), other, CHANGED_OTHER], observation(live("u1", DestinationURI=UPDATED)), KNOWN, UPDATING
    )
    wrote = replace(with_intents(KNOWN, decided, NOW), lease=lease)
    anew = with_renewed_intents(wrote, wrote, decided.writes, {"export": Created("a9")}, LATER)
    unsent: Outcome = NotSent("no lease")
    outcomes: dict[str, Outcome] = {"export": Created("a9"), "other": unsent, "changed": unsent}
    done = with_outcomes(anew, wrote, decided.writes, outcomes, LATER)
    assert isinstance(done.records["export"].state, Bound)
    assert "other" not in done.records
    assert done.records["changed"] == KNOWN.records["changed"]
    lost = replace(anew, lease=replace(lease, run="run-2"))
    assert with_outcomes(lost, wrote, decided.writes, outcomes, LATER) == lost


def test_record_changed_by_another_run_is_left_unchanged() -> None:
    """After a lease takeover, records that the new holder changed stay unchanged."""
    known = journal()
    decided = compute_plan([manifest()], observation(), known, rules())
    wrote = with_intents(known, decided, NOW)
    theirs = wrote.with_records(record())
    assert with_outcomes(theirs, wrote, decided.writes, {"export": Created("a9")}, LATER) == theirs
    assert with_renewed_intents(theirs, wrote, decided.writes, {}, LATER) == theirs
    assert with_outcomes(wrote, wrote, decided.writes, {}, LATER) == wrote
