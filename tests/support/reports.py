"""Reports and findings with every kind of member, and with any text in each place for text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.builders import NOW, SETTLE, live, manifest, record, request

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.errors import Problem
from reconciler.core.journal.records import Bound, CreatePending
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.model import Execution, Live, Origin, Spec
from reconciler.core.plan.decision import Create, DecisionKind, Update, Write
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport

START = "/ExecutionConfiguration/OnDemandConfiguration/StartTime"
TOKEN = record().token
PLAIN = "plain"


def run(*, dry_run: bool = True, text: str = PLAIN) -> RunInfo:
    """Return a run that took a minute and a half."""
    return RunInfo(text, NOW, NOW + SETTLE / 10, dry_run=dry_run, revision=text, version=text)


def create(sent: Spec | None = None) -> Create:
    """Return a Create."""
    return Create(
        manifest(), replace(record(), request=sent or request(), state=CreatePending(1, NOW, NOW)), None, "missing"
    )


def update(sent: Spec | None = None) -> Update:
    """Return an Update."""
    return Update(
        manifest(), live(), replace(record(), request=sent or request()), record(), (), "git changed the configuration"
    )


def association(name: str = "export", decision: str = DecisionKind.CREATE, **changes: Any) -> AssociationReport:
    """Return the report of one manifest, by default that of a Create."""
    given: dict[str, Any] = {
        "origin": Origin(f"manifests/{name}.yaml", 3, 1),
        "reason": "",
        "integration": "profiles-export",
        "destination": "s3://corp-exports/2026-10",
    }
    if decision == "create":
        given |= {"write": create(), "client_token": TOKEN, "unverifiable": ("/ObjectConfiguration",)}
    return AssociationReport(name, decision=DecisionKind(decision), **given | changes)


def drifted(name: str = "drifted") -> AssociationReport:
    """Return an association whose window no longer matches the applied one."""
    differences = (Difference(START, "1790812800000", "1790812800000", "1788220800000"),)
    return association(name, "drifted", arn=live().arn, differences=differences, reason="AWS no longer matches")


def report(*associations: AssociationReport, dry_run: bool = True, **target: Any) -> Report:
    """Return the report of one target."""
    given: dict[str, Any] = {"associations": associations, "live_count": len(associations)} | target
    return Report(run(dry_run=dry_run), (TargetReport("prod", "123456789012", "us-east-1", **given),))


def rich(text: str = PLAIN, *, dry_run: bool = False) -> Report:
    """Return a report with every kind of member, in which each text from outside is the given one."""
    everything = tuple(_everything(text))
    broken = TargetReport(text, text, text, text, (_made(text, "blocked"),))
    target = TargetReport(
        text,
        text,
        text,
        associations=everything,
        unmanaged=(_stranger(text), Live(text, {"DataIntegrationIdentifier": text}, None)),
        orphaned=(
            replace(record(), name=text, request=_request(text)),
            replace(record(), name=text, request=_request(text), state=CreatePending(1, NOW, NOW)),
        ),
        unlisted=((text, text),),
        live_count=9,
    )
    return Report(run(dry_run=dry_run, text=text), (target, broken), problems(text), PlanMismatch(text, (text, text)))


def found(text: str = PLAIN) -> ValidationResult:
    """Return the findings of an invalid revision."""
    return ValidationResult(problems=problems(text), warnings=problems(text))


def problems(text: str = PLAIN) -> tuple[Problem, ...]:
    """Return a problem with a position and a pointer, and one without them."""
    return (Problem(text, 3, 7, text, text), Problem(text, 0, 0, "", text))


def many(count: int) -> Report:
    """Return a report of many associations: of ten, four creates, one blocked, two drifted and three in sync."""
    decisions = (
        "create",
        "create",
        "create",
        "create",
        "blocked",
        "drifted",
        "drifted",
        "in-sync",
        "in-sync",
        "in-sync",
    )
    every = [_numbered(decisions[number % 10], f"export-{number}") for number in range(count)]
    strangers = tuple(replace(live(f"u{number}")) for number in range(count // 20))
    return report(*every, unmanaged=strangers)


def _numbered(decision: str, name: str) -> AssociationReport:
    if decision == "drifted":
        return drifted(name)
    reason = "MaxCreates is 10" if decision == "blocked" else ""
    return association(name, decision, reason=reason)


def _everything(text: str) -> list[AssociationReport]:
    outcomes: tuple[Outcome, ...] = (
        Created(text),
        Updated(),
        Refused(text),
        NotSent(text),
        Unknown(text),
        Skipped(text),
    )
    words = ("adopt", "in-sync", "drifted", "changed", "settling", "lost", "held", "blocked")
    return [
        *(_made(text, "create", outcome=outcome, write=_create(text)) for outcome in (*outcomes, None)),
        *(_made(text, "update", outcome=outcome, write=_update(text)) for outcome in (*outcomes, None)),
        _made(text, "held", write=_create(text)),
        *(_made(text, word) for word in words),
    ]


def _made(text: str, decision: str, outcome: Outcome | None = None, write: Write | None = None) -> AssociationReport:
    return AssociationReport(
        name=text,
        origin=Origin(text, 3, 1),
        decision=DecisionKind(decision),
        reason=text,
        integration=text,
        destination=text,
        arn=text,
        client_token=text,
        differences=(
            Difference(f"/ExecutionConfiguration/{text}", text, [text], {"a": text}),
            Difference(f"/ObjectConfiguration/{text}", {text: text}, None, None),
        ),
        unverifiable=(f"/{text}", "/ObjectConfiguration"),
        last_execution=Execution(text, text),
        outcome=outcome,
        write=write,
    )


def _request(text: str) -> dict[str, Any]:
    return {
        "DataIntegrationIdentifier": text,
        "ClientId": text,
        "DestinationURI": text,
        "ObjectConfiguration": {text: {text: [text, text]}},
        "ExecutionConfiguration": {"ExecutionMode": text, "ScheduleConfiguration": {text: text}},
    }


def _create(text: str) -> Create:
    return replace(create(), record=replace(create().record, request=_request(text), token=text))


def _update(text: str) -> Update:
    return replace(update(), record=replace(record(), request=_request(text), state=Bound(text, NOW, text)))


def _stranger(text: str) -> Live:
    spec = {"DataIntegrationIdentifier": text, "ClientId": text, "DestinationURI": text}
    return Live(text, spec, Execution(text, text))
