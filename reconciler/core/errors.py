"""Every error the program raises on purpose, so that one `except` at the edge of a target catches them all."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.text import plural


class ReconcilerError(Exception):
    """Root of all errors; its text is one line for a person: what is wrong, where, and what would be right.

    ReconcilerError
    ├── UsageError           options or variables that cannot be right, or contradict one another; nothing was called
    ├── SetupError           something that is needed is not installed or not free here; nothing was called
    ├── InvalidManifests     what git holds cannot be used; nothing was called
    ├── UnknownTarget        the manifests do not declare the requested target; nothing was called
    ├── GitError             the repository or revision cannot be read; nothing was called
    │   ├── InvalidReference what was given can name no repository, no revision or no path
    │   └── UntrustedCommit  the commit is not signed by a key that is listed
    ├── StopRequested        a stop was requested while the program waited
    │   └── Interrupted      a signal ended the program before there was anything to report
    ├── StateError           the journal cannot be read, written or trusted
    │   ├── LeaseHeld        another process holds the lease
    │   ├── StateConflict    the journal changed between read and write, or the lease was lost
    │   │   └── VersionConflict … as the store found by comparing versions
    │   └── StateWriteUnknown nobody knows whether a write of the journal arrived
    └── CloudError           AWS refused or did not answer a read
        ├── Unauthenticated  no credentials, or expired ones
        ├── ClockSkewed      signed at a time that AWS does not take
        ├── WrongAccount     the credentials belong to another account than the target declares
        ├── AccessDenied     the credentials may not do this
        ├── Throttled        too many calls, after all retries
        └── Unreachable      no answer: endpoint, network, time-out or a fault of AWS
    """


EXIT_FAILED = 1
EXIT_INVALID = 3
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130


class UsageError(ReconcilerError):
    """Options or variables that cannot be right, or contradict one another (exit 64)."""


class SetupError(ReconcilerError):
    """Something that the program needs is not installed, cannot be read or is not free on this machine."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one place of a manifest. Lines and columns count from 1."""

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
    """The manifests of a revision have problems; it is not used at all. `revision` is its commit, from git.

    Where there are `more` problems than are told, the last of `problems` says how many, and `total` counts them.
    """

    def __init__(self, problems: tuple[Problem, ...], revision: str | None = None, omitted_count: int = 0) -> None:
        self.reported_problems, self.omitted_count, self.revision = problems, omitted_count, revision
        self.total = len(problems) + omitted_count
        self.problems = (*problems, _build_omission_problem(omitted_count)) if omitted_count else problems
        suffix = f" of commit {revision}" if revision else ""
        super().__init__(f"{plural(self.total, 'problem')} in the manifests{suffix}")

    def with_revision(self, revision: str | None) -> InvalidManifests:
        """Return the same of a commit."""
        return InvalidManifests(self.reported_problems, revision, self.omitted_count)


def _build_omission_problem(count: int) -> Problem:
    message = f"{plural(count, 'more problem')} in them: put right what is named here, and look again"
    return Problem("manifests", 0, 0, "", message)


class UnknownTarget(ReconcilerError):
    """The manifests do not declare the requested target."""


class GitError(ReconcilerError):
    """The repository or the revision cannot be read; nothing was called.

    `fault` is the same for one fault each time, also where the text ends in words of git that are not.
    """

    def __init__(self, text: str, fault: str = "") -> None:
        self.fault = fault or text
        super().__init__(text)


class InvalidReference(GitError):
    """What was given can name no repository, no revision or no path, whatever there is; git was not asked."""


class UntrustedCommit(GitError):
    """The commit is not signed by a listed key. The revision is not used."""


class StopRequested(ReconcilerError):
    """A stop was requested while the program waited."""


class Interrupted(StopRequested):
    """A signal ended the program before there was anything to report. `signal` is its number."""

    def __init__(self, signal: int) -> None:
        self.signal = signal
        super().__init__(f"signal {signal}")


class StateError(ReconcilerError):
    """The journal cannot be read, written or trusted. It was not changed."""


class LeaseHeld(StateError):
    """Another process holds the lease of this journal."""


class StateConflict(StateError):
    """Another process has written the journal since it was read."""


class VersionConflict(StateConflict):
    """The store compared the version that was given, and something else is there."""


class StateWriteUnknown(StateError):
    """A write of the journal had no answer: it may have arrived."""


class CloudError(ReconcilerError):
    """AWS refused a read, or did not answer it."""


class Unauthenticated(CloudError):
    """No credentials were found, or they have expired or are unknown to AWS."""


class ClockSkewed(CloudError):
    """AWS refused a request for the time in its signature: this machine's clock is wrong."""


class WrongAccount(CloudError):
    """The credentials belong to another account than the target declares."""


class AccessDenied(CloudError):
    """The credentials may not make this call."""


class Throttled(CloudError):
    """AWS still throttled the call after the last retry."""


class Unreachable(CloudError):
    """AWS gave no usable answer: name resolution, connection, timeout or an AWS fault."""
