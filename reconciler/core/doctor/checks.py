"""Judge the machine, the credentials and the journal for `reconcile doctor`: from an answer or an error to a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.aws.date_header import parse_date
from reconciler.core.aws.signature_errors import SET_CLOCK, remove_remedy
from reconciler.core.doctor.diagnosis import Check, CheckResult, build_failed_check, build_skipped_check
from reconciler.core.errors import (
    AccessDenied,
    ClockSkewed,
    CloudError,
    GitError,
    InvalidManifests,
    StateError,
    StateWriteUnknown,
    Unauthenticated,
    WrongAccount,
)
from reconciler.core.journal.records import Journal
from reconciler.core.model import NO_MANIFESTS, Desired, Target
from reconciler.core.text import format_count, format_timestamp

_ACCEPTED_OFFSET = timedelta(seconds=60)
_MAX_OFFSET = timedelta(seconds=300)
"""Maximum difference to the clock of AWS for an accepted signature (IAM User Guide, "Signature Version 4")."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity to which the credentials belong."""

    arn: str
    account: str


@dataclass(frozen=True, slots=True)
class DatedAnswer:
    """Date header of an answer, and the time of this machine just before and just after the call."""

    date: str | None
    before: datetime
    after: datetime


def check_versions(versions: Mapping[str, str | None], *, has_create_operation: bool) -> Check:
    """Judge the versions of programs and libraries, by name. None stands for a missing one."""
    message = ", ".join(f"{name} {version}" if version else f"no {name}" for name, version in versions.items())
    if has_create_operation:
        return Check("versions", CheckResult.OK, message)
    message += "; this botocore does not know CreateDataIntegrationAssociation"
    return Check("versions", CheckResult.FAILED, message, "update boto3 and botocore")


def check_valid_manifests(desired: Desired) -> Check:
    """Judge valid manifests. Missing manifests and warnings about manifests give a warning."""
    if desired.is_empty:
        fix = "write a manifest, or give the right folder with -f"
        return Check("manifests", CheckResult.WARNING, f"of {NO_MANIFESTS.file}, {NO_MANIFESTS.message}", fix)
    message = f"{format_count(desired.manifest_count, 'manifest')} of {format_count(len(desired.targets), 'target')}"
    if desired.warnings:
        message += f", valid, with {format_count(len(desired.warnings), 'warning')}"
        return Check("manifests", CheckResult.WARNING, message, "run reconcile validate to list the warnings")
    return Check("manifests", CheckResult.OK, f"{message}, valid")


def check_invalid_manifests(error: InvalidManifests | GitError) -> Check:
    """Judge manifests that are invalid or cannot be read."""
    is_invalid = isinstance(error, InvalidManifests)
    fix = "run reconcile validate to list the problems" if is_invalid else "correct --git-url or --git-ref"
    message = f"{error}; the Targets are unknown: the account and Region of the environment are checked instead"
    return Check("manifests", CheckResult.FAILED, message, fix)


def check_state_folder(
    folder: str, obstacle: str | None, *, is_ephemeral: bool, url_patterns: tuple[str, ...]
) -> Check:
    """Judge the folder of the journals. `obstacle` is the reason that it cannot be written, if any.

    `url_patterns` are the patterns of the locations that outlast a CI job.
    """
    if obstacle:
        fix = "choose a folder that this user can write to with --state, or allow this user to write there"
        return Check("state-write", CheckResult.FAILED, f"{folder} cannot be written: {obstacle}", fix)
    if is_ephemeral:
        message = f"{folder} may not outlast this CI job, so only dry runs and --mode observe are allowed"
        fix = f"set --state or RECONCILER_STATE to {' or '.join(url_patterns)}"
        return Check("state-write", CheckResult.WARNING, message, fix)
    return Check("state-write", CheckResult.OK, f"{folder} can be written")


def check_region(name: str | None, *, is_listed: bool | None) -> Check:
    """Judge the Region. `is_listed` tells whether botocore lists it; None stands for a sandbox."""
    if not name:
        return Check(
            "region", CheckResult.FAILED, "no Region is set", "declare a Target, or set --region or AWS_REGION"
        )
    if is_listed is None:
        return build_skipped_check("region", "a sandbox accepts every Region")
    if is_listed:
        return Check("region", CheckResult.OK, f"{name} has AppIntegrations")
    message = f"botocore does not list AppIntegrations in {name}, but its list may be out of date"
    return Check(
        "region", CheckResult.WARNING, message, "check whether AWS offers AppIntegrations there, or correct the Region"
    )


