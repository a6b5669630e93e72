"""Revisions: the last valid revision stays active until a newer valid one, and each rejection has a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import NOW, manifest
from support.fakes import FakeClock

from reconciler.controller.revisions import ActiveRevision, LoadedRevision, RevisionTracker
from reconciler.core.controller.status import RejectedRevision, Revision
from reconciler.core.errors import GitError, InvalidManifests, Problem, ReconcilerError, StopRequested, UntrustedCommit
from reconciler.core.model import Desired, Target

ONE = Desired((Target("prod"),), {"prod": (manifest(),)})
TWO = Desired((Target("prod"),), {"prod": (manifest(), manifest("other"))})
PROBLEM = Problem("a.yaml", 3, 1, "/spec", "is wrong")


class Git:
    """Fake source. Its latest version is a desired state, or the error that loading it raises."""

    def __init__(self, newest: Desired | ReconcilerError) -> None:
        self.newest, self.commit, self.loads = newest, 1, 0
        self.down: Exception | None = None

    def push(self, newest: Desired | ReconcilerError) -> None:
        """Set a new latest version."""
        self.newest, self.commit = newest, self.commit + 1

    def read_version(self) -> str:
        """Return the commit."""
        if self.down:
            raise self.down
        return str(self.commit)

    def load(self, version: str) -> LoadedRevision:
        """Return the latest desired state."""
        self.loads += 1
        if isinstance(self.newest, ReconcilerError):
            raise self.newest
        return LoadedRevision(version, self.newest)


@pytest.fixture
def clock() -> FakeClock:
    """Return a fake clock."""
    return FakeClock()


def test_valid_revision_becomes_active(clock: FakeClock) -> None:
    """A valid revision becomes active, with its commit, its time and its number of manifests."""
    following = RevisionTracker(Git(TWO), clock)
    assert following.poll()
    assert following.active == ActiveRevision(TWO, Revision("1", NOW, 2))
    assert (following.rejected_revision, following.checked_at) == (None, NOW)


def test_unchanged_revision_is_not_read_again(clock: FakeClock) -> None:
    """A poll without a new version does not load the manifests."""
    git = Git(ONE)
    following = RevisionTracker(git, clock)
    assert [following.poll() for _ in range(5)] == [True, False, False, False, False]
    assert git.loads == 1


@pytest.mark.parametrize(
    ("refused", "problems"), [(InvalidManifests((PROBLEM,)), (PROBLEM,)), (UntrustedCommit("is not signed"), ())]
)
def test_rejected_revision_leaves_the_previous_one_active(
    clock: FakeClock, refused: ReconcilerError, problems: tuple[Problem, ...]
) -> None:
    """A rejected revision is loaded once, and stays rejected until the next push."""
    git = Git(ONE)
    following = RevisionTracker(git, clock)
    following.poll()
    clock.advance(minutes=1)
    git.push(refused)
    assert not following.poll()
    clock.advance(minutes=1)
    assert not following.poll()
    assert following.active == ActiveRevision(ONE, Revision("1", NOW, 1))
    assert following.rejected_revision == RejectedRevision(str(refused), NOW + timedelta(minutes=1), problems)
    assert (git.loads, following.checked_at) == (2, NOW + timedelta(minutes=2))
    git.push(TWO)
    assert following.poll()
    assert following.rejected_revision is None


def test_revision_pushed_during_reading_is_activated_once(clock: FakeClock) -> None:
    """A version pushed between the check and the load becomes active once."""

    class Late(Git):
        def load(self, version: str) -> LoadedRevision:
            """Push a new version just before the first load."""
            if not self.loads:
                self.push(TWO)
            return replace(super().load(version), revision=str(self.commit))

    following = RevisionTracker(Late(ONE), clock)
    assert following.poll()
    clock.advance(minutes=1)
    assert not following.poll()
    assert following.active == ActiveRevision(TWO, Revision("2", NOW, 2))
    assert following.checked_at == NOW + timedelta(minutes=1)


def test_unreachable_source_is_retried(clock: FakeClock) -> None:
    """During an outage the last valid revision stays active, with the time of the last successful check."""
    git = Git(ONE)
    following = RevisionTracker(git, clock)
    following.poll()
    git.down = GitError("cannot be reached")
    for _ in range(2):
        clock.advance(minutes=1)
        assert not following.poll()
    assert following.rejected_revision == RejectedRevision("cannot be reached", NOW + timedelta(minutes=1))
    assert following.checked_at == NOW
    git.down = None
    assert not following.poll()
    assert following.rejected_revision is None
    assert following.checked_at == NOW + timedelta(minutes=2)


def test_rejection_reason_is_stable_when_the_git_message_varies(clock: FakeClock) -> None:
    """The same fault keeps its first reason. Another fault replaces it."""
    git = Git(ONE)
    following = RevisionTracker(git, clock)
    for said in ("bad pack header", "early EOF"):
        git.down = GitError(f"cannot be read; git said: {said}", "cannot be read")
        following.poll()
        assert following.rejected_revision == RejectedRevision("cannot be read; git said: bad pack header", NOW)
    git.down = GitError("is full; git said: early EOF", "is full")
    following.poll()
    assert following.rejected_revision == RejectedRevision("is full; git said: early EOF", NOW)


def test_rejection_time_is_stable_when_the_outage_reason_varies(clock: FakeClock) -> None:
    """An outage keeps its start time when its reason changes. An OSError is an outage too."""
    git = Git(ONE)
    following = RevisionTracker(git, clock)
    following.poll()
    for down in (GitError("timed out"), GitError("refused"), OSError(28, "No space left on device")):
        clock.advance(minutes=1)
        git.down = down
        assert not following.poll()
        assert following.rejected_revision == RejectedRevision(str(down), NOW + timedelta(minutes=1))


def test_rejected_revision_is_validated_again_on_request(clock: FakeClock) -> None:
    """On request a rejected revision is loaded again. An active one is not."""
    git = Git(UntrustedCommit("its signature cannot be checked"))
    following = RevisionTracker(git, clock)
    following.poll()
    git.newest = ONE
    assert not following.poll()
    assert following.poll(should_revalidate=True)
    assert not following.poll(should_revalidate=True)
    assert git.loads == 2


def test_stop_is_not_reported_as_an_outage(clock: FakeClock) -> None:
    """A requested stop is raised, and is no rejection."""
    git = Git(ONE)
    following = RevisionTracker(git, clock)
    git.down = StopRequested("shutdown requested")
    with pytest.raises(StopRequested):
        following.poll()
    assert following.rejected_revision is None


def test_failed_fetch_is_retried(clock: FakeClock) -> None:
    """A version whose load failed is loaded again at the next poll."""
    git = Git(GitError("the connection broke"))
    following = RevisionTracker(git, clock)
    assert not following.poll()
    git.newest = ONE
    assert following.poll()
    assert following.active


def test_rejection_is_restored_after_an_outage(clock: FakeClock) -> None:
    """After an outage, the rejection of the latest revision is shown again."""
    git = Git(InvalidManifests((PROBLEM,)))
    following = RevisionTracker(git, clock)
    following.poll()
    git.down = GitError("cannot be reached")
    following.poll()
    assert following.rejected_revision
    assert following.rejected_revision.reason == "cannot be reached"
    git.down = None
    following.poll()
    assert following.rejected_revision == RejectedRevision("1 problem in the manifests", NOW, (PROBLEM,))
    assert following.active is None
