"""Answer `POST /hooks/SENDER`: a push triggers a poll of git. A body is parsed only after its sender is verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from reconciler.web.webhook_senders import SENDERS, UnreadableBody, matches_push

MAX_BODY_SIZE = 1024 * 1024
"""The maximum size of a body in bytes."""
_DISABLED = (
    "webhooks are disabled, because no valid secret is set: set RECONCILER_WEBHOOK_SECRET or "
    "RECONCILER_WEBHOOK_SECRET_FILE"
)
_UNKNOWN_SENDER = f"unknown sender in the URL: use one of {', '.join(f'/hooks/{name}' for name in SENDERS)}"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The endpoint of webhooks and the actions that they trigger.

    `get_secret` returns the shared secret, or None if webhooks are disabled. `check_source` polls git. `run_all` polls
    git and runs every target. `on_result` takes the sender and the result.
    """

    get_secret: Callable[[], bytes | None]
    watched_ref: str | None
    check_source: Callable[[], None]
    run_all: Callable[[], None]
    on_result: Callable[[str, str], None]

    async def respond(self, request: Request) -> Response:
        """Return the response to a webhook. The triggered action happens after the response."""
        name = request.path_params["sender"]
        sender, secret = SENDERS.get(name), self.get_secret()
        if secret is None:
            return _build_response(404, _DISABLED)
        if sender is None:
            return _build_response(404, _UNKNOWN_SENDER)
        try:
            body = await _read_body(request)
        except _BodyError as body_error:
            return self._report_and_respond(name, body_error.result, body_error.status, str(body_error))
        if not sender.verify(request.headers, body, secret):
            return self._report_and_respond(
                name, "unauthorized", 401, "the signature or token does not match the secret"
            )
        try:
            is_push = matches_push(sender, request.headers, body, self.watched_ref)
        except UnreadableBody as error:
            return self._report_and_respond(name, "unreadable", 400, str(error))
        if not is_push:
            return self._report_and_respond(name, "ignored", 202, "ignored: not a push to the watched ref")
        (self.run_all if sender.may_omit_details else self.check_source)()
        return self._report_and_respond(name, "accepted", 202, "accepted: git is polled now")

    def _report_and_respond(self, sender: str, result: str, status: int, message: str) -> Response:
        self.on_result(sender, result)
        return _build_response(status, message)


class _BodyError(Exception):
    """A body is incomplete or too large."""

    def __init__(self, result: str, status: int, message: str) -> None:
        super().__init__(message)
        self.result, self.status = result, status


async def _read_body(request: Request) -> bytes:
    """Return the body. Reading stops when the body exceeds MAX_BODY_SIZE. Raises _BodyError."""
    too_large = _BodyError("too-large", 413, f"the body is too large: send at most {MAX_BODY_SIZE} bytes")
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > MAX_BODY_SIZE:
        raise too_large
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_SIZE:
                raise too_large
    except ClientDisconnect as error:
        raise _BodyError("broken-off", 400, "the body is incomplete: the connection was closed") from error
    return bytes(body)


def _build_response(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)
