"""What `reconcile doctor` finds out, as values: a result for each thing that was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.aws.signature_errors import RENEW_CREDENTIALS, SET_CLOCK, remove_remedy
from reconciler.core.errors import AccessDenied, ClockSkewed, CloudError, Throttled, Unauthenticated, Unreachable

_NETWORK = "look at the network, at a proxy between here and AWS, and at the Region"


class CheckResult(StrEnum):
    """What a check came to. What could not be looked at is skipped, never ok."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was seen, and what to do where something is.

    `about` says which one, where a name has several: a data integration, a bucket.
    """

    name: str
    result: CheckResult
    message: str
    fix: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class TargetChecks:
    """The checks of one target. `account` and `region` are None where they are not known."""

    name: str
    account: str | None
    region: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks: those of the program and its surroundings, and those of each target."""

    program: tuple[Check, ...]
    targets: tuple[TargetChecks, ...]

    @property
    def counts(self) -> Mapping[CheckResult, int]:
        """How many checks came to each result."""
        counts = Counter(
            check.result for part in (self.program, *(each.checks for each in self.targets)) for check in part
        )
        return {result: counts[result] for result in CheckResult}


def build_skipped_check(name: str, reason: str, fix: str | None = None, subject: str | None = None) -> Check:
    """Return the check of what was not looked at."""
    return Check(name, CheckResult.SKIPPED, f"not checked, because {reason}", fix, subject)


def build_failed_check(name: str, error: CloudError, permission: str, subject: str | None = None) -> Check:
    """Return the check of a call that failed; `permission` is what the call needs."""
    result, fix = CheckResult.FAILED, "see what AWS says, and run this again"
    match error:
        case AccessDenied():
            fix = f"allow {permission}"
        case Throttled():
            result, fix = CheckResult.WARNING, "run this again later: others in the account and Region use up the rate"
        case Unreachable():
            fix = _NETWORK
        case Unauthenticated():
            fix = RENEW_CREDENTIALS
        case ClockSkewed():
            fix = SET_CLOCK
        case _:
            pass
    return Check(name, result, remove_remedy(str(error)), fix, subject)
