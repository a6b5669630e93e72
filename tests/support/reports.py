"""Reports and findings with every kind of member, and with any text in each place for text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.builders import NOW, SETTLE, live, manifest, record, request
from support.recurring import build_every_window

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.errors import Problem
from reconciler.core.journal.records import Bound, CreatePending
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Execution, Ignored, Live, Origin, Spec
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.plan.write import Create, Update, Write
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport

START = "/ExecutionConfiguration/OnDemandConfiguration/StartTime"
TOKEN = record().token
PLAIN = "plain"


def run(*, dry_run: bool = True, text: str = PLAIN) -> RunInfo:
    """Return a run that took a minute and a half."""
    return RunInfo(text, NOW, NOW + SETTLE / 10, dry_run=dry_run, revision=text, version=text)


def create(spec: Spec | None = None) -> Create:
    """Return a Create."""
    return Create(
        manifest(), replace(record(), request=spec or request(), state=CreatePending(1, NOW, NOW)), None, "missing"
    )


def update(spec: Spec | None = None) -> Update:
    """Return an Update."""
    return Update(
        manifest(), live(), replace(record(), request=spec or request()), record(), (), "git changed the configuration"
    )


def association(name: str = "export", decision: str = DecisionKind.CREATE, **changes: Any) -> AssociationReport:
    """Return the report of one manifest, by default that of a Create."""
    members: dict[str, Any] = {
        "origin": Origin(f"manifests/{name}.yaml", 3, 1),
        "reason": "",
        "integration": "profiles-export",
        "destination": "s3://corp-exports/2026-10",
    }
    if decision == "create":
        members |= {"write": create(), "client_token": TOKEN, "unverifiable": ("/ObjectConfiguration",)}
    members |= {"exit_code": int(decision in {"blocked", "lost"}), "dry_run_exit_code": int(decision == "blocked")}
    return AssociationReport(name, decision=DecisionKind(decision), **members | changes)


def build_drifted_association(name: str = "drifted") -> AssociationReport:
    """Return an association whose window no longer matches the applied one."""
    differences = (Difference(START, "1790812800000", "1790812800000", "1788220800000"),)
    return association(name, "drifted", arn=live().arn, differences=differences, reason="AWS no longer matches")


def report(*associations: AssociationReport, dry_run: bool = True, **target: Any) -> Report:
    """Return the report of one target."""
    members: dict[str, Any] = {"associations": associations, "live_count": len(associations)} | target
    return Report(run(dry_run=dry_run), (TargetReport("prod", "123456789012", "us-east-1", **members),))


def build_full_report(text: str = PLAIN, *, dry_run: bool = False) -> Report:
    """Return a report with every kind of member, in which each text from outside is the given one."""
    associations = tuple(_build_every_association(text))
    failing_target = TargetReport(text, text, text, text, (_build_full_association(text, "blocked"),))
    target = TargetReport(
        text,
        text,
        text,
        associations=associations,
        unmanaged=(_build_unmanaged(text), Live(text, {"DataIntegrationIdentifier": text}, None)),
        ignored=(Ignored(_build_unmanaged(text), text),),
        orphaned=(
            replace(record(), name=text, request=_build_request(text)),
            replace(record(), name=text, request=_build_request(text), state=CreatePending(1, NOW, NOW)),
        ),
        unlisted=((text, text),),
        live_count=9,
    )
    return Report(
        run(dry_run=dry_run, text=text),
        (target, failing_target),
        build_problems(text),
        PlanMismatch(text, (text, text)),
    )


def build_validation_result(text: str = PLAIN) -> ValidationResult:
    """Return the findings of an invalid revision."""
    return ValidationResult(problems=build_problems(text), warnings=build_problems(text))


def build_problems(text: str = PLAIN) -> tuple[Problem, ...]:
    """Return a problem with a position and a pointer, and one without them."""
    return (Problem(text, 3, 7, text, text), Problem(text, 0, 0, "", text))


def build_report_of_many(count: int) -> Report:
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
    associations = [_build_association(decisions[number % 10], f"export-{number}") for number in range(count)]
    unmanaged = tuple(replace(live(f"u{number}")) for number in range(count // 20))
    return report(*associations, unmanaged=unmanaged)


def _build_association(decision: str, name: str) -> AssociationReport:
    if decision == "drifted":
        return build_drifted_association(name)
    reason = "MaxCreates is 10" if decision == "blocked" else ""
    return association(name, decision, reason=reason)


def _build_every_association(text: str) -> list[AssociationReport]:
    outcomes: tuple[Outcome, ...] = (
        Created(text),
        Updated(),
        Refused(text),
        NotSent(text),
        Unknown(text),
        Skipped(text),
    )
    decisions = ("adopt", "in-sync", "drifted", "changed", "settling", "lost", "held", "blocked")
    return [
        *(
            _build_full_association(text, "create", outcome=outcome, write=_build_create(text))
            for outcome in (*outcomes, None)
        ),
        *(
            _build_full_association(text, "update", outcome=outcome, write=_build_update(text))
            for outcome in (*outcomes, None)
        ),
        _build_full_association(text, "held", write=_build_create(text)),
        *(_build_full_association(text, word) for word in decisions),
        replace(_build_full_association(text, "held"), windows=build_every_window(text)),
    ]


def _build_full_association(
    text: str, decision: str, outcome: Outcome | None = None, write: Write | None = None
) -> AssociationReport:
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


def _build_request(text: str) -> dict[str, Any]:
    return {
        "DataIntegrationIdentifier": text,
        "ClientId": text,
        "DestinationURI": text,
        "ObjectConfiguration": {text: {text: [text, text]}},
        "ExecutionConfiguration": {"ExecutionMode": text, "ScheduleConfiguration": {text: text}},
    }


def _build_create(text: str) -> Create:
    return replace(create(), record=replace(create().record, request=_build_request(text), token=text))


def _build_update(text: str) -> Update:
    return replace(update(), record=replace(record(), request=_build_request(text), state=Bound(text, NOW, text)))


def _build_unmanaged(text: str) -> Live:
    spec = {"DataIntegrationIdentifier": text, "ClientId": text, "DestinationURI": text}
    return Live(text, spec, Execution(text, text))
