"""A Report as GitHub's workflow commands: annotations on the files of a pull request.

One line is one command (docs.github.com, "Workflow commands for GitHub Actions"). Of each level it makes annotations of
the first ten of a step and only logs the rest, and it cuts a message at 4,096 characters (actions/runner,
ExecutionContext.cs). So what is more than ten is announced by the first of its level, and a long message goes on in a
further annotation. All of it stands in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core.errors import Problem
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import AssociationReport, Report
from reconciler.core.text import sanitize
from reconciler.render import wording
from reconciler.render.kinds import Level, ReportKind, kind_of

_SHOWN = 10
_LONG = 4_000
_TITLE = 200
_ASTRAL = "\U00010000"  # counts twice in UTF-16
_COMMANDS: Mapping[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class _Note:
    """One annotation; a line of 0 is none. The lines are harmless."""

    level: Level
    title: str
    lines: tuple[str, ...]
    file: str | None = None
    line: int = 0
    column: int = 0


def render(report: Report, *, terminal: bool = False) -> str:
    """Return a command for all that is not in sync, the gravest first, and plain lines with the summary and digest."""
    run = report.run
    revision = f", revision {sanitize(run.revision)}" if run.revision else ""
    last = (
        f"{wording.verdict(report)} {wording.coverage(report)}.",
        f"Run {sanitize(run.id)}{revision}, version {sanitize(run.version)}",
        *([f"Plan {digest}"] if (digest := wording.plan(report)) else []),
    )
    return _page(_notes(report), last)


def findings(found: ValidationResult, *, terminal: bool = False) -> str:
    """Return a command for each problem and each warning, and a plain line."""
    notes = (*map(_problem, found.problems), *map(_warning, found.warnings))
    return _page(notes, (f"Manifests: {wording.valid(found)}",))


def _page(notes: Iterable[_Note], last: Iterable[str]) -> str:
    by_level: dict[Level, list[_Note]] = {level: [] for level in _COMMANDS}
    for note in notes:
        if note.level in by_level:
            by_level[note.level] += _pieces(note)
    lines = []
    for level, found in by_level.items():
        command = _COMMANDS[level]
        if len(found) > _SHOWN:
            more = len(found) - _SHOWN + 1
            said = (
                f"GitHub shows {_SHOWN} of a kind: the log of this step has all {len(found):,}, {more:,} more than here"
            )
            lines.append(_command(command, _Note(level, f"and {more:,} more", (said,))))
        lines += [_command(command, note) for note in found]
    return "".join(f"{line}\n" for line in (*lines, *last))


def _notes(report: Report) -> Iterator[_Note]:
    if report.mismatch:
        yield _note(ReportKind.PLAN_MISMATCH, "", (ReportKind.PLAN_MISMATCH.meaning, *wording.mismatch(report)))
    for target in report.targets:
        if target.error:
            yield _note(ReportKind.TARGET_FAILED, target.name, (wording.place(target), sanitize(target.error)))
    for each in sorted(report.associations, key=lambda each: kind_of(each).rank):
        yield _association(each, report)
    yield from map(_warning, report.warnings)
    for target in report.targets:
        for arn, reason in target.unlisted:
            yield _note(ReportKind.UNLISTED, target.name, (wording.unlisted(arn, reason, target),))
        for live in target.unmanaged:
            yield _note(ReportKind.UNMANAGED, target.name, (wording.unmanaged(live, target),))
        for record in target.orphaned:
            yield _note(ReportKind.ORPHANED, target.name, (wording.orphaned(record, target),))


def _association(association: AssociationReport, report: Report) -> _Note:
    kind, origin = kind_of(association), association.origin
    said = (wording.flow(association), *wording.told(association))
    note = _note(kind, association.name, said, wording.label(kind, report))
    return replace(note, file=origin.file, line=origin.line, column=origin.column)


def _problem(problem: Problem, kind: ReportKind = ReportKind.INVALID_MANIFEST) -> _Note:
    said = sanitize(f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message)
    return replace(_note(kind, "", (said,)), file=problem.file, line=problem.line, column=problem.column)


def _warning(warning: Problem) -> _Note:
    return _problem(warning, ReportKind.UNWISE_MANIFEST)


def _note(kind: ReportKind, name: str, lines: tuple[str, ...], label: str | None = None) -> _Note:
    title = f"{label or kind.label} {name}".rstrip()
    return _Note(kind.level, title if len(title) <= _TITLE else f"{title[:_TITLE]}…", lines)


def _pieces(note: _Note) -> Iterator[_Note]:
    """Yield the note, in several pieces where the runner would cut it; UTF-16 counts there."""
    text = "\n".join(note.lines)
    size = _LONG if max(text, default="") < _ASTRAL else _LONG // 2
    yield replace(note, lines=(text[:size],))
    for start in range(size, len(text), size):
        yield _Note(note.level, f"{note.title} (continued)", (text[start : start + size],))


def _command(command: str, note: _Note) -> str:
    given = {"file": note.file, "line": note.line, "col": note.column if note.line else 0, "title": note.title}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in given.items() if value)
    text = "\n".join(note.lines)
    return f"::{command} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(sanitize(text)).replace(":", "%3A").replace(",", "%2C")
