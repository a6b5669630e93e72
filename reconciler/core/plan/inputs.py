"""Inputs of the decision table, for one manifest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.journal.records import Record
from reconciler.core.model import Live, Manifest, Mode, NaturalKey, Spec, build_natural_key


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a run. The command line fills each field from the option of the same name.

    `mode` limits the writes that manifests may ask for. `settle_time` is the time by which List may lag behind a Create
    or an Update. `max_creates` is the maximum number of Creates in each target. It has no effect above the `MaxCreates`
    of the target. `max_creates_total` is the maximum number of Creates in all targets of a run, if it has several.
    """

    mode: Mode = Mode.CREATE_AND_UPDATE
    settle_time: timedelta = timedelta(minutes=15)
    max_creates: int | None = None
    max_creates_total: int = 10


@dataclass(frozen=True, slots=True)
class CreateGrant:
    """Number of creates that a target may send, out of those of all targets.

    `reason` is the reason to send none if there are more. If `is_temporary` is true, a later run sends them.
    """

    limit: int
    reason: str
    is_temporary: bool = False


@dataclass(frozen=True, slots=True)
class RunRules:
    """Rules of a run: its options, the time of its decisions, and its share of the creates of all targets.

    Without a grant, only the limits of the target apply. With `has_reviewed_plan`, the run carries out only that plan.
    """

    options: RunOptions
    now: datetime
    grant: CreateGrant | None = None
    has_reviewed_plan: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionInput:
    """Input of one decision: a manifest, its resolved request, its record and the live associations that may match.

    `holder` is another name that has the requested association, or an unanswered Create of it. `old_name` is the name
    of the record in the journal if the manifest was renamed; `record` has the new name. `integration_arns` are the ARNs
    of the existing data integrations. `live_ids` are the ids of the live associations of the requested data
    integration. `unexplained` are those live associations of it that no record and no policy.adopt explains.
    `adoption_owner` is another manifest that owns the live association in policy.adopt. `aws_time` is the time of AWS
    in this run, or None if it is unknown.
    """

    manifest: Manifest
    request: Spec
    record: Record | None
    candidates: tuple[Live, ...]
    holder: str | None
    old_name: str | None
    rules: RunRules
    integration_arns: Collection[str]
    live_ids: tuple[str, ...]
    unexplained: tuple[Live, ...]
    adoption_owner: str | None
    aws_time: datetime | None

    def find_matches(self, key: NaturalKey) -> tuple[Live, ...]:
        """Return the candidates with a natural key."""
        return tuple(live for live in self.candidates if build_natural_key(live.spec) == key)

    @property
    def certain_now(self) -> datetime | None:
        """The earlier of the times of this machine and of AWS. None if the time of AWS is unknown."""
        return min(self.rules.now, self.aws_time) if self.aws_time else None

    @property
    def look_time(self) -> datetime:
        """The time of this look at List, by the clock of AWS if it is known.

        Looks of several machines are compared, and the clock of one of them may be wrong.
        """
        return self.aws_time or self.rules.now

    def is_generation_raised(self, record: Record) -> bool:
        """Tell whether policy.generation is higher than the generation in the record."""
        return self.manifest.policy.generation > record.generation

    def describe_remedy(self, record: Record) -> str:
        """Return the remedy that raises policy.generation, as the beginning of a sentence."""
        return f"raise policy.generation above {record.generation}"

    def describe_older_generation(self, record: Record) -> str:
        """Return the reason to send nothing if policy.generation is lower than the generation in the record."""
        return (
            f"policy.generation is {self.manifest.policy.generation} and was {record.generation} before: if this is "
            f"an older revision, run the latest one; otherwise set policy.generation to {record.generation} or more; "
            "until then nothing is sent"
        )

    def acknowledge_generation(self, record: Record) -> Record:
        """Return the record with the generation of the manifest, if that is higher.

        Only the first run that sees a raised generation may act on it. A later loss must not use it.
        """
        return replace(record, generation=max(record.generation, self.manifest.policy.generation))


def describe_adoption_conflict(arn: str, owner: str) -> str:
    """Return the reason to block if another manifest owns the association in policy.adopt."""
    return f"policy.adopt names {arn}, which belongs to the manifest {owner!r}: correct policy.adopt"


def describe_ambiguity(matches: Sequence[Live]) -> str:
    """Return the reason to block if several live associations match."""
    arns = ", ".join(sorted(live.arn for live in matches))
    return f"{len(matches)} live associations match this manifest: name the right one in policy.adopt: {arns}"
