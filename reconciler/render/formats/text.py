"""Render a report as text for a terminal or the log of a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from reconciler.core.apply.outcome import Created, NotSent, Refused, Skipped, Unknown, Updated
from reconciler.core.journal.records import Record
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Live
from reconciler.core.plan.decide import MISSING_REASON
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.difference import Difference, flatten
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.report.build import NOT_CHECKED
from reconciler.core.report.overdue import is_overdue
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.suggestions import join_names
from reconciler.core.text import format_count, sanitize
from reconciler.render import after_call, last_export, later_runs, plan_review, windows, wording
from reconciler.render.kinds import ReportKind, get_kind, get_kind_of_decision

_STYLE_CODES = {"green": "32", "yellow": "33", "cyan": "36", "red": "31", "dim": "2", "bold": "1"}
_MAX_WIDTH = 64
_CALL_KINDS = frozenset((ReportKind.CREATED, ReportKind.UPDATED, ReportKind.FAILED, ReportKind.UNKNOWN))
"""The kinds that are named after the outcome of a call. Other entries are named after their decision."""

_QUIET_DECISIONS = frozenset((DecisionKind.IN_SYNC, DecisionKind.RETIRED))
"""The decisions whose entries do not show the place of the manifest."""


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return the report as text. A terminal gets colours and symbols, and any other output gets plain text."""
    return "".join(f"{line}\n" for line in _TextRenderer(is_terminal).render_lines(report))


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return a line for each problem and warning, then a line with the counts if the manifests are valid or in git."""
    lines = [sanitize(str(problem)) for problem in result.problems]
    lines += [f"warning: {sanitize(str(warning))}" for warning in result.warnings]
    lines += [wording.format_validation(result).rstrip(".")] if result.revision or not result.problems else []
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _TextRenderer:
    is_terminal: bool

    def render_lines(self, report: Report) -> Iterator[str]:
        for target in report.targets:
            yield from self._render_target(target, is_read_only=wording.is_read_only(report))
            yield ""
        yield from (self._apply_style(f"warning: {sanitize(str(each))}", "yellow") for each in report.warnings)
        if report.warnings:
            yield ""
        yield from self._render_mismatch(report)
        yield self._render_summary(report)
        failed_names = [target.name for target in report.targets if target.error]
        if failed_names and len(report.targets) > 1:
            yield self._apply_style(sanitize(f"Failed targets: {join_names(failed_names)}"), "red")
        if warning := later_runs.describe_waiting_writes(report):
            yield self._apply_style(warning, "yellow")
        if shard := report.run.shard:
            yield self._apply_style(wording.describe_shard(shard, len(report.targets)), "dim")
        if report.run.revision:
            yield self._apply_style(sanitize(f"Revision {report.run.revision}"), "dim")
        if digest := plan_review.get_plan_digest(report):
            yield self._apply_style(f"Plan {digest}", "dim")
        if sentence := plan_review.describe_unreviewed_updates(report):
            yield self._apply_style(sentence, "dim")

    def _render_target(self, target: TargetReport, *, is_read_only: bool) -> Iterator[str]:
        place = " ".join(part for part in (target.account, target.region) if part)
        yield self._apply_style(sanitize(target.name), "bold") + (f"  {sanitize(place)}" if place else "")
        if target.error:
            yield self._apply_style(f"  failed: {sanitize(target.error)}", "red")
        elif not (target.associations or target.unmanaged or target.ignored):
            yield "  no manifests and no live associations"
        associations = [each for each in target.associations if each.reason != NOT_CHECKED]
        if unchecked_count := len(target.associations) - len(associations):
            yield f"  not checked: {format_count(unchecked_count, 'manifest')}"
        widths = _ColumnWidths.from_associations(associations)
        for association in associations:
            yield from self._render_association(association, widths, is_read_only=is_read_only)
        for live in target.unmanaged:
            yield self._render_unmanaged(live, target)
        for record in target.orphaned:
            yield self._render_orphan(record, target)
        for arn, reason in target.unlisted:
            yield self._apply_style(f"  not listed: {wording.describe_unlisted(arn, reason, target)}", "yellow")

    def _render_association(
        self, association: AssociationReport, widths: _ColumnWidths, *, is_read_only: bool
    ) -> Iterator[str]:
        kind, decision_kind = get_kind(association), get_kind_of_decision(association.decision)
        is_adopted = kind is ReportKind.ADOPT and not is_read_only
        word = (
            kind
            if kind in _CALL_KINDS or association.waits_for_quota
            else "adopted"
            if is_adopted
            else association.decision
        )
        name, flow = sanitize(association.name), wording.format_flow(association)
        columns = f"  {name:<{widths.name}}  {flow:<{widths.flow}}"
        mark = self._format_mark(decision_kind.symbol, word, kind.color)
        yield f"  {mark}{columns}{self._format_details(association)}".rstrip()
        if association.reason and association.reason != MISSING_REASON:
            yield f"      {sanitize(association.reason)}"
        match association.outcome:
            case Refused(reason) | NotSent(reason) | Unknown(reason):
                yield self._apply_style(f"      {sanitize(reason)}", kind.color)
            case Skipped(reason):
                yield self._apply_style(f"      {sanitize(reason)}", "yellow")
            case Created() | Updated() | None:
                pass
            case other:
                assert_never(other)
        if next_step := after_call.describe_next_attempt(association):
            yield f"      {next_step}"
        for sentence in windows.list_sentences(association.windows):
            yield self._apply_style(f"      {sentence}", "dim")
        if association.differences and isinstance(association.outcome, Updated):
            yield f"      {wording.BEFORE_UPDATE}"
        for difference in association.differences:
            yield from self._render_difference(difference)
        if is_read_only and association.write:
            yield from self._render_request(association.write)

    def _format_details(self, association: AssociationReport) -> str:
        """Return the status of the last export, the unverifiable members and the place of the manifest."""
        parts = [wording.OVERDUE] if is_overdue(association) else []
        if association.last_execution:
            parts.append(last_export.describe_last_export(association.last_execution, association.windows))
        if association.unverifiable and association.arn:
            parts.append("unverifiable: " + " ".join(association.unverifiable))
        if association.decision not in _QUIET_DECISIONS:
            parts.append(str(association.origin))
        return self._apply_style("  " + "  ".join(map(sanitize, parts)), "dim") if parts else ""

    def _render_difference(self, difference: Difference) -> Iterator[str]:
        """Yield the difference of one member, with its live, applied and desired values."""
        yield f"      {sanitize(difference.path)}"
        if difference.is_readable:
            yield self._apply_style(f"      - live     {wording.format_value(difference.live)}", "red")
        else:
            yield self._apply_style(f"      - live     {wording.UNVERIFIABLE_VALUE}", "dim")
        if difference.is_changed:
            yield self._apply_style(f"      - applied  {wording.format_value(difference.applied)}", "red")
        yield self._apply_style(f"      + git      {wording.format_value(difference.desired)}", "green")

    def _render_request(self, write: Write) -> Iterator[str]:
        """Yield the members of the request that a call would send."""
        match write:
            case Create():
                pass
            case Update():  # differences stand above its request
                yield "      request:"
            case other:
                assert_never(other)
        for path, value in flatten(write.body):
            if path != "/DataIntegrationIdentifier":
                yield self._apply_style(f"      + {sanitize(path)}  {wording.format_value(value)}", "green")

    def _render_unmanaged(self, live: Live, target: TargetReport) -> str:
        kind = ReportKind.UNMANAGED
        flow = f"{wording.format_live_flow(live, target)}  {live.arn}"
        return f"  {self._format_mark(kind.symbol, kind, kind.color)}  {self._apply_style(sanitize(flow), 'dim')}"

    def _render_orphan(self, record: Record, target: TargetReport) -> str:
        kind = ReportKind.ORPHANED
        description = (
            f"{record.name}  {wording.format_record_flow(record, target)}  {wording.explain_orphan(record, target)}"
        )
        return (
            f"  {self._format_mark(kind.symbol, kind, kind.color)}  {self._apply_style(sanitize(description), 'dim')}"
        )

    def _render_mismatch(self, report: Report) -> Iterator[str]:
        """Yield the differences between the plan and the reviewed plan."""
        if not report.mismatch:
            return
        yield self._apply_style(ReportKind.PLAN_MISMATCH.meaning, "red")
        yield from (f"  {name:<8} {digest}" for name, digest in plan_review.list_mismatch_digests(report))
        yield from (f"  {sentence}" for sentence in plan_review.list_mismatch_differences(report))
        yield ""

    def _render_summary(self, report: Report) -> str:
        kind, _, counts = wording.format_verdict(report).partition(":")
        coverage = f" {wording.format_coverage(report)}." if report.live_count else ""
        return f"{self._apply_style(f'{kind}:', 'bold')}{counts}{coverage}"

    def _format_mark(self, symbol: str, word: str, color: str) -> str:
        return self._apply_style(f"{symbol} {word:<9}", color) if self.is_terminal else f"{word:<9}"

    def _apply_style(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLE_CODES[style]}m{text}\x1b[0m" if self.is_terminal else text


@dataclass(frozen=True, slots=True)
class _ColumnWidths:
    """The widths of the columns of a target. A value longer than _MAX_WIDTH does not widen its column."""

    name: int
    flow: int

    @classmethod
    def from_associations(cls, associations: Sequence[AssociationReport]) -> _ColumnWidths:
        return cls(
            max((len(sanitize(each.name)) for each in associations if len(each.name) <= _MAX_WIDTH), default=0),
            max(
                (
                    len(wording.format_flow(each))
                    for each in associations
                    if len(wording.format_flow(each)) <= _MAX_WIDTH
                ),
                default=0,
            ),
        )
