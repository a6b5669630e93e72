"""Judges what `reconcile doctor` saw of its surroundings: pure functions from an answer, or its failure, to a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

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
from reconciler.core.model import Desired, Target
from reconciler.core.text import plural, timestamp

_ACCEPTED_OFFSET = timedelta(seconds=60)
_MAX_OFFSET = timedelta(seconds=300)
"""AWS refuses a request that was signed longer ago, or later, than this (IAM User Guide, "Signature Version 4")."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose the credentials are."""

    arn: str
    account: str


@dataclass(frozen=True, slots=True)
class DatedAnswer:
    """An answer's Date header, and this machine's time just before and just after the call."""

    date: str | None
    before: datetime
    after: datetime


def check_versions(versions: Mapping[str, str | None], *, has_create_operation: bool) -> Check:
    """Judge the programs and libraries by name; None is one that is not there."""
    message = ", ".join(f"{name} {version}" if version else f"no {name}" for name, version in versions.items())
    if has_create_operation:
        return Check("versions", CheckResult.OK, message)
    message += "; this botocore does not know CreateDataIntegrationAssociation"
    return Check("versions", CheckResult.FAILED, message, "update boto3 and botocore")


def check_valid_manifests(desired: Desired) -> Check:
    """Judge manifests that can be used."""
    count = sum(map(len, desired.manifests.values()))
    if not count:
        fix = "write a manifest, or name the right folder with -f"
        return Check("manifests", CheckResult.WARNING, "there are no manifests: nothing would be created", fix)
    message = f"{plural(count, 'manifest')} of {plural(len(desired.targets), 'target')}"
    if desired.warnings:
        message += f", valid, with {plural(len(desired.warnings), 'warning')}"
        return Check("manifests", CheckResult.WARNING, message, "reconcile validate lists them")
    return Check("manifests", CheckResult.OK, f"{message}, valid")


def check_invalid_manifests(error: InvalidManifests | GitError) -> Check:
    """Judge manifests that cannot be used."""
    fix = "reconcile validate lists them" if isinstance(error, InvalidManifests) else "correct --git-url or --git-ref"
    message = f"{error}; no Target is known: what the environment alone says is checked instead"
    return Check("manifests", CheckResult.FAILED, message, fix)


def check_state_folder(folder: str, obstacle: str | None, *, is_ephemeral: bool) -> Check:
    """Judge the folder of the journals. `blocked` is what keeps it from being written."""
    if obstacle:
        fix = "let this user write there, or give another --state"
        return Check("state-write", CheckResult.FAILED, f"{folder} cannot be written: {obstacle}", fix)
    if is_ephemeral:
        message = f"{folder} is the folder of a CI job, which does not last: a forgotten Create is sent again"
        return Check(
            "state-write", CheckResult.WARNING, message, "give --state or RECONCILER_STATE, as s3://BUCKET/PREFIX"
        )
    return Check("state-write", CheckResult.OK, f"{folder} can be written")


def check_region(name: str | None, *, is_listed: bool | None) -> Check:
    """Judge the Region; `known` is whether botocore lists it, None with a stand-in for AWS."""
    if not name:
        return Check(
            "region", CheckResult.FAILED, "there is no Region", "declare a Target, or give --region or AWS_REGION"
        )
    if is_listed is None:
        return build_skipped_check("region", "something stands in for AWS, and has every Region")
    if is_listed:
        return Check("region", CheckResult.OK, f"{name} has AppIntegrations")
    message = f"botocore does not list AppIntegrations in {name}; its list may be older than AWS"
    return Check("region", CheckResult.WARNING, message, "look whether AWS offers it there, or correct the Region")


