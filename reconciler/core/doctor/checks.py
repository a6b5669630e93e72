"""Judges what `reconcile doctor` saw of its surroundings: pure functions from an answer, or its failure, to a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from reconciler.core.aws.signature_errors import SET_CLOCK, bare
from reconciler.core.doctor.diagnosis import Check, Result, failed, skipped
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

_CLOSE = timedelta(seconds=60)
_REFUSED = timedelta(seconds=300)
"""AWS refuses a request that was signed longer ago, or later, than this (IAM User Guide, "Signature Version 4")."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose the credentials are."""

    arn: str
    account: str


@dataclass(frozen=True, slots=True)
class Dated:
    """An answer's Date header, and this machine's time just before and just after the call."""

    date: str | None
    before: datetime
    after: datetime


def versions(found: Mapping[str, str | None], *, knows_create: bool) -> Check:
    """Judge the programs and libraries by name; None is one that is not there."""
    seen = ", ".join(f"{name} {version}" if version else f"no {name}" for name, version in found.items())
    if knows_create:
        return Check("versions", Result.OK, seen)
    seen += "; this botocore does not know CreateDataIntegrationAssociation"
    return Check("versions", Result.FAILED, seen, "update boto3 and botocore")


def valid(desired: Desired) -> Check:
    """Judge manifests that can be used."""
    count = sum(map(len, desired.manifests.values()))
    if not count:
        fix = "write a manifest, or name the right folder with -f"
        return Check("manifests", Result.WARNING, "there are no manifests: nothing would be created", fix)
    seen = f"{plural(count, 'manifest')} of {plural(len(desired.targets), 'target')}"
    if desired.warnings:
        seen += f", valid, with {plural(len(desired.warnings), 'warning')}"
        return Check("manifests", Result.WARNING, seen, "reconcile validate lists them")
    return Check("manifests", Result.OK, f"{seen}, valid")


def unusable(error: InvalidManifests | GitError) -> Check:
    """Judge manifests that cannot be used."""
    fix = "reconcile validate lists them" if isinstance(error, InvalidManifests) else "correct --git-url or --git-ref"
    seen = f"{error}; no Target is known: what the environment alone says is checked instead"
    return Check("manifests", Result.FAILED, seen, fix)


def state_folder(folder: str, blocked: str | None, *, vanishes: bool) -> Check:
    """Judge the folder of the journals. `blocked` is what keeps it from being written."""
    if blocked:
        fix = "let this user write there, or give another --state"
        return Check("state-write", Result.FAILED, f"{folder} cannot be written: {blocked}", fix)
    if vanishes:
        seen = f"{folder} is the folder of a CI job, which does not last: a forgotten Create is sent again"
        return Check("state-write", Result.WARNING, seen, "give --state or RECONCILER_STATE, as s3://BUCKET/PREFIX")
    return Check("state-write", Result.OK, f"{folder} can be written")


def region(name: str | None, *, known: bool | None) -> Check:
    """Judge the Region; `known` is whether botocore lists it, None with a stand-in for AWS."""
    if not name:
        return Check("region", Result.FAILED, "there is no Region", "declare a Target, or give --region or AWS_REGION")
    if known is None:
        return skipped("region", "something stands in for AWS, and has every Region")
    if known:
        return Check("region", Result.OK, f"{name} has AppIntegrations")
    seen = f"botocore does not list AppIntegrations in {name}; its list may be older than AWS"
    return Check("region", Result.WARNING, seen, "look whether AWS offers it there, or correct the Region")


