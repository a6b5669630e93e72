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
from reconciler.render.kinds import Level, ReportKind, get_kind

_MAX_PER_LEVEL = 10
_MAX_LENGTH = 4_000
_MAX_TITLE = 200
_FIRST_ASTRAL = "\U00010000"  # counts twice in UTF-16
_COMMANDS: Mapping[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One annotation; a line of 0 is none. The lines are harmless."""

    level: Level
    title: str
    lines: tuple[str, ...]
    file: str | None = None
    line: int = 0
    column: int = 0


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return a command for all that is not in sync, the gravest first, and plain lines with the summary and digest."""
    run = report.run
    revision = f", revision {sanitize(run.revision)}" if run.revision else ""
    closing_lines = (
        f"{wording.format_verdict(report)} {wording.format_coverage(report)}.",
        f"Run {sanitize(run.id)}{revision}, version {sanitize(run.version)}",
        *([f"Plan {digest}"] if (digest := wording.get_plan_digest(report)) else []),
    )
    return _render_commands(_build_annotations(report), closing_lines)


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return a command for each problem and each warning, and a plain line."""
    annotations = (*map(_annotate_problem, result.problems), *map(_annotate_warning, result.warnings))
    return _render_commands(annotations, (f"Manifests: {wording.format_validation(result)}",))


def _render_commands(annotations: Iterable[_Annotation], closing_lines: Iterable[str]) -> str:
    by_level: dict[Level, list[_Annotation]] = {level: [] for level in _COMMANDS}
    for annotation in annotations:
        if annotation.level in by_level:
            by_level[annotation.level] += _split(annotation)
    lines = []
    for level, annotations_of_level in by_level.items():
        command = _COMMANDS[level]
        if len(annotations_of_level) > _MAX_PER_LEVEL:
            omitted_count = len(annotations_of_level) - _MAX_PER_LEVEL + 1
            message = (
                f"GitHub shows {_MAX_PER_LEVEL} of a kind: the log of this step has all {len(annotations_of_level):,}, "
                f"{omitted_count:,} more than here"
            )
            lines.append(_format_command(command, _Annotation(level, f"and {omitted_count:,} more", (message,))))
        lines += [_format_command(command, note) for note in annotations_of_level]
    return "".join(f"{line}\n" for line in (*lines, *closing_lines))


def _build_annotations(report: Report) -> Iterator[_Annotation]:
    if report.mismatch:
        yield _build_annotation(
            ReportKind.PLAN_MISMATCH, "", (ReportKind.PLAN_MISMATCH.meaning, *wording.describe_mismatch(report))
        )
    for target in report.targets:
        if target.error:
            yield _build_annotation(
                ReportKind.TARGET_FAILED, target.name, (wording.format_target(target), sanitize(target.error))
            )
    for association in sorted(report.associations, key=lambda each: get_kind(each).rank):
        yield _annotate_association(association, report)
    yield from map(_annotate_warning, report.warnings)
    for target in report.targets:
        for arn, reason in target.unlisted:
            yield _build_annotation(ReportKind.UNLISTED, target.name, (wording.describe_unlisted(arn, reason, target),))
        for live in target.unmanaged:
            yield _build_annotation(ReportKind.UNMANAGED, target.name, (wording.describe_unmanaged(live, target),))
        for record in target.orphaned:
            yield _build_annotation(ReportKind.ORPHANED, target.name, (wording.describe_orphan(record, target),))


def _annotate_association(association: AssociationReport, report: Report) -> _Annotation:
    kind, origin = get_kind(association), association.origin
    lines = (wording.format_flow(association), *wording.describe_association(association))
    annotation = _build_annotation(kind, association.name, lines, wording.get_label(kind, report))
    return replace(annotation, file=origin.file, line=origin.line, column=origin.column)


def _annotate_problem(problem: Problem, kind: ReportKind = ReportKind.INVALID_MANIFEST) -> _Annotation:
    message = sanitize(f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message)
    return replace(_build_annotation(kind, "", (message,)), file=problem.file, line=problem.line, column=problem.column)


def _annotate_warning(warning: Problem) -> _Annotation:
    return _annotate_problem(warning, ReportKind.MANIFEST_WARNING)


def _build_annotation(kind: ReportKind, name: str, lines: tuple[str, ...], label: str | None = None) -> _Annotation:
    title = f"{label or kind.label} {name}".rstrip()
    return _Annotation(kind.level, title if len(title) <= _MAX_TITLE else f"{title[:_MAX_TITLE]}…", lines)


def _split(annotation: _Annotation) -> Iterator[_Annotation]:
    """Yield the note, in several pieces where the runner would cut it; UTF-16 counts there."""
    text = "\n".join(annotation.lines)
    size = _MAX_LENGTH if max(text, default="") < _FIRST_ASTRAL else _MAX_LENGTH // 2
    yield replace(annotation, lines=(text[:size],))
    for start in range(size, len(text), size):
        yield _Annotation(annotation.level, f"{annotation.title} (continued)", (text[start : start + size],))


def _format_command(command: str, annotation: _Annotation) -> str:
    values = {
        "file": annotation.file,
        "line": annotation.line,
        "col": annotation.column if annotation.line else 0,
        "title": annotation.title,
    }
    properties = ",".join(f"{key}={_escape_property(str(value))}" for key, value in values.items() if value)
    text = "\n".join(annotation.lines)
    return f"::{command} {properties}::{_escape_data(text)}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(sanitize(text)).replace(":", "%3A").replace(",", "%2C")
