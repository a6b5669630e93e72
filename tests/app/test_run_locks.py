"""One run of a process at a time uses an account and Region."""

from __future__ import annotations

import pytest
from support.fakes import FakeClock

from reconciler.app.run_locks import RunLocks
from reconciler.core.errors import LeaseHeld

ACCOUNT_AND_REGION = ("123456789012", "us-east-1")


def test_renamed_target_waits_for_the_run_under_its_old_name() -> None:
    """A renamed target waits for the run under its previous name, because both use the same journal."""
    clock = FakeClock()
    locks = RunLocks(clock, 30)
    release = locks.acquire(ACCOUNT_AND_REGION, "run-1", "old")
    start = clock.monotonic()
    with pytest.raises(LeaseHeld, match="a run of target 'old' is still active in account 123456789012, us-east-1"):
        locks.acquire(ACCOUNT_AND_REGION, "run-2", "new")
    assert clock.monotonic() - start >= 30
    release()
    locks.acquire(ACCOUNT_AND_REGION, "run-2", "new")()


def test_run_in_another_region_does_not_wait() -> None:
    """Runs in different Regions do not wait for each other."""
    locks = RunLocks(FakeClock(), 0)
    locks.acquire(ACCOUNT_AND_REGION, "run-1", "a")
    locks.acquire(("123456789012", "eu-west-2"), "run-1", "b")


def test_two_targets_of_one_run_cannot_share_an_account_and_region() -> None:
    """Two targets of one run with the same account and Region fail at once, because no wait can help."""
    clock = FakeClock()
    locks, start = RunLocks(clock, 30), clock.monotonic()
    locks.acquire(ACCOUNT_AND_REGION, "run-1", "a")
    with pytest.raises(
        LeaseHeld, match="targets 'a' and 'b' have the same account 123456789012 and Region us-east-1: remove one"
    ):
        locks.acquire(ACCOUNT_AND_REGION, "run-1", "b")
    assert clock.monotonic() == start