def check_credentials(target: Target, answer: Identity | CloudError, arn: str | None = None) -> Check:
    """Judge whose the credentials are, and whether that is whom the Target declares; `arn` where AWS said it."""
    match answer:
        case Identity():
            declaration = ", as the Target declares" if target.account else ""
            return Check("credentials", CheckResult.OK, f"{answer.arn} of account {answer.account}{declaration}")
        case WrongAccount():
            message = str(answer).partition(":")[0]  # behind it stands what a run would advise
            message += f" ({arn})" if arn else ""
            fix = f"use credentials of account {target.account}, or give the Target a RoleArn there"
            return Check("credentials", CheckResult.FAILED, message, fix)
        case Unauthenticated():
            fix = (
                "give credentials where boto3 finds them (environment, profile, SSO, the machine's role), or renew them"
            )
            return Check("credentials", CheckResult.FAILED, remove_remedy(str(answer)), fix)
        case ClockSkewed():
            return Check("credentials", CheckResult.FAILED, remove_remedy(str(answer)), SET_CLOCK)
        case AccessDenied() if target.role_arn:
            fix = (
                f"allow sts:AssumeRole on {target.role_arn}, and let the role's trust policy name who calls"
                f"{' with this ExternalId' if target.external_id else ''}"
            )
            return Check("credentials", CheckResult.FAILED, str(answer), fix)
        case _:
            return build_failed_check("credentials", answer, "sts:GetCallerIdentity")


def check_clock(answer: DatedAnswer | None, reason: str) -> Check:
    """Judge this machine's clock by the Date of an answer (RFC 9110, 6.6.1), which counts whole seconds.

    `because` is why there is no answer, where there is none.
    """
    if answer is None:
        return build_skipped_check("clock", reason)
    try:
        aws_time = parsedate_to_datetime(answer.date or "")
    except ValueError:
        return build_skipped_check("clock", "the answer of STS has no Date that can be read")
    aws_time = aws_time if aws_time.tzinfo else aws_time.replace(tzinfo=UTC)
    ahead, behind = answer.before - aws_time - timedelta(seconds=1), aws_time - answer.after
    offset, direction = max((ahead, "ahead of"), (behind, "behind"))
    if offset <= timedelta():
        return Check("clock", CheckResult.OK, "this machine's clock is AWS's to the second")
    message = f"this machine's clock is {_format_duration(offset)} {direction} AWS's"
    if offset < _ACCEPTED_OFFSET:
        return Check("clock", CheckResult.OK, message)
    return Check("clock", CheckResult.WARNING if offset <= _MAX_OFFSET else CheckResult.FAILED, message, SET_CLOCK)


def check_journal(place: str | None, answer: Journal | StateError | CloudError, refusal: str | None = None) -> Check:
    """Judge whether the journal can be read; `refusal` is why a run is refused where there is none yet, if it is."""
    if isinstance(answer, CloudError):
        return build_failed_check("journal", answer, "s3:GetObject and s3:ListBucket")
    if isinstance(answer, StateError):
        fix = 'make it readable; where it is damaged: docs/safety.md, "A journal that is refused"'
        if isinstance(answer, StateWriteUnknown):
            fix = "let nothing between here and S3 change its answers"
        return Check("journal", CheckResult.FAILED, str(answer), fix)
    if answer.lineage:
        message = f"{place} remembers {plural(len(answer.records), 'association')} (serial {answer.serial})"
        return Check("journal", CheckResult.OK, message)
    if refusal:
        return Check("journal", CheckResult.FAILED, f"there is no journal at {place}: a run is refused", refusal)
    return Check("journal", CheckResult.OK, f"there is no journal at {place} yet: the first run begins it")


def check_journal_files(place: str, obstacle: str | None) -> Check:
    """Judge whether a run could open what is beside a journal in a folder. `obstacle` is the reason it could not."""
    if obstacle:
        fix = "give that file to this user; where another one runs it too, run all of it as one of them"
        return Check("journal-write", CheckResult.FAILED, f"{place} cannot be written: {obstacle}", fix)
    return Check("journal-write", CheckResult.OK, f"nothing beside {place} is locked for this user")


def check_lease(target: str, journal: Journal, now: datetime) -> Check:
    """Judge who may write the journal."""
    lease = journal.lease
    if lease is None:
        return Check("lease", CheckResult.OK, "nobody holds the journal")
    expiry = timestamp(lease.expires)
    if now >= lease.expires:
        message = f"left behind by {lease.holder}, expired at {expiry}: the next run takes it over"
        return Check("lease", CheckResult.OK, message)
    fix = f"wait for that run to end; if it is dead, reconcile unlock {target} frees the journal"
    return Check("lease", CheckResult.WARNING, f"held by {lease.holder} until {expiry}", fix)


def _format_duration(duration: timedelta) -> str:
    seconds = max(1, round(duration.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds} s"
