"""Run a credential_process without a terminal. Its output may hold secrets, and no error shows it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from datetime import datetime
from typing import Any

from reconciler import redaction
from reconciler.core.errors import Unauthenticated

_REMEDY = "run the command of credential_process yourself to see its output, which may hold secrets"


class CredentialProcess(subprocess.Popen[bytes]):
    """A process without standard input or a terminal. It is killed after `timeout_seconds`.

    Raises Unauthenticated if the command cannot be started.
    """

    def __init__(self, command: list[str], *, timeout_seconds: float, **options: Any) -> None:
        if not command:
            raise Unauthenticated("credential_process is empty: set it to a command, or remove it")
        try:
            super().__init__(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        except (OSError, ValueError) as error:
            raise Unauthenticated(f"its command cannot be started: {redaction.describe_error(error)}") from error
        self._timeout_seconds = timeout_seconds

    def communicate(
        self,
        input: bytes | None = None,  # noqa: A002 - the name in subprocess.Popen
        timeout: float | None = None,
    ) -> tuple[bytes, bytes]:
        """Return standard output and standard error. Raises Unauthenticated for a failure, a timeout or junk."""
        try:
            output, errors = super().communicate(input, self._timeout_seconds if timeout is None else timeout)
        except subprocess.TimeoutExpired as error:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            for pipe in filter(None, (self.stdout, self.stderr)):
                pipe.close()
            self.wait()
            message = f"it ran for longer than {self._timeout_seconds:g} s and was killed; it may have waited for input"
            raise Unauthenticated(message) from error
        if self.returncode != 0:
            raise Unauthenticated(f"it failed with exit code {self.returncode}: {_REMEDY}")
        if flaw := find_output_flaw(output):
            raise Unauthenticated(f"{flaw}: {_REMEDY}")
        return output, errors


def find_output_flaw(output: bytes) -> str | None:
    """Return the fault of the output of a credential_process without any of its text, or None if it is valid.

    Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
    """
    if not output.strip():
        return "it printed nothing"
    try:
        document = json.loads(output.decode())
    except (ValueError, RecursionError):
        return "it printed no JSON document"
    if not isinstance(document, dict):
        return "it printed JSON that is not an object"
    if document.get("Version") != 1:
        return 'its output lacks "Version": 1'
    for member in ("AccessKeyId", "SecretAccessKey"):
        if not isinstance(document.get(member), str) or not document[member]:
            return f"its output lacks {member}, or {member} is not a text"
    if not isinstance(document.get("SessionToken"), str | None):
        return "SessionToken in its output is not a text"
    if document.get("Expiration") is not None and not _is_absolute_time(document["Expiration"]):
        return "Expiration in its output is not a time with a time zone, such as 2026-12-31T23:59:59Z"
    return None


def _is_absolute_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
