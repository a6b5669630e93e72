"""Observations of one run from outside, without the help of the code under test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import Manifest, Mode, NaturalKey, Observation


@dataclass(slots=True)
class Listing:
    """One List of the associations of a data integration: the natural keys that its pages showed, by id.

    `last_page_at` is the time of its last page, which may be long before the run continues.
    """

    integration: str
    started_at: float
    last_page_at: float = 0.0
    ids: dict[str, NaturalKey] = field(default_factory=dict)
    is_complete: bool = False


@dataclass(slots=True)
class Trace:
    """One run. `epoch` is the number of losses and restores of the journal before the run last read it.

    `read_journal` is the journal that the run read last, `base_journal` the journal that it decided from, and
    `written_journal` the journal that it wrote last under its lease, in `written_epoch`. `listings` holds the last List
    of each data integration, by ARN. `revision` is the index of the revision that the run used. `create_limit` is the
    number of creates that all targets leave to the run. None if nothing limits them.
    """

    run: str
    controller: str
    skew: float
    is_dry_run: bool
    mode: Mode
    revision: int
    manifests: tuple[Manifest, ...]
    epoch: int = 0
    read_journal: dict[str, Any] | None = None
    base_journal: dict[str, Any] | None = None
    written_journal: dict[str, Any] | None = None
    written_epoch: int = 0
    listings: dict[str, Listing] = field(default_factory=dict)
    observation: Observation | None = None
    create_limit: int | None = None


@dataclass(slots=True)
class Call:
    """One Create or Update, with the times at which it was sent, signed and carried out.

    `sent_at` is the last time at which the program read its clock before the call. `listing` is the last List of the
    data integration that the run received. `epoch` belongs to the journal that the run had read.
    """

    operation: str
    request: dict[str, Any]
    trace: Trace
    sent_at: float
    listing: Listing | None
    epoch: int
    signed_at: float = 0.0
    executed_at: float = 0.0
    association_id: str = ""

    @property
    def duration(self) -> float:
        """The seconds from sending the call until AWS carried it out."""
        return self.executed_at - self.sent_at

    @property
    def verb(self) -> str:
        """`create` or `update`."""
        return "create" if self.operation.startswith("Create") else "update"
