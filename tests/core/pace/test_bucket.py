"""The calls of an account and Region never exceed the limit of its Target, and slow down while AWS throttles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.pace.bucket import Bucket
from reconciler.core.pace.failure import Failure


def send_calls(bucket: Bucket, pauses: Iterable[float]) -> Iterator[float]:
    """Yield the times of calls, each as early as the bucket allows after a pause."""
    now = 0.0
    for pause in pauses:
        now = max(now + pause, bucket.free_at)
        bucket.take(now)
        yield now


def test_a_burst_passes_at_once_and_then_the_rate_holds() -> None:
    """With a rate of 2 and a burst of 5, four calls pass at once, the fifth after 0.1 s, then one each half second.

    The tenth of a second is the reserve for calls that reach AWS at a different speed.
    """
    times = list(send_calls(Bucket(2, 5, 0.0), [0.0] * 9))
    assert times == pytest.approx([0, 0, 0, 0, 0.1, 0.6, 1.1, 1.6, 2.1])


def test_unused_calls_are_not_saved_up() -> None:
    """After a long pause, one burst passes and not several."""
    times = list(send_calls(Bucket(2, 5, 0.0), [0.0, 3600.0, *[0.0] * 6]))
    assert times[-1] - times[1] == pytest.approx(1.1)


@given(st.integers(1, 50), st.integers(1, 10), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_calls_do_not_exceed_burst_and_rate(rate: int, burst: int, pauses: list[float]) -> None:
    """In any period there are at most burst + rate x seconds calls."""
    times = list(send_calls(Bucket(rate, burst, 0.0), pauses))
    for start in range(len(times)):
        for end in range(start, len(times)):
            assert end - start + 1 <= burst + rate * (times[end] - times[start]) + 1e-6


def test_throttled_call_halves_the_rate_once() -> None:
    """Calls that were sent together and throttled halve the rate once. A later throttled call halves it again."""
    bucket = Bucket(2, 5, 0.0)
    for _ in range(3):
        bucket.slow_down(sent_at=1.0, now=1.5)
    assert bucket.rate == 1
    assert bucket.is_slow
    bucket.slow_down(sent_at=2.0, now=2.5)
    assert bucket.rate == 0.5


def test_slow_bucket_allows_no_burst() -> None:
    """After a throttled call, the next call waits for one interval of the lower rate, and so does each later one."""
    bucket = Bucket(2, 5, 0.0)
    bucket.slow_down(sent_at=1.0, now=1.0)
    times = []
    for _ in range(3):
        times.append(bucket.free_at)
        bucket.take(bucket.free_at)
    assert times == [2.0, 3.0, 4.0]


def test_rate_never_falls_below_a_sixteenth() -> None:
    """However often AWS throttles, the rate stays at a sixteenth of the limit."""
    bucket = Bucket(2, 5, 0.0)
    for second in range(20):
        bucket.slow_down(sent_at=second + 0.5, now=second + 1.0)
    assert bucket.rate == 2 / 16


@given(st.floats(0.1, 100), st.lists(st.booleans(), max_size=200))
def test_rate_never_exceeds_the_limit(rate: float, results: list[bool]) -> None:
    """Whatever the results of calls are, the rate never exceeds that of the Target."""
    bucket = Bucket(rate, 5, 0.0)
    for number, is_success in enumerate(results):
        if is_success:
            bucket.speed_up()
        else:
            bucket.slow_down(sent_at=number, now=number)
        assert rate / 16 <= bucket.rate <= rate


def test_rate_recovers_after_successes() -> None:
    """Ten successes bring a halved rate back to the limit, with its burst."""
    bucket = Bucket(2, 5, 0.0)
    bucket.slow_down(sent_at=1.0, now=1.0)
    for _ in range(10):
        bucket.speed_up()
    assert (bucket.rate, bucket.is_slow) == (2, False)


@pytest.mark.parametrize(
    ("retry_after", "pause"), [(10.0, 10.0), (3600.0, 300.0), (0.0, 0.0), (-5.0, 0.0), (None, 0.0)]
)
def test_pause_that_aws_asks_for_is_kept_up_to_five_minutes(retry_after: float | None, pause: float) -> None:
    """After Retry-After, no call is sent for that time, at most for five minutes, whatever the failure was."""
    bucket = Bucket(2, 5, 0.0)
    bucket.pause(1.0 + Failure(is_throttled=False, retry_after=retry_after).pause)
    assert bucket.free_at == 1.0 + pause
    assert bucket.is_paused(0.9 + pause)
    assert not bucket.is_paused(1.0 + pause)


def test_new_limit_of_a_target_applies_at_once() -> None:
    """A new revision may raise or lower the limit. A rate that AWS has lowered stays, unless the limit is lower."""
    bucket = Bucket(2, 5, 0.0)
    bucket.configure(2, 5)
    bucket.configure(4, 5)
    assert bucket.rate == 4
    bucket.slow_down(sent_at=1.0, now=1.0)
    bucket.configure(8, 5)
    assert bucket.rate == 2
    bucket.configure(1, 5)
    assert bucket.rate == 1
