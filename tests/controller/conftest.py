"""Provide a scheduler with virtual time."""

from __future__ import annotations

import pytest
from support.fakes import FakeClock
from support.scheduler import Hand


@pytest.fixture
def hand() -> Hand:
    """Return a scheduler that the test advances by hand."""
    return Hand(FakeClock())
