"""Virtual time and its processes: threads that take turns. Exactly one runs at a time, and every run is repeatable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol


class ProcessKilled(BaseException):
    """A killed process does nothing any more, not even in its `finally` blocks."""


class FaultSource(Protocol):
    """Faults of a process while it waits for something outside."""

    def is_killed(self, point: str) -> bool:
        """Tell whether the process is killed at this point."""

    def draw_stop_seconds(self, point: str) -> float:
        """Return for how many seconds the process is stopped at this point before it is resumed."""


class Process:
    """One process of the simulation. It calls `pause` before and after each access to something outside."""

    def __init__(self, schedule: Schedule, name: str, faults: FaultSource) -> None:
        self.name = name
        self.is_dead = False
        self.death_callbacks: list[Callable[[], object]] = []
        self._schedule, self._faults = schedule, faults
        self._turn = threading.Lock()
        self._turn.acquire()

    def pause(self, point: str, seconds: float = 0.0) -> None:
        """Let time pass and let other processes work. Raises Killed, now and in each later call."""
        self.check_alive()
        self._schedule.sleep(self, seconds + self._faults.draw_stop_seconds(point))
        if self._schedule.is_halted or self._faults.is_killed(point):
            self._kill()
        self.check_alive()

    def check_alive(self) -> None:
        """Raise Killed if the process is dead."""
        if self.is_dead:
            raise ProcessKilled

    def wait_for_turn(self) -> None:
        """Wait for the turn of the process."""
        self._turn.acquire()

    def give_turn(self) -> None:
        """Give the turn to the process."""
        self._turn.release()

    def _kill(self) -> None:
        self.is_dead = True
        for callback in self.death_callbacks:
            callback()


class Schedule:
    """Queue of events and processes in true time, in seconds since the epoch."""

    def __init__(self, start: float) -> None:
        self.now = start
        self.is_halted = False
        self.error: BaseException | None = None
        self._queue: list[tuple[float, int, Process | Callable[[], object]]] = []
        self._entry_count = 0
        self._end_lock = threading.Lock()
        self._end_lock.acquire()
        self._threads: list[threading.Thread] = []

    def add_event(self, time: float, event: Callable[[], object]) -> None:
        """Schedule an event. The event must not wait."""
        self._push(time, event)

    def start_process(self, name: str, time: float, faults: FaultSource, body: Callable[[Process], object]) -> Process:
        """Schedule the start of a process."""
        process = Process(self, name, faults)
        thread = threading.Thread(target=self._run_process, args=(process, body), name=name, daemon=True)
        self._threads.append(thread)
        self._push(time, process)
        thread.start()
        return process

    def sleep(self, process: Process, seconds: float) -> None:
        """Let other processes work until a time has passed."""
        self._push(self.now + seconds, process)
        if self._run_until_turn(process):
            process.wait_for_turn()

    def run(self) -> None:
        """Run until the queue is empty. Raises an exception that a process or event of the simulation raised."""
        self._run_until_turn(None)
        self._end_lock.acquire()
        for thread in self._threads:
            thread.join()
        if self.error:
            raise self.error

    def halt(self) -> None:
        """Stop the simulation: discard the events, and kill every process."""
        self.is_halted = True

    def _push(self, time: float, entry: Process | Callable[[], object]) -> None:
        self._entry_count += 1
        heappush(self._queue, (max(time, self.now), self._entry_count, entry))

    def _run_until_turn(self, current: Process | None) -> bool:
        """Process events in this thread until a process has its turn. Return whether it is another process."""
        while self._queue:
            self.now, _, entry = heappop(self._queue)
            if entry is current:
                return False
            if isinstance(entry, Process):
                entry.give_turn()
                return True
            if not self.is_halted:
                try:
                    entry()
                except BaseException as error:  # noqa: BLE001 - `run` raises it in the calling thread
                    self._record_error(error)
        self._end_lock.release()
        return True

    def _run_process(self, process: Process, body: Callable[[Process], object]) -> None:
        process.wait_for_turn()
        try:
            if not self.is_halted:
                body(process)
        except ProcessKilled:
            pass
        except BaseException as error:  # noqa: BLE001 - `run` raises it in the calling thread
            self._record_error(error)
        self._run_until_turn(None)

    def _record_error(self, error: BaseException) -> None:
        self.error = self.error or error
        self.halt()
