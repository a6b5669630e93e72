"""Virtual time."""

from __future__ import annotations

import pytest
from controller.hand import Hand
from fakes import FakeClock


@pytest.fixture
def hand() -> Hand:
    """Give a timetable."""
    return Hand(FakeClock())
