"""`POST /hooks/SENDER`: a push has git looked at now. Nothing of a body is believed before its sender is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from reconciler.web.webhook_senders import SENDERS, UnreadableBody, matches_push

MAX_BODY_SIZE = 1024 * 1024
"""How many bytes a body may have."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """What webhooks lead to. `get_secret` returns what proves a sender, None where hooks are disabled.

    `check_source` checks git; `run_all` also runs all targets. `on_result` is given the sender and the result.
    """

    get_secret: Callable[[], bytes | None]
    watched_ref: str | None
    check_source: Callable[[], None]
    run_all: Callable[[], None]
    on_result: Callable[[str, str], None]

    async def respond(self, request: Request) -> Response:
        """Answer at once: what a push leads to happens later."""
        name = request.path_params["sender"]
        sender, secret = SENDERS.get(name), self.get_secret()
        if sender is None or secret is None:
            return _build_response(404, "there is no such webhook, or none has a secret: set RECONCILER_WEBHOOK_SECRET")
        try:
            body = await _read_body(request)
        except _BodyError as body_error:
            return self._report_and_respond(name, body_error.result, body_error.status, str(body_error))
        if not sender.verify(request.headers, body, secret):
            return self._report_and_respond(
                name, "unauthorized", 401, "the signature or token is not that of the secret"
            )
        try:
            is_push = matches_push(sender, request.headers, body, self.watched_ref)
        except UnreadableBody as error:
            return self._report_and_respond(name, "unreadable", 400, str(error))
        if not is_push:
            return self._report_and_respond(name, "ignored", 202, "no push to what is watched: nothing is done")
        (self.run_all if sender.event_header is None else self.check_source)()
        return self._report_and_respond(name, "accepted", 202, "git is looked at now")

    def _report_and_respond(self, sender: str, result: str, status: int, message: str) -> Response:
        self.on_result(sender, result)
        return _build_response(status, message)


class _BodyError(Exception):
    """A body is not there as a whole, or not wanted."""

    def __init__(self, result: str, status: int, message: str) -> None:
        super().__init__(message)
        self.result, self.status = result, status


async def _read_body(request: Request) -> bytes:
    """Return the body; one that is larger than it may be is read no further. Raises _BodyError."""
    too_large = _BodyError("too-large", 413, f"a body may have {MAX_BODY_SIZE} bytes")
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
        raise _BodyError("broken-off", 400, "the connection ended before the body did") from error
    return bytes(body)


def _build_response(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)
