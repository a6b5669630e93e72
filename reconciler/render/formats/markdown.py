"""A Report as a comment on a pull request: GitHub Flavored Markdown in which no value can be markup.

Every value stands in a code span or a fenced block that is longer than any run of backticks in it: nothing else keeps
GitHub from making links of URLs, mentions of @names and references of #numbers. GitHub takes 65,536 characters in a
comment; UTF-8 bytes are counted here, of which there are never fewer. What does not fit is counted, by kind.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.errors import Problem
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.text import sanitize
from reconciler.render import wording
from reconciler.render.kinds import Group, ReportKind, kind_of

LIMIT = 65_536
"""How long a comment may be."""

_NOTE = 400  # kept free for the sentence that says what was left out
_BRIEF = 120
_FEW = 5
_ELSEWHERE = "The digest covers all of it; the text and JSON reports show it."


def render(report: Report, *, terminal: bool = False) -> str:
    """Return the report as a comment: a summary, then what needs a person, what is written, and the rest."""
    return _page("\n\n".join(_head(report)), tuple(_sections(report)))


def findings(found: ValidationResult, *, terminal: bool = False) -> str:
    """Return what is wrong and what is unwise in a revision as a comment."""
    problems = tuple(_problem("problems", problem) for problem in found.problems)
    return _page(f"## {wording.valid(found)}", (_Section("Problems", problems), _warnings(found.warnings)))


@dataclass(frozen=True, slots=True)
class _Block:
    """One entry, whole and in short; `kind` is how it is counted."""

    kind: str
    whole: str
    short: str


@dataclass(frozen=True, slots=True)
class _Section:
    """Entries under a heading, or folded away. What `matters` most gets room before all else, wherever it stands."""

    title: str
    blocks: tuple[_Block, ...]
    folded: bool = False
    matters: bool = False

    @property
    def opening(self) -> str:
        """How the section begins."""
        if self.folded:
            return f"<details>\n<summary>{self.title}: {len(self.blocks):,}</summary>\n\n"
        return f"### {self.title}\n\n"

    @property
    def closing(self) -> str:
        """How the section ends."""
        return "</details>\n\n" if self.folded else ""

    def more(self, short: Counter[str], left: Counter[str]) -> str:
        """Say what is in short, and what is left out."""
        shown = f"In short, to fit into a comment: {_counted(short)}.\n\n" if short else ""
        return shown + (f"And {left.total():,} more: {_counted(left)}.\n\n" if left else "")

    @property
    def frame(self) -> int:
        """How many bytes there are around the entries at most."""
        counts = Counter(block.kind for block in self.blocks)
        return _size(self.opening) + _size(self.closing) + _size(self.more(counts, counts))


def _page(head: str, sections: tuple[_Section, ...]) -> str:
    """Put a page together, the entries in order as long as there is room."""
    shown = [section for section in sections if section.blocks]
    room = LIMIT - _size(head) - _NOTE - sum(section.frame for section in shown)
    bodies, shortened, omitted = {}, 0, 0
    for section in sorted(shown, key=lambda each: not each.matters):
        kept, short, left = [], Counter[str](), Counter[str]()
        free = room // 4 if section.matters and len(shown) > 1 else 0
        for block in section.blocks:
            text = next((text for text in (block.whole, block.short) if _size(text) <= room - free), "")
            room -= _size(text)
            kept.append(text)
            if not text:
                left[block.kind] += 1
            elif text != block.whole:
                short[block.kind] += 1
        shortened += short.total()
        omitted += left.total()
        bodies[section.title] = (section.opening, *kept, section.more(short, left), section.closing)
    body = [text for section in shown for text in bodies[section.title]]
    note = ""
    if shortened or omitted:
        note = (
            f"**This comment is not complete: {shortened:,} entries are in short and {omitted:,} are left out, since "
            f"it may have {LIMIT:,} bytes of UTF-8.** {_ELSEWHERE}\n\n"
        )
    return f"{head}\n\n{note}{''.join(body)}".rstrip("\n") + "\n"


def _head(report: Report) -> Iterator[str]:
    run, counts = report.run, wording.kinds(report)
    counts[ReportKind.UNMANAGED] = report.summary["unmanaged"]
    counts[ReportKind.ORPHANED] = sum(len(target.orphaned) for target in report.targets)
    yield f"## {wording.verdict(report)}"
    rows = [(wording.label(kind, report), counts[kind]) for kind in ReportKind if counts[kind]]
    if rows:
        yield "\n".join(("| | |", "|:--|--:|", *(f"| {name} | {count:,} |" for name, count in rows)))
    if len(report.targets) <= _FEW:
        yield "".join(f"- {_target(target)}\n" for target in report.targets).rstrip("\n") or "No targets."
    else:
        yield f"{len(report.targets):,} targets. {wording.coverage(report)}."
    if digest := wording.plan(report):
        yield f"Plan {_code(digest)}"
        if run.dry_run:
            yield f"To carry out this plan and no other: {_code(f'reconcile --expect-plan {digest}')}"
    revision = f", revision {_brief(run.revision)}" if run.revision else ""
    yield f"Run {_brief(run.id)}{revision}, version {_brief(run.version)}."


def _target(target: TargetReport) -> str:
    return f"{_brief(wording.place(target))}: {wording.coverage(target)}"


def _sections(report: Report) -> Iterator[_Section]:
    everything = [
        (kind_of(each), target, each) for target in report.targets for each in target.associations
    ]  # in the order of their gravity, and of the manifests
    everything.sort(key=lambda entry: entry[0].rank)
    entries = [(kind, each, _association(kind, target, each, report)) for kind, target, each in everything]
    yield _Section("Not the plan that was reviewed", tuple(_mismatch(report)))
    urgent = (block for kind, _, block in entries if kind.group == "person")
    yield _Section("Needs a person", (*_failed(report), *urgent))
    writes = tuple(block for kind, each, block in entries if each.write and kind.group != "person")
    nothing = wording.only_looked(report) or not any(target.has_attempted_writes for target in report.targets)
    yield _Section("What would be written" if nothing else "Writes", writes, matters=True)
    rest: dict[Group, list[_Block]] = defaultdict(list)
    for kind, each, block in entries:
        if not each.write and kind.group != "person":
            rest[kind.group].append(block)
    yield _Section("What remains different", tuple(rest["difference"]))
    yield _warnings(report.warnings)
    yield _Section("To adopt" if wording.only_looked(report) else "Adopted", tuple(rest["adopted"]))
    yield _Section("Not adopted", tuple(rest["not adopted"]))
    if len(report.targets) > _FEW:
        targets = tuple(_line("targets", _target(target)) for target in report.targets)
        yield _Section("Targets", targets, folded=True)
    yield _Section("Unmanaged", tuple(_unmanaged(report)), folded=True)
    yield _Section("Orphaned", tuple(_orphaned(report)), folded=True)
    yield _Section("In sync", tuple(rest["in sync"]), folded=True)


def _association(kind: ReportKind, target: TargetReport, association: AssociationReport, report: Report) -> _Block:
    """Return a paragraph, and a block with the differences and the call."""
    label = wording.label(kind, report)
    within = f" in {_brief(target.name)}" if len(report.targets) > 1 else ""
    short = f"- **{label}** {_brief(association.name)}{within}, {_brief(str(association.origin))}\n\n"
    where = _code(str(association.origin))
    head = f"**{label}** {_code(association.name)}{within}: {_code(wording.flow(association))}, {where}"
    said = "".join(f"  \n{_code(sentence)}" for sentence in wording.sentences(association))
    shown = (*wording.differences(association), *wording.call(association))
    return _Block(label, f"{head}{said}\n\n{_fenced(shown) if shown else ''}", short)


def _mismatch(report: Report) -> Iterator[_Block]:
    return (_line("differences", _code(sentence)) for sentence in wording.mismatch(report))


def _failed(report: Report) -> Iterator[_Block]:
    for target in report.targets:
        if target.error:
            yield _line("targets", f"**target failed** {_code(wording.place(target))}: {_code(target.error)}")
        for arn, reason in target.unlisted:
            said = f"**not listed** in {_brief(target.name)}: {_code(wording.unlisted(arn, reason, target))}"
            yield _line("not listed", said)


def _warnings(warnings: Sequence[Problem]) -> _Section:
    return _Section("Warnings", tuple(_problem("warnings", warning) for warning in warnings))


def _problem(kind: str, problem: Problem) -> _Block:
    where = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    pointer = f" {_code(problem.pointer)}" if problem.pointer else ""
    return _line(kind, f"{_code(where)}{pointer}: {_code(problem.message)}")


def _unmanaged(report: Report) -> Iterator[_Block]:
    return (
        _line("unmanaged", f"{_brief(target.name)}: {_code(wording.unmanaged(live, target))}")
        for target in report.targets
        for live in target.unmanaged
    )


def _orphaned(report: Report) -> Iterator[_Block]:
    return (
        _line("orphaned", f"{_brief(target.name)}: {_code(wording.orphaned(record, target))}")
        for target in report.targets
        for record in target.orphaned
    )


def _line(kind: str, text: str) -> _Block:
    """Return an entry of one line, which has no shorter form."""
    return _Block(kind, f"- {text}\n\n", "")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def _brief(text: str) -> str:
    """Return a value as code, cut where it is long."""
    return _code(text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…")


def _code(text: str) -> str:
    """Return a value as a code span, whatever backticks it holds (CommonMark 0.31, 6.1)."""
    text = sanitize(text)
    fence = "`" * (_longest(text) + 1)
    if not text.strip(" "):
        return "`(empty)`" if not text else f"`{text}`"
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _fenced(lines: Iterable[str]) -> str:
    """Return harmless lines as a block of a diff, which none of them can end."""
    text = "\n".join(lines)
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}diff\n{text}\n{fence}\n\n"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _size(text: str) -> int:
    return len(text.encode())
