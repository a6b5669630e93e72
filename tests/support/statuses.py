"""Snapshots of a controller for each state that the page shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from support import recurring, reports
from support.builders import NOW, live

from reconciler.core.apply.outcome import Created
from reconciler.core.controller.controller_status import (
    ControllerStatus,
    FinishedRun,
    RejectedRevision,
    Revision,
    TargetStatus,
)
from reconciler.core.errors import Problem
from reconciler.core.model import Execution
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import AssociationReport, Report, TargetReport
from reconciler.core.windows.declaration import Missed, Period

HOUR = timedelta(hours=1)
REVISION = Revision(
    "1f0c5f7a9be2d4c3865017f2ab90ce4d1f0c5f7a", NOW - 30 * HOUR, 6, "Add the exports of October", "Jane Doe"
)


def build_target_status(last_report: Report | None, target: str = "prod", failures: int = 0) -> TargetStatus:
    """Return the status of an idle target with its last report."""
    next_run = NOW + timedelta(minutes=4)
    return TargetStatus(
        target, None, None, next_run, failures, last_report, None if failures else NOW - timedelta(minutes=1)
    )


def build_status(*targets: TargetStatus, finished_runs: tuple[FinishedRun, ...] = ()) -> ControllerStatus:
    """Return a snapshot with an active revision."""
    return ControllerStatus(NOW, NOW - 40 * HOUR, NOW - timedelta(seconds=9), REVISION, None, targets, finished_runs)


def build_finished_runs(target: str = "prod", *, is_failing: bool = False) -> Iterator[FinishedRun]:
    """Yield the runs of a day, every five minutes. Some created, some found drift, and the last may have failed."""
    for number in range(288):
        started_at = NOW - timedelta(days=1) + timedelta(minutes=5 * number + 4)
        duration = timedelta(seconds=3 + (number * 7) % 5 + (40 if number % 90 == 30 else 0))
        write_count = 2 if number % 90 == 30 else 0
        is_success = not (is_failing and number > 280)
        yield FinishedRun(
            f"r{number}", target, started_at, started_at + duration, is_success, write_count, int(number > 200), 0
        )


def build_status_in_sync() -> ControllerStatus:
    """Return a snapshot without differences."""
    names = ("profiles-export", "tickets-hourly", "contacts-2026-10")
    associations = (
        replace(
            reports.association(name, "in-sync"), arn=live(name).arn, since=NOW - 50 * HOUR,
            last_execution=Execution("COMPLETED", None),
        )
        for name in names
    )  # fmt: skip
    runs = (replace(run, write_count=0, drift_count=0) for run in build_finished_runs())
    return build_status(build_target_status(reports.report(*associations)), finished_runs=tuple(runs))


def build_status_with_open_differences() -> ControllerStatus:
    """Return a snapshot with several kinds of decisions."""
    associations = (
        replace(
            reports.build_drifted_association("profiles-export"),
            since=NOW - 3 * HOUR,
            last_execution=Execution("FAILED", "no key"),
        ),
        reports.association("tickets-hourly", "create", outcome=Created("a9"), since=NOW - HOUR / 2),
        reports.association("contacts", "create"),
        reports.association("calls", "blocked", reason="MaxCreates is 10: raise it in the target"),
        reports.association("agents", "in-sync", arn=live("a3").arn, since=NOW - 99 * HOUR),
    )
    report = reports.report(*associations, unmanaged=(live("u1"), live("u2")), dry_run=False)
    other = replace(build_status_in_sync().targets[0], target="staging")
    since = {live("u1").arn: NOW - 49 * HOUR}
    return build_status(
        replace(build_target_status(report), unmanaged_since=since),
        other,
        finished_runs=(*build_finished_runs(), *build_finished_runs("staging")),
    )


def build_status_with_windows() -> ControllerStatus:
    """Return a snapshot with recurring windows in every state: late, in time, and before the first export."""
    late = replace(recurring.build_every_window("the bucket does not exist"), time_zone=recurring.BERLIN)
    last = recurring.build_recurring_record()
    associations = (
        reports.association("profiles-monthly", "held", arn=live("a1").arn, windows=late, exit_code=1,
            reason="the update waits, because the last export may still be running"),
        reports.association("tickets-monthly", "in-sync", arn=live("a2").arn, since=NOW - 30 * HOUR,
            last_execution=Execution("COMPLETED", None), windows=recurring.build_windows(last)),
        reports.association("contacts-monthly", "create", windows=recurring.build_windows(None)),
        reports.association("agents-daily", "held", arn=live("a4").arn, exit_code=1,
            reason="the update waits, because List shows no status of the last export, which may be running",
            windows=recurring.build_windows(recurring.build_daily_record(), NOW, every=Period.DAY, missed=Missed.EACH)),
        reports.association("calls-weekly", "in-sync", arn=live("a5").arn, windows=recurring.build_repeated_windows()),
        reports.association("cases-monthly", "held", arn=live("a6").arn, reason="policy.suspend is true",
            windows=recurring.build_windows_after_omission()),
    )  # fmt: skip
    return build_status(build_target_status(reports.report(*associations, dry_run=False)))


def build_status_with_rejected_revision() -> ControllerStatus:
    """Return a snapshot with a rejected revision."""
    problems = (
        Problem("manifests/a.yaml", 7, 3, "/spec/DestinationURI", "is no S3 address: write s3://bucket/prefix"),
        Problem("manifests/b.yaml", 1, 1, "", "is no YAML"),
    )
    return replace(
        build_status_in_sync(),
        rejected_revision=RejectedRevision("2 problems in the manifests of commit 9c1b", NOW - HOUR, problems),
    )


def build_status_with_failing_target() -> ControllerStatus:
    """Return a snapshot with a failing target and a working one."""
    error = "the credentials may not make this call: app-integrations:ListDataIntegrations"
    names = ("profiles-export", "contacts")
    blocked = tuple(reports.association(name, "blocked", reason=error) for name in names)
    report = Report(reports.run(dry_run=False), (TargetReport("prod", None, "us-east-1", error, blocked),))
    other = replace(build_status_in_sync().targets[0], target="staging")
    return build_status(
        build_target_status(report, failures=7),
        other,
        finished_runs=(*build_finished_runs(is_failing=True), *build_finished_runs("staging")),
    )


def build_status_with_failure_history() -> ControllerStatus:
    """Return a snapshot with a target that has begun to fail."""
    association = replace(
        reports.build_drifted_association("contacts"), since=NOW - 3 * HOUR, arn=live("a1").arn,
        last_execution=Execution("FAILED", "no key"),
    )  # fmt: skip
    prod, staging = build_status_with_failing_target().targets
    return replace(
        build_status_with_failing_target(),
        targets=(replace(prod, last_complete_report=reports.report(association)), staging),
    )


def build_status_before_first_revision() -> ControllerStatus:
    """Return a snapshot from before the first revision."""
    return ControllerStatus(NOW, NOW, None, None, RejectedRevision("git cannot be reached", NOW), (), ())


def build_status_without_manifests() -> ControllerStatus:
    """Return a snapshot whose revision has a target and no manifests."""
    return build_status(build_target_status(reports.report()))


def build_status_during_first_run() -> ControllerStatus:
    """Return a snapshot whose only target is in its first run."""
    started_at = NOW - timedelta(seconds=20)
    target = replace(
        build_target_status(None), running_since=started_at, last_progress=NOW, next_run=None, last_success=None
    )
    return replace(build_status(target), started_at=started_at)


def build_status_with_one_association() -> ControllerStatus:
    """Return a snapshot with one association in sync."""
    association = replace(
        reports.association("profiles-monthly", "in-sync"), arn=_build_arn(1), since=NOW - 50 * HOUR,
        windows=recurring.build_windows(recurring.build_recurring_record()),
    )  # fmt: skip
    return build_status(
        build_target_status(reports.report(association, dry_run=False)), finished_runs=tuple(build_finished_runs())
    )


def build_status_with_forty_associations() -> ControllerStatus:
    """Return a snapshot with forty associations in three targets, some of which need attention."""
    prod = [_build_varied_association(number) for number in range(25)]
    staging = [_build_calm_association(number) for number in range(25, 40)]
    error = "the credentials may not make this call: app-integrations:ListDataIntegrations"
    failing = Report(reports.run(dry_run=False), (TargetReport("sandbox", "210987654321", "eu-west-2", error, ()),))
    return build_status(
        build_target_status(reports.report(*prod, unmanaged=(live("u1"), live("u2")), dry_run=False)),
        build_target_status(failing, "sandbox", failures=4),
        build_target_status(reports.report(*staging, dry_run=False), "staging"),
        finished_runs=(*build_finished_runs(is_failing=True), *build_finished_runs("staging")),
    )


def build_status_with_hundred_targets() -> ControllerStatus:
    """Return a snapshot with a hundred targets, of which three fail and two need attention."""
    error = "the role arn:aws:iam::123456789012:role/reconciler may not be assumed: its trust policy does not allow it"
    targets = []
    for number in range(100):
        name = f"account-{number:03}"
        if number % 40 == 2:
            report = Report(reports.run(dry_run=False), (TargetReport(name, None, "us-east-1", error, ()),))
        else:
            build = _build_varied_association if number in {55, 77} else _build_calm_association
            report = reports.report(*(build(number * 10 + each) for each in range(10)), dry_run=False)
        targets.append(build_target_status(report, name, failures=3 * (number % 40 == 2)))
    runs = tuple(run for number in range(100) for run in list(build_finished_runs(f"account-{number:03}"))[::12])
    return build_status(*targets, finished_runs=runs)


def build_status_of_thousand_with_windows() -> ControllerStatus:
    """Return a snapshot with a thousand associations with recurring windows, some of which need attention."""
    associations = [_build_varied_association(number) for number in range(1000)]
    return build_status(
        build_target_status(reports.report(*associations, dry_run=False)), finished_runs=tuple(build_finished_runs())
    )


def build_status_of_thousand_in_order() -> ControllerStatus:
    """Return a snapshot with a thousand associations in order."""
    associations = [_build_calm_association(number) for number in range(1000)]
    runs = (replace(run, write_count=0, drift_count=0) for run in build_finished_runs())
    return build_status(build_target_status(reports.report(*associations, dry_run=False)), finished_runs=tuple(runs))


def build_status_with_many_warnings() -> ControllerStatus:
    """Return a snapshot with many equal warnings, and a few others."""
    same = (
        Problem(f"manifests/{number}.yaml", 1, 1, "/spec/DataIntegrationIdentifier",
            f"the manifest 'export-{number}' at manifests/{number}.yaml:1:1 uses the same data integration")
        for number in range(290)
    )  # fmt: skip
    other = (
        Problem(f"manifests/{number}.yaml", 9, 3, "/window/delay", f"set window.delay to {number + 30}m or more")
        for number in range(9)
    )
    report = replace(reports.report(reports.association("export", "in-sync")), warnings=(*same, *other))
    return build_status(build_target_status(report))


def _build_arn(number: int) -> str:
    place = "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association"
    return f"{place}/3f0c5f7a-9be2-4d4c-8865-017f2ab90ce4/{number:08x}-1c2d-4e3f-9a4b-{number * 7919 % 16**12:012x}"


def _build_calm_association(number: int) -> AssociationReport:
    subject = ("profiles", "tickets", "contacts", "calls", "cases")[number % 5]
    association = reports.association(
        f"{subject}-{number:03}", "in-sync", arn=_build_arn(number), integration=f"{subject}-source",
        destination=f"s3://corp-exports/{subject}/{number:03}", since=NOW - (number % 90 + 1) * HOUR,
        last_execution=Execution("COMPLETED", None),
    )  # fmt: skip
    if number % 3:
        return association
    return replace(association, windows=recurring.build_windows(recurring.build_recurring_record()))


def _build_varied_association(number: int) -> AssociationReport:
    calm = _build_calm_association(number)
    match number % 12:
        case 1:
            return replace(calm, decision=DecisionKind.BLOCKED, arn=None, exit_code=1, last_execution=None,
                reason="MaxCreates is 10: raise it in the target")  # fmt: skip
        case 4:
            return replace(calm, decision=DecisionKind.LOST, exit_code=1, last_execution=None,
                reason="List has not shown the association since 2026-10-31 06:00Z")  # fmt: skip
        case 6:
            return replace(calm, decision=DecisionKind.HELD, exit_code=1, last_execution=None,
                reason="the update waits, because List shows no status of the last export, which may be running",
                windows=recurring.build_windows(
                    recurring.build_daily_record(), NOW, every=Period.DAY, missed=Missed.EACH))  # fmt: skip
        case 8:
            drifted = reports.build_drifted_association(calm.name)
            return replace(drifted, arn=calm.arn, since=calm.since, integration=calm.integration,
                destination=calm.destination)  # fmt: skip
        case 10:
            return replace(calm, last_execution=Execution("FAILED", "The KMS key is not accessible."))
        case 11:
            return reports.association(calm.name, "create", integration=calm.integration, destination=calm.destination)
        case _:
            return calm


def build_status_of_thousand_associations() -> ControllerStatus:
    """Return a snapshot with 1,000 associations."""
    return build_status(
        build_target_status(reports.build_report_of_many(1000)), finished_runs=tuple(build_finished_runs())
    )


def build_status_with_foreign_text(text: str) -> ControllerStatus:
    """Return a snapshot in which each text from outside is the given one."""
    problems = reports.build_problems(text)
    run = FinishedRun(text, text, NOW - HOUR, NOW, is_success=False, write_count=1, drift_count=1, open_count=1)
    return replace(
        build_status(build_target_status(reports.build_full_report(text), text, failures=3), finished_runs=(run,)),
        revision=Revision(text, NOW, 1, text, text), rejected_revision=RejectedRevision(text, NOW, problems),
    )  # fmt: skip
