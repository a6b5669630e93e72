"""Render a report as a comment on a pull request, in GitHub Flavored Markdown. No value can become markup.

Every value is in a code span or a fenced block whose fence is longer than any run of backticks in the value. Only code
keeps GitHub from turning URLs into links, @names into mentions and #numbers into references. GitHub takes 65,536
characters in a comment. This module counts bytes of UTF-8, which are never fewer than characters. A line after each
section counts the entries that did not fit, by kind.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.errors import Problem
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.text import sanitize
from reconciler.render import plan_review, windows, wording
from reconciler.render.kinds import Group, ReportKind, get_kind

MAX_SIZE = 65_536
"""The maximum size of a comment in bytes."""

_NOTE_SIZE = 400  # bytes reserved for the sentence that counts the omitted entries
_BRIEF_LENGTH = 120
_MAX_LISTED_TARGETS = 5
_FULL_REPORT_HINT = "The plan digest covers every entry, and the text and JSON reports show every entry."


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return the report as a comment: a summary, then the entries that need action, the writes, and the rest."""
    return _render_comment("\n\n".join(_render_head(report)), tuple(_build_sections(report)))


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return the problems and warnings of a revision as a comment."""
    problems = tuple(_build_problem_block("problems", problem) for problem in result.problems)
    return _render_comment(
        f"## {wording.format_validation(result)}",
        (_Section("Problems", problems), _build_warnings_section(result.warnings)),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """One entry in a full and a short form. `kind` is the label under which the entry is counted."""

    kind: str
    full_text: str
    short_text: str


@dataclass(frozen=True, slots=True)
class _Section:
    """Entries under a heading. A folded section is collapsed until a reader opens it.

    A section with `is_priority` gets its room before the other sections, but keeps its place in the comment.
    """

    title: str
    blocks: tuple[_Block, ...]
    is_folded: bool = False
    is_priority: bool = False

    @property
    def opening(self) -> str:
        """The Markdown before the entries."""
        if self.is_folded:
            return f"<details>\n<summary>{self.title}: {len(self.blocks):,}</summary>\n\n"
        return f"### {self.title}\n\n"

    @property
    def closing(self) -> str:
        """The Markdown after the entries."""
        return "</details>\n\n" if self.is_folded else ""

    def format_omissions(self, short: Counter[str], omitted: Counter[str]) -> str:
        """Return sentences that count the shortened and the omitted entries by kind."""
        shortened_part = f"Shortened to fit into the comment: {_format_counts(short)}.\n\n" if short else ""
        return shortened_part + (f"And {omitted.total():,} more: {_format_counts(omitted)}.\n\n" if omitted else "")

    @property
    def frame_size(self) -> int:
        """The maximum size of the section in bytes, without its entries."""
        counts = Counter(block.kind for block in self.blocks)
        return (
            _count_bytes(self.opening)
            + _count_bytes(self.closing)
            + _count_bytes(self.format_omissions(counts, counts))
        )


def _render_comment(head: str, sections: tuple[_Section, ...]) -> str:
    """Return the head and the sections as one comment. Entries that do not fit are shortened or omitted."""
    filled_sections = [section for section in sections if section.blocks]
    room = MAX_SIZE - _count_bytes(head) - _NOTE_SIZE - sum(section.frame_size for section in filled_sections)
    bodies, shortened_count, omitted_count = {}, 0, 0
    for section in sorted(filled_sections, key=lambda each: not each.is_priority):
        texts, shortened, omitted = [], Counter[str](), Counter[str]()
        reserve = room // 4 if section.is_priority and len(filled_sections) > 1 else 0
        for block in section.blocks:
            text = next(
                (text for text in (block.full_text, block.short_text) if _count_bytes(text) <= room - reserve), ""
            )
            room -= _count_bytes(text)
            texts.append(text)
            if not text:
                omitted[block.kind] += 1
            elif text != block.full_text:
                shortened[block.kind] += 1
        shortened_count += shortened.total()
        omitted_count += omitted.total()
        bodies[section.title] = (section.opening, *texts, section.format_omissions(shortened, omitted), section.closing)
    body = [text for section in filled_sections for text in bodies[section.title]]
    note = ""
    if shortened_count or omitted_count:
        note = (
            f"**This comment is not complete: {shortened_count:,} entries are shortened and {omitted_count:,} are "
            f"omitted, because a comment has at most {MAX_SIZE:,} bytes of UTF-8.** {_FULL_REPORT_HINT}\n\n"
        )
    return f"{head}\n\n{note}{''.join(body)}".rstrip("\n") + "\n"


def _render_head(report: Report) -> Iterator[str]:
    run, counts = report.run, wording.count_kinds(report)
    counts[ReportKind.UNMANAGED] = report.unmanaged_count
    counts[ReportKind.ORPHANED] = sum(len(target.orphaned) for target in report.targets)
    yield f"## {wording.format_verdict(report)}"
    rows = [(wording.get_label(kind, report), counts[kind]) for kind in ReportKind if counts[kind]]
    if overdue_count := wording.count_overdue(report):
        rows.append((wording.OVERDUE, overdue_count))
    if rows:
        yield "\n".join(("| | |", "|:--|--:|", *(f"| {name} | {count:,} |" for name, count in rows)))
    if len(report.targets) <= _MAX_LISTED_TARGETS:
        yield "".join(f"- {_format_target(target)}\n" for target in report.targets).rstrip("\n") or "No targets."
    else:
        yield f"{len(report.targets):,} targets. {wording.format_coverage(report)}."
    if digest := plan_review.get_plan_digest(report):
        yield f"Plan {_format_code(digest)}"
        if run.dry_run and (report.has_reviewed_writes or counts[ReportKind.ADOPT]):
            yield f"To apply exactly this plan: {_format_code(f'reconcile --expect-plan {digest}')}"
        if sentence := plan_review.describe_unreviewed_updates(report):
            yield sentence
    revision = f", revision {_format_brief(run.revision)}" if run.revision else ""
    if run.shard:
        yield f"{wording.describe_shard(run.shard, len(report.targets))}."
    yield f"Run {_format_brief(run.id)}{revision}, version {_format_brief(run.version)}."


def _format_target(target: TargetReport) -> str:
    return f"{_format_brief(wording.format_target(target))}: {wording.format_coverage(target)}"


def _build_sections(report: Report) -> Iterator[_Section]:
    everything = [(get_kind(each), target, each) for target in report.targets for each in target.associations]
    everything.sort(key=lambda entry: entry[0].rank)
    entries = [(kind, each, _build_association_block(kind, target, each, report)) for kind, target, each in everything]
    yield _Section("Plan mismatch", tuple(_list_mismatches(report)))
    urgent_blocks = (block for kind, _, block in entries if kind.group == "person")
    yield _Section("Needs action", (*_list_failures(report), *urgent_blocks))
    writes = tuple(block for kind, each, block in entries if each.write and kind.group != "person")
    is_read_only = wording.is_read_only(report) or not any(target.has_attempted_writes for target in report.targets)
    yield _Section("Planned writes" if is_read_only else "Writes", writes, is_priority=True)
    rest: dict[Group, list[_Block]] = defaultdict(list)
    for kind, each, block in entries:
        if not each.write and kind.group != "person":
            rest[kind.group].append(block)
    yield _Section("Remaining differences", tuple(rest["difference"]))
    yield _build_warnings_section(report.warnings)
    yield _Section("To adopt" if wording.is_read_only(report) else "Adopted", tuple(rest["adopted"]))
    yield _Section("Not adopted", tuple(rest["not adopted"]))
    if len(report.targets) > _MAX_LISTED_TARGETS:
        targets = tuple(_build_line_block("targets", _format_target(target)) for target in report.targets)
        yield _Section("Targets", targets, is_folded=True)
    yield _Section("Unmanaged", tuple(_list_unmanaged(report)), is_folded=True)
    yield _Section("Orphaned", tuple(_list_orphans(report)), is_folded=True)
    yield _Section("In sync", tuple(rest["in sync"]), is_folded=True)
    yield _Section("Retired", tuple(rest["retired"]), is_folded=True)


def _build_association_block(
    kind: ReportKind, target: TargetReport, association: AssociationReport, report: Report
) -> _Block:
    """Return the entry of an association: a paragraph, then a fenced block with the differences and the call."""
    label, badge = wording.get_label(kind, report), wording.format_label(association, report)
    target_part = f" in {_format_brief(target.name)}" if len(report.targets) > 1 else ""
    short_text = (
        f"- **{badge}** {_format_brief(association.name)}{target_part}, {_format_brief(str(association.origin))}\n\n"
    )
    origin = _format_code(str(association.origin))
    flow = _format_code(wording.format_flow(association))
    head = f"**{badge}** {_format_code(association.name)}{target_part}: {flow}, {origin}"
    all_sentences = (*wording.list_association_sentences(association), *windows.list_sentences(association.windows))
    sentences = "".join(f"  \n{_format_code(sentence)}" for sentence in all_sentences)
    diff_lines = (*wording.format_differences(association), *wording.format_write(association))
    return _Block(label, f"{head}{sentences}\n\n{_format_diff(diff_lines) if diff_lines else ''}", short_text)


def _list_mismatches(report: Report) -> Iterator[_Block]:
    return (
        _build_line_block("differences", _format_code(sentence)) for sentence in plan_review.describe_mismatch(report)
    )


def _list_failures(report: Report) -> Iterator[_Block]:
    for target in report.targets:
        if target.error:
            yield _build_line_block(
                "targets",
                f"**target failed** {_format_code(wording.format_target(target))}: {_format_code(target.error)}",
            )
        for arn, reason in target.unlisted:
            details = _format_code(wording.describe_unlisted(arn, reason, target))
            yield _build_line_block("not listed", f"**not listed** in {_format_brief(target.name)}: {details}")


def _build_warnings_section(warnings: Sequence[Problem]) -> _Section:
    return _Section("Warnings", tuple(_build_problem_block("warnings", warning) for warning in warnings))


def _build_problem_block(kind: str, problem: Problem) -> _Block:
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    pointer = f" {_format_code(problem.pointer)}" if problem.pointer else ""
    return _build_line_block(kind, f"{_format_code(place)}{pointer}: {_format_code(problem.message)}")


def _list_unmanaged(report: Report) -> Iterator[_Block]:
    return (
        _build_line_block(
            "unmanaged", f"{_format_brief(target.name)}: {_format_code(wording.describe_unmanaged(live, target))}"
        )
        for target in report.targets
        for live in target.unmanaged
    )


def _list_orphans(report: Report) -> Iterator[_Block]:
    return (
        _build_line_block(
            "orphaned", f"{_format_brief(target.name)}: {_format_code(wording.describe_orphan(record, target))}"
        )
        for target in report.targets
        for record in target.orphaned
    )


def _build_line_block(kind: str, text: str) -> _Block:
    """Return an entry of one line, without a short form."""
    return _Block(kind, f"- {text}\n\n", "")


def _format_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def _format_brief(text: str) -> str:
    """Return a value as a code span, cut if the value is long."""
    return _format_code(text if len(text) <= _BRIEF_LENGTH else f"{text[:_BRIEF_LENGTH]}…")


def _format_code(text: str) -> str:
    """Return a value as a code span. The value may contain backticks (CommonMark 0.31, 6.1)."""
    text = sanitize(text)
    fence = "`" * (_count_backticks(text) + 1)
    if not text.strip(" "):
        return "`(empty)`" if not text else f"`{text}`"
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _format_diff(lines: Iterable[str]) -> str:
    """Return sanitized lines as a fenced block of a diff. No line can end the block."""
    text = "\n".join(lines)
    fence = "`" * max(3, _count_backticks(text) + 1)
    return f"{fence}diff\n{text}\n{fence}\n\n"


def _count_backticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _count_bytes(text: str) -> int:
    return len(text.encode())
