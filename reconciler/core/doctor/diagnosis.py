"""Diagnosis of `reconcile doctor`, as values: the checks and their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.aws.signature_errors import RENEW_CREDENTIALS, SET_CLOCK, remove_remedy
from reconciler.core.errors import AccessDenied, ClockSkewed, CloudError, Throttled, Unauthenticated, Unreachable
from reconciler.core.model import Json

_NETWORK = "check the network, the proxy settings and the Region"


class CheckResult(StrEnum):
    """Result of a check. A check that could not be made is skipped, never ok."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its result, what it found, and what to do about a fault.

    `subject` distinguishes checks of the same name: it is a data integration or a bucket. `paste` is the JSON that the
    fix asks for, such as a statement of a policy.
    """

    name: str
    result: CheckResult
    message: str
    fix: str | None = None
    subject: str | None = None
    paste: Json = None


@dataclass(frozen=True, slots=True)
class TargetChecks:
    """Checks of one target. An unknown account or Region is None."""

    name: str
    account: str | None
    region: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Checks of the installation, and checks of each target."""

    program: tuple[Check, ...]
    targets: tuple[TargetChecks, ...]

    @property
    def counts(self) -> Mapping[CheckResult, int]:
        """The number of checks for each result."""
        counts = Counter(
            check.result for part in (self.program, *(each.checks for each in self.targets)) for check in part
        )
        return {result: counts[result] for result in CheckResult}


def build_skipped_check(name: str, reason: str, fix: str | None = None, subject: str | None = None) -> Check:
    """Return a skipped check with the reason that it was not made."""
    return Check(name, CheckResult.SKIPPED, f"not checked, because {reason}", fix, subject)


def build_failed_check(name: str, error: CloudError, permission: str, subject: str | None = None) -> Check:
    """Return the check of a failed call. `permission` is the permission that the call needs."""
    result, fix = CheckResult.FAILED, "correct the cause that AWS names, and run this again"
    match error:
        case AccessDenied():
            fix = f"allow {permission}"
        case Throttled():
            result, fix = (
                CheckResult.WARNING,
                "run this again later: other callers use up the rate limit of the account",
            )
        case Unreachable():
            fix = _NETWORK
        case Unauthenticated():
            fix = RENEW_CREDENTIALS
        case ClockSkewed():
            fix = SET_CLOCK
        case _:
            pass
    return Check(name, result, remove_remedy(str(error)), fix, subject)


def build_unread_check(name: str, error: CloudError, permission: str, subject: str, hint: str = "") -> Check:
    """Return the check of a setting that could not be read: skipped if the permission is missing.

    `permission` is an action and its resource ("kms:DescribeKey on KEY"). `hint` follows the fix.
    """
    if not isinstance(error, AccessDenied):
        return build_failed_check(name, error, permission, subject)
    action, _, resource = permission.partition(" on ")
    reason = f"{action} is not allowed on {resource}: {error}"
    return build_skipped_check(name, reason, f"allow {permission}{hint}", subject)
