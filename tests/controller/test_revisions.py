"""Revisions: the last valid revision stays active until a newer valid one, and each rejection has a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import NOW, manifest
from support.fakes import FakeClock

from reconciler.controller.revisions import ActiveRevision, LoadedRevision, RevisionTracker
from reconciler.core.controller.controller_status import RejectedRevision, Revision
from reconciler.core.errors import GitError, InvalidManifests, Problem, ReconcilerError, StopRequested, UntrustedCommit
from reconciler.core.model import Desired, Target

ONE_MANIFEST = Desired((Target("prod"),), {"prod": (manifest(),)})
TWO_MANIFESTS = Desired((Target("prod"),), {"prod": (manifest(), manifest("other"))})
PROBLEM = Problem("a.yaml", 3, 1, "/spec", "is wrong")


class FakeSource:
    """Fake source. Its latest version is a desired state, or the error that loading it raises."""

    def __init__(self, latest: Desired | ReconcilerError) -> None:
        self.latest, self.commit, self.loads = latest, 1, 0
        self.outage: Exception | None = None

    def push(self, latest: Desired | ReconcilerError) -> None:
        """Set a new latest version."""
        self.latest, self.commit = latest, self.commit + 1

    def read_version(self) -> str:
        """Return the commit."""
        if self.outage:
            raise self.outage
        return str(self.commit)

    def load(self, version: str) -> LoadedRevision:
        """Return the latest desired state."""
        self.loads += 1
        if isinstance(self.latest, ReconcilerError):
            raise self.latest
        return LoadedRevision(version, self.latest)


@pytest.fixture
def clock() -> FakeClock:
    """Return a fake clock."""
    return FakeClock()


def test_valid_revision_becomes_active(clock: FakeClock) -> None:
    """A valid revision becomes active, with its commit, its time and its number of manifests."""
    tracker = RevisionTracker(FakeSource(TWO_MANIFESTS), clock)
    assert tracker.poll()
    assert tracker.active == ActiveRevision(TWO_MANIFESTS, Revision("1", NOW, 2))
    assert (tracker.rejected_revision, tracker.checked_at) == (None, NOW)


def test_unchanged_revision_is_not_read_again(clock: FakeClock) -> None:
    """A poll without a new version does not load the manifests."""
    source = FakeSource(ONE_MANIFEST)
    tracker = RevisionTracker(source, clock)
    assert [tracker.poll() for _ in range(5)] == [True, False, False, False, False]
    assert source.loads == 1


@pytest.mark.parametrize(
    ("rejection", "problems"), [(InvalidManifests((PROBLEM,)), (PROBLEM,)), (UntrustedCommit("is not signed"), ())]
)
def test_rejected_revision_leaves_the_previous_one_active(
    clock: FakeClock, rejection: ReconcilerError, problems: tuple[Problem, ...]
) -> None:
    """A rejected revision is loaded once, and stays rejected until the next push."""
    source = FakeSource(ONE_MANIFEST)
    tracker = RevisionTracker(source, clock)
    tracker.poll()
    clock.advance(minutes=1)
    source.push(rejection)
    assert not tracker.poll()
    clock.advance(minutes=1)
    assert not tracker.poll()
    assert tracker.active == ActiveRevision(ONE_MANIFEST, Revision("1", NOW, 1))
    assert tracker.rejected_revision == RejectedRevision(str(rejection), NOW + timedelta(minutes=1), problems)
    assert (source.loads, tracker.checked_at) == (2, NOW + timedelta(minutes=2))
    source.push(TWO_MANIFESTS)
    assert tracker.poll()
    assert tracker.rejected_revision is None


def test_revision_pushed_during_reading_is_activated_once(clock: FakeClock) -> None:
    """A version pushed between the check and the load becomes active once."""

    class PushBeforeLoad(FakeSource):
        def load(self, version: str) -> LoadedRevision:
            """Push a new version just before the first load."""
            if not self.loads:
                self.push(TWO_MANIFESTS)
            return replace(super().load(version), revision=str(self.commit))

    tracker = RevisionTracker(PushBeforeLoad(ONE_MANIFEST), clock)
    assert tracker.poll()
    clock.advance(minutes=1)
    assert not tracker.poll()
    assert tracker.active == ActiveRevision(TWO_MANIFESTS, Revision("2", NOW, 2))
    assert tracker.checked_at == NOW + timedelta(minutes=1)


def test_unreachable_source_is_retried(clock: FakeClock) -> None:
    """During an outage the last valid revision stays active, with the time of the last successful check."""
    source = FakeSource(ONE_MANIFEST)
    tracker = RevisionTracker(source, clock)
    tracker.poll()
    source.outage = GitError("cannot be reached")
    for _ in range(2):
        clock.advance(minutes=1)
        assert not tracker.poll()
    assert tracker.rejected_revision == RejectedRevision("cannot be reached", NOW + timedelta(minutes=1))
    assert tracker.checked_at == NOW
    source.outage = None
    assert not tracker.poll()
    assert tracker.rejected_revision is None
    assert tracker.checked_at == NOW + timedelta(minutes=2)


def test_rejection_reason_is_stable_when_the_git_message_varies(clock: FakeClock) -> None:
    """The same fault keeps its first reason. Another fault replaces it."""
    source = FakeSource(ONE_MANIFEST)
    tracker = RevisionTracker(source, clock)
    for git_message in ("bad pack header", "early EOF"):
        source.outage = GitError(f"cannot be read; git reports: {git_message}", "cannot be read")
        tracker.poll()
        assert tracker.rejected_revision == RejectedRevision("cannot be read; git reports: bad pack header", NOW)
    source.outage = GitError("is full; git reports: early EOF", "is full")
    tracker.poll()
    assert tracker.rejected_revision == RejectedRevision("is full; git reports: early EOF", NOW)


def test_rejection_time_is_stable_when_the_outage_reason_varies(clock: FakeClock) -> None:
    """An outage keeps its start time when its reason changes. An OSError is an outage too."""
    source = FakeSource(ONE_MANIFEST)
    tracker = RevisionTracker(source, clock)
    tracker.poll()
    for outage in (GitError("timed out"), GitError("refused"), OSError(28, "No space left on device")):
        clock.advance(minutes=1)
        source.outage = outage
        assert not tracker.poll()
        assert tracker.rejected_revision == RejectedRevision(str(outage), NOW + timedelta(minutes=1))


def test_rejected_revision_is_validated_again_on_request(clock: FakeClock) -> None:
    """On request a rejected revision is loaded again. An active one is not."""
    source = FakeSource(UntrustedCommit("its signature cannot be checked"))
    tracker = RevisionTracker(source, clock)
    tracker.poll()
    source.latest = ONE_MANIFEST
    assert not tracker.poll()
    assert tracker.poll(should_revalidate=True)
    assert not tracker.poll(should_revalidate=True)
    assert source.loads == 2


def test_stop_is_not_reported_as_an_outage(clock: FakeClock) -> None:
    """A requested stop is raised, and is no rejection."""
    source = FakeSource(ONE_MANIFEST)
    tracker = RevisionTracker(source, clock)
    source.outage = StopRequested("shutdown requested")
    with pytest.raises(StopRequested):
        tracker.poll()
    assert tracker.rejected_revision is None


def test_failed_fetch_is_retried(clock: FakeClock) -> None:
    """A version whose load failed is loaded again at the next poll."""
    source = FakeSource(GitError("the connection broke"))
    tracker = RevisionTracker(source, clock)
    assert not tracker.poll()
    source.latest = ONE_MANIFEST
    assert tracker.poll()
    assert tracker.active


def test_rejection_is_restored_after_an_outage(clock: FakeClock) -> None:
    """After an outage, the rejection of the latest revision is shown again."""
    source = FakeSource(InvalidManifests((PROBLEM,)))
    tracker = RevisionTracker(source, clock)
    tracker.poll()
    source.outage = GitError("cannot be reached")
    tracker.poll()
    assert tracker.rejected_revision
    assert tracker.rejected_revision.reason == "cannot be reached"
    source.outage = None
    tracker.poll()
    assert tracker.rejected_revision == RejectedRevision("1 problem in the manifests", NOW, (PROBLEM,))
    assert tracker.active is None
