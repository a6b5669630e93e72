"""Disable botocore's prompts. A run has no user to answer them, and would wait forever."""

from __future__ import annotations

from functools import partial
from typing import Any

import botocore.session

from reconciler import redaction
from reconciler.core.errors import Unauthenticated
from reconciler.edge.aws.credential_process import CredentialProcess

_TIMEOUT_SECONDS = 60.0
"""Timeout of a credential_process, in seconds."""


def disable_prompts(session: botocore.session.Session) -> None:
    """Reject profiles with `mfa_serial`, and run each `credential_process` without a terminal.

    This sets private members of botocore, which has no public ones for it. A test checks that they exist.
    """
    chain: Any = session.get_component("credential_provider")
    popen = partial(CredentialProcess, timeout_seconds=_TIMEOUT_SECONDS)
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
