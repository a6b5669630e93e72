"""Exchange data with a process through pipes, with limits on time and size, and without temporary files."""

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
"""Maximum bytes kept of standard error. The last bytes are kept, because git writes a trace before the error."""

_STOP_CHECK_SECONDS = 0.05
"""Interval between checks of `stop` while git runs, in seconds."""

_CHUNK_BYTES = 65536  # the usual capacity of a pipe


@dataclass(slots=True)
class ProcessPipes:
    """The remaining input and the collected output of a process. Output exceeds the limit by at most one byte."""

    process: subprocess.Popen[bytes]
    remaining_input: memoryview
    max_output: int
    output: bytearray = field(default_factory=bytearray)
    error_output: bytearray = field(default_factory=bytearray)
    has_timed_out: bool = False

    def communicate(self, timeout_seconds: float, stop: threading.Event) -> bool:
        """Return True when the process has ended, or False on a timeout, on too much output or when `stop` is set."""
        deadline = time.monotonic() + timeout_seconds
        with DefaultSelector() as selector:
            self._register_pipes(selector)
            while self._serve_once(selector):
                self.has_timed_out = time.monotonic() >= deadline
                if self.has_timed_out or stop.is_set() or len(self.output) > self.max_output:
                    return False
            # Another process, such as ssh with ControlPersist, may keep the pipe open for hours: do not wait for it.
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
        """Serve the pipes until the next check of `stop`, and return whether more output may follow."""
        assert self.process.stdout
        if not self.process.stdout.closed:
            _serve_ready(selector, _STOP_CHECK_SECONDS)
            return True
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_CHECK_SECONDS)
        _serve_ready(selector, 0)
        return self.process.returncode is None

    def _write_input(self, pipe: IO[bytes]) -> bool:
        """Write as much input as the pipe accepts, and return whether input remains."""
        with suppress(BrokenPipeError):
            self.remaining_input = (
                self.remaining_input[os.write(pipe.fileno(), self.remaining_input[:_CHUNK_BYTES]) :]
                if self.remaining_input
                else self.remaining_input
            )
            return bool(self.remaining_input)
        return False  # the program closed its input, and its error output says why

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
    """Serve the pipes that become ready in time, close the finished ones, and return whether any pipe was ready."""
    ready = selector.select(timeout_seconds) if selector.get_map() else []
    for key, _ in ready:
        if not key.data(key.fileobj):
            selector.unregister(key.fileobj)
            cast("IO[bytes]", key.fileobj).close()
    return bool(ready)