def credentials(target: Target, found: Identity | CloudError, arn: str | None = None) -> Check:
    """Judge whose the credentials are, and whether that is whom the Target declares; `arn` where AWS said it."""
    match found:
        case Identity():
            declared = ", as the Target declares" if target.account else ""
            return Check("credentials", Result.OK, f"{found.arn} of account {found.account}{declared}")
        case WrongAccount():
            seen = str(found).partition(":")[0]  # behind it stands what a run would advise
            seen += f" ({arn})" if arn else ""
            fix = f"use credentials of account {target.account}, or give the Target a RoleArn there"
            return Check("credentials", Result.FAILED, seen, fix)
        case Unauthenticated():
            fix = (
                "give credentials where boto3 finds them (environment, profile, SSO, the machine's role), or renew them"
            )
            return Check("credentials", Result.FAILED, bare(str(found)), fix)
        case ClockSkewed():
            return Check("credentials", Result.FAILED, bare(str(found)), SET_CLOCK)
        case AccessDenied() if target.role_arn:
            fix = (
                f"allow sts:AssumeRole on {target.role_arn}, and let the role's trust policy name who calls"
                f"{' with this ExternalId' if target.external_id else ''}"
            )
            return Check("credentials", Result.FAILED, str(found), fix)
        case _:
            return failed("credentials", found, "sts:GetCallerIdentity")


def clock(answer: Dated | None, because: str) -> Check:
    """Judge this machine's clock by the Date of an answer (RFC 9110, 6.6.1), which counts whole seconds.

    `because` is why there is no answer, where there is none.
    """
    if answer is None:
        return skipped("clock", because)
    try:
        theirs = parsedate_to_datetime(answer.date or "")
    except ValueError:
        return skipped("clock", "the answer of STS has no Date that can be read")
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    ahead, behind = answer.before - theirs - timedelta(seconds=1), theirs - answer.after
    off, way = max((ahead, "ahead of"), (behind, "behind"))
    if off <= timedelta():
        return Check("clock", Result.OK, "this machine's clock is AWS's to the second")
    seen = f"this machine's clock is {_span(off)} {way} AWS's"
    if off < _CLOSE:
        return Check("clock", Result.OK, seen)
    return Check("clock", Result.WARNING if off <= _REFUSED else Result.FAILED, seen, SET_CLOCK)


def journal(place: str | None, found: Journal | StateError | CloudError, refusal: str | None = None) -> Check:
    """Judge whether the journal can be read; `refusal` is why a run is refused where there is none yet, if it is."""
    if isinstance(found, CloudError):
        return failed("journal", found, "s3:GetObject and s3:ListBucket")
    if isinstance(found, StateError):
        fix = 'make it readable; where it is damaged: docs/safety.md, "A journal that is refused"'
        if isinstance(found, StateWriteUnknown):
            fix = "let nothing between here and S3 change its answers"
        return Check("journal", Result.FAILED, str(found), fix)
    if found.lineage:
        seen = f"{place} remembers {plural(len(found.records), 'association')} (serial {found.serial})"
        return Check("journal", Result.OK, seen)
    if refusal:
        return Check("journal", Result.FAILED, f"there is no journal at {place}: a run is refused", refusal)
    return Check("journal", Result.OK, f"there is no journal at {place} yet: the first run begins it")


def journal_files(place: str, locked_out: str | None) -> Check:
    """Judge whether a run could open what is beside a journal in a folder. `locked_out` is what keeps it from that."""
    if locked_out:
        fix = "give that file to this user; where another one runs it too, run all of it as one of them"
        return Check("journal-write", Result.FAILED, f"{place} cannot be written: {locked_out}", fix)
    return Check("journal-write", Result.OK, f"nothing beside {place} is locked for this user")


def lease(target: str, found: Journal, now: datetime) -> Check:
    """Judge who may write the journal."""
    held = found.lease
    if held is None:
        return Check("lease", Result.OK, "nobody holds the journal")
    until = timestamp(held.expires)
    if now >= held.expires:
        seen = f"left behind by {held.holder}, expired at {until}: the next run takes it over"
        return Check("lease", Result.OK, seen)
    fix = f"wait for that run to end; if it is dead, reconcile unlock {target} frees the journal"
    return Check("lease", Result.WARNING, f"held by {held.holder} until {until}", fix)


def _span(off: timedelta) -> str:
    seconds = max(1, round(off.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds} s"
