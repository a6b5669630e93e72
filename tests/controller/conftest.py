"""Virtual time."""

from __future__ import annotations

import pytest
from support.fakes import FakeClock
from support.scheduler import Hand


@pytest.fixture
def hand() -> Hand:
    """Give a timetable."""
    return Hand(FakeClock())
