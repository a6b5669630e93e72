"""Records of the journal, as values. `codec.py` has their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from reconciler.core.journal.jobs import Job, Recurrence
from reconciler.core.model import Execution, Json, NaturalKey, Spec, build_natural_key
from reconciler.core.windows.due import Window

LEASE_DURATION = timedelta(minutes=5)
"""Duration of a lease: longer than an intent stays fresh and a call may take, and shorter than the settle time."""


@dataclass(frozen=True, slots=True)
class CreatePending:
    """A Create that was about to be sent, and whose answer is not known.

    `attempts` counts from 1. `live_ids` are the ids of the associations that List showed for the data integration
    before the first attempt. An association with another id may be the result of the Create.
    """

    attempts: int
    first_attempt: datetime
    last_attempt: datetime
    live_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """An association whose id is known from the answer of AWS or from List.

    `arn` is None until List shows the association. `missing_since` is the time of the first run in which List left
    it out, if no run has seen it since. `job` is its last job, or None if the journal knows no job. A job of a schedule
    is known only until List shows the schedule. `early_window` is the last window that was sent or shown by List before
    its end. A job of another program for it exported only a part.
    """

    association_id: str
    since: datetime
    arn: str | None = None
    missing_since: datetime | None = None
    job: Job | None = None
    early_window: Window | None = None


RecordState: TypeAlias = CreatePending | Bound


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one association.

    - `request` is the resolved, normalised request that was last applied.
    - `token` is None for an adopted association, because another program chose its token.
    - `incarnation` counts recreations after a loss.
    - `generation` is the highest policy.generation of the manifest that a run has taken into account.
    - `previous_executions` are ExecutionConfigurations that are not sent again in this generation: those applied
      before, and those that git requested when a different association was adopted. After an Update, the last one is
      that which List showed before it. After an adoption by a manifest with recurring windows, it is the applied one.
    - `recurrence` belongs to an association that has or had recurring windows.

    A record keeps its natural key unless its data integration is gone.
    """

    name: str
    request: Spec
    token: str | None
    incarnation: int
    generation: int
    state: RecordState
    previous_executions: tuple[Json, ...] = ()
    recurrence: Recurrence | None = None

    @property
    def key(self) -> NaturalKey:
        """The natural key of the request that was last applied."""
        return build_natural_key(self.request)

    @property
    def is_recurring(self) -> bool:
        """True if the association has recurring windows, which no fixed window has replaced."""
        return self.recurrence is not None and not self.recurrence.is_replaced


@dataclass(frozen=True, slots=True)
class LastDecision:
    """The last decision for a manifest, the time of the first run with this decision, and the last export."""

    decision: str
    since: datetime
    last_execution: Execution | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of a run to write the journal, until `expires`.

    `run` is the unique id of the run. `number` is the serial of the write that acquired the lease, as a fencing number:
    a later lease has a higher one, unless an older journal was restored.
    """

    run: str
    holder: str
    host: str
    number: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The last write of the journal. The id of its run makes the document differ from those of all other runs."""

    run: str
    at: datetime
    revision: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one account and Region. `serial` counts its writes. `lineage` identifies the installation."""

    account: str
    region: str
    lineage: str
    serial: int = 0
    records: Mapping[str, Record] = field(default_factory=dict)
    last_decisions: Mapping[str, LastDecision] = field(default_factory=dict)
    lease: Lease | None = None
    last_write: LastWrite | None = None

    def with_records(self, *records: Record) -> Journal:
        """Return this journal with records added or replaced."""
        return replace(self, records={**self.records, **{record.name: record for record in records}})

    def without_records(self, *names: str) -> Journal:
        """Return this journal without the records of these names."""
        return replace(self, records={k: v for k, v in self.records.items() if k not in names})

    def has_same_content_as(self, other: Journal) -> bool:
        """Return whether both journals have the same records and last decisions."""
        return (self.records, self.last_decisions) == (other.records, other.last_decisions)
