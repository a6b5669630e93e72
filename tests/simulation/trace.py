"""What one run saw and did: from outside, without asking the code under test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import Manifest, Mode, NaturalKey, Observation


@dataclass(slots=True)
class Listing:
    """One reading of the associations of one data integration, by its ARN: what its pages showed, by id.

    `seen` is as of when its last page was so, which may be long before the run goes on.
    """

    integration: str
    started: float
    seen: float = 0.0
    ids: dict[str, NaturalKey] = field(default_factory=dict)
    complete: bool = False


@dataclass(slots=True)
class Trace:
    """One run. `epoch` counts how often the journal had been lost or restored when the run read it last.

    `read` is the journal that it read last, `decided_from` the one that it decided from, `wrote` the one that it wrote
    last under its lease, and `wrote_epoch` the epoch of that; `listings` are by the integration's ARN, the last of
    each. `revision` is the index of the revision of git that it used.
    """

    run: str
    who: str
    skew: float
    dry: bool
    mode: Mode
    revision: int
    manifests: tuple[Manifest, ...]
    epoch: int = 0
    read: dict[str, Any] | None = None
    decided_from: dict[str, Any] | None = None
    wrote: dict[str, Any] | None = None
    wrote_epoch: int = 0
    listings: dict[str, Listing] = field(default_factory=dict)
    observation: Observation | None = None


@dataclass(slots=True)
class Call:
    """One Create or Update: when it was sent, as of which time it is signed, and when it was carried out.

    `sent` is when the program last looked at its clock before the call. `listing` is the last one of the data
    integration that the run had seen, `epoch` that of the journal it had read.
    """

    operation: str
    request: dict[str, Any]
    trace: Trace
    sent: float
    listing: Listing | None
    epoch: int
    signed: float = 0.0
    committed: float = 0.0
    association_id: str = ""

    @property
    def duration(self) -> float:
        """How long it took from the call to when it was carried out."""
        return self.committed - self.sent

    @property
    def verb(self) -> str:
        """Create or update, for people."""
        return "create" if self.operation.startswith("Create") else "update"
