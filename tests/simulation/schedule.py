"""Virtual time and its processes: threads that take turns. Exactly one runs at a time, and every run is repeatable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol


class Killed(BaseException):
    """A killed process does nothing any more, not even in its `finally` blocks."""


class Fate(Protocol):
    """Faults of a process while it waits for something outside."""

    def killed(self, where: str) -> bool:
        """Tell whether the process is killed at this point."""

    def stopped(self, where: str) -> float:
        """Return for how many seconds the process is stopped at this point before it is resumed."""


class Process:
    """One process of the simulation. It calls `pause` before and after each access to something outside."""

    def __init__(self, schedule: Schedule, name: str, fate: Fate) -> None:
        self.name = name
        self.dead = False
        self.at_death: list[Callable[[], object]] = []
        self._schedule, self._fate = schedule, fate
        self._turn = threading.Lock()
        self._turn.acquire()

    def pause(self, where: str, seconds: float = 0.0) -> None:
        """Let time pass and let other processes work. Raises Killed, now and in each later call."""
        self.breathe()
        self._schedule.sleep(self, seconds + self._fate.stopped(where))
        if self._schedule.halted or self._fate.killed(where):
            self._die()
        self.breathe()

    def breathe(self) -> None:
        """Raise Killed if the process is dead."""
        if self.dead:
            raise Killed

    def wait(self) -> None:
        """Wait for the turn of the process."""
        self._turn.acquire()

    def go(self) -> None:
        """Give the turn to the process."""
        self._turn.release()

    def _die(self) -> None:
        self.dead = True
        for last in self.at_death:
            last()


class Schedule:
    """Queue of events and processes in true time, in seconds since the epoch."""

    def __init__(self, start: float) -> None:
        self.now = start
        self.halted = False
        self.crash: BaseException | None = None
        self._queue: list[tuple[float, int, Process | Callable[[], object]]] = []
        self._count = 0
        self._over = threading.Lock()
        self._over.acquire()
        self._threads: list[threading.Thread] = []

    def at(self, time: float, event: Callable[[], object]) -> None:
        """Schedule an event. The event must not wait."""
        self._push(time, event)

    def spawn(self, name: str, time: float, fate: Fate, body: Callable[[Process], object]) -> Process:
        """Schedule the start of a process."""
        process = Process(self, name, fate)
        thread = threading.Thread(target=self._live, args=(process, body), name=name, daemon=True)
        self._threads.append(thread)
        self._push(time, process)
        thread.start()
        return process

    def sleep(self, process: Process, seconds: float) -> None:
        """Let other processes work until a time has passed."""
        self._push(self.now + seconds, process)
        if self._pass_on(process):
            process.wait()

    def run(self) -> None:
        """Run until the queue is empty. Raises an exception that a process or event of the simulation raised."""
        self._pass_on(None)
        self._over.acquire()
        for thread in self._threads:
            thread.join()
        if self.crash:
            raise self.crash

    def halt(self) -> None:
        """Stop the simulation: discard the events, and kill every process."""
        self.halted = True

    def _push(self, time: float, what: Process | Callable[[], object]) -> None:
        self._count += 1
        heappush(self._queue, (max(time, self.now), self._count, what))

    def _pass_on(self, current: Process | None) -> bool:
        """Process events in this thread until a process has its turn. Return whether it is another process."""
        while self._queue:
            self.now, _, what = heappop(self._queue)
            if what is current:
                return False
            if isinstance(what, Process):
                what.go()
                return True
            if not self.halted:
                try:
                    what()
                except BaseException as error:  # noqa: BLE001 - `run` raises it in the calling thread
                    self._fail(error)
        self._over.release()
        return True

    def _live(self, process: Process, body: Callable[[Process], object]) -> None:
        process.wait()
        try:
            if not self.halted:
                body(process)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - `run` raises it in the calling thread
            self._fail(error)
        self._pass_on(None)

    def _fail(self, error: BaseException) -> None:
        self.crash = self.crash or error
        self.halt()
