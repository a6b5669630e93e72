"""One run over one target: gather what is known, let the core decide, carry it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.core.apply.outcome import DONE
from reconciler.core.apply.preview import Preview
from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import STALE, remembered
from reconciler.core.errors import StateError, StateMoved, Stopped
from reconciler.core.model import Live, Manifest, Mode, Target, Unobserved
from reconciler.core.plan.decision import Plan, Write
from reconciler.core.plan.inputs import Rules
from reconciler.core.plan.matching import by_id
from reconciler.core.ports import Clock, CloudReader, JournalReader, Progress, Writers
from reconciler.execute import Sending


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is about and how far it may go. `stopped` is asked before every call that changes AWS."""

    target: Target
    manifests: Sequence[Manifest]
    mode: Mode
    settle: timedelta
    clock: Clock
    progress: Progress
    stopped: Callable[[], bool]
    max_creates: int | None = None


def preview(run: Run, cloud: CloudReader, journal: JournalReader) -> Preview:
    """Decide what a run would do. Holds nothing that can write. Raises CloudError and StateError."""
    recorded, rules = journal.read(), Rules(run.mode, run.clock.now(), run.settle, run.max_creates)
    seen = cloud.observe(run.progress)
    return Preview(Plan(), recorded, seen, rules, run.clock.now()).decided(run.target, run.manifests, seen)


def reconcile(
    run: Run, cloud: CloudReader, journal: JournalReader, writers: Writers, agreed: Preview | None = None
) -> Result:
    """Bring one target as close to its manifests as its policy allows. Raises CloudError and StateError.

    Where a preview was `agreed` to, it is carried out, or nothing is.
    """
    first = agreed
    for _ in range(3):
        first = first or preview(run, cloud, journal)
        plan, recorded, now, looked = _look_twice(run, first, cloud).plan, first.recorded, run.clock.now(), first.looked
        first = None
        if agreed and not agreed.agrees(plan):
            return Result(plan, {}, {}, "what there is to write changed while it was looked at: nothing was written")
        if plan.writes and now > looked + STALE:
            continue
        wanted = remembered(recorded, plan, now)
        try:
            if plan.writes:
                with writers.journal.lease(recorded, wanted) as leased:
                    sending = Sending(plan, now, leased, writers.cloud, run.clock)
                    error = sending.all(run.stopped, run.progress)
                made = [write for write in plan.writes if isinstance(sending.outcomes[write.manifest.name], DONE)]
                return Result(plan, sending.outcomes, _shown(made, cloud), error, wanted.standings)
            if not recorded.lineage or not wanted.says_what(recorded):  # one that was to begin has begun
                writers.journal.swap(recorded, wanted)
        except StateMoved:
            continue
        except StateError as unwritten:  # nothing was sent, and what was seen is reported all the same
            return Result(plan, {}, {}, str(unwritten), wanted.standings)
        return Result(plan, {}, {}, standings=wanted.standings)
    raise StateMoved("others wrote the journal, or it took too long to look, three times in this run: run again")


def _look_twice(run: Run, decided: Preview, cloud: CloudReader) -> Preview:
    """Decide again from a second, closer look at all that is about to be written to: a Create cannot be taken back."""
    listed: Mapping[str, tuple[Live, ...] | Unobserved] = {}
    while more := [write for write in decided.plan.writes if write.request["DataIntegrationIdentifier"] not in listed]:
        listed = {**listed, **_list(more, cloud)}
        seen = replace(decided.seen, associations={**decided.seen.associations, **listed})
        decided = decided.decided(run.target, run.manifests, seen)
    return decided


def _shown(made: Iterable[Write], cloud: CloudReader) -> Mapping[str, Live]:
    """Return what List shows of what was made, by id; nothing where a stop comes first: what was done is reported."""
    try:
        return by_id(_list(made, cloud))
    except Stopped:
        return {}


def _list(writes: Iterable[Write], cloud: CloudReader) -> Mapping[str, tuple[Live, ...] | Unobserved]:
    """Return what List shows where something is written."""
    return cloud.associations(sorted({str(write.request["DataIntegrationIdentifier"]) for write in writes}))
