"""Disable botocore's prompts. A run has no user to answer them, and would wait forever."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from functools import partial
from typing import Any

import botocore.session
from botocore.exceptions import CredentialRetrievalError

from reconciler import redaction
from reconciler.core.errors import Unauthenticated

_TIMEOUT_SECONDS = 60.0
"""Timeout of a credential_process, in seconds."""


def disable_prompts(session: botocore.session.Session) -> None:
    """Reject profiles with `mfa_serial`, and run each `credential_process` without a terminal.

    This sets private members of botocore, which has no public ones for it. A test checks that they exist.
    """
    chain: Any = session.get_component("credential_provider")
    popen = partial(NoninteractiveProcess, timeout_seconds=_TIMEOUT_SECONDS)
    assume_role_provider = chain.get_provider("assume-role")
    assume_role_provider._prompter = _refuse_prompt  # noqa: SLF001 - see the docstring
    chain.get_provider("custom-process")._popen = popen  # noqa: SLF001 - see the docstring
    profile_provider_builder = assume_role_provider._profile_provider_builder  # noqa: SLF001 - used for source_profile
    create_original = profile_provider_builder._create_process_provider  # noqa: SLF001 - see the docstring

    def create_process_provider(profile_name: str) -> Any:
        provider = create_original(profile_name)
        provider._popen = popen  # noqa: SLF001 - see the docstring of disable_prompts
        return provider

    profile_provider_builder._create_process_provider = create_process_provider  # noqa: SLF001 - see the docstring


def _refuse_prompt(prompt: str) -> str:
    """Reject a prompt for an MFA code. Raises Unauthenticated."""
    device = redaction.redact(prompt).strip().removeprefix("Enter MFA code for ").rstrip(":")
    raise Unauthenticated(
        f"the profile requires a code of the MFA device {device}, but this program never prompts: start a session "
        "first (aws sts get-session-token, aws sso login) and use its credentials or profile"
    )


class NoninteractiveProcess(subprocess.Popen[bytes]):
    """A process without standard input or a terminal. It is killed after `timeout_seconds`."""

    def __init__(self, command: list[str], *, timeout_seconds: float, **options: Any) -> None:
        super().__init__(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
        self._timeout_seconds = timeout_seconds

    def communicate(
        self,
        input: bytes | None = None,  # noqa: A002 - the name in subprocess.Popen
        timeout: float | None = None,
    ) -> tuple[bytes, bytes]:
        """Return standard output and standard error. Raises CredentialRetrievalError after the timeout."""
        try:
            return super().communicate(input, self._timeout_seconds if timeout is None else timeout)
        except subprocess.TimeoutExpired as error:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            for pipe in filter(None, (self.stdout, self.stderr)):
                pipe.close()
            self.wait()
            message = f"it ran for longer than {self._timeout_seconds:g} s and was killed; it may have waited for input"
            raise CredentialRetrievalError(provider="custom-process", error_msg=message) from error
