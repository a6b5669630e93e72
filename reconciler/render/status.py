"""The status of journals as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.core.journal.status import JournalStatus, RecordedAssociation
from reconciler.core.text import escape_workflow_commands, sanitize, timestamp

FORMAT = "reconciler/status/v1"


def text(targets: Sequence[JournalStatus]) -> str:
    """Return lines for people."""
    return "".join(f"{line}\n" for target in targets for line in (*_target(target), ""))


def as_json(targets: Sequence[JournalStatus]) -> str:
    """Return a JSON document with a final newline."""
    tree = {"format": FORMAT, "targets": [_document(target) for target in targets]}
    return escape_workflow_commands(json.dumps(tree, indent=2)) + "\n"


def _target(target: JournalStatus) -> Iterator[str]:
    yield sanitize("  ".join(part for part in (target.name, _place(target), target.place) if part))
    if target.error:
        yield f"  failed: {sanitize(target.error)}"
        return
    if target.last_write is None and not target.serial:
        yield "  no journal yet"
        return
    if target.lease:
        held = "left behind by {}, expired at {}" if target.is_lease_expired else "held by {} until {}"
        yield sanitize(f"  {held.format(target.lease.holder, timestamp(target.lease.expires))}")
    if target.last_write:
        revision = f", revision {target.last_write.revision}" if target.last_write.revision else ""
        yield sanitize(f"  written {timestamp(target.last_write.at)} by run {target.last_write.run}{revision}")
    width = max((len(each.name) for each in target.associations), default=0)
    for each in target.associations:
        yield from _association(each, width)


def _association(each: RecordedAssociation, width: int) -> Iterator[str]:
    made = each.decision == "create" and each.association_id
    decision = "orphaned" if each.is_orphaned else "created" if made else each.decision or "unknown"
    since = f"since {timestamp(each.since)}" if each.since and not each.is_orphaned else ""
    last = f"last job {each.last_execution.status.lower().replace('_', ' ')}" if each.last_execution else ""
    yield sanitize(f"  {decision:<9}  {each.name:<{width}}  {'  '.join(filter(None, (since, last)))}").rstrip()
    yield sanitize(f"      {each.state}{': ' if each.arn or each.association_id else ''}{_id(each)}")


def _id(each: RecordedAssociation) -> str:
    return each.arn or each.association_id or ""


def _place(target: JournalStatus) -> str:
    return " ".join(part for part in (target.account, target.region) if part)


def _document(target: JournalStatus) -> dict[str, Any]:
    lease, written = target.lease, target.last_write
    return {
        "name": target.name,
        "account": target.account,
        "region": target.region,
        "place": target.place,
        "error": target.error,
        "serial": target.serial,
        "written": written and {"run": written.run, "at": written.at.isoformat(), "revision": written.revision},
        "lease": lease
        and {"holder": lease.holder, "host": lease.host, "number": lease.number, "expires": lease.expires.isoformat()},
        "associations": [_association_document(each) for each in target.associations],
    }


def _association_document(each: RecordedAssociation) -> dict[str, Any]:
    execution = each.last_execution
    return {
        "name": each.name,
        "decision": each.decision,
        "since": each.since and each.since.isoformat(),
        "state": each.state,
        "arn": each.arn,
        "associationId": each.association_id,
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
        "orphaned": each.is_orphaned,
    }
