"""A Report as text that a person reads in a terminal, or in the log of a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from reconciler.core.decide import MISSING
from reconciler.core.diff import Difference
from reconciler.core.harmless import harmless
from reconciler.core.model import Json, Live
from reconciler.core.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.report import Association, Report, TargetReport
from reconciler.core.times import readable

_STYLES = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "adopt": ("⇢", "cyan"),
    "in-sync": ("✓", "dim"),
    "drifted": ("≠", "yellow"),
    "changed": ("~", "yellow"),
    "settling": ("…", "cyan"),
    "lost": ("?", "red"),
    "held": ("‖", "cyan"),
    "blocked": ("✗", "red"),
    "unmanaged": ("·", "dim"),
}
_CODES = {"green": "32", "yellow": "33", "cyan": "36", "red": "31", "dim": "2", "bold": "1"}
_WORDS = {"inSync": "in sync", "create": "to create", "update": "to update", "adopt": "to adopt"}
_WIDE = 64
_MADE = (Created, Updated, Refused, NotSent, Unknown)


def render(report: Report, *, terminal: bool) -> str:
    """Return the report as lines; with colours and symbols for a terminal, plain otherwise."""
    return "".join(f"{line}\n" for line in _Page(terminal).lines(report))


@dataclass(frozen=True, slots=True)
class _Page:
    terminal: bool

    def lines(self, report: Report) -> Iterator[str]:
        for target in report.targets:
            yield from self._target(target, dry_run=report.run.dry_run)
            yield ""
        yield self._summary(report)
        yield self._style(f"Plan {report.plan_digest}", "dim")

    def _target(self, target: TargetReport, *, dry_run: bool) -> Iterator[str]:
        place = " ".join(part for part in (target.account, target.region) if part)
        yield self._style(harmless(target.name), "bold") + (f"  {harmless(place)}" if place else "")
        if target.error:
            yield self._style(f"  failed: {harmless(target.error)}", "red")
        elif not target.associations and not target.unmanaged:
            yield "  no manifests, and nothing live"
        widths = _Widths.of(target.associations)
        for association in target.associations:
            yield from self._association(association, widths, dry_run=dry_run)
        for live in target.unmanaged:
            yield self._unmanaged(live)

    def _association(self, association: Association, widths: _Widths, *, dry_run: bool) -> Iterator[str]:
        decision, (done, color) = association.decision, _done(association.outcome)
        word = done or ("adopted" if decision == "adopt" and not dry_run else decision)
        name, flow = harmless(association.name), _flow(association)
        columns = f"  {name:<{widths.name}}  {flow:<{widths.flow}}"
        yield f"  {self._marked(decision, word, color)}{columns}{self._aside(association)}".rstrip()
        if association.reason and association.reason != MISSING:
            yield f"      {harmless(association.reason)}"
        match association.outcome:
            case Refused(reason) | NotSent(reason) | Unknown(reason) | Skipped(reason):
                yield self._style(f"      {harmless(reason)}", color or "yellow")
            case Created() | Updated() | None:
                pass
            case other:
                assert_never(other)
        if isinstance(association.outcome, Unknown):
            then = "and waits before it sends anything" if decision == "create" else "and sends it in no case again"
            yield f"      it may have been carried out: the next run looks for it, {then}"
        for difference in association.differences:
            yield from self._difference(difference)

    def _aside(self, association: Association) -> str:
        """Return how the last job went, what cannot be compared, and where the manifest stands."""
        parts = []
        if association.last_execution:
            parts.append(association.last_execution.status.lower().replace("_", " "))
        if association.unverifiable and association.arn:
            parts.append("unverifiable: " + " ".join(association.unverifiable))
        if association.decision != "in-sync":
            parts.append(str(association.origin))
        return self._style("  " + "  ".join(map(harmless, parts)), "dim") if parts else ""

    def _difference(self, difference: Difference) -> Iterator[str]:
        """Show one member as a diff: what is there, and what git wants instead."""
        yield f"      {harmless(difference.path)}"
        if difference.readable:
            yield self._style(f"      - live     {_value(difference.live)}", "red")
        else:
            yield self._style("      - live     unverifiable: AWS does not show it", "dim")
        if difference.changed:
            yield self._style(f"      - applied  {_value(difference.applied)}", "red")
        yield self._style(f"      + git      {_value(difference.desired)}", "green")

    def _unmanaged(self, live: Live) -> str:
        flow = f"→ {live.spec.get('DestinationURI', '(no destination)')}  {live.arn}"
        return f"  {self._marked('unmanaged', 'unmanaged', None)}  {self._style(harmless(flow), 'dim')}"

    def _summary(self, report: Report) -> str:
        counts = dict(report.summary)
        words, said = dict(_WORDS), []
        if not report.run.dry_run:
            associations = [each for target in report.targets for each in target.associations]
            outcomes = [each.outcome for each in associations]
            for each in associations:
                if isinstance(each.outcome, _MADE):  # it is told by its outcome
                    counts[each.decision] -= 1
            done = Counter(type(outcome) for outcome in outcomes)
            counts["failed"] -= done[Unknown]
            words["adopt"] = "adopted"
            told = ((done[Created], "created"), (done[Updated], "updated"), (done[Unknown], "unknown"))
            said = [f"{count} {word}" for count, word in told if count]
        said += [f"{count} {words.get(name, name)}" for name, count in counts.items() if count]
        kind, end = ("Dry run:", " Nothing was written.") if report.run.dry_run else ("Run:", "")
        return f"{self._style(kind, 'bold')} {', '.join(said) or 'nothing to do'}.{end}"

    def _marked(self, decision: str, word: str, color: str | None) -> str:
        symbol, usual = _STYLES[decision]
        return self._style(f"{symbol} {word:<9}", color or usual) if self.terminal else f"{word:<9}"

    def _style(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.terminal else text


@dataclass(frozen=True, slots=True)
class _Widths:
    """How wide the columns of a target are; what is longer than half a line stands out."""

    name: int
    flow: int

    @classmethod
    def of(cls, associations: Sequence[Association]) -> _Widths:
        return cls(
            max((len(harmless(each.name)) for each in associations if len(each.name) <= _WIDE), default=0),
            max((len(_flow(each)) for each in associations if len(_flow(each)) <= _WIDE), default=0),
        )


def _flow(association: Association) -> str:
    """Return from which data integration to which destination the data goes."""
    return harmless(f"{association.integration} → {association.destination or '(no destination)'}")


def _done(outcome: Outcome | None) -> tuple[str | None, str | None]:
    match outcome:
        case Created():
            return "created", "green"
        case Updated():
            return "updated", "green"
        case Refused() | NotSent():
            return "failed", "red"
        case Unknown():
            return "unknown", "red"
        case Skipped() | None:
            return None, None
        case other:
            assert_never(other)


def _value(value: Json) -> str:
    if value is None:
        return "(absent)"
    text = harmless(str(value))
    shown = readable(str(value))
    return f"{text} ({shown})" if shown != str(value) else text
