"""A Report as JUnit XML: a suite for each target, a test case for each manifest.

What makes the exit code 1 fails: a call that failed or is unknown, and what is blocked, are failures; a target that
could not be reconciled, and a plan that is not the reviewed one, are errors. What makes it 2 with --detailed-exitcode
is skipped with its message, so that it shows: creates and updates that are pending, changed, drifted, settling, lost
and held. So is what belongs to no manifest: unmanaged, orphaned, not listed; and what is unwise. All else passes. The
whole request of a write stands in the system-out of its test case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from reconciler.core.errors import Problem
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.text import sanitize
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, kind_of

_NAME = "reconcile"


def render(report: Report, *, terminal: bool = False) -> str:
    """Return the report as an XML document with a final newline."""
    run = report.run
    seconds = max(0.0, (run.finished_at - run.started_at).total_seconds())
    common = {
        "planDigest": wording.plan(report),
        "run": run.id,
        "revision": run.revision,
        "version": run.version,
        "dryRun": "true" if run.dry_run else "false",
        "coverage": wording.coverage(report),
        "summary": wording.verdict(report),
    }
    suites = [_target(report, target, common) for target in report.targets]
    if report.mismatch:
        case = _case("plan", "is the one that was reviewed")
        _state(case, "error", ReportKind.PLAN_MISMATCH.meaning, wording.mismatch(report))
        suites.insert(0, _suite("plan", common, (case,)))
    if report.warnings:
        suites.append(_suite("warnings", common, map(_warning, report.warnings)))
    for suite in suites:
        suite.set("timestamp", f"{run.started_at:%Y-%m-%dT%H:%M:%S}")
    return _document(suites, {"time": f"{seconds:.3f}"})


def findings(found: ValidationResult, *, terminal: bool = False) -> str:
    """Return a failed test case for each problem, a skipped one for each warning, or one that passes."""
    cases = [*map(_problem, found.problems), *map(_warning, found.warnings)]
    if not found.problems:
        cases.insert(0, _case("manifests", wording.valid(found)))
    return _document([_suite("manifests", {"summary": wording.valid(found)}, cases)], {})


def _target(report: Report, target: TargetReport, common: Mapping[str, str | None]) -> ET.Element:
    cases = [_association(report, target, association) for association in target.associations]
    if target.error:
        failed = _case(target.name, "target")
        _state(failed, "error", target.error, (wording.place(target),))
        cases.insert(0, failed)
    leftovers = (
        *((ReportKind.UNMANAGED, live.arn, wording.unmanaged(live, target)) for live in target.unmanaged),
        *((ReportKind.ORPHANED, record.name, wording.orphaned(record, target)) for record in target.orphaned),
        *((ReportKind.UNLISTED, arn, wording.unlisted(arn, reason, target)) for arn, reason in target.unlisted),
    )
    cases += [_leftover(target, *each) for each in leftovers]
    here = {"account": target.account, "region": target.region, "targetCoverage": wording.coverage(target)}
    return _suite(target.name, {**common, **here}, cases)


def _association(report: Report, target: TargetReport, association: AssociationReport) -> ET.Element:
    origin, kind = association.origin, kind_of(association)
    case = _case(target.name, association.name, origin.file, origin.line)
    lines = (wording.flow(association), *wording.told(association))
    label = wording.label(kind, report)
    message = "; ".join((label, *wording.sentences(association)))
    if kind.level == "error":
        _state(case, "failure", message, lines)
    elif association.has_remaining_difference:
        _state(case, "skipped", message, () if association.write else lines)  # a request is long enough once
    _child(case, "system-out", (f"{label}: {origin}", *lines))
    return case


def _leftover(target: TargetReport, kind: ReportKind, name: str, said: str) -> ET.Element:
    case = _case(f"{target.name}.{kind}", name)
    _state(case, "skipped", f"{kind.label}: {said}", ())
    return case


def _problem(problem: Problem) -> ET.Element:
    case = _case("manifests", problem.pointer or problem.file, problem.file, problem.line)
    _state(case, "failure", problem.message, (str(problem),))
    return case


def _warning(warning: Problem) -> ET.Element:
    case = _case("warnings", warning.pointer or warning.file, warning.file, warning.line)
    _state(case, "skipped", f"warning: {warning}", ())
    return case


def _case(class_: str, name: str, file: str | None = None, line: int = 0) -> ET.Element:
    where = {"file": sanitize(file)} if file is not None else {}
    at = {"line": str(line)} if line else {}
    return ET.Element("testcase", {"name": sanitize(name), "classname": sanitize(class_), **where, **at})


def _state(case: ET.Element, tag: str, message: str, lines: Iterable[str]) -> None:
    """Say that a test case failed or was skipped."""
    _child(case, tag, lines).set("message", sanitize(message))


def _child(parent: ET.Element, tag: str, lines: Iterable[str]) -> ET.Element:
    child = ET.SubElement(parent, tag)
    child.text = "\n".join(map(sanitize, lines)) or None
    return child


def _suite(name: str, properties: Mapping[str, str | None], cases: Iterable[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": sanitize(name)})
    kept = ET.SubElement(suite, "properties")
    for key, value in properties.items():
        if value is not None:
            ET.SubElement(kept, "property", {"name": key, "value": sanitize(value)})
    suite.extend(cases)
    for attribute, count in _counts(suite).items():
        suite.set(attribute, str(count))
    return suite


def _counts(suite: ET.Element) -> dict[str, int]:
    tags = [child.tag for case in suite.iter("testcase") for child in case]
    return {
        "tests": sum(1 for _ in suite.iter("testcase")),
        "failures": tags.count("failure"),
        "errors": tags.count("error"),
        "skipped": tags.count("skipped"),
    }


def _document(suites: Iterable[ET.Element], more: Mapping[str, str]) -> str:
    root = ET.Element("testsuites", {"name": _NAME})
    root.extend(suites)
    for attribute in ("tests", "failures", "errors"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
    for attribute, value in more.items():
        root.set(attribute, value)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
