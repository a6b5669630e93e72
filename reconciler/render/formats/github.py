"""Render a report as workflow commands of GitHub, which become annotations on the files of a pull request.

Each line is one command (docs.github.com, "Workflow commands for GitHub Actions"). The runner shows the first ten
annotations of each level in a step, and cuts a message at 4,096 characters (actions/runner, ExecutionContext.cs).
Therefore the first annotation of a level counts those that GitHub hides, and a long message continues in the next
annotation. The log of the step contains every annotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.core.errors import Problem
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import AssociationReport, Report
from reconciler.core.text import sanitize
from reconciler.render import plan_review, wording
from reconciler.render.kinds import Level, ReportKind, get_kind, get_level

_MAX_PER_LEVEL = 10
_MAX_LENGTH = 4_000
_MAX_TITLE = 200
_FIRST_ASTRAL = "\U00010000"  # from here on, a character takes two units of UTF-16
_COMMANDS: Mapping[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One annotation. A line of 0 means that no line is known. The texts in `lines` are sanitized."""

    level: Level
    title: str
    lines: tuple[str, ...]
    file: str | None = None
    line: int = 0
    column: int = 0


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return a command for each entry that is not in sync, most severe first, then plain lines with the summary."""
    run = report.run
    revision = f", revision {sanitize(run.revision)}" if run.revision else ""
    closing_lines = (
        f"{wording.format_verdict(report)} {wording.format_coverage(report)}.",
        f"Run {sanitize(run.id)}{revision}, version {sanitize(run.version)}",
        *([f"Plan {digest}"] if (digest := plan_review.get_plan_digest(report)) else []),
    )
    return _render_commands(_build_annotations(report), closing_lines)


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return a command for each problem and each warning, then a plain line with the counts."""
    annotations = (*map(_annotate_problem, result.problems), *map(_annotate_warning, result.warnings))
    return _render_commands(annotations, (wording.format_validation(result),))


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
                f"GitHub shows at most {_MAX_PER_LEVEL} annotations of a level and hides {omitted_count:,} here: "
                f"see the log of this step for all {len(annotations_of_level):,}"
            )
            lines.append(_format_command(command, _Annotation(level, f"and {omitted_count:,} more", (message,))))
        lines += [_format_command(command, note) for note in annotations_of_level]
    return "".join(f"{line}\n" for line in (*lines, *closing_lines))


def _build_annotations(report: Report) -> Iterator[_Annotation]:
    if report.mismatch:
        yield _build_annotation(
            ReportKind.PLAN_MISMATCH, "", (ReportKind.PLAN_MISMATCH.meaning, *plan_review.describe_mismatch(report))
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
    annotation = _build_annotation(kind, association.name, lines, wording.format_label(association, report))
    return replace(annotation, level=get_level(association), file=origin.file, line=origin.line, column=origin.column)


def _annotate_problem(problem: Problem, kind: ReportKind = ReportKind.INVALID_MANIFEST) -> _Annotation:
    message = sanitize(f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message)
    return replace(_build_annotation(kind, "", (message,)), file=problem.file, line=problem.line, column=problem.column)


def _annotate_warning(warning: Problem) -> _Annotation:
    return _annotate_problem(warning, ReportKind.MANIFEST_WARNING)


def _build_annotation(kind: ReportKind, name: str, lines: tuple[str, ...], label: str | None = None) -> _Annotation:
    title = f"{label or kind.label} {name}".rstrip()
    return _Annotation(kind.level, title if len(title) <= _MAX_TITLE else f"{title[:_MAX_TITLE]}…", lines)


def _split(annotation: _Annotation) -> Iterator[_Annotation]:
    """Yield the annotation, split where the runner would cut it. The runner counts units of UTF-16."""
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
