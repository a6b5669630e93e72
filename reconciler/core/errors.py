"""Errors that the program raises on purpose. They have one root, and one `except` catches them."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.text import format_count


class ReconcilerError(Exception):
    """Root of the errors. The text is one line for a person: what is wrong, where, and what to do.

    ReconcilerError
    ├── UsageError           invalid or contradictory options or variables; AWS was not called
    ├── SetupError           a requirement is missing or in use on this machine; AWS was not called
    ├── InvalidManifests     the manifests of the revision are invalid; AWS was not called
    ├── UnknownTarget        the manifests do not declare the requested target; AWS was not called
    ├── GitError             the repository or revision cannot be read; AWS was not called
    │   ├── InvalidReference invalid name of a repository, revision or path; git was not started
    │   └── UntrustedCommit  the commit is not signed by a listed key
    ├── NothingToExport      no data integration or live association fits `reconcile init`; nothing was written
    ├── NotConfirmed         the person at the terminal did not confirm the plan; nothing was written
    ├── StopRequested        shutdown requested while the program waited
    │   └── Interrupted      a signal ended the program before it had a result
    ├── StateError           the journal cannot be read, written or trusted
    │   ├── LeaseHeld        another process holds the lease
    │   ├── StateConflict    the journal changed between read and write, or the lease was lost
    │   │   └── VersionConflict the version in the store is not the expected one
    │   ├── StateUnreachable no usable answer of S3: credentials, permission, clock, network or bucket
    │   └── StateWriteUnknown a write of the journal had no answer and may have succeeded
    └── CloudError           AWS refused or did not answer a read
        ├── NoRegion         no Region is configured; AWS was not called
        ├── Unauthenticated  missing, expired or unknown credentials
        ├── ClockSkewed      AWS rejected the time in the signature
        ├── WrongAccount     the credentials belong to another account than the target declares
        ├── AccessDenied     the credentials lack a permission
        ├── Throttled        AWS still throttled the call after the last retry
        └── Unreachable      no answer: endpoint, network, timeout or a fault of AWS
    """


EXIT_FAILED = 1
EXIT_INVALID = 3
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130


class UsageError(ReconcilerError):
    """Invalid or contradictory options or variables (exit 64)."""


class SetupError(ReconcilerError):
    """Requirement of the program that is missing, unreadable or in use on this machine."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Error or warning in one place of a manifest. Lines and columns count from 1; line 0 means the whole file."""

    file: str
    line: int
    column: int
    pointer: str
    message: str

    def __str__(self) -> str:
        """Render `file:line:column: /json/pointer: message`."""
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: "
        return f"{place}{self.pointer}: {self.message}" if self.pointer else f"{place}{self.message}"


class InvalidManifests(ReconcilerError):
    """Problems in the manifests of a revision, which is rejected. `revision` is its commit; None for a folder.

    `omitted_count` is the number of problems that are not listed. If there are any, the last entry of `problems`
    states this number. `total` includes it.
    """

    def __init__(self, problems: tuple[Problem, ...], revision: str | None = None, omitted_count: int = 0) -> None:
        self.reported_problems, self.omitted_count, self.revision = problems, omitted_count, revision
        self.total = len(problems) + omitted_count
        self.problems = (*problems, _build_omission_problem(omitted_count)) if omitted_count else problems
        suffix = f" of commit {revision}" if revision else ""
        super().__init__(f"{format_count(self.total, 'problem')} in the manifests{suffix}")

    def with_revision(self, revision: str | None) -> InvalidManifests:
        """Return the same error with its commit."""
        return InvalidManifests(self.reported_problems, revision, self.omitted_count)


def _build_omission_problem(count: int) -> Problem:
    message = f"{format_count(count, 'more problem')} not listed here: correct the listed problems, and validate again"
    return Problem("manifests", 0, 0, "", message)


class UnknownTarget(ReconcilerError):
    """Requested target that the manifests do not declare."""


class GitError(ReconcilerError):
    """Repository or revision that cannot be read. AWS was not called.

    `fault` identifies the fault: it stays the same each time, even if the words of git in the text vary.
    """

    def __init__(self, text: str, fault: str = "") -> None:
        self.fault = fault or text
        super().__init__(text)


class InvalidReference(GitError):
    """Invalid name of a repository, revision or path. Git was not started."""


class UntrustedCommit(GitError):
    """Commit that is not signed by a listed key. Its revision is rejected."""


class NotConfirmed(ReconcilerError):
    """Plan that the person at the terminal did not confirm. Nothing was written."""


STOPPED = "stopped by a signal before it was done: a later run does the rest"
"""The message about what a stop ended."""


class StopRequested(ReconcilerError):
    """Stop that was requested while the program waited."""


class Interrupted(StopRequested):
    """Signal that ended the program before it had a result. `signal` is its number."""

    def __init__(self, signal: int) -> None:
        self.signal = signal
        super().__init__(f"signal {signal}")


class NothingToExport(ReconcilerError):
    """Data integration or live association that `reconcile init` needs, and that AWS does not list."""


class StateError(ReconcilerError):
    """Journal that cannot be read, written or trusted. It was not changed."""


class LeaseHeld(StateError):
    """Lease of a journal that another process holds."""


class StateConflict(StateError):
    """Journal that changed after it was read, or lease that was lost."""


class VersionConflict(StateConflict):
    """Version in the store that is not the expected one.

    `change_without_writer` says what else may have changed the version, if the text is still the old one, and what to
    do about it.
    """

    def __init__(self, message: str, change_without_writer: str) -> None:
        self.change_without_writer = change_without_writer
        super().__init__(message)


class StateUnreachable(StateError):
    """Journal in a bucket that cannot be used, because of credentials, permissions, clock, network or its name."""


class StateWriteUnknown(StateError):
    """Answer that does not tell what the journal contains. After a write, the write may have succeeded.

    `remedy` is what a person can do about it, if the store knows.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        self.remedy = remedy
        super().__init__(message)


class CloudError(ReconcilerError):
    """Read that AWS refused or did not answer."""


class NoRegion(CloudError):
    """Region that is not configured. AWS was not called."""


class Unauthenticated(CloudError):
    """Credentials that are missing, expired or unknown to AWS."""


class ClockSkewed(CloudError):
    """Request that AWS refused for the time in its signature, because this machine's clock is wrong."""


class WrongAccount(CloudError):
    """Credentials of another account than the target declares."""


class AccessDenied(CloudError):
    """Credentials without the permission for a call."""


class Throttled(CloudError):
    """Call that AWS still throttled after the last retry."""


class Unreachable(CloudError):
    """Call without a usable answer: name resolution, connection, timeout or a fault of AWS."""


def is_access_failure(error: Exception) -> bool:
    """Return whether credentials, clock, Region or network may cause the error. `reconcile doctor` checks these."""
    kinds = (NoRegion, Unauthenticated, ClockSkewed, WrongAccount, AccessDenied, Unreachable, StateUnreachable)
    return isinstance(error, kinds)
