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
    wait = RateLimiter(2, 5, clock)
    times = []
    for _ in range(9):
        wait()
        times.append(clock.monotonic())
    assert [time - times[0] for time in times] == [0, 0, 0, 0, 0, 0.5, 1, 1.5, 2]


def test_unused_calls_are_not_saved_up() -> None:
    """After a long pause, one burst passes and not several."""
    clock = FakeClock()
    wait = RateLimiter(2, 5, clock)
    wait()
    clock.advance(hours=1)
    started_at = clock.monotonic()
    for _ in range(7):
        wait()
    assert clock.monotonic() - started_at == 1


@given(st.integers(1, 50), st.integers(1, 10), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_calls_do_not_exceed_burst_and_rate(rate: int, burst: int, pauses: list[float]) -> None:
    """In any period there are at most burst + rate x seconds calls."""
    clock = FakeClock()
    wait = RateLimiter(rate, burst, clock)
    times = []
    for pause in pauses:
        clock.advance(seconds=pause)
        wait()
        times.append(clock.monotonic())
    for start in range(len(times)):
        for end in range(start, len(times)):
            assert end - start + 1 <= burst + rate * (times[end] - times[start]) + 1e-3


def test_threads_share_one_rate_limit() -> None:
    """The calls of several threads share the same limit."""
    clock = FakeClock()
    wait = RateLimiter(10, 1, clock)
    started_at = clock.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: wait(), range(100)))
    assert clock.monotonic() - started_at >= 9.9 - 1e-3
