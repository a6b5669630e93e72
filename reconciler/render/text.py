"""A Report as text that a person reads in a terminal, or in the log of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.diff import Difference
from reconciler.core.model import Json, Live
from reconciler.core.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown
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
_WORDS = {"inSync": "in sync", "create": "to create", "update": "to update", "adopt": "adopted"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


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
        yield self._style(_safe(target.name), "bold") + (f"  {_safe(place)}" if place else "")
        if target.error:
            yield self._style(f"  failed: {_safe(target.error)}", "red")
        if not target.associations and not target.unmanaged:
            yield "  no manifests, and nothing live"
        for association in target.associations:
            yield from self._association(association, dry_run=dry_run)
        for live in target.unmanaged:
            yield from self._unmanaged(live)

    def _association(self, association: Association, *, dry_run: bool) -> Iterator[str]:
        name, decision = _safe(association.name), association.decision
        done, color = _done(association.outcome)
        word = decision if dry_run or not done else done
        if decision == "adopt" and not dry_run:
            word = "adopted"
        headline = f"{word:<9}  {name}"
        yield f"  {self._mark(decision, color)}{headline}{self._aside(association)}"
        if association.reason and decision != "create":
            yield f"      {_safe(association.reason)}"
        if decision == "create" and not association.reason.startswith("no such"):
            yield f"      {_safe(association.reason)}"
        match association.outcome:
            case Refused(reason) | NotSent(reason) | Unknown(reason) | Skipped(reason):
                yield self._style(f"      {_safe(reason)}", color or "yellow")
            case _:
                pass
        for difference in association.differences:
            yield from self._difference(difference)
        if association.unverifiable and association.differences == () and decision == "in-sync":
            fields = ", ".join(association.unverifiable)
            yield self._style(f"      unverifiable, since AWS does not show it: {fields}", "dim")

    def _aside(self, association: Association) -> str:
        """Return where the data goes, where the manifest stands, and how the last job went."""
        parts = [f"{_safe(association.integration)} → {_safe(association.destination) or '(no destination)'}"]
        if association.last_execution:
            parts.append(_safe(association.last_execution.status.lower().replace("_", " ")))
        if association.decision != "in-sync":
            parts.append(_safe(str(association.origin)))
        return self._style("  " + "  ".join(parts), "dim")

    def _difference(self, difference: Difference) -> Iterator[str]:
        """Show one member as a diff: what is there, and what git wants instead."""
        yield f"      {_safe(difference.path)}"
        if difference.readable:
            yield self._style(f"      - live     {_value(difference.live)}", "red")
        else:
            yield self._style("      - live     unverifiable: AWS does not show it", "dim")
        if difference.changed:
            yield self._style(f"      - applied  {_value(difference.applied)}", "red")
        yield self._style(f"      + git      {_value(difference.desired)}", "green")

    def _unmanaged(self, live: Live) -> Iterator[str]:
        destination = _safe(str(live.spec.get("DestinationURI", "(no destination)")))
        yield f"  {self._mark('unmanaged', None)}{'unmanaged':<9}  {_safe(live.arn)}" + self._style(
            f"  → {destination}", "dim"
        )

    def _summary(self, report: Report) -> str:
        counts = [(name, count) for name, count in report.summary.items() if count]
        said = ", ".join(f"{count} {_WORDS.get(name, name)}" for name, count in counts) or "nothing to do"
        created = sum(
            isinstance(association.outcome, Created) for target in report.targets for association in target.associations
        )
        if report.run.dry_run:
            return f"{self._style('Dry run:', 'bold')} {said}. Nothing was written."
        return f"{self._style('Run:', 'bold')} {said}. {created or 'Nothing'} created."

    def _mark(self, decision: str, color: str | None) -> str:
        if not self.terminal:
            return ""
        symbol, usual = _STYLES[decision]
        return self._style(symbol, color or usual) + " "

    def _style(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.terminal else text


def _done(outcome: Outcome | None) -> tuple[str | None, str | None]:
    match outcome:
        case Created():
            return "created", "green"
        case Refused() | NotSent():
            return "failed", "red"
        case Unknown():
            return "unknown", "red"
        case _:
            return None, None


def _value(value: Json) -> str:
    if value is None:
        return "(absent)"
    text = _safe(str(value))
    shown = readable(str(value))
    return f"{text} ({shown})" if shown != str(value) else text


def _safe(text: str) -> str:
    """Show control and direction characters as escapes: no value may steer a terminal or begin a line."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
