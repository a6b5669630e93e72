"""What all tests have in common."""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no defect
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person accept a deliberate change of what must stay the same."""
    parser.addoption("--rewrite-golden", action="store_true", help="write tests/golden/ anew")
