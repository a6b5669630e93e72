"""Inputs of the decision table for one manifest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.journal.records import Record
from reconciler.core.model import Live, Manifest, Mode, NaturalKey, Spec, natural_key


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person chooses for all runs: the command line fills a field from the option of the same name.

    `settle_time` is how long List may lag behind a Create or an Update. `max_creates` is how many associations a run
    may create in each target, if that is fewer than the target's own bound.
    """

    mode: Mode = Mode.CREATE
    settle_time: timedelta = timedelta(minutes=15)
    max_creates: int | None = None


@dataclass(frozen=True, slots=True)
class RunRules:
    """Options of a run and the time of its decisions."""

    options: RunOptions
    now: datetime


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """One manifest, its resolved request, its record and the live associations that it may mean.

    `integrations` are the ARNs that are listed. `holder` is the other name under which the journal has what this one
    asks for. `listed` are the ids of what is live of the data integration, and `unexplained` is what of it neither a
    record nor a policy.adopt accounts for. `renamed_from` is the name that the record bears in the journal, where the
    manifest was renamed; the record here has the new one.
    """

    manifest: Manifest
    request: Spec
    record: Record | None
    candidates: tuple[Live, ...]
    holder: str | None
    old_name: str | None
    rules: RunRules
    integration_arns: Collection[str] = ()
    live_ids: tuple[str, ...] = ()
    unexplained: tuple[Live, ...] = ()

    def find_matches(self, key: NaturalKey) -> tuple[Live, ...]:
        """Return the live candidates of a natural key."""
        return tuple(live for live in self.candidates if natural_key(live.spec) == key)

    def is_generation_raised(self, record: Record) -> bool:
        """Tell whether policy.generation is higher than the generation in the record."""
        return self.manifest.policy.generation > record.generation

    def describe_remedy(self, record: Record) -> str:
        """Return the remedy of a give-up or a loss, as a clause of a sentence."""
        return f"policy.generation is raised above {record.generation}"

    def acknowledge_generation(self, record: Record) -> Record:
        """Return the record with the generation of the manifest. Only a loss or a give-up acts on a raised one.

        Only the first run that sees a raised generation may act on it. A later loss must not use it.
        """
        return replace(record, generation=max(record.generation, self.manifest.policy.generation))


def describe_ambiguity(matches: Sequence[Live]) -> str:
    """Return the reason to block if several live associations match."""
    arns = ", ".join(sorted(live.arn for live in matches))
    return f"{len(matches)} live associations match: choose one of them with policy.adopt: {arns}"
