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
class Loaded:
    """One state of the manifests, read whole: the commit, where they come from git, and what they ask for."""

    revision: str | None
    desired: Desired


class Source(Protocol):
    """Where manifests come from: a folder, or a repository."""

    def version(self) -> str:
        """Return what tells the state that is there now from any other, without reading it. Raises ReconcilerError."""

    def load(self, version: str) -> Loaded:
        """Read that state. Raises InvalidManifests, UntrustedCommit, and ReconcilerError where it could not be read."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What is reconciled, and what to call it."""

    desired: Desired
    revision: Revision


class Following:
    """The last good revision. One that is invalid, not to be trusted or out of reach is never used.

    `looked` is when the source could last be read.
    """

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._known: str | None = None
        self._unfit: RejectedRevision | None = None
        self._unreached: RejectedRevision | None = None
        self._fault = ""
        self.in_force: InForce | None = None
        self.looked: datetime | None = None

    @property
    def refusal(self) -> RejectedRevision | None:
        """Why what is in force may not be the newest, if that is so."""
        return self._unreached or self._unfit

    def look(self, *, again: bool = False) -> bool:
        """Take over what is new, and tell whether there was anything that could be. Raises StopRequested.

        What was found to be unfit is judged `again` where that is asked for: what it was judged by may be another.
        """
        if again and self._unfit:
            self._known = None
        try:
            version = self._source.version()
            found = version != self._known and self._taken(version)
        except StopRequested:
            raise
        except (ReconcilerError, OSError) as error:
            self._missed(error)
            return False
        self._unreached, self._known, self.looked = None, version, self._clock.now()
        return found

    def _missed(self, error: ReconcilerError | OSError) -> None:
        """Note why nothing could be read: while the fault is the same its reason is, though git says it otherwise."""
        reason = str(error) if isinstance(error, ReconcilerError) else redaction.describe_error(error)
        fault = error.fault if isinstance(error, GitError) else reason
        if not self._unreached:
            self._unreached = RejectedRevision(reason, self._clock.now())
        elif fault != self._fault:
            self._unreached = RejectedRevision(reason, self._unreached.since)
        self._fault = fault

    def _taken(self, version: str) -> bool:
        """Read a new state, and take it over where that is right. Raises ReconcilerError where it cannot be read."""
        try:
            loaded = self._source.load(version)
        except InvalidManifests as error:
            self._unfit = self._refusal(str(error), self._unfit, error.problems)
            return False
        except (UnknownTarget, UntrustedCommit) as error:
            self._unfit = self._refusal(str(error), self._unfit)
            return False
        if not self._unfit and self.in_force and self.in_force.revision.id == loaded.revision is not None:
            return False  # it was pushed after the source had been asked and before it was read
        manifests = sum(map(len, loaded.desired.manifests.values()))
        self._unfit = None
        self.in_force = InForce(loaded.desired, Revision(loaded.revision, self._clock.now(), manifests))
        return True

    def _refusal(
        self, reason: str, before: RejectedRevision | None, problems: tuple[Problem, ...] = ()
    ) -> RejectedRevision:
        """Return a refusal that began with the first of those in a row that are alike."""
        since = before.since if before and before.reason == reason else self._clock.now()
        return RejectedRevision(reason, since, problems)
