"""Decides what is worth telling people: what began or ended to be wrong since they were last told, and once a day all.

A thing is told when it begins to be wrong, when it is wrong in another way, and when it is right again. What nobody
knows just now (waiting, held, not reconciled) changes nothing: it is no recovery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.apply.outcome import SUCCESSES, NotSent, Refused, Unknown
from reconciler.core.controller.status import Board, Lane
from reconciler.core.notifications.state import Condition, Ledger, Open, Remembered, Subject
from reconciler.core.plan.decision import DecisionKind
from reconciler.core.report.report import AssociationReport, TargetReport
from reconciler.core.request.token import canonical_json

SOURCE = ""
"""The place among targets where the source of the manifests stands."""
PATIENCE = timedelta(minutes=10)
"""For how long the source may be out of reach before that is news, and nothing be known after a start."""
_AGAIN = "again"
"""The mark of an export that began anew after it failed: if it fails, that is another failure."""
_SURE = 2
"""After how many failures in a row a target counts as failed: the first is tried again within a minute."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one subject stands in the last run: where it is, what is said about it, and what tells it from the like."""

    target: str
    condition: Condition
    name: str = ""
    manifest: str = ""
    arn: str = ""
    said: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What one target shows, as of a time. Where it is not `whole`, what is missing has not gone."""

    at: datetime
    findings: Mapping[Subject, Finding]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell: what is found, and what that brought to an end, if anything."""

    finding: Finding
    ended: Condition | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """How all stands at the end of a day: what is wrong, what waits, and which targets were not reconciled.

    `unread` is that nobody looked at the manifests for a day, though nothing says why; `read` is when somebody did.
    """

    at: datetime
    open: tuple[Notice, ...]
    waiting: int
    behind: tuple[tuple[str, datetime | None], ...]
    associations: int
    targets: int
    unread: bool = False
    read: datetime | None = None

    @property
    def well(self) -> bool:
        """Whether there is nothing at all to say."""
        return bool(self.targets) and not (self.open or self.behind or self.waiting or self.unread)


def looks(board: Board) -> dict[str, Look]:
    """Return what a controller knows of the source of its manifests and of each target, as far as it knows anything."""
    found = {
        lane.target: _target(lane, lane.last.targets[0], lane.last.run.finished_at) for lane in board.lanes if lane.last
    }
    source = _source(board)
    return {SOURCE: source, **found} if source else found


def news(ledger: Ledger, found: Mapping[str, Look]) -> tuple[tuple[Notice, ...], Ledger]:
    """Return what a receiver is to be told, and the ledger once that is done."""
    notices: list[Notice] = []
    targets = dict(ledger.targets)
    for name, look in found.items():
        before = targets.get(name)
        if before and look.at < before.at:
            continue  # another controller told of a later run
        open_ = dict(before.open) if before else {}
        notices += _changes(open_, look)
        if open_ != (before.open if before else {}):
            targets[name] = Remembered(look.at, open_)
    return tuple(notices), replace(ledger, targets=targets)


def forgotten(ledger: Ledger, board: Board) -> Ledger:
    """Return the ledger with nothing open of targets that git has dropped: if one comes back, it begins anew."""
    if not board.lanes:
        return ledger  # nothing has been read yet
    names = {SOURCE, *(lane.target for lane in board.lanes)}
    gone = {name: Remembered(board.now, {}) for name, each in ledger.targets.items() if each.open and name not in names}
    return replace(ledger, targets={**ledger.targets, **gone})


def summary(ledger: Ledger, board: Board, found: Mapping[str, Look], every: timedelta) -> Summary | None:
    """Return how all stands, where that is due: once in so long, and the first time as soon as anything is known.

    Where `every` is 0 it never is.
    """
    now = board.now
    if not every or (ledger.summarised and now - ledger.summarised < every):
        return None
    known = board.lanes and all(lane.last for lane in board.lanes)
    if not known and now - board.started < PATIENCE:
        return None
    findings = [each for look in found.values() for each in look.findings.values()]
    return Summary(
        now,
        tuple(Notice(each) for each in findings if each.condition.wrong),
        sum(_waits(subject, each) for look in found.values() for subject, each in look.findings.items()),
        tuple((lane.target, lane.succeeded) for lane in board.lanes if not _recent(lane.succeeded, now - every)),
        len({(each.target, each.name) for each in findings if each.name}),
        len(board.lanes),
        unread=board.refusal is None and not _recent(board.looked, now - every),
        read=board.looked,
    )


def _recent(when: datetime | None, since: datetime) -> bool:
    return when is not None and when >= since


