"""The associations of a board as the rows of a table: the gravest first.

How an association stands and how its last export went are two things: the graver one says how grave its row is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.controller.status import ControllerStatus
from reconciler.core.model import Execution, Live, Origin
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, kind_of
from reconciler.web.page.filters import Asked
from reconciler.web.page.relative_time import Moment

_LEVELS = ("error", "warning", "note", "none")


@dataclass(frozen=True, slots=True)
class State:
    """How something stands: a kind of entry as it is shown. `rank` is the place in the order of gravity."""

    kind: str
    rank: int
    label: str
    level: str
    meaning: str

    @classmethod
    def of(cls, kind: ReportKind, report: Report) -> State:
        """Return the state of a kind in a report."""
        return cls(kind, kind.rank, wording.label(kind, report), kind.level, kind.meaning)


EXPORT_FAILED = State("export-failed", -1, "export failed", "warning", "The last job failed: AWS's console says why.")
MEANINGS = (
    EXPORT_FAILED,
    *(
        State(kind, kind.rank, kind.label, kind.level, kind.meaning)
        for kind in ReportKind
        if kind.rank <= ReportKind.UNMANAGED.rank
    ),
)
"""What every badge of the page means."""


@dataclass(frozen=True, slots=True)
class Before:
    """How an association was last seen."""

    said: str
    since: Moment | None
    arn: str | None
    execution: str


@dataclass(frozen=True, slots=True)
class Row:
    """One association that a manifest asks for. What is long is put into words only as the page is written.

    `state` is how it stands, `export` that its last job failed, if it did, and `level` the graver of both. `before` is
    how it was last seen, where the last run could not see it.
    """

    id: str
    target: str
    state: State
    export: State | None
    level: str
    since: Moment | None
    execution: str
    link: str | None
    association: AssociationReport
    before: Before | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of it, less what has a column of its own."""
        return wording.sentences(replace(self.association, arn=None, last_execution=None))

    @property
    def differences(self) -> tuple[str, ...]:
        """The lines of a diff."""
        return wording.differences(self.association)

    @property
    def call(self) -> tuple[str, ...]:
        """The call that is or would be made, line by line."""
        return wording.call(self.association)


@dataclass(frozen=True, slots=True)
class Stranger:
    """One live association that no manifest asks for."""

    target: str
    arn: str
    integration: str
    client: str
    destination: str
    execution: str


Linked = Callable[[Report, Origin], str | None]


def rows(board: ControllerStatus, asked: Asked, linked: Linked) -> tuple[Row, ...]:
    """Return the rows that are asked for."""
    found = (
        replace(_row(lane.target, association, lane.last_report, board.now, linked), before=before)
        for lane in board.targets
        if lane.last_report
        for unseen in (lane.unlisted_associations,)
        for association in lane.last_report.associations
        for before in (_before(unseen.get(association.name), lane.last_report, board.now),)
        if _asked(asked, lane.target, association)
    )
    return tuple(sorted(found, key=_place))


def level(association: AssociationReport) -> str:
    """Return how grave it is: how the association stands, or how its last export went."""
    levels = [
        kind_of(association).level,
        *([EXPORT_FAILED.level] if association.has_failed_export else []),
    ]
    return min(levels, key=_LEVELS.index)


def _place(row: Row) -> tuple[int, int, str, str]:
    return _LEVELS.index(row.level), row.state.rank, row.target, row.association.name


def strangers(board: ControllerStatus, asked: Asked) -> tuple[Stranger, ...]:
    """Return the unmanaged ones that are asked for."""
    return tuple(stranger for lane in board.targets for stranger in _strangers(lane.target, lane.last_report, asked))


def _strangers(lane: str, last: Report | None, asked: Asked) -> Iterator[Stranger]:
    for target in last.targets if last else ():
        for live in target.unmanaged:
            stranger = _stranger(lane, live, target)
            texts = (lane, live.arn, stranger.integration, stranger.client, stranger.destination)
            if asked.fits({ReportKind.UNMANAGED}, ReportKind.UNMANAGED.level, lane, *texts):
                yield stranger


def _asked(asked: Asked, target: str, association: AssociationReport) -> bool:
    kind = kind_of(association)
    exported = EXPORT_FAILED if association.has_failed_export else None
    return asked.fits(
        {kind, exported.kind} if exported else {kind},
        level(association),
        target,
        target,
        association.name,
        association.integration,
        association.destination,
        association.arn or "",
        str(association.origin),
        association.reason,
        kind.label,
        exported.label if exported else "",
    )


def _row(target: str, association: AssociationReport, report: Report, now: datetime, linked: Linked) -> Row:
    return Row(
        id="a-" + hashlib.sha256(f"{target}\0{association.name}".encode("utf-8", "replace")).hexdigest()[:12],
        target=target,
        state=State.of(kind_of(association), report),
        export=EXPORT_FAILED if association.has_failed_export else None,
        level=level(association),
        since=Moment.of(association.since, now),
        execution=_execution(association.last_execution, badge=association.has_failed_export),
        link=linked(report, association.origin),
        association=association,
    )


def _before(seen: AssociationReport | None, report: Report, now: datetime) -> Before | None:
    if seen is None:
        return None
    label, since = wording.label(kind_of(seen), report), Moment.of(seen.since, now)
    return Before(label, since, seen.arn, _execution(seen.last_execution))


def _stranger(lane: str, live: Live, target: TargetReport) -> Stranger:
    spec = live.spec
    return Stranger(
        target=lane,
        arn=live.arn,
        integration=target.get_integration_name(str(spec["DataIntegrationIdentifier"])),
        client=str(spec.get("ClientId") or ""),
        destination=str(spec.get("DestinationURI") or ""),
        execution=_execution(live.last_execution),
    )


def _execution(ran: Execution | None, *, badge: bool = False) -> str:
    """Return how the last job went; where a badge says that, what AWS says to it."""
    if ran is None:
        return ""
    if badge:
        return ran.message or ""
    said = ran.status.lower().replace("_", " ")
    return f"{said}: {ran.message}" if ran.message else said
