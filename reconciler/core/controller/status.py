"""What a controller is about, as one value at one moment: what pages, metrics and probes show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.errors import Problem
from reconciler.core.plan.decision import DecisionKind
from reconciler.core.report.report import AssociationReport, Report


@dataclass(frozen=True, slots=True)
class Revision:
    """The state of git that is in force. `id` is the commit; None where the manifests come from a folder."""

    id: str | None
    since: datetime
    manifests: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why what is newer in git is not in force, and since when it is so: a sentence, and what is wrong in manifests."""

    reason: str
    since: datetime
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class PastRun:
    """One finished run of one target, in figures. `open` counts what is not as git says but for drift."""

    id: str
    target: str
    started: datetime
    finished: datetime
    well: bool
    made: int
    drifted: int
    open: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One run of one target that has not ended: its id, and the commit that it is of."""

    run: str
    target: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One target: what it does, and how its last run went. `moved` is when the run under way last got on.

    `succeeded` is when a run last ended well, `seen` the report of the last one that saw all that is live. `due` is
    when the next begins, or should have; None during one.
    """

    target: str
    running: datetime | None
    moved: datetime | None
    due: datetime | None
    failures: int
    last: Report | None
    succeeded: datetime | None
    under_way: UnderWay | None = None
    seen: Report | None = None

    @property
    def unseen(self) -> Mapping[str, AssociationReport]:
        """What the last run could not see, as it was last seen, by name: it calls that blocked, and knows no more."""
        if self.last is None or self.seen is None or self.last is self.seen:
            return {}
        blocked = (each for each in self.last.associations if each.decision is DecisionKind.BLOCKED)
        blind = {each.name for each in blocked if each.arn is None}
        return {each.name: each for each in self.seen.associations if each.name in blind}

    @property
    def known(self) -> tuple[AssociationReport, ...]:
        """Each association as it was last seen."""
        unseen = self.unseen
        return tuple(unseen.get(each.name, each) for each in self.last.associations) if self.last else ()

    @property
    def still(self) -> datetime | None:
        """Since when nothing has happened of it: since it got on, or since it should have begun, if that is past."""
        return self.moved or self.due


@dataclass(frozen=True, slots=True)
class Board:
    """All of it. `looked` is when git was last read without an error, `now` when this was put together.

    `looking` is how looking at git stands, as if that were a target.
    """

    now: datetime
    started: datetime
    looked: datetime | None
    revision: Revision | None
    refusal: Refusal | None
    lanes: tuple[Lane, ...]
    past: tuple[PastRun, ...]
    looking: Lane | None = None

    def stuck(self, patience: timedelta) -> tuple[Lane, ...]:
        """Return what has not got on, or should have begun, for so long: targets, and looking at git."""
        lanes = (*self.lanes, self.looking) if self.looking else self.lanes
        return tuple(lane for lane in lanes if (since := lane.still) and self.now - since > patience)
