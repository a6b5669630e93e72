"""`POST /hooks/SENDER`: a push has git looked at now. Nothing of a body is believed before its sender is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from reconciler.web.webhook_senders import SENDERS, Unreadable, concerns

LARGEST = 1024 * 1024
"""How many bytes a body may have."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What webhooks lead to. `secret` returns what proves a sender, None where hooks are disabled.

    `look` has git looked at; `run_all` has all targets run as well. `told` is given the sender and what became of it.
    """

    secret: Callable[[], bytes | None]
    watched: str | None
    look: Callable[[], None]
    run_all: Callable[[], None]
    told: Callable[[str, str], None]

    async def answer(self, request: Request) -> Response:
        """Answer at once: what a push leads to happens later."""
        name = request.path_params["sender"]
        sender, secret = SENDERS.get(name), self.secret()
        if sender is None or secret is None:
            return _said(404, "there is no such webhook, or none has a secret: set RECONCILER_WEBHOOK_SECRET")
        try:
            body = await _body(request)
        except _UnreadError as unread:
            return self._answer(name, unread.result, unread.status, str(unread))
        if not sender.proves(request.headers, body, secret):
            return self._answer(name, "unauthorized", 401, "the signature or token is not that of the secret")
        try:
            counts = concerns(sender, request.headers, body, self.watched)
        except Unreadable as error:
            return self._answer(name, "unreadable", 400, str(error))
        if not counts:
            return self._answer(name, "ignored", 202, "no push to what is watched: nothing is done")
        (self.run_all if sender.event is None else self.look)()
        return self._answer(name, "accepted", 202, "git is looked at now")

    def _answer(self, sender: str, result: str, status: int, said: str) -> Response:
        self.told(sender, result)
        return _said(status, said)


class _UnreadError(Exception):
    """A body is not there as a whole, or not wanted."""

    def __init__(self, result: str, status: int, said: str) -> None:
        super().__init__(said)
        self.result, self.status = result, status


async def _body(request: Request) -> bytes:
    """Return the body; one that is larger than it may be is read no further. Raises _UnreadError."""
    too_large = _UnreadError("too-large", 413, f"a body may have {LARGEST} bytes")
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > LARGEST:
        raise too_large
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                raise too_large
    except ClientDisconnect as error:
        raise _UnreadError("broken-off", 400, "the connection ended before the body did") from error
    return bytes(body)


def _said(status: int, said: str) -> Response:
    return JSONResponse({"message": said}, status)
