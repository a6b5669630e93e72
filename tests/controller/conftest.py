"""Provide a scheduler with virtual time."""

from __future__ import annotations

import pytest
from support.fakes import FakeClock
from support.scheduler import FakeScheduler


@pytest.fixture
def scheduler() -> FakeScheduler:
    """Return a scheduler that the test advances."""
    return FakeScheduler(FakeClock())
