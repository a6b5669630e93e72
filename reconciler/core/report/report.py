"""What a run says at its end: a value that every renderer shows and no renderer decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from reconciler.core.apply.outcome import SUCCESSES, NotSent, Outcome, Refused, Unknown
from reconciler.core.errors import Problem
from reconciler.core.journal.records import Record
from reconciler.core.model import Execution, Live, Origin
from reconciler.core.plan.decision import DecisionKind, Write
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.review import PlanMismatch, canonical_line, compute_digest


def format_summary_name(kind: DecisionKind) -> str:
    """Return the member of a summary that counts a kind of decision: `inSync` for `in-sync`."""
    first, *rest = kind.split("-")
    return first + "".join(map(str.capitalize, rest))


SUMMARY_NAMES = (*map(format_summary_name, DecisionKind), "unmanaged", "failed")
"""The counts of a summary, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class AssociationReport:
    """One manifest's line of the report. `write` is the call that it leads to, now or by itself later.

    `since` is since when the decision is the same in every run.
    """

    name: str
    origin: Origin
    decision: DecisionKind
    reason: str
    integration: str
    destination: str
    arn: str | None = None
    client_token: str | None = None
    differences: tuple[Difference, ...] = ()
    unverifiable: tuple[str, ...] = ()
    last_execution: Execution | None = None
    outcome: Outcome | None = None
    write: Write | None = None
    since: datetime | None = None

    @property
    def has_failed(self) -> bool:
        """Whether a call was made and nothing good is known of it."""
        return isinstance(self.outcome, Refused | NotSent | Unknown)

    @property
    def has_failed_export(self) -> bool:
        """Whether the last job that AWS ran for it failed, however the association itself stands."""
        return self.last_execution is not None and self.last_execution.status == "FAILED"

    @property
    def has_remaining_difference(self) -> bool:
        """Whether a difference between git and AWS is left after the run."""
        match self.decision:
            case DecisionKind.CREATE | DecisionKind.UPDATE:
                return not isinstance(self.outcome, SUCCESSES)
            case (
                DecisionKind.CHANGED
                | DecisionKind.DRIFTED
                | DecisionKind.SETTLING
                | DecisionKind.LOST
                | DecisionKind.HELD
            ):
                return True
            case DecisionKind.ADOPT | DecisionKind.IN_SYNC | DecisionKind.BLOCKED:
                return False
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One target's part: `error` says why it could not be reconciled at all.

    `unmanaged` is live and has no manifest, `orphaned` is in the journal and has none. `unlisted` are the ARNs of the
    data integrations that could not be listed, and why. `live` counts what could. `names` are those of the data
    integrations, by ARN.
    """

    name: str
    account: str | None
    region: str | None
    error: str | None = None
    associations: tuple[AssociationReport, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    orphaned: tuple[Record, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()
    live_count: int = 0
    integration_names: Mapping[str, str] = field(default_factory=dict)

    def get_integration_name(self, arn: str) -> str:
        """Return the name of a data integration, or its ARN where that is gone."""
        return self.integration_names.get(arn, arn)

    def format_integration(self, arn: str) -> str:
        """Return the name of a data integration with its ARN, for whoever has to find it."""
        return f"{self.integration_names[arn]} ({arn})" if arn in self.integration_names else arn

    @property
    def failed_count(self) -> int:
        """How many calls failed."""
        return sum(association.has_failed for association in self.associations)

    @property
    def has_attempted_writes(self) -> bool:
        """Whether a call was to be made."""
        return any(each.outcome for each in self.associations if each.write)

    @property
    def has_plan(self) -> bool:
        """Whether at least one manifest was decided on. A plan may have no writes."""
        return bool(self.associations) if self.error is None else any(each.write for each in self.associations)

    @property
    def managed_count(self) -> int:
        """How many of the live associations a manifest covers."""
        return self.live_count - len(self.unmanaged)


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
    warnings: tuple[Problem, ...] = ()
    mismatch: PlanMismatch | None = None

    @property
    def plan_digest(self) -> str:
        """`sha256:…` over what the run would write to AWS, and nothing that changes by itself."""
        return compute_digest(canonical_line(each.write) for each in self.associations if each.write)

    @property
    def has_plan(self) -> bool:
        """Whether at least one target has a plan. The digest means nothing otherwise."""
        return any(target.has_plan for target in self.targets)

    @property
    def associations(self) -> tuple[AssociationReport, ...]:
        """The associations of all targets."""
        return tuple(each for target in self.targets for each in target.associations)

    @property
    def live_count(self) -> int:
        """How many live associations could be listed."""
        return sum(target.live_count for target in self.targets)

    @property
    def managed_count(self) -> int:
        """How many of them a manifest covers."""
        return sum(target.managed_count for target in self.targets)

    @property
    def summary(self) -> Mapping[str, int]:
        """Counts by decision, every manifest once, then unmanaged associations and failed outcomes."""
        counts = Counter(association.decision for association in self.associations)
        return {
            **{format_summary_name(kind): counts[kind] for kind in DecisionKind},
            "unmanaged": sum(len(target.unmanaged) for target in self.targets),
            "failed": sum(target.failed_count for target in self.targets),
        }

    @property
    def open_count(self) -> int:
        """How many manifests wait for a person, or for another run, and have not drifted."""
        waiting = (each.decision is DecisionKind.BLOCKED or each.has_remaining_difference for each in self.associations)
        return sum(waiting) - self.summary["drifted"]

    @property
    def is_complete(self) -> bool:
        """Whether all that is live was seen."""
        return not any(target.error or target.unlisted for target in self.targets)

    @property
    def has_failed(self) -> bool:
        """Whether a target could not be reconciled or looked at whole, or a call failed. What is blocked has not."""
        return not self.is_complete or any(target.failed_count for target in self.targets)

    @property
    def exit_code(self) -> int:
        """0 where nothing failed, nothing is blocked and the plan is the one that was reviewed, else 1."""
        failure_count = self.summary["failed"] + self.summary["blocked"]
        return 1 if failure_count or self.mismatch or any(target.error for target in self.targets) else 0

    def get_detailed_exit_code(self, *, unmanaged: bool = False) -> int:
        """As exit_code, but 2 where nothing failed and a difference remains, `unmanaged` associations if asked for."""
        if self.exit_code:
            return 1
        has_difference = any(association.has_remaining_difference for association in self.associations)
        return 2 if has_difference or (unmanaged and self.summary["unmanaged"]) else 0
