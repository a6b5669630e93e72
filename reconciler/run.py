"""Run one target: read the journal, list AWS, compute the plan and carry it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from reconciler.core.apply.preview import Preview
from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import with_intents
from reconciler.core.errors import StateConflict, StateError, StopRequested
from reconciler.core.model import Live, Unobserved
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.matching import index_by_id
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Write
from reconciler.core.ports import CloudReader, JournalReader, Writers
from reconciler.core.run_context import Run
from reconciler.execute import Executor

_MAX_ATTEMPTS = 3


def preview(run: Run, cloud: CloudReader, journal_reader: JournalReader) -> Preview:
    """Return the plan of a run and its inputs. Write nothing. Raises CloudError and StateError."""
    context, journal = run.context, journal_reader.read()
    rules = RunRules(context.options, context.clock.now(), run.grant, has_reviewed_plan=context.reviewed is not None)
    listing = cloud.observe(context.progress)
    return Preview(Plan(), journal, listing, rules, context.clock.now()).replan(run.target, run.manifests, listing)


def reconcile(
    run: Run, cloud: CloudReader, journal_reader: JournalReader, writers: Writers, first: Preview | None = None
) -> Result:
    """Bring one target as close to its manifests as its policy allows, and return the result.

    `first` is an earlier preview. If a person reviewed or confirmed its writes, and they have changed, write nothing.
    Raises CloudError and StateError.
    """
    candidate, approved = first, first if run.context.is_plan_approved else None
    for _ in range(_MAX_ATTEMPTS):
        candidate = _look_again(run, candidate or preview(run, cloud, journal_reader), cloud)
        if approved and not approved.has_same_writes_as(candidate.plan):
            error = "the planned writes changed during the run: nothing was written"
            return Result(candidate.plan, {}, {}, error)
        if candidate.is_fresh(run.context.clock.now()):
            with suppress(StateConflict):
                return _apply(run, candidate, cloud, writers)
        candidate = None
    raise StateConflict("three attempts failed: another run wrote the journal, or listing AWS took too long; run again")


def _look_again(run: Run, candidate: Preview, cloud: CloudReader) -> Preview:
    """List the associations of planned writes again if their list may be wrong, because a Create cannot be undone."""
    lists, now = dict[str, tuple[Live, ...] | Unobserved](), run.context.clock.now()
    while writes := [each for each in candidate.list_doubtful_writes(now) if each.integration_arn not in lists]:
        lists |= _list(writes, cloud)
        observation = replace(candidate.observation, associations={**candidate.observation.associations, **lists})
        candidate = candidate.replan(run.target, run.manifests, observation)
    return candidate


def _apply(run: Run, candidate: Preview, cloud: CloudReader, writers: Writers) -> Result:
    """Write the intents, make the calls and write the outcomes. Without calls, update only the journal.

    Raises StateConflict if another run wrote the journal first. Any other journal error becomes part of the result,
    because the plan is still worth reporting. In that case nothing was sent.
    """
    plan, journal, now = candidate.plan, candidate.journal, run.context.clock.now()
    new_journal = with_intents(journal, plan, now)
    try:
        if plan.writes:
            with writers.journal.lease(journal, new_journal) as leased_journal:
                executor = Executor(plan, now, leased_journal, writers.cloud, run.context.clock)
                executor.execute(run.context.is_stopped, run.context.progress)
                live = _list_again(executor.successful_writes, cloud)
                error = executor.finish(live)
            return Result(plan, executor.outcomes, live, error, new_journal.last_decisions)
        if not journal.lineage or not new_journal.has_same_content_as(journal):  # a first run creates the journal
            writers.journal.swap(journal, new_journal)
    except StateConflict:
        raise
    except StateError as error:
        return Result(plan, {}, {}, str(error), new_journal.last_decisions)
    return Result(plan, {}, {}, last_decisions=new_journal.last_decisions)


def _list_again(writes: Iterable[Write], cloud: CloudReader) -> Mapping[str, Live]:
    """Return the written associations as List shows them, by id. After a stop, return none to save time."""
    try:
        return index_by_id(_list(writes, cloud))
    except StopRequested:
        return {}


def _list(writes: Iterable[Write], cloud: CloudReader) -> Mapping[str, tuple[Live, ...] | Unobserved]:
    """List the associations of the data integrations that the writes touch."""
    return cloud.list_associations(sorted({write.integration_arn for write in writes}))
