"""A Report as text that a person reads in a terminal, or in the log of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.records import Record
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.model import Live
from reconciler.core.plan.decide import MISSING_REASON
from reconciler.core.plan.decision import Write
from reconciler.core.plan.difference import Difference, flatten
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.text import sanitize
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, kind_of, kind_of_decision

_CODES = {"green": "32", "yellow": "33", "cyan": "36", "red": "31", "dim": "2", "bold": "1"}
_WIDE = 64
_DONE = frozenset((ReportKind.CREATED, ReportKind.UPDATED, ReportKind.FAILED, ReportKind.UNKNOWN))
"""Kinds of what became of a call; the others are shown by the word of the decision."""


def render(report: Report, *, terminal: bool = False) -> str:
    """Return the report as lines; with colours and symbols for a terminal, plain otherwise."""
    return "".join(f"{line}\n" for line in _Page(terminal).lines(report))


def findings(found: ValidationResult, *, terminal: bool = False) -> str:
    """Return a line for each problem and warning, and one that says that all is well, or of which commit it is."""
    lines = [sanitize(str(problem)) for problem in found.problems]
    lines += [f"warning: {sanitize(str(warning))}" for warning in found.warnings]
    lines += [wording.valid(found).rstrip(".")] if found.revision or not found.problems else []
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Page:
    terminal: bool

    def lines(self, report: Report) -> Iterator[str]:
        for target in report.targets:
            yield from self._target(target, looked=wording.only_looked(report))
            yield ""
        yield from (self._style(f"warning: {sanitize(str(each))}", "yellow") for each in report.warnings)
        if report.warnings:
            yield ""
        yield from self._mismatch(report)
        yield self._summary(report)
        if report.run.revision:
            yield self._style(sanitize(f"Revision {report.run.revision}"), "dim")
        if digest := wording.plan(report):
            yield self._style(f"Plan {digest}", "dim")

    def _target(self, target: TargetReport, *, looked: bool) -> Iterator[str]:
        place = " ".join(part for part in (target.account, target.region) if part)
        yield self._style(sanitize(target.name), "bold") + (f"  {sanitize(place)}" if place else "")
        if target.error:
            yield self._style(f"  failed: {sanitize(target.error)}", "red")
        elif not target.associations and not target.unmanaged:
            yield "  no manifests, and nothing live"
        widths = _Widths.of(target.associations)
        for association in target.associations:
            yield from self._association(association, widths, looked=looked)
        for live in target.unmanaged:
            yield self._unmanaged(live, target)
        for record in target.orphaned:
            yield self._orphaned(record, target)
        for arn, reason in target.unlisted:
            yield self._style(f"  not listed: {wording.unlisted(arn, reason, target)}", "yellow")

    def _association(self, association: AssociationReport, widths: _Widths, *, looked: bool) -> Iterator[str]:
        kind, decided = kind_of(association), kind_of_decision(association.decision)
        adopted = kind is ReportKind.ADOPT and not looked
        word = kind if kind in _DONE else "adopted" if adopted else association.decision
        name, flow = sanitize(association.name), wording.flow(association)
        columns = f"  {name:<{widths.name}}  {flow:<{widths.flow}}"
        yield f"  {self._marked(decided.symbol, word, kind.color)}{columns}{self._aside(association)}".rstrip()
        if association.reason and association.reason != MISSING_REASON:
            yield f"      {sanitize(association.reason)}"
        match association.outcome:
            case Refused(reason) | NotSent(reason) | Unknown(reason):
                yield self._style(f"      {sanitize(reason)}", kind.color)
            case Skipped(reason):
                yield self._style(f"      {sanitize(reason)}", "yellow")
            case Created() | Updated() | None:
                pass
            case other:
                assert_never(other)
        if then := wording.sentence_after_unknown(association):
            yield f"      {then}"
        for difference in association.differences:
            yield from self._difference(difference)
        if looked and association.write:
            yield from self._sent(association.write)

    def _aside(self, association: AssociationReport) -> str:
        """Return how the last job went, what cannot be compared, and where the manifest stands."""
        parts = []
        if association.last_execution:
            parts.append(association.last_execution.status.lower().replace("_", " "))
        if association.unverifiable and association.arn:
            parts.append("unverifiable: " + " ".join(association.unverifiable))
        if association.decision != "in-sync":
            parts.append(str(association.origin))
        return self._style("  " + "  ".join(map(sanitize, parts)), "dim") if parts else ""

    def _difference(self, difference: Difference) -> Iterator[str]:
        """Show one member as a diff: what is there, and what git wants instead."""
        yield f"      {sanitize(difference.path)}"
        if difference.is_readable:
            yield self._style(f"      - live     {wording.shown(difference.live)}", "red")
        else:
            yield self._style("      - live     unverifiable: AWS does not show it", "dim")
        if difference.is_changed:
            yield self._style(f"      - applied  {wording.shown(difference.applied)}", "red")
        yield self._style(f"      + git      {wording.shown(difference.desired)}", "green")

    def _sent(self, write: Write) -> Iterator[str]:
        """Show all that a call would send, or what an Update does not say by its differences."""
        for path, value in flatten(write.body):
            if path != "/DataIntegrationIdentifier":
                yield self._style(f"      + {sanitize(path[1:])}  {wording.shown(value)}", "green")

    def _unmanaged(self, live: Live, target: TargetReport) -> str:
        kind = ReportKind.UNMANAGED
        flow = f"{wording.flow_of(live, target)}  {live.arn}"
        return f"  {self._marked(kind.symbol, kind, kind.color)}  {self._style(sanitize(flow), 'dim')}"

    def _orphaned(self, record: Record, target: TargetReport) -> str:
        kind = ReportKind.ORPHANED
        said = f"{record.name}  {wording.flow_of_record(record, target)}  {wording.why_orphaned(record)}"
        return f"  {self._marked(kind.symbol, kind, kind.color)}  {self._style(sanitize(said), 'dim')}"

    def _mismatch(self, report: Report) -> Iterator[str]:
        """Say that another plan was reviewed, and how this one differs."""
        if not report.mismatch:
            return
        yield self._style("This is not the plan that was reviewed: nothing was written.", "red")
        yield f"  reviewed {sanitize(report.mismatch.reviewed_digest)}"
        yield f"  now      {wording.plan(report) or wording.NO_PLAN}"
        for sentence in report.mismatch.differences or ():
            yield f"  {sanitize(sentence)}"
        if report.mismatch.differences is None:
            yield "  Give --expect-plan the JSON report that was reviewed, and what differs is named here."
        yield ""

    def _summary(self, report: Report) -> str:
        kind, _, said = wording.verdict(report).partition(":")
        covered = f" {wording.coverage(report)}." if report.live_count else ""
        return f"{self._style(f'{kind}:', 'bold')}{said}{covered}"

    def _marked(self, symbol: str, word: str, color: str) -> str:
        return self._style(f"{symbol} {word:<9}", color) if self.terminal else f"{word:<9}"

    def _style(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.terminal else text


@dataclass(frozen=True, slots=True)
class _Widths:
    """How wide the columns of a target are; what is longer than half a line stands out."""

    name: int
    flow: int

    @classmethod
    def of(cls, associations: Sequence[AssociationReport]) -> _Widths:
        return cls(
            max((len(sanitize(each.name)) for each in associations if len(each.name) <= _WIDE), default=0),
            max((len(wording.flow(each)) for each in associations if len(wording.flow(each)) <= _WIDE), default=0),
        )
