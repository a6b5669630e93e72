"""Read many lists at once. A list waits for its calls without a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from reconciler.core.ports import Pace

T = TypeVar("T")

Listing: TypeAlias = Generator[Callable[[], Any], Any, T]
"""A generator that reads one list. It yields each call, and is resumed with the answer or the error of the call."""


def run_now(listing: Listing[T]) -> T:
    """Make the calls of a listing in this thread, and return its result."""
    answer = None
    while True:
        try:
            call = listing.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = call()


def run_listings(
    listings: Sequence[Listing[T]], pace: Pace, max_attempts: int, on_end: Callable[[int], None] = lambda _: None
) -> list[T]:
    """Make the calls of some listings at a pace, and return their results in order. Raises the first error of one.

    `on_end` is called with the number of listings that have ended, one call at a time.
    """
    group = _Group[T](pace, max_attempts, len(listings), on_end)
    for index, each in enumerate(listings):
        group.resume(index, each, None)
    return group.wait()


class _Group(Generic[T]):
    """Listings that run together."""

    def __init__(self, pace: Pace, max_attempts: int, count: int, on_end: Callable[[int], None]) -> None:
        self._pace, self._max_attempts, self._on_end = pace, max_attempts, on_end
        self._results: dict[int, T] = {}
        self._errors: dict[int, Exception] = {}
        self._count, self._lock, self._has_ended = count, threading.Lock(), threading.Event()
        if not count:
            self._has_ended.set()

    def resume(self, index: int, listing: Listing[T], answer: Any) -> None:
        """Resume a listing with the answer to its call, or with an Exception as the error, until its next call."""
        try:
            call = listing.throw(answer) if isinstance(answer, Exception) else listing.send(answer)
        except StopIteration as end:
            self._finish(self._results, index, end.value)
        except Exception as error:  # noqa: BLE001 - `wait` raises it
            self._finish(self._errors, index, error)
        else:
            self._pace.send(call, lambda next_answer: self.resume(index, listing, next_answer), self._max_attempts)

    def wait(self) -> list[T]:
        """Wait until every listing has ended, and return the results."""
        self._has_ended.wait()
        if self._errors:
            raise self._errors[min(self._errors)]
        return [self._results[index] for index in range(self._count)]

    def _finish(self, ends: dict[int, Any], index: int, end: object) -> None:
        """Store the result or the error of a listing."""
        with self._lock:
            ends[index] = end
            ended_count = len(self._results) + len(self._errors)
            self._on_end(ended_count)
        if ended_count == self._count:
            self._has_ended.set()
