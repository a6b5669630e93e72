"""One run over one target: gather what is known, let the core decide, carry it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.apply import FRESH, answered, intents
from reconciler.core.decisions import Create, Plan
from reconciler.core.errors import StateError, StateMoved
from reconciler.core.journal import Journal
from reconciler.core.model import Live, Manifest, Mode, Target, Unobserved
from reconciler.core.outcome import Created, NotSent, Outcome, Skipped
from reconciler.core.plan import Rules, plan
from reconciler.core.ports import Clock, CloudReader, CloudWriter, JournalReader, Progress, Writers
from reconciler.core.rails import guard
from reconciler.core.report import Result


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


def preview(run: Run, cloud: CloudReader, journal: JournalReader) -> tuple[Plan, Journal]:
    """Decide what a run would do. Holds nothing that can write. Raises CloudError and StateError."""
    recorded = journal.read()
    rules = Rules(run.mode, run.clock.now(), run.settle)
    decided = plan(run.manifests, cloud.observe(run.progress), recorded, rules)
    return guard(decided, run.target, run.mode), recorded


def reconcile(run: Run, cloud: CloudReader, journal: JournalReader, writers: Writers) -> Result:
    """Bring one target as close to its manifests as its policy allows. Raises CloudError and StateError."""
    for _ in range(3):
        decided, recorded = preview(run, cloud, journal)
        if not decided.creates and not decided.adopts:
            return Result(decided, {}, {})
        with writers.journal.lease() as lease:
            written = run.clock.now()
            try:
                intended = lease.swap(recorded, intents(recorded, decided, written))
            except StateMoved:
                continue
            outcomes, error = _send(run, decided.creates, writers.cloud, written + FRESH), None
            try:
                if outcomes:
                    lease.swap(intended, answered(recorded, intended, outcomes, run.clock.now()))
            except StateError as failure:
                error = f"{failure}; what was created stands in AWS, and the next run finds it by List"
        return Result(decided, outcomes, _look_again(decided.creates, outcomes, cloud), error)
    raise StateMoved("others wrote the journal three times during this run: run again")


def _send(run: Run, creates: Sequence[Create], cloud: CloudWriter, deadline: datetime) -> dict[str, Outcome]:
    """Send each Create, in order, and say what became of it."""
    outcomes: dict[str, Outcome] = {}
    for done, create in enumerate(creates, 1):
        outcomes[create.manifest.name] = _send_one(run, create, cloud, deadline)
        run.progress("creating", done, len(creates))
    return outcomes


def _send_one(run: Run, create: Create, cloud: CloudWriter, deadline: datetime) -> Outcome:
    """Send one Create, again only if it was not sent; never after a stop, nor long after its intent."""
    outcome: Outcome = Skipped("a stop was asked for before it was sent")
    for _ in range(3):
        cloud.wait()
        if run.stopped():
            break
        if run.clock.now() > deadline:
            return NotSent("its turn came too long after its intent was written; the next run sends it")
        outcome = cloud.create(create.request, create.token)
        if not isinstance(outcome, NotSent):
            break
    return outcome


def _look_again(creates: Sequence[Create], outcomes: Mapping[str, Outcome], cloud: CloudReader) -> dict[str, Live]:
    """Return, by id, what List shows where something was created; it may lag."""
    made = (create for create in creates if isinstance(outcomes[create.manifest.name], Created))
    shown = cloud.associations(sorted({str(create.request["DataIntegrationIdentifier"]) for create in made}))
    return {live.id: live for lives in shown.values() if not isinstance(lives, Unobserved) for live in lives}
