"""A Report as SARIF 2.1.0 (OASIS), for code scanning.

What has a manifest is a result at its file and line; writes are notes, so that a reviewer finds them beside the lines
that cause them, and what is in sync is none. What has no file is a notification of the tool instead: targets that
failed, another plan than the reviewed one, what could not be listed, unmanaged and orphaned associations. GitHub
refuses a whole file in which one result has no location (github/codeql-action issue 1738). `executionSuccessful` is
true where there is a report at all, since GitHub may refuse the rest otherwise (issue 1316); what failed is in
`exitCode`, results and notifications.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from reconciler.core.errors import Problem
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import AssociationReport, Report
from reconciler.core.request.token import encode_canonical_json
from reconciler.core.text import escape_workflow_commands, sanitize
from reconciler.render import wording
from reconciler.render.kinds import ReportKind, kind_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
NAME = "appintegrations-reconciler"

_FINGERPRINT = "reconciler/v1"
_ROOT = "%SRCROOT%"


def render(report: Report, *, terminal: bool = False) -> str:
    """Return the report as a SARIF document with a final newline."""
    run = report.run
    results = [
        _association(target.name, association, report)
        for target in report.targets
        for association in target.associations
        if kind_of(association).level != "none"
    ]
    invocation = {
        "executionSuccessful": True,
        "exitCode": report.exit_code,
        "startTimeUtc": f"{run.started_at:%Y-%m-%dT%H:%M:%S}Z",
        "endTimeUtc": f"{run.finished_at:%Y-%m-%dT%H:%M:%S}Z",
        "toolExecutionNotifications": list(_notifications(report)),
    }
    properties = {
        "planDigest": wording.plan(report),
        "run": run.id,
        "revision": run.revision,
        "dryRun": run.dry_run,
        "summary": wording.verdict(report),
        "coverage": {"managed": report.managed_count, "live": report.live_count},
    }
    return _document([*results, *map(_warning, report.warnings)], invocation, properties, run.version)


def findings(found: ValidationResult, *, terminal: bool = False) -> str:
    """Return what is wrong and what is unwise in a revision as a SARIF document."""
    results = [*map(_problem, found.problems), *map(_warning, found.warnings)]
    properties = {"summary": wording.valid(found), "manifests": found.manifest_count, "targets": found.target_count}
    return _document(results, {"executionSuccessful": True}, properties, None)


def _document(
    results: Iterable[dict[str, Any]], invocation: dict[str, Any], properties: dict[str, Any], version: str | None
) -> str:
    run = {
        "tool": {"driver": {"name": NAME, **({"version": version} if version else {}), "rules": list(_rules())}},
        "automationDetails": {"id": "reconcile/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "properties": properties,
        "results": list(results),
    }
    return (
        escape_workflow_commands(json.dumps(_shown({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}), indent=1))
        + "\n"
    )


def _shown(tree: Any) -> Any:
    """Return a tree whose texts hold no control or other invisible characters but newlines."""
    match tree:
        case str():
            return tree if tree.isprintable() else "\n".join(map(sanitize, tree.split("\n")))
        case dict():
            return {key: _shown(value) for key, value in tree.items()}
        case list():
            return [_shown(value) for value in tree]
        case _:
            return tree


def _rules() -> Iterator[dict[str, Any]]:
    for kind in ReportKind:
        yield {
            "id": kind,
            "name": kind.title().replace("-", ""),
            "shortDescription": {"text": kind.meaning},
            "defaultConfiguration": {"level": kind.level},
        }


def _association(target: str, association: AssociationReport, report: Report) -> dict[str, Any]:
    kind, origin = kind_of(association), association.origin
    label = wording.label(kind, report)
    lines = (f"{sanitize(association.name)}, {label}: {wording.flow(association)}", *wording.told(association))
    result = _result(kind, "\n".join(lines), origin.file, origin.line, origin.column)
    result["locations"][0]["logicalLocations"] = [
        {"name": sanitize(association.name), "fullyQualifiedName": sanitize(f"{target}/{association.name}")}
    ]
    result["partialFingerprints"] = {_FINGERPRINT: _fingerprint(kind, target, association.name)}
    write = association.write
    given = {
        "decision": association.decision,
        "target": target,
        "integration": association.integration,
        "destination": association.destination,
        "arn": association.arn,
        "clientToken": association.client_token,
        "operation": wording.operation(write) if write else None,
        "unverifiable": list(association.unverifiable),
    }
    result["properties"] = {key: value for key, value in given.items() if value}
    return result


def _problem(problem: Problem, kind: ReportKind = ReportKind.INVALID_MANIFEST) -> dict[str, Any]:
    said = f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message
    result = _result(kind, sanitize(said), problem.file, problem.line, problem.column)
    result["partialFingerprints"] = {_FINGERPRINT: _fingerprint(kind, problem.file, problem.pointer, problem.message)}
    return result


def _warning(warning: Problem) -> dict[str, Any]:
    return _problem(warning, ReportKind.UNWISE_MANIFEST)


def _result(kind: ReportKind, text: str, file: str, line: int, column: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if line:
        physical["region"] = {"startLine": line, **({"startColumn": column} if column else {})}
    return {
        "ruleId": kind,
        "ruleIndex": kind.rank,
        "level": kind.level,
        "message": {"text": text},
        "locations": [{"physicalLocation": physical}],
    }


def _artifact(file: str) -> dict[str, str]:
    """Return a file as a URI, relative to the checkout unless it is absolute (RFC 3986)."""
    try:
        name = file.encode("utf-8", "surrogateescape")  # as the file system spells it
    except UnicodeEncodeError:
        name = file.encode("utf-8", "surrogatepass")
    uri = quote(name, safe="/")
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": _ROOT}


def _fingerprint(*parts: str) -> str:
    """Return what stays when a manifest moves within its file."""
    return hashlib.sha256(encode_canonical_json(parts).encode()).hexdigest()


def _notifications(report: Report) -> Iterator[dict[str, Any]]:
    if report.mismatch:
        yield _notification(ReportKind.PLAN_MISMATCH, ReportKind.PLAN_MISMATCH.meaning, *wording.mismatch(report))
    for target in report.targets:
        if target.error:
            yield _notification(ReportKind.TARGET_FAILED, wording.place(target), sanitize(target.error))
        for arn, reason in target.unlisted:
            yield _notification(ReportKind.UNLISTED, wording.unlisted(arn, reason, target))
        for live in target.unmanaged:
            yield _notification(ReportKind.UNMANAGED, wording.unmanaged(live, target))
        for record in target.orphaned:
            yield _notification(ReportKind.ORPHANED, wording.orphaned(record, target))


def _notification(kind: ReportKind, *lines: str) -> dict[str, Any]:
    text = f"{kind.label}: " + "\n".join(lines)
    return {
        "associatedRule": {"id": kind, "index": kind.rank},
        "level": kind.level,
        "message": {"text": text},
    }
