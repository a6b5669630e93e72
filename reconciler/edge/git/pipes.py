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

MAX_ERROR_OUTPUT = 1024 * 1024
"""The most bytes that are kept of standard error: the last ones, since a trace comes before the error."""

_STOP_CHECK_SECONDS = 0.05
"""How often it is looked whether a stop was asked for: what waits for git hears of nothing else."""

_CHUNK_BYTES = 65536  # a pipe's usual room


@dataclass(slots=True)
class ProcessPipes:
    """What a process is still to be given, and what it has said so far: one byte more than `most`, at most."""

    process: subprocess.Popen[bytes]
    remaining_input: memoryview
    max_output: int
    output: bytearray = field(default_factory=bytearray)
    error_output: bytearray = field(default_factory=bytearray)
    has_timed_out: bool = False

    def communicate(self, timeout_seconds: float, stop: threading.Event) -> bool:
        """Return True once the process has ended; False where it has to be ended: by time, by length or by a stop."""
        deadline = time.monotonic() + timeout_seconds
        with DefaultSelector() as selector:
            self._register_pipes(selector)
            while self._serve_once(selector):
                self.has_timed_out = time.monotonic() >= deadline
                if self.has_timed_out or stop.is_set() or len(self.output) > self.max_output:
                    return False
            # Others may hold the pipe for hours, as ssh does by ControlPersist: what was said by now is enough.
            while _serve_ready(selector, 0):
                pass
        return True

    def _register_pipes(self, selector: BaseSelector) -> None:
        process = self.process
        pipes: tuple[tuple[IO[bytes] | None, int, Callable[[IO[bytes]], bool]], ...] = (
            (process.stdin, EVENT_WRITE, self._write_input),
            (process.stdout, EVENT_READ, self._read_output),
            (process.stderr, EVENT_READ, self._read_error_output),
        )
        for pipe, events, handler in pipes:
            assert pipe
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, events, handler)

    def _serve_once(self, selector: BaseSelector) -> bool:
        """Serve what is ready within a moment, and tell whether the process may say more."""
        assert self.process.stdout
        if not self.process.stdout.closed:
            _serve_ready(selector, _STOP_CHECK_SECONDS)
            return True
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_CHECK_SECONDS)
        _serve_ready(selector, 0)
        return self.process.returncode is None

    def _write_input(self, pipe: IO[bytes]) -> bool:
        """Write what there is room for, and tell whether there is more to write."""
        with suppress(BrokenPipeError):
            self.remaining_input = (
                self.remaining_input[os.write(pipe.fileno(), self.remaining_input[:_CHUNK_BYTES]) :]
                if self.remaining_input
                else self.remaining_input
            )
            return bool(self.remaining_input)
        return False  # nobody reads it: the program says why

    def _read_output(self, pipe: IO[bytes]) -> bool:
        chunk = os.read(pipe.fileno(), min(_CHUNK_BYTES, self.max_output + 1 - len(self.output)))
        self.output += chunk
        return bool(chunk)

    def _read_error_output(self, pipe: IO[bytes]) -> bool:
        chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
        self.error_output += chunk
        del self.error_output[:-MAX_ERROR_OUTPUT]
        return bool(chunk)


def _serve_ready(selector: BaseSelector, timeout_seconds: float) -> bool:
    """Serve the pipes that are ready within a time, close those that are done, and tell whether any was."""
    ready = selector.select(timeout_seconds) if selector.get_map() else []
    for key, _ in ready:
        if not key.data(key.fileobj):
            selector.unregister(key.fileobj)
            cast("IO[bytes]", key.fileobj).close()
    return bool(ready)
