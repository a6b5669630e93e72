"""The calls of a target do not exceed its rate, whichever threads make them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import FakeClock

from reconciler.edge.rate_limit import RateLimiter


def test_a_burst_passes_at_once_and_then_the_rate_holds() -> None:
    """With a rate of 2 and a burst of 5, five calls pass at once, and then one each half second."""
    clock = FakeClock()
    pace = RateLimiter(2, 5, clock)
    times = []
    for _ in range(9):
        pace()
        times.append(clock.monotonic())
    assert [time - times[0] for time in times] == [0, 0, 0, 0, 0, 0.5, 1, 1.5, 2]


def test_unused_calls_are_not_saved_up() -> None:
    """After a long pause, one burst passes and not several."""
    clock = FakeClock()
    pace = RateLimiter(2, 5, clock)
    pace()
    clock.advance(hours=1)
    started = clock.monotonic()
    for _ in range(7):
        pace()
    assert clock.monotonic() - started == 1


@given(st.integers(1, 50), st.integers(1, 10), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_calls_do_not_exceed_burst_and_rate(rate: int, burst: int, rests: list[float]) -> None:
    """In any period there are at most burst + rate x seconds calls."""
    clock = FakeClock()
    pace = RateLimiter(rate, burst, clock)
    times = []
    for rest in rests:
        clock.advance(seconds=rest)
        pace()
        times.append(clock.monotonic())
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + rate * (times[last] - times[first]) + 1e-3


def test_threads_share_one_rate_limit() -> None:
    """The calls of several threads share the same limit."""
    clock = FakeClock()
    pace = RateLimiter(10, 1, clock)
    started = clock.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace(), range(100)))
    assert clock.monotonic() - started >= 9.9 - 1e-3
