"""A limited number of threads do something at the same time, and a stop ends the wait of the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.core.errors import StopRequested
from reconciler.edge.slots import Slots


def test_thread_without_a_slot_waits_for_one() -> None:
    """A thread waits while every slot is occupied, and goes on when one is free."""
    slots, entered, may_leave = Slots(2, lambda: False), threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        with slots.occupy():
            entered.release()
            assert may_leave.acquire(timeout=30)

    with ThreadPoolExecutor() as pool:
        threads = [pool.submit(work) for _ in range(3)]
        assert entered.acquire(timeout=30)
        assert entered.acquire(timeout=30)
        assert not entered.acquire(timeout=0.5)
        may_leave.release()
        assert entered.acquire(timeout=30)
        may_leave.release(2)
        for each in threads:
            each.result()


def test_stop_ends_the_wait_for_a_slot() -> None:
    """A thread that waits for a slot ends at a stop, and so does one that comes after it. A failure frees its slot."""
    stop = threading.Event()
    slots = Slots(1, stop.is_set)
    with pytest.raises(ZeroDivisionError), slots.occupy():
        1 / 0  # noqa: B018 - the failure matters
    with ThreadPoolExecutor() as pool, slots.occupy():

        def work() -> None:
            with slots.occupy():
                raise AssertionError

        waiting = pool.submit(work)
        stop.set()
        with pytest.raises(StopRequested):
            waiting.result(30)
    with pytest.raises(StopRequested), slots.occupy():
        raise AssertionError
