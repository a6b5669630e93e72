"""The status of journals as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.core.journal.status import Remembered, Status
from reconciler.core.text import escape_workflow_commands, sanitize, timestamp

FORMAT = "reconciler/status/v1"


def text(targets: Sequence[Status]) -> str:
    """Return lines for people."""
    return "".join(f"{line}\n" for target in targets for line in (*_target(target), ""))


def as_json(targets: Sequence[Status]) -> str:
    """Return a JSON document with a final newline."""
    tree = {"format": FORMAT, "targets": [_document(target) for target in targets]}
    return escape_workflow_commands(json.dumps(tree, indent=2)) + "\n"


def _target(target: Status) -> Iterator[str]:
    yield sanitize("  ".join(part for part in (target.name, _place(target), target.place) if part))
    if target.error:
        yield f"  failed: {sanitize(target.error)}"
        return
    if target.written is None and not target.serial:
        yield "  no journal yet"
        return
    if target.lease:
        held = "left behind by {}, expired at {}" if target.lease_expired else "held by {} until {}"
        yield sanitize(f"  {held.format(target.lease.holder, timestamp(target.lease.expires))}")
    if target.written:
        revision = f", revision {target.written.revision}" if target.written.revision else ""
        yield sanitize(f"  written {timestamp(target.written.at)} by run {target.written.run}{revision}")
    width = max((len(each.name) for each in target.associations), default=0)
    for each in target.associations:
        yield from _association(each, width)


def _association(each: Remembered, width: int) -> Iterator[str]:
    made = each.decision == "create" and each.association_id
    decision = "orphaned" if each.orphaned else "created" if made else each.decision or "unknown"
    since = f"since {timestamp(each.since)}" if each.since and not each.orphaned else ""
    last = f"last job {each.last_execution.status.lower().replace('_', ' ')}" if each.last_execution else ""
    yield sanitize(f"  {decision:<9}  {each.name:<{width}}  {'  '.join(filter(None, (since, last)))}").rstrip()
    yield sanitize(f"      {each.state}{': ' if each.arn or each.association_id else ''}{_id(each)}")


def _id(each: Remembered) -> str:
    return each.arn or each.association_id or ""


def _place(target: Status) -> str:
    return " ".join(part for part in (target.account, target.region) if part)


def _document(target: Status) -> dict[str, Any]:
    lease, written = target.lease, target.written
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


def _association_document(each: Remembered) -> dict[str, Any]:
    execution = each.last_execution
    return {
        "name": each.name,
        "decision": each.decision,
        "since": each.since and each.since.isoformat(),
        "state": each.state,
        "arn": each.arn,
        "associationId": each.association_id,
        "lastExecution": execution and {"status": execution.status, "message": execution.message},
        "orphaned": each.orphaned,
    }
