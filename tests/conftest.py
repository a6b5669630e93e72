"""What all tests have in common.

`pytest --thorough` draws more examples and plays every game; `make thorough` runs all tests like this.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

_EXAMPLES = 50
_THOROUGH_EXAMPLES = 200


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person accept a deliberate change of golden files, and let a machine with time test more."""
    parser.addoption("--rewrite-golden", action="store_true", help="write tests/golden/ anew")
    parser.addoption("--thorough", action="store_true", help="draw more examples, and play every game")


def pytest_configure(config: pytest.Config) -> None:
    """Set how much is drawn: a busy machine is no defect, so nothing is timed."""
    config.addinivalue_line("markers", "thorough: tests more of a promise that another case tests already")
    examples = _THOROUGH_EXAMPLES if config.getoption("--thorough") else _EXAMPLES
    settings.register_profile(
        "reconciler", deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("reconciler")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what --thorough alone runs."""
    if config.getoption("--thorough"):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left_out)
