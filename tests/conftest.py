"""Options and settings of every test.

`pytest --thorough` draws more examples and plays every game of the kill tests. `make thorough` runs every test with it.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

_EXAMPLES = 50
_THOROUGH_EXAMPLES = 200


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to rewrite golden files and to test more thoroughly."""
    parser.addoption("--rewrite-golden", action="store_true", help="rewrite the files in tests/golden/")
    parser.addoption(
        "--thorough", action="store_true", help="draw more examples, and play every game of the kill tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Set the number of examples. There are no deadlines, because a busy machine is no defect."""
    config.addinivalue_line("markers", "thorough: tests more cases of a promise that other tests cover")
    examples = _THOROUGH_EXAMPLES if config.getoption("--thorough") else _EXAMPLES
    settings.register_profile(
        "reconciler", deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("reconciler")
    _restore_signals()


def _restore_signals() -> None:
    """Handle signals as at a terminal. Otherwise programs would inherit that nohup or a background job ignores them."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that only run with --thorough."""
    if config.getoption("--thorough"):
        return
    deselected = [item for item in items if item.get_closest_marker("thorough")]
    items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=deselected)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure no coverage by random examples: chance must not decide whether a line counts, and it triples their time.

    The marker `no_cover` of pytest-cov does not stop the tracer in a worker of pytest-xdist.
    """
    is_random = getattr(getattr(item, "function", None), "is_hypothesis_test", False)
    tracer = sys.gettrace()
    if is_random:
        sys.settrace(None)
    try:
        return (yield)
    finally:
        if is_random:
            sys.settrace(tracer)


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Restore logging after each test: it belongs to the process, and the next test reads the log too."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
