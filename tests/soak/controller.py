"""Run a controller in a process of its own, count its log events, and send it HTTP requests."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from support.program import Program

SECRET = "secret"
INTERNAL = "internal error"
"""Text of an unexpected error, counted like an event."""
_TIMEOUT = 120.0
"""Timeout in seconds of each wait."""


class Controller:
    """A running controller. Its log events are counted, by event and target."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self.url = ""
        self._event_counts: Counter[tuple[str, str | None]] = Counter()
        self._process = process
        self._condition = threading.Condition()

    def count_events(self, event: str) -> int:
        """Return how often an event was logged, for any target."""
        with self._condition:
            return sum(count for (name, _), count in self._event_counts.items() if name == event)

    def expect_event(self, event: str, targets: Iterable[str | None] = (None,)) -> Callable[[], None]:
        """Return a function that waits until an event was logged once more for each target."""
        expected = {(event, target): self._event_counts[event, target] + 1 for target in targets}

        def wait_for_event() -> None:
            def has_come() -> bool:
                return all(self._event_counts[key] >= count for key, count in expected.items())

            with self._condition:
                assert self._condition.wait_for(has_come, _TIMEOUT), f"no {event!r} came: {self._event_counts}"

        return wait_for_event

    def send_sighup(self) -> None:
        """Send SIGHUP."""
        self._process.send_signal(signal.SIGHUP)

    def send_webhook(self, sender: str, headers: Mapping[str, str], body: bytes, *, is_signed: bool = True) -> None:
        """Send a webhook, with a valid or an invalid signature."""
        secret = SECRET if is_signed else "another"
        signature = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
        name = "X-Hub-Signature-256" if sender == "github" else "X-Signature-256"
        status = self.request_status(f"/hooks/{sender}", body, {**headers, name: signature})
        assert status == (202 if is_signed else 401), (sender, status)

    def request_status(self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
        """Request a page, and return the status of the answer."""
        try:
            request = urllib.request.Request(self.url + path, body, dict(headers or {}))
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
                response.read()
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def read_log(self, log: Iterable[str]) -> None:
        """Count the log events until the log ends."""
        for line in log:
            entry = json.loads(line)
            with self._condition:
                self.url = entry.get("url", self.url)
                self._event_counts[entry["event"], entry.get("target")] += 1
                self._event_counts[INTERNAL, entry.get("target")] += INTERNAL in (entry.get("error") or "")
                self._condition.notify_all()


@contextmanager
def run_controller(program: Program, *arguments: str, env: Mapping[str, str]) -> Iterator[Controller]:
    """Run a controller that runs only on events, during the block, and stop it at the end."""
    options = ("--interval", "1h", "--poll-interval", "1h", "--min-event-interval", "0s", "--listen", "127.0.0.1:0")
    process = program.start("controller", *options, *arguments, env={**env, "RECONCILER_WEBHOOK_SECRET": SECRET})
    with process:
        controller = Controller(process)
        assert process.stderr
        log_thread = threading.Thread(target=controller.read_log, args=(process.stderr,))
        log_thread.start()
        try:
            yield controller
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
            log_thread.join()
