"""Render a report as SARIF 2.1.0 (OASIS), for code scanning.

- An entry with a manifest is a result at the file and line of the manifest. Writes are notes, which a reviewer finds
  beside the lines that cause them. Associations that are in sync have no result.
- An entry without a file is a notification of the tool: failed targets, a plan mismatch, data integrations that could
  not be listed, and unmanaged and orphaned associations. GitHub refuses a file if one result has no location
  (github/codeql-action issue 1738).
- `executionSuccessful` is true in every report, because GitHub may refuse the results otherwise (issue 1316). Failures
  are in `exitCode`, results and notifications.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from reconciler.core.errors import Problem
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import AssociationReport, Report
from reconciler.core.request.token import encode_canonical_json
from reconciler.core.text import escape_workflow_commands, sanitize
from reconciler.render import plan_review, wording
from reconciler.render.kinds import ReportKind, get_kind, get_level

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
TOOL_NAME = "appintegrations-reconciler"

_FINGERPRINT_NAME = "reconciler/v1"
_URI_BASE = "%SRCROOT%"


def render(report: Report, *, is_terminal: bool = False) -> str:
    """Return the report as a SARIF document with a final newline."""
    run = report.run
    results = [
        _build_association_result(target.name, association, report)
        for target in report.targets
        for association in target.associations
        if get_level(association) != "none"
    ]
    invocation = {
        "executionSuccessful": True,
        "exitCode": report.exit_code,
        "startTimeUtc": f"{run.started_at:%Y-%m-%dT%H:%M:%S}Z",
        "endTimeUtc": f"{run.finished_at:%Y-%m-%dT%H:%M:%S}Z",
        "toolExecutionNotifications": list(_build_notifications(report)),
    }
    properties = {
        "planDigest": plan_review.get_plan_digest(report),
        "run": run.id,
        "revision": run.revision,
        "dryRun": run.dry_run,
        "summary": wording.format_verdict(report),
        "coverage": {"managed": report.managed_count, "live": report.live_count},
    }
    return _render_document(
        [*results, *map(_build_warning_result, report.warnings)], invocation, properties, run.version
    )


def render_findings(result: ValidationResult, *, is_terminal: bool = False) -> str:
    """Return the problems and warnings of a revision as a SARIF document."""
    results = [*map(_build_problem_result, result.problems), *map(_build_warning_result, result.warnings)]
    properties = {
        "summary": wording.format_validation(result),
        "manifests": result.manifest_count,
        "targets": result.target_count,
    }
    return _render_document(results, {"executionSuccessful": True}, properties, None)


def _render_document(
    results: Iterable[dict[str, Any]], invocation: dict[str, Any], properties: dict[str, Any], version: str | None
) -> str:
    run = {
        "tool": {
            "driver": {"name": TOOL_NAME, **({"version": version} if version else {}), "rules": list(_build_rules())}
        },
        "automationDetails": {"id": "reconcile/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "properties": properties,
        "results": list(results),
    }
    return (
        escape_workflow_commands(
            json.dumps(_sanitize_tree({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}), indent=1)
        )
        + "\n"
    )


def _sanitize_tree(tree: Any) -> Any:
    """Return a tree in which newlines are the only invisible characters of the texts."""
    match tree:
        case str():
            return tree if tree.isprintable() else "\n".join(map(sanitize, tree.split("\n")))
        case dict():
            return {key: _sanitize_tree(value) for key, value in tree.items()}
        case list():
            return [_sanitize_tree(value) for value in tree]
        case _:
            return tree


def _build_rules() -> Iterator[dict[str, Any]]:
    for kind in ReportKind:
        yield {
            "id": kind,
            "name": kind.title().replace("-", ""),
            "shortDescription": {"text": kind.meaning},
            "defaultConfiguration": {"level": kind.level},
        }


def _build_association_result(target: str, association: AssociationReport, report: Report) -> dict[str, Any]:
    kind, origin = get_kind(association), association.origin
    label = wording.format_label(association, report)
    lines = (
        f"{sanitize(association.name)}, {label}: {wording.format_flow(association)}",
        *wording.describe_association(association),
    )
    result = _build_result(kind, "\n".join(lines), origin.file, origin.line, origin.column)
    result["level"] = get_level(association)
    result["locations"][0]["logicalLocations"] = [
        {"name": sanitize(association.name), "fullyQualifiedName": sanitize(f"{target}/{association.name}")}
    ]
    result["partialFingerprints"] = {_FINGERPRINT_NAME: _compute_fingerprint(kind, target, association.name)}
    write = association.write
    properties = {
        "decision": association.decision,
        "target": target,
        "integration": association.integration,
        "destination": association.destination,
        "arn": association.arn,
        "clientToken": association.client_token,
        "operation": wording.format_operation(write) if write else None,
        "unverifiable": list(association.unverifiable),
        "exitCode": association.exit_code,
    }
    result["properties"] = {key: value for key, value in properties.items() if value}
    return result


def _build_problem_result(problem: Problem, kind: ReportKind = ReportKind.INVALID_MANIFEST) -> dict[str, Any]:
    message = f"{problem.pointer}: {problem.message}" if problem.pointer else problem.message
    result = _build_result(kind, sanitize(message), problem.file, problem.line, problem.column)
    result["partialFingerprints"] = {
        _FINGERPRINT_NAME: _compute_fingerprint(kind, problem.file, problem.pointer, problem.message)
    }
    return result


def _build_warning_result(warning: Problem) -> dict[str, Any]:
    return _build_problem_result(warning, ReportKind.MANIFEST_WARNING)


def _build_result(kind: ReportKind, text: str, file: str, line: int, column: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _build_artifact_location(file)}
    if line:
        physical["region"] = {"startLine": line, **({"startColumn": column} if column else {})}
    return {
        "ruleId": kind,
        "ruleIndex": kind.rank,
        "level": kind.level,
        "message": {"text": text},
        "locations": [{"physicalLocation": physical}],
    }


def _build_artifact_location(file: str) -> dict[str, str]:
    """Return the location of a file as a URI (RFC 3986). A relative path is relative to the checkout."""
    try:
        name = file.encode("utf-8", "surrogateescape")  # the bytes of the name in the file system
    except UnicodeEncodeError:
        name = file.encode("utf-8", "surrogatepass")
    uri = quote(name, safe="/")
    return {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri, "uriBaseId": _URI_BASE}


def _compute_fingerprint(*parts: str) -> str:
    """Return a fingerprint that stays the same when a manifest moves."""
    return hashlib.sha256(encode_canonical_json(parts).encode()).hexdigest()


def _build_notifications(report: Report) -> Iterator[dict[str, Any]]:
    if report.mismatch:
        yield _build_notification(
            ReportKind.PLAN_MISMATCH, ReportKind.PLAN_MISMATCH.meaning, *plan_review.describe_mismatch(report)
        )
    for target in report.targets:
        if target.error:
            yield _build_notification(ReportKind.TARGET_FAILED, wording.format_target(target), sanitize(target.error))
        for arn, reason in target.unlisted:
            yield _build_notification(ReportKind.UNLISTED, wording.describe_unlisted(arn, reason, target))
        for live in target.unmanaged:
            yield _build_notification(ReportKind.UNMANAGED, wording.describe_unmanaged(live, target))
        for record in target.orphaned:
            yield _build_notification(ReportKind.ORPHANED, wording.describe_orphan(record, target))


def _build_notification(kind: ReportKind, *lines: str) -> dict[str, Any]:
    text = f"{kind.label}: " + "\n".join(lines)
    return {
        "associatedRule": {"id": kind, "index": kind.rank},
        "level": kind.level,
        "message": {"text": text},
    }
