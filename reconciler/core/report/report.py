"""Report of a run: its targets, associations and outcomes, ready to render."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.apply.outcome import SUCCESSES, NotSent, Outcome, RefusalKind, Refused, Unknown
from reconciler.core.errors import Problem
from reconciler.core.journal.records import Record
from reconciler.core.model import Execution, Ignored, Live, Origin
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.review import PlanMismatch, compute_digest, format_write_line
from reconciler.core.plan.write import Write, is_window_update
from reconciler.core.report.exports import KnownExport
from reconciler.core.report.summary_names import format_summary_name
from reconciler.core.report.windows import WindowReport
from reconciler.core.shards import Shard


@dataclass(frozen=True, slots=True)
class AssociationReport:
    """Report of one manifest.

    `write` is the write of this run, or a held write that resumes by itself. `since` is the time of the first run in an
    unbroken series of runs with the same decision. `until` is the time until which the manifest waits, if it waits and
    the time is known. `exit_code` and `dry_run_exit_code` are what the decision asks for. `windows` are the recurring
    windows of the manifest. They are None without a `window`, and if they are unknown. `pause` is the time after which
    a run sends an Update again that AWS refused, if a run does so by itself.
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
    until: datetime | None = None
    exit_code: int = 0
    dry_run_exit_code: int = 0
    windows: WindowReport | None = None
    pause: timedelta | None = None
    exports: tuple[KnownExport, ...] = ()

    @property
    def reviewed_write(self) -> Write | None:
        """The write, unless it is the Update of a recurring window, which no review covers."""
        return None if self.write is None or is_window_update(self.write) else self.write

    @property
    def needs_attention(self) -> bool:
        """True if a write is held or a change is not sent, and a person should know of it."""
        return self.decision in {DecisionKind.HELD, DecisionKind.CHANGED} and self.exit_code > 0

    @property
    def is_resting(self) -> bool:
        """True if a write is held, no later run sends it by itself, and this is no trouble, as with policy.suspend."""
        return self.decision is DecisionKind.HELD and self.exit_code == 0 and self.write is None

    @property
    def has_failed(self) -> bool:
        """True if a write was attempted and is not known to have succeeded, unless it waits for running jobs to end."""
        return isinstance(self.outcome, Refused | NotSent | Unknown) and not self.waits_for_quota

    @property
    def waits_for_quota(self) -> bool:
        """True if AWS refused an Update because too many jobs run. A later run sends it."""
        is_refused = isinstance(self.outcome, Refused) and self.outcome.kind is RefusalKind.QUOTA
        return is_refused and self.decision is DecisionKind.UPDATE

    @property
    def has_failed_export(self) -> bool:
        """True if the last export that has ended failed, regardless of the decision. False if it is retired."""
        has_status = self.last_execution is not None and self.last_execution.status == "FAILED"
        has_failed = has_status or bool(self.windows and self.windows.has_failed)
        return has_failed and self.decision is not DecisionKind.RETIRED

    @property
    def has_remaining_difference(self) -> bool:
        """True if a difference between the manifest and AWS remains after the run. False if it is blocked."""
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
            case (
                DecisionKind.ADOPT
                | DecisionKind.IN_SYNC
                | DecisionKind.RETIRED
                | DecisionKind.FINISHED
                | DecisionKind.BLOCKED
            ):
                return False
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class TargetReport:
    """Report of one target. `error` is the reason if the target could not be reconciled.

    `is_access_failure` is true if credentials, clock, Region or network may be the cause of the error.
    `unmanaged` are the live associations that no manifest covers. `orphaned` are the records whose manifests are gone.
    `ignored` are live associations without a manifest that the Target declares as those of somebody else.
    `unlisted` are the ARNs of the data integrations that could not be listed, each with the reason. `live_count` is the
    number of live associations, with those that this run created. `integration_names` are the names of the data
    integrations, by ARN. `warnings` are the warnings about manifests that need an answer of AWS.
    """

    name: str
    account: str | None
    region: str | None
    error: str | None = None
    associations: tuple[AssociationReport, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    orphaned: tuple[Record, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()
    live_count: int = 0
    integration_names: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    is_access_failure: bool = False

    def get_integration_name(self, arn: str) -> str:
        """Return the name of a data integration, or its ARN if the data integration is gone."""
        return self.integration_names.get(arn, arn)

    def format_integration(self, arn: str) -> str:
        """Return the name and ARN of a data integration, or the ARN alone if the data integration is gone."""
        return f"{self.integration_names[arn]} ({arn})" if arn in self.integration_names else arn

    @property
    def failed_count(self) -> int:
        """The number of failed writes."""
        return sum(association.has_failed for association in self.associations)

    @property
    def has_attempted_writes(self) -> bool:
        """True if a write of the plan has an outcome."""
        return any(each.outcome for each in self.associations if each.write)

    @property
    def has_plan(self) -> bool:
        """True if a manifest has a decision, or, in a target that failed, a write. A plan may have no writes."""
        return bool(self.associations) if self.error is None else any(each.write for each in self.associations)

    @property
    def managed_count(self) -> int:
        """The number of live associations that a manifest covers."""
        return self.live_count - len(self.unmanaged) - len(self.ignored)

    @property
    def ignored_count(self) -> int:
        """The number of live associations without a manifest that the Target ignores."""
        return len(self.ignored)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Time, revision and version of a run. Times are UTC.

    `is_single` is true if nothing starts a later run, as on a terminal and in a git hook. `is_question` is true for the
    plan that a person at a terminal is asked about. `shard` is None if targets are not shared.
    """

    id: str
    started_at: datetime
    finished_at: datetime
    _: KW_ONLY
    dry_run: bool
    revision: str | None
    version: str
    is_single: bool = False
    is_question: bool = False
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Report of one run."""

    run: RunInfo
    targets: tuple[TargetReport, ...]
    warnings: tuple[Problem, ...] = ()
    mismatch: PlanMismatch | None = None

    @property
    def plan_digest(self) -> str:
        """The digest `sha256:…` of the writes that a review covers. Other members of the report do not change it."""
        writes = (each.reviewed_write for each in self.associations)
        return compute_digest(format_write_line(each) for each in writes if each)

    @property
    def has_reviewed_writes(self) -> bool:
        """True if the plan has writes that a review covers."""
        return any(each.reviewed_write for each in self.associations)

    @property
    def has_plan(self) -> bool:
        """True if a target has a plan, or if a shard has no targets. Without a plan, the digest has no meaning."""
        return any(target.has_plan for target in self.targets) or bool(self.run.shard and not self.targets)

    @property
    def associations(self) -> tuple[AssociationReport, ...]:
        """The associations of all targets."""
        return tuple(each for target in self.targets for each in target.associations)

    @property
    def live_count(self) -> int:
        """The number of live associations of all targets."""
        return sum(target.live_count for target in self.targets)

    @property
    def managed_count(self) -> int:
        """The number of live associations of all targets that a manifest covers."""
        return sum(target.managed_count for target in self.targets)

    @property
    def ignored_count(self) -> int:
        """The number of live associations of all targets without a manifest that their Target ignores."""
        return sum(target.ignored_count for target in self.targets)

    @property
    def unmanaged_count(self) -> int:
        """The number of live associations of all targets that no manifest covers."""
        return sum(len(target.unmanaged) for target in self.targets)

    @property
    def failed_count(self) -> int:
        """The number of failed writes of all targets."""
        return sum(target.failed_count for target in self.targets)

    def count_decisions(self, kind: DecisionKind) -> int:
        """Return the number of manifests with a kind of decision."""
        return sum(association.decision is kind for association in self.associations)

    @property
    def summary(self) -> Mapping[str, int]:
        """The counts: each manifest once by its decision, then unmanaged associations and failed writes."""
        counts = Counter(association.decision for association in self.associations)
        return {
            **{format_summary_name(kind): counts[kind] for kind in DecisionKind},
            "unmanaged": self.unmanaged_count,
            "failed": self.failed_count,
        }

    @property
    def waiting_writes(self) -> tuple[AssociationReport, ...]:
        """The associations whose held writes a later run sends, without a change in git or in the options."""
        return tuple(each for each in self.associations if each.decision is DecisionKind.HELD and each.write)

    @property
    def open_count(self) -> int:
        """The number of manifests that wait for a person or a later run, without drifted ones."""
        waiting = (each.decision is DecisionKind.BLOCKED or each.has_remaining_difference for each in self.associations)
        return sum(waiting) - self.count_decisions(DecisionKind.DRIFTED)

    @property
    def is_complete(self) -> bool:
        """True if every target was reconciled and every data integration was listed."""
        return not any(target.error or target.unlisted for target in self.targets)

    @property
    def has_failed(self) -> bool:
        """True if a target failed, a data integration could not be listed, or a write failed. Blocked is not failed."""
        return not self.is_complete or self.failed_count > 0

    @property
    def exit_code(self) -> int:
        """Exit code: 1 if the run failed, a decision asks for it, or the plan is not the reviewed one; otherwise 0."""
        codes = (each.dry_run_exit_code if self.run.dry_run else each.exit_code for each in self.associations)
        return 1 if self.has_failed or self.mismatch or any(codes) else 0

    def get_detailed_exit_code(self, *, should_count_unmanaged: bool = False) -> int:
        """Return 1 if `exit_code` is 1, 2 if a difference remains, otherwise 0.

        If `should_count_unmanaged`, an unmanaged association is a difference.
        """
        if self.exit_code:
            return 1
        has_difference = any(association.has_remaining_difference for association in self.associations)
        return 2 if has_difference or (should_count_unmanaged and self.unmanaged_count) else 0
