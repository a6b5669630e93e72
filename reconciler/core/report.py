"""What a run says at its end: a value that every renderer shows and no renderer decides."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.decisions import (
    Blocked,
    Create,
    Decision,
    Drifted,
    Held,
    InSync,
    Lost,
    Plan,
    Update,
    Write,
    live_of,
)
from reconciler.core.diff import Difference
from reconciler.core.model import Execution, Json, Live, Manifest, Origin, Spec, natural_key
from reconciler.core.outcome import DONE, Created, NotSent, Outcome, Refused, Unknown
from reconciler.core.request import unverifiable
from reconciler.core.token import canonical_json

SUMMARY = (
    "create", "update", "adopt", "inSync", "drifted", "changed", "settling", "lost", "held", "blocked",
    "unmanaged", "failed",
)  # fmt: skip
"""The counts of a summary, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Association:
    """One manifest's line of the report."""

    name: str
    origin: Origin
    decision: str
    reason: str
    integration: str
    destination: str
    arn: str | None = None
    client_token: str | None = None
    differences: tuple[Difference, ...] = ()
    unverifiable: tuple[str, ...] = ()
    last_execution: Execution | None = None
    outcome: Outcome | None = None

    @property
    def counted_as(self) -> str:
        """The summary's name for the decision; an adoption that found drift, or a change of git, counts as that."""
        if self.decision == "adopt" and self.differences:
            return "drifted" if any(difference.drifted for difference in self.differences) else "changed"
        return "inSync" if self.decision == "in-sync" else self.decision

    @property
    def failed(self) -> bool:
        """Whether a call was made and nothing good is known of it."""
        return isinstance(self.outcome, Refused | NotSent | Unknown)


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target's part: `error` says why it could not be reconciled at all."""

    name: str
    account: str | None
    region: str | None
    error: str | None = None
    associations: tuple[Association, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    digest_lines: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many calls failed."""
        return sum(association.failed for association in self.associations)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """When, from what and how a run was made. Times are UTC."""

    id: str
    started_at: datetime
    finished_at: datetime
    dry_run: bool
    revision: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run has to say."""

    run: RunInfo
    targets: tuple[TargetReport, ...]

    @property
    def plan_digest(self) -> str:
        """`sha256:…` over what the run would write to AWS, and nothing that changes by itself."""
        lines = sorted(line for target in self.targets for line in target.digest_lines)
        return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def summary(self) -> Mapping[str, int]:
        """Counts by decision, every manifest once, then unmanaged associations and failed outcomes."""
        counts: Counter[str] = Counter(
            association.counted_as for target in self.targets for association in target.associations
        )
        counts["unmanaged"] = sum(len(target.unmanaged) for target in self.targets)
        counts["failed"] = sum(target.failed for target in self.targets)
        return {name: counts[name] for name in SUMMARY}

    @property
    def exit_code(self) -> int:
        """0 where nothing failed and nothing is blocked, else 1."""
        summary = self.summary
        return 1 if summary["failed"] or summary["blocked"] or any(target.error for target in self.targets) else 0

    @property
    def detailed_exit_code(self) -> int:
        """As exit_code, but 2 where nothing failed and a difference remains."""
        if self.exit_code:
            return 1
        open_ = (a for target in self.targets for a in target.associations if _remains(a))
        return 2 if any(open_) else 0


@dataclass(frozen=True, slots=True)
class Result:
    """What was decided, what became of it by manifest name, and what List showed afterwards by id."""

    plan: Plan
    outcomes: Mapping[str, Outcome]
    refreshed: Mapping[str, Live]
    error: str | None = None


def describe(plan: Plan, outcomes: Mapping[str, Outcome], refreshed: Mapping[str, Live]) -> tuple[Association, ...]:
    """Return a line for each decision, with outcomes by manifest name and what List showed afterwards by id."""
    return tuple(
        _association(decision, outcome, refreshed.get(_changed_id(decision, outcome)))
        for decision in plan.decisions
        for outcome in (outcomes.get(decision.manifest.name),)
    )


def _changed_id(decision: Decision, outcome: Outcome | None) -> str:
    """Return which association a call made or changed; nothing where there was no such call."""
    if isinstance(outcome, Created):
        return outcome.association_id
    return decision.association_id if isinstance(decision, Update) and outcome else ""


def undecided(manifests: Sequence[Manifest], reason: str) -> tuple[Association, ...]:
    """Return a blocked line for each manifest of a target that could not be reconciled at all."""
    return tuple(_association(Blocked(manifest, reason), None, None) for manifest in manifests)


def digest_lines(plan: Plan) -> tuple[str, ...]:
    """Return a canonical line for each write to AWS that the plan holds."""
    return tuple(canonical_json([natural_key(write.request), write.word, *_sent(write)]) for write in plan.writes)


def _sent(write: Write) -> tuple[Json, ...]:
    """Return what is sent."""
    return (write.token, write.request) if isinstance(write, Create) else (write.association_id, write.execution)


def _remains(association: Association) -> bool:
    """Tell whether a difference between git and AWS is left after the run."""
    if association.decision in {"create", "update"}:
        return not isinstance(association.outcome, DONE)
    return association.counted_as in {"changed", "drifted", "settling", "lost", "held"}


def _association(decision: Decision, outcome: Outcome | None, refreshed: Live | None) -> Association:
    manifest, live = decision.manifest, refreshed or live_of(decision)
    write = decision.instead if isinstance(decision, Held | Blocked) else decision
    request: Spec = write.request if isinstance(write, Create | Update) else manifest.spec
    return Association(
        name=manifest.name,
        origin=manifest.origin,
        decision=decision.word,
        reason=_reason(decision),
        integration=manifest.integration,
        destination=str(request.get("DestinationURI", "")),
        arn=live.arn if live else None,
        client_token=_token(write),
        differences=() if write is None or isinstance(write, Create | InSync | Lost | Blocked) else write.differences,
        unverifiable=unverifiable(request) if live or isinstance(decision, Create) else (),
        last_execution=live.last_execution if live else None,
        outcome=outcome,
    )


def _token(decision: Decision | None) -> str | None:
    return decision.record.token if decision and decision.record is not None else None


def _reason(decision: Decision) -> str:
    match decision:
        case InSync():
            return ""
        case Drifted():
            return "live left what was applied; it is not repaired"
        case Held(instead=Create()):
            return f"creating waits: {decision.reason}"
        case Held():
            return f"updating waits: {decision.reason}"
        case _:
            return decision.reason