def _waits(subject: Subject, finding: Finding) -> bool:
    """Tell whether something is neither right nor wrong; that an export runs is right."""
    return finding.condition is Condition.UNCLEAR and not subject.export


def _changes(open_: dict[Subject, Open], look: Look) -> Iterator[Notice]:
    """Yield what one target has to tell, and bring what is open up to date."""
    if look.whole:
        for subject in open_.keys() - look.findings.keys():
            del open_[subject]  # git dropped it
    for subject, finding in look.findings.items():
        before, now = open_.get(subject), Open(finding.condition, finding.mark)
        if finding.condition.wrong and now != before:
            open_[subject] = now
            yield Notice(finding, before.condition if before else None)
        elif finding.condition is Condition.WELL and before:
            del open_[subject]
            yield Notice(finding, before.condition)
        elif finding.mark == _AGAIN and before:
            open_[subject] = replace(before, mark=_AGAIN)


def _source(board: Board) -> Look | None:
    """Return how the source stands. One that is out of reach for a moment says nothing."""
    refusal = board.refusal
    if refusal is None:
        return Look(board.looked, {Subject(): Finding("", Condition.WELL)}) if board.looked else None
    read = board.looked is not None and board.looked >= refusal.since
    condition = Condition.REFUSED if read or board.now - refusal.since >= PATIENCE else Condition.UNCLEAR
    said = "; ".join(map(str, refusal.problems)) or refusal.reason
    mark = _mark(str(read), *map(str, refusal.problems))
    return Look(refusal.since, {Subject(): Finding("", condition, said=said, mark=mark)})


def _target(lane: Lane, report: TargetReport, at: datetime) -> Look:
    """Return how a target stands. Where it could not be reconciled, nobody knows how its associations do."""
    where = " ".join(filter(None, (report.name, report.account, report.region)))
    if report.error is not None:
        condition = Condition.TARGET_FAILED if lane.failures >= _SURE else Condition.UNCLEAR
        return Look(at, {Subject(): Finding(where, condition, said=report.error)}, whole=False)
    condition = Condition.UNLISTED if report.unlisted else Condition.WELL
    said = "; ".join(f"{report.format_integration(arn)}: {reason}" for arn, reason in report.unlisted)
    findings = {Subject(): Finding(where, condition, said=said)}
    for each in report.associations:
        state = Finding(
            where, _state(each, seen=not report.unlisted), each.name, str(each.origin), each.arn or "", _said(each)
        )
        state = replace(state, mark=_drift(each)) if state.condition is Condition.DRIFTED else state
        findings[Subject(each.name)] = state
        condition, mark = _export(each)
        findings[Subject(each.name, export=True)] = replace(state, condition=condition, said="", mark=mark)
    return Look(at, findings)


def _state(association: AssociationReport, *, seen: bool) -> Condition:
    """Return how an association stands; where not all was `seen`, what is blocked may be so for that reason alone."""
    if association.has_failed:
        return Condition.FAILED
    if isinstance(association.outcome, SUCCESSES):
        return Condition.WELL
    match association.decision:
        case DecisionKind.BLOCKED:
            return Condition.BLOCKED if seen else Condition.UNCLEAR
        case DecisionKind.LOST:
            return Condition.LOST
        case DecisionKind.DRIFTED | DecisionKind.CHANGED:
            has_drifted = any(each.is_drifted for each in association.differences)
            return Condition.DRIFTED if has_drifted else Condition.UNCLEAR
        case DecisionKind.IN_SYNC | DecisionKind.ADOPT:
            return Condition.WELL
        case DecisionKind.CREATE | DecisionKind.UPDATE | DecisionKind.SETTLING | DecisionKind.HELD:
            return Condition.UNCLEAR
        case other:
            assert_never(other)


def _export(association: AssociationReport) -> tuple[Condition, str]:
    """Return how the last export stands, and its mark."""
    match association.last_execution.status if association.last_execution else "":
        case "FAILED":
            return Condition.EXPORT_FAILED, ""
        case "COMPLETED":
            return Condition.WELL, ""
        case "IN_PROGRESS":
            return Condition.UNCLEAR, _AGAIN
        case _:
            return Condition.UNCLEAR, ""


def _said(association: AssociationReport) -> str:
    """Return why it is so: of drift the members, whose values are nobody else's business."""
    if isinstance(association.outcome, Refused | NotSent | Unknown):
        return association.outcome.reason
    drifted = ", ".join(each.path for each in association.differences if each.is_drifted)
    return drifted or association.reason


def _drift(association: AssociationReport) -> str:
    """Tell one drift from another."""
    return _mark(
        *(
            part
            for each in association.differences
            if each.is_drifted
            for part in (each.path, canonical_json(each.live))
        )
    )


def _mark(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
