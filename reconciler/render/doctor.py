"""Render a diagnosis as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.doctor.diagnosis import Check, CheckResult, Diagnosis
from reconciler.core.text import escape_workflow_commands, sanitize

FORMAT = "reconciler/doctor/v1"
_STYLES = {
    CheckResult.OK: ("✓", "32"),
    CheckResult.WARNING: ("!", "33"),
    CheckResult.FAILED: ("✗", "31"),
    CheckResult.SKIPPED: ("·", "2"),
}
_BOLD = "1"


def render_text(diagnosis: Diagnosis, *, is_terminal: bool) -> str:
    """Return the diagnosis as text. A terminal gets colours and symbols, and any other output gets plain text."""
    return "".join(f"{line}\n" for line in _TextRenderer(is_terminal).render_lines(diagnosis))


def render_json(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as a JSON document with a final newline."""
    document = {
        "format": FORMAT,
        "summary": dict(diagnosis.counts),
        "checks": [_encode_check(check) for check in diagnosis.program],
        "targets": [
            {
                "name": target.name,
                "account": target.account,
                "region": target.region,
                "checks": [_encode_check(check) for check in target.checks],
            }
            for target in diagnosis.targets
        ],
    }
    return escape_workflow_commands(json.dumps(document, indent=2)) + "\n"


@dataclass(frozen=True, slots=True)
class _TextRenderer:
    is_terminal: bool

    def render_lines(self, diagnosis: Diagnosis) -> Iterator[str]:
        sections = [("this machine", "", diagnosis.program)]
        for target in diagnosis.targets:
            place = " ".join(part for part in (target.account, target.region) if part)
            sections.append((target.name, place, target.checks))
        width = max((len(check.name) for *_, checks in sections for check in checks), default=0)
        for name, place, checks in sections:
            yield self._apply_style(sanitize(name), _BOLD) + (f"  {sanitize(place)}" if place else "")
            yield from self._render_checks(checks, width)
            yield ""
        counts = ", ".join(f"{count} {result}" for result, count in diagnosis.counts.items() if count)
        yield f"{self._apply_style('Checks:', _BOLD)} {counts}. Nothing was written."

    def _render_checks(self, checks: Sequence[Check], width: int) -> Iterator[str]:
        printed_fixes = set()  # several checks may have the same fix and JSON, which are printed once
        for check in checks:
            symbol, code = _STYLES[check.result]
            result_cell = (
                self._apply_style(f"{symbol} {check.result:<7}", code) if self.is_terminal else f"{check.result:<7}"
            )
            yield f"  {result_cell}  {check.name:<{width}}  {sanitize(check.message)}"
            paste = json.dumps(check.paste, indent=2) if check.paste else ""
            if check.fix and (check.fix, paste) not in printed_fixes:
                printed_fixes.add((check.fix, paste))
                yield f"      {sanitize(check.fix)}"
                yield from (f"      {sanitize(line)}" for line in paste.splitlines())

    def _apply_style(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_terminal else text


def _encode_check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "about": check.subject,
        "result": check.result,
        "seen": check.message,
        "fix": check.fix,
        "paste": check.paste,
    }
