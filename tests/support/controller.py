"""`reconcile controller` as a process: a test starts it, waits for its log events, and stops it on a signal."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from support.program import Process, Program

EVERY_SECOND = ("controller", "--interval", "1s", "--poll-interval", "1s")
"""Arguments of a controller that polls and reconciles every second."""
_TIMEOUT = 120.0
"""Timeout in seconds of a wait for expected events."""


class ControllerProcess:
    """A running controller and its log. A thread reads the log, because a full pipe would stop the controller.

    `output` is the standard output of a process that has ended.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        self.output = ""
        self._position = 0
        self._has_ended = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._read_log)
        self._thread.start()

    @property
    def events(self) -> list[str]:
        """The names of the events in the log."""
        return [entry["event"] for entry in self.log]

    def wait_for_entry(self) -> dict[str, Any] | None:
        """Return the next log line, or None at the end of the log."""
        with self._condition:
            has_come = self._condition.wait_for(lambda: self._has_ended or self._position < len(self.log), _TIMEOUT)
            assert has_come, f"no log line came for {_TIMEOUT} s: {self.log}"
            if self._position == len(self.log):
                return None
            self._position += 1
            return self.log[self._position - 1]

    def wait_for_event(self, event: str, **fields: Any) -> Any:
        """Return the next log line with this event and these fields."""
        while entry := self.wait_for_entry():
            if entry["event"] == event and fields.items() <= entry.items():
                return entry
        raise AssertionError(f"the log ended without {event!r}: {self.log}")

    def expect_event(self, event: str, targets: Iterable[str | None] = (None,)) -> Callable[[], None]:
        """Return a function that waits until an event was logged once more for each target."""
        missing, position = set(targets), len(self.log)

        def has_come() -> bool:
            nonlocal position
            entries, position = self.log[position:], len(self.log)
            missing.difference_update(entry.get("target") for entry in entries if entry["event"] == event)
            return not missing

        def wait_for_targets() -> None:
            with self._condition:
                assert self._condition.wait_for(has_come, _TIMEOUT), f"no {event!r} came for {missing}"

        return wait_for_targets

    def stop(self) -> None:
        """Send SIGTERM, and return when the process has ended and its output has been read."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.close()

    def close(self) -> None:
        """Kill the process if it still runs, read the rest of its output, and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream and not stream.closed:
                self.output += stream.read()
                stream.close()

    def _read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._condition:
                self.log.append(json.loads(line))
                self._condition.notify_all()
        with self._condition:
            self._has_ended = True
            self._condition.notify_all()


@contextmanager
def watch_controller(process: Process, code: int = 0) -> Iterator[ControllerProcess]:
    """Stop a controller at the end of the block, and check its exit code and that it had no unexpected error."""
    controller = ControllerProcess(process)
    try:
        yield controller
        controller.stop()
        assert process.returncode == code
        assert "unexpected error" not in controller.events
        assert ("controller stopped" in controller.events) == (code == 0)
    finally:
        controller.close()


@contextmanager
def run_controller(
    program: Program, *arguments: str, env: Mapping[str, str] | None = None, code: int = 0
) -> Iterator[ControllerProcess]:
    """Run a controller during the block. It polls and reconciles every second, unless the arguments say otherwise."""
    with watch_controller(program.start(*EVERY_SECOND, *arguments, env=env), code) as controller:
        yield controller
