"""Render the explanation of one association in each of its targets, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

from reconciler.core.journal.codec import encode_last_decision, encode_record
from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Json, Live
from reconciler.core.plan.difference import flatten
from reconciler.core.report.explanation import Explanation
from reconciler.core.report.target_explanation import FailedExplanation, LocatedExplanation, TargetExplanation
from reconciler.core.text import escape_workflow_commands, format_timestamp, sanitize
from reconciler.render import windows
from reconciler.render.formats.json import encode_association, encode_problem
from reconciler.render.wording import format_value

FORMAT = "reconciler/explanation/v1"


def render_text(subjects: Sequence[TargetExplanation]) -> str:
    """Return the explanation in each target as text. If there are several, each has its target as heading."""
    has_several = len(subjects) > 1
    blocks = (_render_target(each, has_heading=has_several) for each in subjects)
    return "\n".join("".join(f"{sanitize(line)}\n" for line in block) for block in blocks)


def render_json(subjects: Sequence[TargetExplanation]) -> str:
    """Return the explanation in each target as a JSON document with a final newline."""
    tree = {"format": FORMAT, "targets": [_encode_target(subject) for subject in subjects]}
    return escape_workflow_commands(json.dumps(tree, indent=2)) + "\n"


def _encode_target(subject: TargetExplanation) -> dict[str, Any]:
    tree = {"name": subject.target, "account": subject.account, "region": subject.region}
    match subject:
        case LocatedExplanation(explanation):
            return {**tree, "error": None, **_encode_explanation(explanation)}
        case FailedExplanation(error=error):
            return {**tree, "error": error}
        case other:
            assert_never(other)


def _encode_explanation(explanation: Explanation) -> dict[str, Any]:
    policy = explanation.manifest.policy
    return {
        "manifest": {
            "name": explanation.manifest.name,
            "origin": str(explanation.manifest.origin),
            "policy": {
                "mode": policy.mode,
                "suspend": policy.suspend,
                "generation": policy.generation,
                "onLoss": policy.on_loss,
                "ignore": list(policy.ignore),
                "adopt": policy.adopt,
                "retired": policy.retired,
            },
        },
        "dataIntegration": explanation.integration
        and {"name": explanation.integration.name, "arn": explanation.integration.arn},
        "request": explanation.request,
        "clientToken": explanation.token,
        "journal": {
            "serial": explanation.journal.serial,
            "name": explanation.record.name if explanation.record else None,
            "record": encode_record(explanation.record) if explanation.record else None,
            "lastDecision": encode_last_decision(explanation.last_decision) if explanation.last_decision else None,
        },
        "live": explanation.live and _encode_live(explanation.live),
        "sameNaturalKey": [live.arn for live in explanation.matches],
        "unlisted": explanation.unlisted,
        "rule": {
            "record": explanation.row.record,
            "live": explanation.row.live,
            "condition": explanation.row.condition,
            "decision": explanation.row.decision,
            "guardrail": explanation.row.guardrail,
        },
        "decision": encode_association(explanation.association),
        "warnings": [encode_problem(each) for each in explanation.warnings],
    }


def _render_target(subject: TargetExplanation, *, has_heading: bool) -> Iterator[str]:
    place = " ".join(filter(None, (subject.account, subject.region)))
    heading = "  ".join(filter(None, (subject.target, place)))
    match subject:
        case FailedExplanation(error=error):
            yield heading
            yield f"  failed: {error}"
        case LocatedExplanation(explanation) if has_heading:
            yield heading
            yield f"  {_format_title(explanation)}"
            yield from (f"  {line}" if line else line for line in _render_lines(explanation))
        case LocatedExplanation(explanation):
            yield f"{_format_title(explanation)}  target {heading}"
            yield from _render_lines(explanation)
        case other:
            assert_never(other)


def _format_title(explanation: Explanation) -> str:
    return f"{explanation.manifest.name}  {explanation.manifest.origin}"


def _render_lines(explanation: Explanation) -> Iterator[str]:
    yield ""
    yield from _render_decision(explanation)
    yield ""
    yield "git"
    yield from _render_manifest(explanation)
    yield ""
    if explanation.journal.lineage:
        yield f"journal (serial {explanation.journal.serial})"
        yield from _render_record(explanation)
    else:
        yield "journal: none yet"
    yield ""
    yield "AWS"
    yield from _render_live(explanation)


def _render_decision(explanation: Explanation) -> Iterator[str]:
    association = explanation.association
    yield f"decision   {association.decision}"
    yield f"  because  {association.reason or 'git, journal and AWS agree in every member that AWS shows'}"
    yield f"  rule     if    the record in the journal: {explanation.row.record}"
    yield f"           and   the association in AWS: {explanation.row.live}"
    if explanation.row.condition:
        yield f"           and   {explanation.row.condition}"
    yield f"           then  {explanation.row.decision}"
    if explanation.row.guardrail:
        yield f"  guardrail  {association.decision} instead of {explanation.row.decision}"
    for difference in association.differences:
        live = format_value(difference.live) if difference.is_readable else "unverifiable"
        git, applied = format_value(difference.desired), format_value(difference.applied)
        yield f"  differs  {difference.path}: git {git}, applied {applied}, live {live}"
    if association.unverifiable:
        yield f"  unverifiable: {' '.join(association.unverifiable)} (AWS does not show it)"
    yield from (f"  {line}" for line in windows.list_sentences(association.windows))
    yield from (f"  warning  {each.pointer}: {each.message}" for each in explanation.warnings)


def _render_manifest(explanation: Explanation) -> Iterator[str]:
    manifest = explanation.manifest
    policy = manifest.policy
    yield f"  policy   mode {policy.mode}, generation {policy.generation}, onLoss {policy.on_loss}" + "".join(
        [", retired"] * bool(policy.retired)
        + [", suspended"] * policy.suspend
        + [f", ignore {' '.join(policy.ignore)}"] * bool(policy.ignore)
        + [f", adopt {policy.adopt}"] * bool(policy.adopt)
    )
    if declaration := manifest.window:
        yield f"  window   every {declaration.every}, from {declaration.first} in {declaration.zone_name}" + (
            f", last {declaration.last}" if declaration.last else ""
        )
    if explanation.integration:
        yield f"  data integration {explanation.integration.name} ({explanation.integration.arn})"
    else:
        yield f"  data integration {manifest.integration} was not found"
    yield from _introduce_request(explanation)
    yield from _render_members(explanation.request or manifest.spec)
    if explanation.token:
        yield f"  ClientToken that a Create would have: {explanation.token}"
    elif policy.adopt:
        yield "  no Create is sent, because the manifest has policy.adopt"


def _introduce_request(explanation: Explanation) -> Iterator[str]:
    """Yield what the members of the request are, if they are not simply those of the manifest."""
    windows = explanation.association.windows
    if explanation.manifest.policy.retired:
        yield "  nothing is sent, because the manifest is retired; it asks for:"
    elif explanation.manifest.window and explanation.request:
        is_known = windows is None or not windows.is_unknown
        yield f"  the next call sends{'' if is_known else ', with a window that is not known yet'}:"


def _render_members(spec: Mapping[str, Json]) -> Iterator[str]:
    for path, value in flatten(spec):
        if path != "/DataIntegrationIdentifier":
            yield f"  {path[1:]}  {format_value(value)}"


def _render_record(explanation: Explanation) -> Iterator[str]:
    record = explanation.record
    if record is None:
        yield "  no record"
        return
    if record.name != explanation.manifest.name:
        yield f"  recorded under the name {record.name}"
    yield from _render_state(record)
    yield f"  ClientToken {record.token or 'unknown, because this program did not create the association'}"
    yield f"  incarnation {record.incarnation}, last generation used {record.generation}"
    if explanation.last_decision:
        since = format_timestamp(explanation.last_decision.since)
        yield f"  last decision {explanation.last_decision.decision}, since {since}"
    if record.request != explanation.request:
        yield f"  last applied request{'' if explanation.manifest.window else ', which differs from git'}:"
        yield from (f"  {line}" for line in _render_members(record.request))
    for number, execution in enumerate(record.previous_executions, 1):
        total = len(record.previous_executions)
        position, value = f"{number} of {total}", format_value(execution)
        yield f"  earlier ExecutionConfiguration {position}, not sent again automatically: {value}"


def _render_state(record: Record) -> Iterator[str]:
    match record.state:
        case CreatePending(attempts, first, last):
            first_attempt = f", first attempt at {format_timestamp(first)}" if attempts > 1 else ""
            yield f"  Create without an answer: attempt {attempts} at {format_timestamp(last)}{first_attempt}"
        case Bound(association_id, since, arn, missing_since, job):
            yield f"  bound to {arn or association_id} since {format_timestamp(since)}"
            if arn is None:
                yield "  no run has recorded yet that List shows it"
            if missing_since:
                yield f"  missing from List since {format_timestamp(missing_since)}"
            if job:
                yield f"  {_describe_job(job)}"


def _describe_job(job: Job) -> str:
    """Return the last job as the journal knows it."""
    sent_at = format_timestamp(job.sent_at)
    event = (
        f"job seen first at {sent_at}"
        if job.source is JobSource.OBSERVED
        else f"{job.source.capitalize()} sent at {sent_at}"
    )
    skip = ""
    if job.is_skipped and job.ended_at:
        skip = f"; window.skip left out its window at {format_timestamp(job.ended_at)}"
    if job.refusal:
        return f"{event}, refused: {job.refusal.message}{skip}"
    if job.is_skipped:
        return f"{event}, {'accepted' if job.is_accepted else 'without an answer'}{skip}"
    if job.is_update_unshown:
        answer = "accepted" if job.is_accepted else "without an answer"
        return f"{event}, {answer}, and no run has recorded yet that List shows it"
    if job.result and job.ended_at:
        return f"{event}, ended as {job.result} by {format_timestamp(job.ended_at)}"
    return f"{event}, and the journal does not have the end of its export yet"


def _render_live(explanation: Explanation) -> Iterator[str]:
    if explanation.unlisted is not None:
        yield f"  unknown, because the data integration could not be listed: {explanation.unlisted}"
    elif explanation.live is None:
        yield "  no live association"
    else:
        yield f"  {explanation.live.arn}"
        yield from _render_members(explanation.live.spec)
        if explanation.live.last_execution:
            message = f": {explanation.live.last_execution.message}" if explanation.live.last_execution.message else ""
            yield f"  last export {explanation.live.last_execution.status}{message}"
    for other in explanation.matches:
        if explanation.live is None or other.id != explanation.live.id:
            yield f"  another association with the same natural key: {other.arn}"


def _encode_live(live: Live) -> dict[str, Any]:
    execution = live.last_execution
    return {
        "arn": live.arn,
        "spec": live.spec,
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
    }
