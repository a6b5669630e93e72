"""Where people look, on this machine: a chat that takes JSON over HTTP, and a mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, ClassVar


class Chat:
    """Takes what apprise posts to `json://`, unless it is `down`."""

    def __init__(self) -> None:
        self.taken: Queue[Any] = Queue()
        self.refused: Queue[Any] = Queue()
        self.down = False
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted = self.rfile.read(int(self.headers["Content-Length"]))
                (chat.refused if chat.down else chat.taken).put(json.loads(posted))
                self.send_response(503 if chat.down else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where it is, as apprise writes it, with a secret in it."""
        return f"json://user:hunter2@127.0.0.1:{self.port}/s3cret"

    def next(self) -> Any:
        """Return the next message that was or will be taken."""
        return self.taken.get(timeout=60)

    @contextmanager
    def open(self) -> Iterator[Chat]:
        """Take messages while the block runs."""
        with _serving(self._server):
            yield self


class _Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs that logs in nowhere (RFC 5321)."""

    ANSWERS: ClassVar = {b"EHLO": b"250 here", b"DATA": b"354 go on", b"QUIT": b"221 bye"}

    def handle(self) -> None:
        """Take mails until the client quits."""
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            self.wfile.write(self.ANSWERS.get(verb, b"250 ok") + b"\r\n")
            if verb == b"DATA":
                lines = iter(self.rfile.readline, b".\r\n")
                mail = b"".join(each[1:] if each.startswith(b".") else each for each in lines)
                taken = message_from_bytes(mail, policy=policy.default)
                assert isinstance(taken, EmailMessage)
                self.server.mails.put(taken)  # type: ignore[attr-defined]
                self.wfile.write(b"250 taken\r\n")
            if verb == b"QUIT":
                return


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mails."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: Queue[EmailMessage] = Queue()

    @property
    def url(self) -> str:
        """Where it is, as apprise writes it."""
        return (
            f"mailto://127.0.0.1:{self.server_address[1]}/?mode=insecure&from=reconcile@example.com&to=team@example.com"
        )

    def next(self) -> EmailMessage:
        """Return the next mail that was or will be taken."""
        return self.mails.get(timeout=60)

    @contextmanager
    def open(self) -> Iterator[MailServer]:
        """Take mails while the block runs."""
        with _serving(self):
            yield self


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
