"""A controller under load: it runs only on events, and gets signed and unsigned webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from support import controller as process
from support.controller import ControllerProcess
from support.http_servers import request_page
from support.program import Program

SECRET = "secret"
INTERNAL = "internal error"
"""Text of an unexpected error, counted like an event."""


def count_events(controller: ControllerProcess, event: str) -> int:
    """Return how often an event was logged, for any target."""
    if event == INTERNAL:
        return sum(INTERNAL in (entry.get("error") or "") for entry in controller.log)
    return controller.events.count(event)


def send_webhook(url: str, sender: str, headers: Mapping[str, str], body: bytes, *, is_signed: bool = True) -> None:
    """Send a webhook, with a valid or an invalid signature."""
    secret = SECRET if is_signed else "another"
    signature = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    name = "X-Hub-Signature-256" if sender == "github" else "X-Signature-256"
    status, _ = request_page(f"{url}/hooks/{sender}", body, {**headers, name: signature})
    assert status == (202 if is_signed else 401), (sender, status)


@contextmanager
def run_controller(program: Program, *arguments: str, env: Mapping[str, str]) -> Iterator[ControllerProcess]:
    """Run a controller that runs only on events, during the block, and stop it at the end."""
    options = ("--interval", "1h", "--poll-interval", "1h", "--min-event-interval", "0s", "--listen", "127.0.0.1:0")
    env = {**env, "RECONCILER_WEBHOOK_SECRET": SECRET}
    with process.run_controller(program, *options, *arguments, env=env) as controller:
        yield controller
