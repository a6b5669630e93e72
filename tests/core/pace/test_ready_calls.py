"""Waiting calls are sent when their bucket has a token, each bucket independently of the others."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any

from reconciler.core.pace.bucket import Bucket
from reconciler.core.pace.ready_calls import ReadyCalls


def take_all(calls: ReadyCalls[str], now: float) -> list[str]:
    """Return the calls that may be sent at a time."""
    return list(iter(lambda: calls.take(now), None))


def test_calls_of_a_bucket_keep_their_order() -> None:
    """A bucket sends its calls in their order. A repeated call comes first."""
    calls, bucket = ReadyCalls[str](), Bucket(1, 10, 0.0)
    for name in "abc":
        calls.add(bucket, name)
    calls.add(bucket, "again", is_first=True)
    assert take_all(calls, 0.0) == ["again", "a", "b", "c"]
    assert (calls.length, calls.next_at) == (0, None)


def test_full_bucket_does_not_delay_another() -> None:
    """While the calls of one bucket wait, those of another are sent."""
    calls, slow, fast = ReadyCalls[str](), Bucket(1, 1, 0.0), Bucket(100, 10, 0.0)
    for name in ("s1", "s2", "s3"):
        calls.add(slow, name)
    for name in ("f1", "f2", "f3"):
        calls.add(fast, name)
    assert sorted(take_all(calls, 0.0)) == ["f1", "f2", "f3", "s1"]
    assert calls.next_at == 1.0
    assert take_all(calls, 0.5) == []
    assert take_all(calls, 1.0) == ["s2"]


def test_bucket_that_slowed_down_waits_longer() -> None:
    """A pause that begins while a call waits holds the call back."""
    calls, bucket = ReadyCalls[str](), Bucket(1, 1, 0.0)
    calls.add(bucket, "a")
    bucket.pause(5.0)
    assert calls.take(1.0) is None
    assert calls.next_at == 5.0
    assert calls.take(5.0) == "a"


def test_removed_calls_are_returned_once() -> None:
    """After a stop, every waiting call is returned, and none is left."""
    calls, bucket = ReadyCalls[str](), Bucket(1, 1, 0.0)
    for name in "ab":
        calls.add(bucket, name)
    assert calls.clear() == ["a", "b"]
    assert calls.clear() == []
    assert calls.take(9.0) is None


def count_steps(bucket_count: int) -> int:
    """Return the number of Python calls that adding and taking two calls of each bucket need."""
    calls, counts = ReadyCalls[int](), Counter[str]()
    buckets = [Bucket(1, 9, number / 1000) for number in range(bucket_count)]

    def count(_: FrameType, event: str, __: Any) -> None:
        counts[event] += event == "call"

    sys.setprofile(count)
    try:
        for bucket in buckets * 2:
            calls.add(bucket, 1)
        while calls.length:
            calls.take(1_000_000.0)
    finally:
        sys.setprofile(None)
    return counts["call"]


def test_number_of_steps_grows_with_the_calls() -> None:
    """Eight times as many buckets need eight times as many steps."""
    assert count_steps(800) <= count_steps(100) * 8 * 1.02
