"""Which revision of git is in force: the newest that is valid, and word of why a newer one is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler import redaction
from reconciler.core.controller.status import RejectedRevision, Revision
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
    """One state of the manifests, read whole: the commit, where they come from git, and what they ask for."""

    revision: str | None
    desired: Desired


class RevisionSource(Protocol):
    """Where manifests come from: a folder, or a repository."""

    def read_version(self) -> str:
        """Return what tells the state that is there now from any other, without reading it. Raises ReconcilerError."""

    def load(self, version: str) -> LoadedRevision:
        """Read that state. Raises InvalidManifests, UntrustedCommit, and ReconcilerError where it could not be read."""


@dataclass(frozen=True, slots=True)
class ActiveRevision:
    """What is reconciled, and what to call it."""

    desired: Desired
    revision: Revision


class RevisionTracker:
    """The last good revision. One that is invalid, not to be trusted or out of reach is never used.

    `looked` is when the source could last be read.
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
        """Why what is in force may not be the newest, if that is so."""
        return self._unreachable_revision or self._invalid_revision

    def poll(self, *, should_revalidate: bool = False) -> bool:
        """Take over what is new, and tell whether there was anything that could be. Raises StopRequested.

        What was found to be unfit is judged `again` where that is asked for: what it was judged by may be another.
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
        """Note why nothing could be read: while the fault is the same its reason is, though git says it otherwise."""
        reason = str(error) if isinstance(error, ReconcilerError) else redaction.describe_error(error)
        fault = error.fault if isinstance(error, GitError) else reason
        if not self._unreachable_revision:
            self._unreachable_revision = RejectedRevision(reason, self._clock.now())
        elif fault != self._source_fault:
            self._unreachable_revision = RejectedRevision(reason, self._unreachable_revision.since)
        self._source_fault = fault

    def _activate(self, version: str) -> bool:
        """Read a new state, and take it over where that is right. Raises ReconcilerError where it cannot be read."""
        try:
            loaded = self._source.load(version)
        except InvalidManifests as error:
            self._invalid_revision = self._build_rejection(str(error), self._invalid_revision, error.problems)
            return False
        except (UnknownTarget, UntrustedCommit) as error:
            self._invalid_revision = self._build_rejection(str(error), self._invalid_revision)
            return False
        if not self._invalid_revision and self.active and self.active.revision.id == loaded.revision is not None:
            return False  # it was pushed after the source had been asked and before it was read
        manifest_count = sum(map(len, loaded.desired.manifests.values()))
        self._invalid_revision = None
        self.active = ActiveRevision(loaded.desired, Revision(loaded.revision, self._clock.now(), manifest_count))
        return True

    def _build_rejection(
        self, reason: str, previous_rejection: RejectedRevision | None, problems: tuple[Problem, ...] = ()
    ) -> RejectedRevision:
        """Return a refusal that began with the first of those in a row that are alike."""
        since = (
            previous_rejection.since
            if previous_rejection and previous_rejection.reason == reason
            else self._clock.now()
        )
        return RejectedRevision(reason, since, problems)
