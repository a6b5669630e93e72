"""Render a report as JUnit XML: a test suite for each target, and a test case for each manifest.

- Failures are calls that failed or had no answer, and blocked associations. They make the exit code 1.
- Errors are targets that could not be reconciled, and a plan mismatch. They make the exit code 1, too.
- Skipped test cases with a message are planned creates and updates, and associations that are changed, drifted,
  settling, lost or held. They make the exit code 2 with --detailed-exitcode. Unmanaged and orphaned associations, data
  integrations that could not be listed, and warnings are skipped test cases as well.
- Every other test case passes.

The system-out of a test case contains the complete request of its write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from reconciler.core.errors import Problem
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.text import sanitize
from reconciler.render import plan_review, wording
from reconciler.render.kinds import ReportKind, get_kind

_TOOL_NAME = "reconcile"


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return the report as an XML document with a final newline."""
    run = report.run
    seconds = max(0.0, (run.finished_at - run.started_at).total_seconds())
    run_properties = {
        "planDigest": plan_review.get_plan_digest(report),
        "run": run.id,
        "revision": run.revision,
        "version": run.version,
        "dryRun": "true" if run.dry_run else "false",
        "coverage": wording.format_coverage(report),
        "summary": wording.format_verdict(report),
    }
    suites = [_build_target_suite(report, target, run_properties) for target in report.targets]
    if report.mismatch:
        case = _build_case("plan", "matches the reviewed plan")
        _set_result(case, "error", ReportKind.PLAN_MISMATCH.meaning, plan_review.describe_mismatch(report))
        suites.insert(0, _build_suite("plan", run_properties, (case,)))
    if report.warnings:
        suites.append(_build_suite("warnings", run_properties, map(_build_warning_case, report.warnings)))
    for suite in suites:
        suite.set("timestamp", f"{run.started_at:%Y-%m-%dT%H:%M:%S}")
    return _render_document(suites, {"time": f"{seconds:.3f}"})


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return a failed test case for each problem and a skipped one for each warning.

    Without problems, the first test case passes.
    """
    cases = [*map(_build_problem_case, result.problems), *map(_build_warning_case, result.warnings)]
    if not result.problems:
        cases.insert(0, _build_case("manifests", wording.format_validation(result)))
    return _render_document([_build_suite("manifests", {"summary": wording.format_validation(result)}, cases)], {})


def _build_target_suite(report: Report, target: TargetReport, run_properties: Mapping[str, str | None]) -> ET.Element:
    cases = [_build_association_case(report, target, association) for association in target.associations]
    if target.error:
        error_case = _build_case(target.name, "target")
        _set_result(error_case, "error", target.error, (wording.format_target(target),))
        cases.insert(0, error_case)
    leftovers = (
        *((ReportKind.UNMANAGED, live.arn, wording.describe_unmanaged(live, target)) for live in target.unmanaged),
        *((ReportKind.ORPHANED, record.name, wording.describe_orphan(record, target)) for record in target.orphaned),
        *(
            (ReportKind.UNLISTED, arn, wording.describe_unlisted(arn, reason, target))
            for arn, reason in target.unlisted
        ),
    )
    cases += [_build_leftover_case(target, *each) for each in leftovers]
    target_properties = {
        "account": target.account,
        "region": target.region,
        "targetCoverage": wording.format_coverage(target),
    }
    return _build_suite(target.name, {**run_properties, **target_properties}, cases)


def _build_association_case(report: Report, target: TargetReport, association: AssociationReport) -> ET.Element:
    origin, kind = association.origin, get_kind(association)
    case = _build_case(target.name, association.name, origin.file, origin.line)
    lines = (wording.format_flow(association), *wording.describe_association(association))
    label = wording.format_label(association, report)
    message = "; ".join((label, *wording.list_reasons(association)))
    if kind.level == "error":
        _set_result(case, "failure", message, lines)
    elif association.has_remaining_difference:
        _set_result(case, "skipped", message, () if association.write else lines)  # system-out has the request already
    _add_child(case, "system-out", (f"{label}: {origin}", *lines))
    return case


def _build_leftover_case(target: TargetReport, kind: ReportKind, name: str, message: str) -> ET.Element:
    case = _build_case(f"{target.name}.{kind}", name)
    _set_result(case, "skipped", f"{kind.label}: {message}", ())
    return case


def _build_problem_case(problem: Problem) -> ET.Element:
    case = _build_case("manifests", problem.pointer or problem.file, problem.file, problem.line)
    _set_result(case, "failure", problem.message, (str(problem),))
    return case


def _build_warning_case(warning: Problem) -> ET.Element:
    case = _build_case("warnings", warning.pointer or warning.file, warning.file, warning.line)
    _set_result(case, "skipped", f"warning: {warning}", ())
    return case


def _build_case(class_: str, name: str, file: str | None = None, line: int = 0) -> ET.Element:
    file_attribute = {"file": sanitize(file)} if file is not None else {}
    line_attribute = {"line": str(line)} if line else {}
    return ET.Element(
        "testcase", {"name": sanitize(name), "classname": sanitize(class_), **file_attribute, **line_attribute}
    )


def _set_result(case: ET.Element, tag: str, message: str, lines: Iterable[str]) -> None:
    """Mark a test case as failed or skipped."""
    _add_child(case, tag, lines).set("message", sanitize(message))


def _add_child(parent: ET.Element, tag: str, lines: Iterable[str]) -> ET.Element:
    child = ET.SubElement(parent, tag)
    child.text = "\n".join(map(sanitize, lines)) or None
    return child


def _build_suite(name: str, properties: Mapping[str, str | None], cases: Iterable[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": sanitize(name)})
    properties_element = ET.SubElement(suite, "properties")
    for key, value in properties.items():
        if value is not None:
            ET.SubElement(properties_element, "property", {"name": key, "value": sanitize(value)})
    suite.extend(cases)
    for attribute, count in _count_results(suite).items():
        suite.set(attribute, str(count))
    return suite


def _count_results(suite: ET.Element) -> dict[str, int]:
    tags = [child.tag for case in suite.iter("testcase") for child in case]
    return {
        "tests": sum(1 for _ in suite.iter("testcase")),
        "failures": tags.count("failure"),
        "errors": tags.count("error"),
        "skipped": tags.count("skipped"),
    }


def _render_document(suites: Iterable[ET.Element], attributes: Mapping[str, str]) -> str:
    root = ET.Element("testsuites", {"name": _TOOL_NAME})
    root.extend(suites)
    for attribute in ("tests", "failures", "errors"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
    for attribute, value in attributes.items():
        root.set(attribute, value)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'