def check_credentials(target: Target, answer: Identity | CloudError, arn: str | None = None) -> Check:
    """Judge the credentials: their identity, and whether their account is that of the Target.

    `arn` is the identity of credentials of a wrong account, if AWS returned it.
    """
    match answer:
        case Identity():
            declaration = ", as the Target declares" if target.account else ""
            return Check("credentials", CheckResult.OK, f"{answer.arn} of account {answer.account}{declaration}")
        case WrongAccount():
            message = str(answer).partition(":")[0]  # the rest is the advice of a run
            message += f" ({arn})" if arn else ""
            fix = f"use credentials of account {target.account}, or set RoleArn of the Target to a role in that account"
            return Check("credentials", CheckResult.FAILED, message, fix)
        case Unauthenticated():
            fix = "provide credentials where boto3 finds them (environment, profile, SSO, machine role), or renew them"
            return Check("credentials", CheckResult.FAILED, remove_remedy(str(answer)), fix)
        case ClockSkewed():
            return Check("credentials", CheckResult.FAILED, remove_remedy(str(answer)), SET_CLOCK)
        case AccessDenied() if target.role_arn:
            fix = (
                f"allow sts:AssumeRole on {target.role_arn}, and allow this caller in the trust policy of the role"
                f"{' with the ExternalId of the Target' if target.external_id else ''}"
            )
            return Check("credentials", CheckResult.FAILED, str(answer), fix)
        case _:
            return build_failed_check("credentials", answer, "sts:GetCallerIdentity")


def check_clock(answer: DatedAnswer | None, reason: str) -> Check:
    """Judge the clock of this machine by the Date of an answer, in whole seconds (RFC 9110, 6.6.1).

    `reason` is the reason for a missing answer.
    """
    if answer is None:
        return build_skipped_check("clock", reason)
    aws_time = parse_date(answer.date or "")
    if aws_time is None:
        return build_skipped_check("clock", "the Date in the answer of STS is missing or invalid")
    ahead, behind = answer.before - aws_time - timedelta(seconds=1), aws_time - answer.after
    offset, direction = max((ahead, "ahead of"), (behind, "behind"))
    if offset <= timedelta():
        return Check("clock", CheckResult.OK, "the clock of this machine and the clock of AWS agree to the second")
    message = f"the clock of this machine is {_format_duration(offset)} {direction} the clock of AWS"
    if offset < _ACCEPTED_OFFSET:
        return Check("clock", CheckResult.OK, message)
    return Check("clock", CheckResult.WARNING if offset <= _MAX_OFFSET else CheckResult.FAILED, message, SET_CLOCK)


def check_journal(place: str | None, answer: Journal | StateError | CloudError, refusal: str | None = None) -> Check:
    """Judge whether the journal can be read. `refusal` is the reason to refuse runs without a journal, if any."""
    if isinstance(answer, CloudError):
        return build_failed_check("journal", answer, "access to the location of the journal")
    if isinstance(answer, StateError):
        remedy = answer.remedy if isinstance(answer, StateWriteUnknown) else None
        fix = remedy or "make the journal readable; if it is damaged, see docs/how-to/restore-the-state.md"
        return Check("journal", CheckResult.FAILED, str(answer), fix)
    if answer.lineage:
        message = f"{place} has records of {format_count(len(answer.records), 'association')} (serial {answer.serial})"
        return Check("journal", CheckResult.OK, message)
    if refusal:
        return Check("journal", CheckResult.FAILED, f"there is no journal at {place}: runs are refused", refusal)
    return Check("journal", CheckResult.OK, f"there is no journal at {place} yet: the first run creates it")


def check_journal_files(place: str, obstacle: str | None) -> Check:
    """Judge whether a run could open the files beside a journal in a folder. `obstacle` is the reason if not."""
    if obstacle:
        fix = "make this user the owner of that file, and run every command on this journal as this user"
        return Check("journal-write", CheckResult.FAILED, f"{place} cannot be written: {obstacle}", fix)
    return Check("journal-write", CheckResult.OK, f"no lock file or temporary file prevents writes to {place}")


def check_lease(target: str, journal: Journal, now: datetime) -> Check:
    """Judge the lease of a journal: free, held or expired."""
    lease = journal.lease
    if lease is None:
        return Check("lease", CheckResult.OK, "no run holds the lease")
    expiry = format_timestamp(lease.expires)
    if now >= lease.expires:
        message = f"the lease of {lease.holder} expired at {expiry}: the next run acquires it"
        return Check("lease", CheckResult.OK, message)
    fix = f"wait for that run to end; if it was killed, free the lease with reconcile unlock {target}"
    return Check("lease", CheckResult.WARNING, f"the lease is held by {lease.holder} until {expiry}", fix)


def _format_duration(duration: timedelta) -> str:
    seconds = max(1, round(duration.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds} s"
