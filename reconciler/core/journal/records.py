"""What the program remembers of one account and Region: values only; `document.py` has their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.core.model import Execution, Json, NaturalKey, Spec, natural_key

LEASE_DURATION = timedelta(minutes=5)
"""How long a lease lasts: longer than an intent is fresh and a call may take, shorter than the settle time."""


@dataclass(frozen=True, slots=True)
class CreatePending:
    """A Create was about to be sent, and no answer is known. `attempts` counts from 1.

    `seen` are the ids of what List showed of the data integration before the first attempt: another one may be what
    came of it.
    """

    attempts: int
    first_attempt: datetime
    last_attempt: datetime
    live_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdatePending:
    """An Update was about to be sent, and List does not show it yet. `refused` is AWS's word, where it did nothing."""

    at: datetime
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """The association is known by its id: AWS answered with it, or List showed it.

    `arn` is None until List shows it. `missing_since` is when List first left it out, in an unbroken row of runs.
    """

    association_id: str
    since: datetime
    arn: str | None = None
    missing_since: datetime | None = None
    update: UpdatePending | None = None


RecordState: TypeAlias = CreatePending | Bound


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of one association.

    `request` is the resolved, normalised request as applied. `token` is None where the association was adopted,
    since somebody else's token made it. `incarnation` counts recreations after a loss; `generation` is the
    manifest's policy.generation as it was last acted on. `former` holds the ExecutionConfigurations that were applied
    before in this generation, the one that List last showed at the end, and those that git asked for when it was
    adopted as something else: none of them is sent.
    A record never changes its natural key, unless its data integration is gone.
    """

    name: str
    request: Spec
    token: str | None
    incarnation: int
    generation: int
    state: RecordState
    previous_executions: tuple[Json, ...] = ()

    @property
    def key(self) -> NaturalKey:
        """The natural key of the request as applied."""
        return natural_key(self.request)


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What the last run decided for a manifest, since when it is so, and how the last job went."""

    decision: str
    since: datetime
    last_execution: Execution | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write the journal, and until when.

    `run` is the holder's id, which no other has. `number` is the serial of the write that took it: a later holder has a
    higher one (a fencing number), unless an older journal was restored.
    """

    run: str
    holder: str
    host: str
    number: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The run that wrote the journal last: its id makes the document unlike any that another run writes."""

    run: str
    at: datetime
    revision: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """All records of one account and Region. `serial` counts writes; `lineage` tells installations apart."""

    account: str
    region: str
    lineage: str
    serial: int = 0
    records: Mapping[str, Record] = field(default_factory=dict)
    last_decisions: Mapping[str, LastDecision] = field(default_factory=dict)
    lease: Lease | None = None
    last_write: LastWrite | None = None

    def with_records(self, *records: Record) -> Journal:
        """Return this journal with these records added or replaced."""
        return replace(self, records={**self.records, **{record.name: record for record in records}})

    def without_records(self, *names: str) -> Journal:
        """Return this journal less the records of these names."""
        return replace(self, records={k: v for k, v in self.records.items() if k not in names})

    def has_same_content_as(self, other: Journal) -> bool:
        """Tell whether two journals remember the same, whoever wrote them."""
        return (self.records, self.last_decisions) == (other.records, other.last_decisions)
