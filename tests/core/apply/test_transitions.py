"""Journal transitions: the records before the calls of a plan, and after each outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import INTEGRATION, NOW, ON_DEMAND, SETTLE, journal, live, manifest, observation, record, rules
from support.recurring import build_recurring_record
from support.reports import create

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.apply.transitions import with_intents, with_look, with_outcomes, with_renewed_intents
from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, CreatePending, Journal, LastDecision, Lease, Record
from reconciler.core.model import Execution, Manifest, Mode, Policy
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.write import Create
from reconciler.core.request.normalise import resolve_request

FIRST = NOW - SETTLE * 4
LATER = NOW + timedelta(minutes=2)
CREATED_JOB = Job(JobSource.CREATE, LATER, is_accepted=True)


def build_create(name: str) -> Create:
    """Return a Create of a manifest."""
    return replace(create(), manifest=manifest(name))


def record_create_outcome(outcome: Outcome, stored_record: Record | None = None) -> Record | None:
    """Return the record after one Create with this outcome."""
    stored_journal = journal(*([stored_record] if stored_record else []))
    plan = compute_plan([manifest()], observation(), stored_journal, rules())
    intents = with_intents(stored_journal, plan, NOW)
    return with_outcomes(intents, intents, plan.writes, {"export": outcome}, LATER).records.get("export")


def write_intents(before: Journal, *manifests: Manifest, now: timedelta = timedelta(0)) -> Journal:
    """Return the journal that a run writes first, over these manifests and one live association."""
    return with_intents(
        before, compute_plan(manifests, observation(live()), before, rules(Mode.CREATE_AND_UPDATE)), NOW + now
    )


def build_due_create(attempts: int) -> Record:
    """Return the record of a Create that is due for a retry."""
    return replace(record(), state=CreatePending(attempts, FIRST, NOW - SETTLE * 2**attempts))


def test_pending_record_has_the_time_of_writing() -> None:
    """The settle time starts when the intent is written, not when the plan is computed."""
    before = journal()
    intents = with_intents(before, compute_plan([manifest()], observation(), before, rules()), LATER)
    assert intents.records["export"].state == CreatePending(1, LATER, LATER)


def test_adoption_writes_a_bound_record() -> None:
    """An adoption writes a bound record. A renamed manifest takes over its old record."""
    assert write_intents(journal(record("old")), manifest("new")).records == {"new": record("new")}


def test_record_of_a_removed_manifest_is_kept() -> None:
    """The record of a removed manifest stays, with its last decision."""
    stored_journal = write_intents(journal(record()), manifest())
    next_journal = write_intents(stored_journal, now=timedelta(hours=1))
    assert next_journal == stored_journal


def test_decision_without_a_record_is_dropped_with_its_manifest() -> None:
    """The last decision of a manifest without a record is removed with the manifest."""
    stored_journal = write_intents(journal(), manifest("stray", DataIntegrationIdentifier="none"))
    assert stored_journal.last_decisions == {"stray": LastDecision("blocked", NOW)}
    assert write_intents(stored_journal).last_decisions == {}


def test_last_decision_keeps_its_start_and_last_job() -> None:
    """A decision keeps the time of its first run. The last export stays known while List omits the association."""
    job = Execution("COMPLETED", "done")
    plan = compute_plan([manifest()], observation(replace(live(), last_execution=job)), journal(record()), rules())
    stored_journal = with_intents(journal(record()), plan, NOW)
    assert stored_journal.last_decisions == {"export": LastDecision("in-sync", NOW, job)}
    assert with_intents(stored_journal, plan, LATER) == stored_journal
    journal_without_listing = with_intents(
        stored_journal, compute_plan([manifest()], observation(), stored_journal, rules()), LATER
    )
    assert journal_without_listing.last_decisions == {"export": LastDecision("settling", LATER, job)}


def test_run_without_news_does_not_change_the_journal() -> None:
    """A run without changes leaves the content of the journal equal, and therefore needs no write."""
    stored_journal = write_intents(journal(record()), manifest())
    assert write_intents(stored_journal, manifest(), now=timedelta(hours=1)).has_same_content_as(stored_journal)


def test_a_created_association_is_bound() -> None:
    """After a successful Create, the record is bound to the returned id, with the time of the answer."""
    stored_record = record_create_outcome(Created("a9"))
    assert stored_record is not None
    assert stored_record.state == Bound("a9", LATER, job=CREATED_JOB)


@pytest.mark.parametrize("outcome", [Refused("no"), NotSent("busy"), Skipped("stopped")])
def test_create_without_effect_removes_the_pending_record(outcome: Outcome) -> None:
    """A first Create without effect leaves no record, and the next run may create at once."""
    assert record_create_outcome(outcome) is None


def test_unknown_outcome_keeps_the_pending_record() -> None:
    """After an unknown outcome, the pending record stays."""
    stored_record = record_create_outcome(Unknown("time-out"))
    assert stored_record is not None
    assert isinstance(stored_record.state, CreatePending)


def test_refused_repeat_leaves_the_outcome_unknown() -> None:
    """A refused second Create keeps the pending record, because the first one may have caused the refusal."""
    stored_record = record_create_outcome(Refused("already associated"), build_due_create(1))
    assert stored_record is not None
    assert stored_record.state == CreatePending(2, FIRST, LATER)


@pytest.mark.parametrize("outcome", [NotSent("busy"), Skipped("stopped")])
def test_unsent_repeat_does_not_count_as_an_attempt(outcome: Outcome) -> None:
    """An unsent retry restores the previous record, with its attempts and times."""
    assert record_create_outcome(outcome, build_due_create(1)) == build_due_create(1)


def test_rename_is_kept_when_a_repeat_was_not_sent() -> None:
    """A renamed manifest keeps its record if the retry was not sent."""
    before = journal(
        replace(build_due_create(1), name="old"), record("other", DestinationURI="s3://corp-exports/other")
    )
    manifests = [manifest(), manifest("other", DestinationURI="s3://corp-exports/other")]
    plan = compute_plan(manifests, observation(live(DestinationURI="s3://corp-exports/other")), before, rules())
    intents = with_intents(before, plan, LATER)
    assert set(intents.records) == {"export", "other"}
    after_outcomes = with_outcomes(intents, intents, plan.writes, {"export": NotSent("busy")}, LATER)
    assert after_outcomes.records["export"] == build_due_create(1)


def test_settle_time_starts_after_the_last_call() -> None:
    """After an unknown outcome, the settle time starts at the end of the call."""
    stored_record = record_create_outcome(Unknown("time-out"))
    assert stored_record is not None
    assert stored_record.state == CreatePending(1, NOW, LATER)


CHANGED_MANIFEST = manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE), ExecutionConfiguration={**ON_DEMAND, "X": "y"})


UPDATED_DESTINATION = "s3://corp-exports/updated"
OTHER_CHANGED_MANIFEST = replace(
    manifest(
        "changed",
        CHANGED_MANIFEST.policy,
        DestinationURI=UPDATED_DESTINATION,
        ExecutionConfiguration={**ON_DEMAND, "X": "y"},
    )
)
JOURNAL = journal(record("changed", "u1", DestinationURI=UPDATED_DESTINATION))
UPDATE_RULES = rules(Mode.CREATE_AND_UPDATE)


@pytest.mark.parametrize(
    ("outcome", "job"),
    [
        (Updated(), Job(JobSource.UPDATE, LATER, is_accepted=True)),
        (Unknown("time-out"), Job(JobSource.UPDATE, LATER)),
        (Refused("no"), Job(JobSource.UPDATE, LATER, refusal=Refusal("no"), refusal_count=1)),
    ],
)
def test_update_is_recorded_for_every_outcome(outcome: Outcome, job: Job) -> None:
    """A sent Update is recorded as applied, a refusal keeps its reason, and an unsent one restores the record."""
    before = journal(record())
    plan = compute_plan([CHANGED_MANIFEST], observation(live()), before, rules(Mode.CREATE_AND_UPDATE))
    intents = with_intents(before, plan, NOW)
    assert intents.records["export"].request == resolve_request(CHANGED_MANIFEST.spec, INTEGRATION.arn)
    state = with_outcomes(intents, intents, plan.writes, {"export": outcome}, LATER).records["export"].state
    assert isinstance(state, Bound)
    assert state.job == job
    assert with_outcomes(intents, intents, plan.writes, {"export": NotSent("busy")}, LATER).records == before.records


def test_renewal_writes_outcomes_and_refreshes_pending_records() -> None:
    """A renewal binds finished calls and renews the other intents. A retry keeps its first time."""
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    third = manifest("third", DestinationURI="s3://corp-exports/third")
    before = journal(
        replace(build_due_create(1), name="third", request=record(DestinationURI="s3://corp-exports/third").request)
    )
    plan = compute_plan([manifest(), other, third], observation(), before, rules())
    intents = with_intents(before, plan, NOW)
    renewed_intents = with_renewed_intents(intents, intents, plan.writes, {"export": Created("a9")}, LATER)
    assert renewed_intents.records["export"].state == Bound("a9", LATER, job=CREATED_JOB)
    assert renewed_intents.records["other"].state == CreatePending(1, LATER, LATER)
    assert renewed_intents.records["third"].state == CreatePending(2, FIRST, LATER)


def test_unconfirmed_renewal_still_belongs_to_this_run() -> None:
    """If the answer to a renewal was lost but the lease is held, newer intents still belong to this run."""
    lease = Lease("run-1", "process 1", "h", 1, LATER)
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    plan = compute_plan(
        [manifest(), other, OTHER_CHANGED_MANIFEST],
        observation(live("u1", DestinationURI=UPDATED_DESTINATION)),
        JOURNAL,
        UPDATE_RULES,
    )
    intents = replace(with_intents(JOURNAL, plan, NOW), lease=lease)
    renewed_intents = with_renewed_intents(intents, intents, plan.writes, {"export": Created("a9")}, LATER)
    not_sent: Outcome = NotSent("no lease")
    outcomes: dict[str, Outcome] = {"export": Created("a9"), "other": not_sent, "changed": not_sent}
    after_outcomes = with_outcomes(renewed_intents, intents, plan.writes, outcomes, LATER)
    assert isinstance(after_outcomes.records["export"].state, Bound)
    assert "other" not in after_outcomes.records
    assert after_outcomes.records["changed"] == JOURNAL.records["changed"]
    with_other_lease = replace(renewed_intents, lease=replace(lease, run="run-2"))
    assert with_outcomes(with_other_lease, intents, plan.writes, outcomes, LATER) == with_other_lease


def test_record_changed_by_another_run_is_left_unchanged() -> None:
    """After a lease takeover, records that the new holder changed stay unchanged."""
    before = journal()
    plan = compute_plan([manifest()], observation(), before, rules())
    intents = with_intents(before, plan, NOW)
    other_journal = intents.with_records(record())
    assert with_outcomes(other_journal, intents, plan.writes, {"export": Created("a9")}, LATER) == other_journal
    assert with_renewed_intents(other_journal, intents, plan.writes, {}, LATER) == other_journal
    assert with_outcomes(intents, intents, plan.writes, {}, LATER) == intents


@pytest.mark.parametrize(
    ("status", "job", "is_recorded"),
    [
        ("IN_PROGRESS", CREATED_JOB, True),
        ("COMPLETED", CREATED_JOB, False),
        (None, CREATED_JOB, False),
        ("IN_PROGRESS", None, False),
        ("IN_PROGRESS", replace(CREATED_JOB, result="FAILED", ended_at=LATER), False),
    ],
)
def test_new_job_that_runs_is_recorded(status: str | None, job: Job | None, *, is_recorded: bool) -> None:
    """After the calls, the ARN in List is recorded, and a new job as shown and running if List shows IN_PROGRESS.

    A final status may belong to an earlier job. The time since which it counts is compared with the clock of AWS, so a
    later run records it.
    """
    before = journal(replace(record(), state=Bound("a1", NOW, job=job)))
    after = with_look(before, [build_create("export")], {"a1": live(status=status)}, LATER)
    recorded_job = replace(CREATED_JOB, shown_at=LATER, running_at=LATER) if is_recorded else job
    assert after == journal(replace(record(), state=Bound("a1", NOW, arn=live().arn, job=recorded_job)))


def test_only_new_jobs_that_list_shows_are_recorded() -> None:
    """A job is recorded as running only for a write of this run whose association List shows, and only once."""
    running = replace(CREATED_JOB, shown_at=NOW, running_at=NOW)
    other = replace(record("other", "a2"), state=Bound("a2", NOW))
    bound = Bound("a1", NOW, arn=live().arn, job=running)
    pending = replace(record("pending"), state=CreatePending(1, NOW, NOW))
    before = journal(replace(record(), state=bound), other, pending)
    live_by_id = {"a1": live(status="IN_PROGRESS")}
    writes = [build_create(name) for name in ("export", "other", "pending", "gone")]
    assert with_look(before, writes, live_by_id, LATER) == before


def test_status_after_the_calls_replaces_the_one_before() -> None:
    """The journal keeps the status that List showed after the calls, and not that of the export before them."""
    last_decision = LastDecision("update", NOW, Execution("COMPLETED", None))
    before = replace(journal(record()), last_decisions={"export": last_decision, "other": last_decision})
    after = with_look(before, [build_create("export")], {"a1": live(status="IN_PROGRESS")}, LATER)
    running = replace(last_decision, last_execution=Execution("IN_PROGRESS", None))
    assert after.last_decisions == {"export": running, "other": last_decision}


@pytest.mark.parametrize("is_recurring", [True, False])
@pytest.mark.parametrize("is_shown", [True, False])
def test_running_job_is_shown_once_list_has_its_configuration(*, is_recurring: bool, is_shown: bool) -> None:
    """IN_PROGRESS alone does not say that List shows the update. For recurring windows, the window says so."""
    stored = replace(build_recurring_record() if is_recurring else record(), state=Bound("a1", NOW, job=CREATED_JOB))
    execution = stored.request["ExecutionConfiguration"] if is_shown else {**ON_DEMAND, "OnDemandConfiguration": {}}
    association = live(status="IN_PROGRESS", ExecutionConfiguration=execution)
    state = with_look(journal(stored), [build_create("export")], {"a1": association}, LATER).records["export"].state
    assert isinstance(state, Bound)
    assert state.job == replace(CREATED_JOB, running_at=LATER, shown_at=LATER if is_shown else None)
