"""Track the active revision, and the reason for rejecting a newer one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler import redaction
from reconciler.core.controller.controller_status import RejectedRevision, Revision
from reconciler.core.errors import (
    GitError,
    InvalidManifests,
    Problem,
    ReconcilerError,
    StopRequested,
    UnknownTarget,
    UntrustedCommit,
)
from reconciler.core.model import Desired
from reconciler.core.ports import Clock


@dataclass(frozen=True, slots=True)
class LoadedRevision:
    """Revision that was read and validated: its commit (None for a folder) and its desired state.

    `subject` and `author` are those of the commit.
    """

    revision: str | None
    desired: Desired
    subject: str = ""
    author: str = ""


class RevisionSource(Protocol):
    """Source of manifests: a folder or a git repository."""

    def read_version(self) -> str:
        """Return an identifier of the current version, without reading the manifests. Raises ReconcilerError."""

    def load(self, version: str) -> LoadedRevision:
        """Read and validate a version. Raises InvalidManifests, UntrustedCommit, and ReconcilerError if unreadable."""


@dataclass(frozen=True, slots=True)
class ActiveRevision:
    """Active revision: the desired state, and the revision that it comes from."""

    desired: Desired
    revision: Revision


class RevisionTracker:
    """Tracker of the active revision. An invalid, untrusted or unreachable revision never becomes active.

    `checked_at` is the time when the source was last read without an error.
    """

    def __init__(self, source: RevisionSource, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._known_version: str | None = None
        self._invalid_revision: RejectedRevision | None = None
        self._unreachable_revision: RejectedRevision | None = None
        self._source_fault = ""
        self.active: ActiveRevision | None = None
        self.checked_at: datetime | None = None

    @property
    def rejected_revision(self) -> RejectedRevision | None:
        """The rejection of the latest revision, or the outage of the source. None if the active one is the latest."""
        return self._unreachable_revision or self._invalid_revision

    def poll(self, *, should_revalidate: bool = False) -> bool:
        """Activate a new valid revision. Return True if there was one. Raises StopRequested.

        With `should_revalidate`, validate a rejected revision again, because signing keys or programs may have changed.
        """
        if should_revalidate and self._invalid_revision:
            self._known_version = None
        try:
            version = self._source.read_version()
            is_new = version != self._known_version and self._activate(version)
        except StopRequested:
            raise
        except (ReconcilerError, OSError) as error:
            self._record_unreachable(error)
            return False
        self._unreachable_revision, self._known_version, self.checked_at = None, version, self._clock.now()
        return is_new

    def _record_unreachable(self, error: ReconcilerError | OSError) -> None:
        """Record why the source is unreadable. The same fault keeps its first reason, even if the words of git vary."""
        reason = str(error) if isinstance(error, ReconcilerError) else redaction.describe_error(error)
        fault = error.fault if isinstance(error, GitError) else reason
        if not self._unreachable_revision:
            self._unreachable_revision = RejectedRevision(reason, self._clock.now())
        elif fault != self._source_fault:
            self._unreachable_revision = RejectedRevision(reason, self._unreachable_revision.since)
        self._source_fault = fault

    def _activate(self, version: str) -> bool:
        """Read a version, activate it if it is valid, and tell whether it is new. Raises ReconcilerError."""
        try:
            loaded = self._source.load(version)
        except InvalidManifests as error:
            self._invalid_revision = self._build_rejection(str(error), self._invalid_revision, error.problems)
            return False
        except (UnknownTarget, UntrustedCommit) as error:
            self._invalid_revision = self._build_rejection(str(error), self._invalid_revision)
            return False
        if not self._invalid_revision and self.active and self.active.revision.id == loaded.revision is not None:
            return False  # an earlier poll read it already, because it was pushed between read_version and load
        self._invalid_revision = None
        desired, now = loaded.desired, self._clock.now()
        revision = Revision(
            loaded.revision, now, desired.manifest_count, loaded.subject, loaded.author, desired.general_warnings
        )
        self.active = ActiveRevision(desired, revision)
        return True

    def _build_rejection(
        self, reason: str, previous_rejection: RejectedRevision | None, problems: tuple[Problem, ...] = ()
    ) -> RejectedRevision:
        """Return a rejection, with the time of the previous one if the reason is the same."""
        since = (
            previous_rejection.since
            if previous_rejection and previous_rejection.reason == reason
            else self._clock.now()
        )
        return RejectedRevision(reason, since, problems)
