"""One run of one target: look at AWS and the journal, let the core decide, and carry the decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.core.apply.outcome import DONE
from reconciler.core.apply.preview import Preview
from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import remembered
from reconciler.core.errors import StateError, StateMoved, Stopped
from reconciler.core.model import Live, Unobserved
from reconciler.core.plan.decision import Plan, Write
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.matching import by_id
from reconciler.core.ports import CloudReader, JournalReader, Writers
from reconciler.core.run import Run
from reconciler.execute import Executor

_ATTEMPTS = 3


def preview(run: Run, cloud: CloudReader, journal: JournalReader) -> Preview:
    """Decide what a run would do, without anything that can write. Raises CloudError and StateError."""
    context = run.context
    recorded, rules = journal.read(), RunRules(context.options, context.clock.now())
    seen = cloud.observe(context.progress)
    return Preview(Plan(), recorded, seen, rules, context.clock.now()).decided(run.target, run.manifests, seen)


def reconcile(
    run: Run, cloud: CloudReader, journal: JournalReader, writers: Writers, reviewed: Preview | None = None
) -> Result:
    """Bring one target as close to its manifests as its policy allows. Raises CloudError and StateError.

    A `reviewed` preview is carried out as it is; if its writes have changed since, nothing is written.
    """
    candidate = reviewed
    for _ in range(_ATTEMPTS):
        candidate = _look_again(run, candidate or preview(run, cloud, journal), cloud)
        if reviewed and not reviewed.has_same_writes_as(candidate.plan):
            error = "what there is to write changed while it was looked at: nothing was written"
            return Result(candidate.plan, {}, {}, error)
        if candidate.is_fresh(run.context.clock.now()):
            try:
                return _apply(run, candidate, cloud, writers)
            except StateMoved:
                pass
        candidate = None
    raise StateMoved("others wrote the journal, or it took too long to look, three times in this run: run again")


def _look_again(run: Run, candidate: Preview, cloud: CloudReader) -> Preview:
    """Decide again from a second, closer look at whatever is about to be written: a Create cannot be taken back."""
    listed: Mapping[str, tuple[Live, ...] | Unobserved] = {}
    while more := [write for write in candidate.plan.writes if write.integration_arn not in listed]:
        listed = {**listed, **_list(more, cloud)}
        seen = replace(candidate.seen, associations={**candidate.seen.associations, **listed})
        candidate = candidate.decided(run.target, run.manifests, seen)
    return candidate


def _apply(run: Run, candidate: Preview, cloud: CloudReader, writers: Writers) -> Result:
    """Write the intents, make the calls and write the answers; only the journal if there are no calls.

    Raises StateMoved if another run wrote the journal first. Any other error of the journal is part of the result:
    nothing was sent then, and what was seen is worth a report.
    """
    plan, recorded, now = candidate.plan, candidate.recorded, run.context.clock.now()
    intended = remembered(recorded, plan, now)
    try:
        if plan.writes:
            with writers.journal.lease(recorded, intended) as leased:
                executor = Executor(plan, now, leased, writers.cloud, run.context.clock)
                error = executor.execute(run.context.is_stopped, run.context.progress)
            made = [write for write in plan.writes if isinstance(executor.outcomes[write.manifest.name], DONE)]
            return Result(plan, executor.outcomes, _list_again(made, cloud), error, intended.standings)
        if not recorded.lineage or not intended.says_what(recorded):  # a journal that was to begin has begun
            writers.journal.swap(recorded, intended)
    except StateMoved:
        raise
    except StateError as error:
        return Result(plan, {}, {}, str(error), intended.standings)
    return Result(plan, {}, {}, standings=intended.standings)


def _list_again(made: Iterable[Write], cloud: CloudReader) -> Mapping[str, Live]:
    """Return what List shows of what was written, by id; nothing if a stop comes first, so that the report comes."""
    try:
        return by_id(_list(made, cloud))
    except Stopped:
        return {}


def _list(writes: Iterable[Write], cloud: CloudReader) -> Mapping[str, tuple[Live, ...] | Unobserved]:
    """Return what List shows of the data integrations that writes are about."""
    return cloud.associations(sorted({write.integration_arn for write in writes}))
