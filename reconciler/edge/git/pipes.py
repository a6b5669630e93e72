"""Feeds a program and hears it out over pipes, within bounds of time and length: no disk has to have room for that."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector, DefaultSelector
from typing import IO, cast

MOST_COMPLAINT = 1024 * 1024
"""The most bytes that are kept of standard error: the last ones, since a trace comes before the error."""

_LOOK_SECONDS = 0.05
"""How often it is looked whether a stop was asked for: what waits for git hears of nothing else."""

_PART = 65536  # a pipe's usual room


@dataclass(slots=True)
class Hearing:
    """What a process is still to be given, and what it has said so far: one byte more than `most`, at most."""

    process: subprocess.Popen[bytes]
    rest: memoryview
    most: int
    output: bytearray = field(default_factory=bytearray)
    complaint: bytearray = field(default_factory=bytearray)
    is_late: bool = False

    def hear_out(self, seconds: float, stop: threading.Event) -> bool:
        """Return True once the process has ended; False where it has to be ended: by time, by length or by a stop."""
        until = time.monotonic() + seconds
        with DefaultSelector() as selector:
            self._begin(selector)
            while self._goes_on(selector):
                self.is_late = time.monotonic() >= until
                if self.is_late or stop.is_set() or len(self.output) > self.most:
                    return False
            # Others may hold the pipe for hours, as ssh does by ControlPersist: what was said by now is enough.
            while _serve(selector, 0):
                pass
        return True

    def _begin(self, selector: BaseSelector) -> None:
        process = self.process
        pipes: tuple[tuple[IO[bytes] | None, int, Callable[[IO[bytes]], bool]], ...] = (
            (process.stdin, EVENT_WRITE, self._give),
            (process.stdout, EVENT_READ, self._take),
            (process.stderr, EVENT_READ, self._take_complaint),
        )
        for pipe, events, serve in pipes:
            assert pipe
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, events, serve)

    def _goes_on(self, selector: BaseSelector) -> bool:
        """Serve what is ready within a moment, and tell whether the process may say more."""
        assert self.process.stdout
        if not self.process.stdout.closed:
            _serve(selector, _LOOK_SECONDS)
            return True
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_LOOK_SECONDS)
        _serve(selector, 0)
        return self.process.returncode is None

    def _give(self, pipe: IO[bytes]) -> bool:
        """Write what there is room for, and tell whether there is more to write."""
        with suppress(BrokenPipeError):
            self.rest = self.rest[os.write(pipe.fileno(), self.rest[:_PART]) :] if self.rest else self.rest
            return bool(self.rest)
        return False  # nobody reads it: the program says why

    def _take(self, pipe: IO[bytes]) -> bool:
        part = os.read(pipe.fileno(), min(_PART, self.most + 1 - len(self.output)))
        self.output += part
        return bool(part)

    def _take_complaint(self, pipe: IO[bytes]) -> bool:
        part = os.read(pipe.fileno(), _PART)
        self.complaint += part
        del self.complaint[:-MOST_COMPLAINT]
        return bool(part)


def _serve(selector: BaseSelector, seconds: float) -> bool:
    """Serve the pipes that are ready within a time, close those that are done, and tell whether any was."""
    ready = selector.select(seconds) if selector.get_map() else []
    for key, _ in ready:
        if not key.data(key.fileobj):
            selector.unregister(key.fileobj)
            cast("IO[bytes]", key.fileobj).close()
    return bool(ready)
