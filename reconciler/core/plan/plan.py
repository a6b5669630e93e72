"""The plan of a run: its decisions, and what else it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.core.errors import Problem
from reconciler.core.journal.records import Record
from reconciler.core.model import Ignored, Live
from reconciler.core.plan.decision import Decision, get_reviewed_write
from reconciler.core.plan.write import Write


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan: exactly one decision for each manifest, in the order of the manifests, and the unmanaged associations.

    `ignored` are live associations without a manifest that the Target declares as those of somebody else. `old_names`
    are the names of records that renamed manifests take over. `live_ids` are the ids of the live associations.
    `create_count` is the number of creates that the limits of the target allow, sent or waiting for a quota of AWS.
    `orphaned` are the records whose manifests are gone. `unlisted` are the ARNs of the data integrations
    that could not be listed, each with the reason. `integration_names` are the names of the data integrations, by ARN.
    `records` are the records of the manifests in the journal, by name of the manifest. `now` is the time of the
    decisions: the earlier of the times of this machine and of AWS, as far as these are known. `warnings` are the
    warnings about manifests that need an answer of AWS. If `is_suspended`, the target is suspended. `settle_time` is
    that of the run.
    """

    decisions: tuple[Decision, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    old_names: frozenset[str] = frozenset()
    live_ids: frozenset[str] = frozenset()
    orphaned: tuple[Record, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()
    integration_names: Mapping[str, str] = field(default_factory=dict)
    create_count: int = 0
    records: Mapping[str, Record] = field(default_factory=dict)
    now: datetime | None = None
    warnings: tuple[Problem, ...] = ()
    is_suspended: bool = False
    settle_time: timedelta | None = None

    @property
    def writes(self) -> tuple[Write, ...]:
        """The writes that a run sends, in order."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Write))

    @property
    def reviewed_writes(self) -> tuple[Write, ...]:
        """The writes that a review covers: those of this run, and those that resume by themselves."""
        return tuple(write for decision in self.decisions for write in (get_reviewed_write(decision),) if write)
