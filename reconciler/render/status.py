"""Render the status of journals as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.status import JournalStatus, RecordedAssociation
from reconciler.core.shards import Shard
from reconciler.core.text import escape_workflow_commands, format_timestamp, sanitize
from reconciler.render import windows
from reconciler.render.formats.json import encode_shard
from reconciler.render.last_export import describe_last_export
from reconciler.render.wording import describe_shard

FORMAT = "reconciler/status/v1"


def render_text(targets: Sequence[JournalStatus], shard: Shard | None = None) -> str:
    """Return the status of each target as text, with a line about the shard that they belong to."""
    lines = [line for target in targets for line in (*_render_target(target), "")]
    return "".join(f"{line}\n" for line in (*lines, *([describe_shard(shard, len(targets))] if shard else ())))


def render_json(targets: Sequence[JournalStatus], shard: Shard | None = None) -> str:
    """Return the status of each target as a JSON document with a final newline."""
    tree = {
        "format": FORMAT,
        "shard": encode_shard(shard),
        "targets": [_encode_target(target) for target in targets],
    }
    return escape_workflow_commands(json.dumps(tree, indent=2)) + "\n"


def _render_target(target: JournalStatus) -> Iterator[str]:
    yield sanitize("  ".join(part for part in (target.name, _format_place(target), target.place) if part))
    if target.error:
        yield f"  failed: {sanitize(target.error)}"
        return
    if target.last_write is None and not target.serial:
        yield "  no journal yet"
        return
    if target.lease:
        lease_text = "lease of {} expired at {}" if target.is_lease_expired else "lease held by {} until {}"
        yield sanitize(f"  {lease_text.format(target.lease.holder, format_timestamp(target.lease.expires))}")
    if target.last_write:
        revision = f", revision {target.last_write.revision}" if target.last_write.revision else ""
        yield sanitize(
            f"  last written {format_timestamp(target.last_write.at)} by run {target.last_write.run}{revision}"
        )
    width = max((len(association.name) for association in target.associations), default=0)
    for each in target.associations:
        yield from _render_association(each, width)


def _render_association(association: RecordedAssociation, width: int) -> Iterator[str]:
    is_created = association.decision == DecisionKind.CREATE and association.association_id
    decision = "orphaned" if association.is_orphaned else "created" if is_created else association.decision or "unknown"
    since = f"since {format_timestamp(association.since)}" if association.since and not association.is_orphaned else ""
    execution = association.last_execution
    last_export = describe_last_export(execution, association.windows) if execution else ""
    yield sanitize(
        f"  {decision:<9}  {association.name:<{width}}  {'  '.join(filter(None, (since, last_export)))}"
    ).rstrip()
    id_ = _get_id(association)
    yield sanitize(f"      {association.state}{': ' if id_ else ''}{id_}")
    if association.windows:
        yield from (f"      {line}" for line in windows.list_brief_sentences(association.windows))


def _get_id(association: RecordedAssociation) -> str:
    return association.arn or association.association_id or ""


def _format_place(target: JournalStatus) -> str:
    return " ".join(part for part in (target.account, target.region) if part)


def _encode_target(target: JournalStatus) -> dict[str, Any]:
    lease, last_write = target.lease, target.last_write
    return {
        "name": target.name,
        "account": target.account,
        "region": target.region,
        "place": target.place,
        "error": target.error,
        "serial": target.serial,
        "written": last_write
        and {"run": last_write.run, "at": last_write.at.isoformat(), "revision": last_write.revision},
        "lease": lease
        and {"holder": lease.holder, "host": lease.host, "number": lease.number, "expires": lease.expires.isoformat()},
        "associations": [_encode_association(each) for each in target.associations],
    }


def _encode_association(association: RecordedAssociation) -> dict[str, Any]:
    execution = association.last_execution
    return {
        "name": association.name,
        "decision": association.decision,
        "since": association.since and association.since.isoformat(),
        "state": association.state,
        "arn": association.arn,
        "associationId": association.association_id,
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
        "orphaned": association.is_orphaned,
        "windows": windows.encode(association.windows),
    }
