"""All that is known of one association, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.core.journal.codec import encode_last_decision, encode_record
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Json, Live
from reconciler.core.plan.difference import flatten
from reconciler.core.report.explanation import Explanation
from reconciler.core.text import escape_workflow_commands, sanitize, timestamp
from reconciler.render.formats.json import association
from reconciler.render.wording import shown

FORMAT = "reconciler/explanation/v1"


def text(told: Explanation, target: str, place: str) -> str:
    """Return lines for people. `target` is its name, `place` the account and Region."""
    return "".join(f"{sanitize(line)}\n" for line in _lines(told, target, place))


def as_json(told: Explanation, target: str, account: str, region: str) -> str:
    """Return a JSON document with a final newline."""
    policy = told.manifest.policy
    tree = {
        "format": FORMAT,
        "target": {"name": target, "account": account, "region": region},
        "manifest": {
            "name": told.manifest.name,
            "origin": str(told.manifest.origin),
            "policy": {
                "mode": policy.mode,
                "suspend": policy.suspend,
                "generation": policy.generation,
                "onLoss": policy.on_loss,
                "ignore": list(policy.ignore),
                "adopt": policy.adopt,
            },
        },
        "dataIntegration": told.integration and {"name": told.integration.name, "arn": told.integration.arn},
        "request": told.request,
        "clientToken": told.token,
        "journal": {
            "serial": told.journal.serial,
            "name": told.record.name if told.record else None,
            "record": encode_record(told.record) if told.record else None,
            "standing": encode_last_decision(told.last_decision) if told.last_decision else None,
        },
        "live": told.live and _live_document(told.live),
        "sameNaturalKey": [live.arn for live in told.matches],
        "unlisted": told.unlisted,
        "rule": {
            "record": told.row.record,
            "live": told.row.live,
            "condition": told.row.condition,
            "decision": told.row.decision,
            "rail": told.row.guardrail,
        },
        "decision": association(told.association),
    }
    return escape_workflow_commands(json.dumps(tree, indent=2)) + "\n"


def _lines(told: Explanation, target: str, place: str) -> Iterator[str]:
    manifest, association = told.manifest, told.association
    yield f"{manifest.name}  {manifest.origin}  target {target}  {place}"
    yield ""
    yield f"decision   {association.decision}"
    yield f"  because  {association.reason or 'git, journal and AWS agree, as far as AWS shows'}"
    yield f"  rule     record: {told.row.record}; live: {told.row.live}"
    if told.row.condition:
        yield f"           if {told.row.condition}"
    yield f"           so: {told.row.decision}"
    if told.row.guardrail:
        yield f"  rail     {association.decision}: {told.row.guardrail}"
    for each in association.differences:
        live = shown(each.live) if each.is_readable else "unverifiable"
        yield f"  differs  {each.path}: git {shown(each.desired)}, applied {shown(each.applied)}, live {live}"
    if association.unverifiable:
        yield f"  unverifiable: {' '.join(association.unverifiable)} (AWS does not show it)"
    yield ""
    yield "git asks for"
    policy = manifest.policy
    yield f"  policy   mode {policy.mode}, generation {policy.generation}, onLoss {policy.on_loss}" + "".join(
        [", suspended"] * policy.suspend
        + [f", ignore {' '.join(policy.ignore)}"] * bool(policy.ignore)
        + [f", adopt {policy.adopt}"] * bool(policy.adopt)
    )
    if told.integration:
        yield f"  integration {manifest.integration} is {told.integration.name}, {told.integration.arn}"
    else:
        yield f"  integration {manifest.integration} is not there"
    yield from _leaves(told.request or manifest.spec)
    if told.token:
        yield f"  a Create of it carries the token {told.token}"
    elif policy.adopt:
        yield "  no Create is ever sent for it: it has policy.adopt"
    yield ""
    yield f"the journal remembers (serial {told.journal.serial})"
    yield from _record(told)
    yield ""
    yield "AWS shows"
    yield from _live(told)


def _leaves(spec: Mapping[str, Json]) -> Iterator[str]:
    for path, value in flatten(spec):
        if path != "/DataIntegrationIdentifier":
            yield f"  {path[1:]}  {shown(value)}"


def _record(told: Explanation) -> Iterator[str]:
    record = told.record
    if record is None:
        yield "  nothing of it"
        return
    if record.name != told.manifest.name:
        yield f"  under the name {record.name}"
    yield from _state(record)
    yield f"  token {record.token or 'unknown: somebody else created it'}"
    yield f"  incarnation {record.incarnation}, generation {record.generation} acted on last"
    if told.last_decision:
        yield f"  {told.last_decision.decision} since {timestamp(told.last_decision.since)}"
    if record.request != told.request:
        yield "  applied, which is not what git asks for now:"
        yield from (f"  {line}" for line in _leaves(record.request))
    for number, former in enumerate(record.previous_executions, 1):
        yield f"  not sent again by itself, {number} of {len(record.previous_executions)}: {shown(former)}"


def _state(record: Record) -> Iterator[str]:
    match record.state:
        case CreatePending(attempts, first, last):
            at = f"attempt {attempts} at {timestamp(last)}, the first at {timestamp(first)}"
            yield f"  a Create without an answer: {at}"
        case Bound(association_id, since, arn, gone, update):
            yield f"  bound to {arn or association_id} since {timestamp(since)}"
            if arn is None:
                yield "  no run has seen it in List yet"
            if gone:
                yield f"  List has left it out since {timestamp(gone)}"
            if update:
                became = f"refused: {update.refusal}" if update.refusal else "not shown by List yet"
                yield f"  an Update of {timestamp(update.at)}, {became}"


def _live(told: Explanation) -> Iterator[str]:
    if told.unlisted is not None:
        yield f"  unknown: its data integration could not be listed: {told.unlisted}"
    elif told.live is None:
        yield "  nothing for it"
    else:
        yield f"  {told.live.arn}"
        yield from _leaves(told.live.spec)
        if told.live.last_execution:
            message = f": {told.live.last_execution.message}" if told.live.last_execution.message else ""
            yield f"  last job {told.live.last_execution.status}{message}"
    for other in told.matches:
        if told.live is None or other.id != told.live.id:
            yield f"  another with its natural key: {other.arn}"


def _live_document(live: Live) -> dict[str, Any]:
    execution = live.last_execution
    return {
        "arn": live.arn,
        "spec": live.spec,
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
    }
