"""Order waiting calls by the time at which the bucket of each has a token."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from reconciler.core.pace.bucket import Bucket

T = TypeVar("T")


class ReadyCalls(Generic[T]):
    """Waiting calls of many buckets. A bucket sends its calls in their order. It is not safe for threads.

    Adding and taking a call takes time that grows with the logarithm of the number of buckets.
    """

    def __init__(self) -> None:
        self._calls: dict[Bucket, deque[T]] = {}
        self._buckets: list[tuple[float, int, Bucket]] = []
        self._numbers = count()
        self.length = 0

    def add(self, bucket: Bucket, call: T, *, is_first: bool = False) -> None:
        """Add a call to the end of its bucket's calls, or to their beginning."""
        self.length += 1
        if (calls := self._calls.get(bucket)) is None:
            self._calls[bucket] = deque((call,))
            self._push(bucket)
        elif is_first:
            calls.appendleft(call)
        else:
            calls.append(call)

    def take(self, now: float) -> T | None:
        """Remove and return a call whose bucket has a token, and use the token. None if no bucket has one."""
        while self._buckets and self._buckets[0][0] <= now:
            _, _, bucket = heappop(self._buckets)
            if bucket.free_at > now:  # the bucket slowed down meanwhile
                self._push(bucket)
                continue
            bucket.take(now)
            calls = self._calls[bucket]
            call = calls.popleft()
            self.length -= 1
            if calls:
                self._push(bucket)
            else:
                del self._calls[bucket]
            return call
        return None

    @property
    def next_at(self) -> float | None:
        """The earliest time at which a call may be ready. None if no call waits."""
        return self._buckets[0][0] if self._buckets else None

    def clear(self) -> list[T]:
        """Remove and return all calls."""
        calls = [call for each in self._calls.values() for call in each]
        self._calls.clear()
        self._buckets.clear()
        self.length = 0
        return calls

    def _push(self, bucket: Bucket) -> None:
        heappush(self._buckets, (bucket.free_at, next(self._numbers), bucket))
