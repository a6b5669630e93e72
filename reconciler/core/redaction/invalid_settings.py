"""Describe invalid settings without their values, which may be secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.core.redaction.secrets import is_proxy

_CREDENTIAL_NAMES = re.compile(
    r"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CONTAINER_AUTHORIZATION_TOKEN|BEARER_TOKEN_\w+)"
)


def find_flaw(value: str) -> str | None:
    """Return the fault of a secret or a URL, or None if it is valid."""
    if value and not value.strip(" \t\r\n\ufeff"):
        return "is blank"
    if "\ufeff" in value:
        return "contains a byte order mark"
    if value.strip("\r\n") != value:
        return "starts or ends with a line break"
    if value.strip() != value:
        return "starts or ends with a blank"
    if any(not char.isprintable() for char in value):
        return "contains a line break or another control character"
    return None


def find_credential_flaw(value: str) -> str | None:
    """Return the fault of a key or a token in a header, or None if it is valid."""
    if flaw := find_flaw(value):
        return flaw
    if value[:1] in {'"', "'"} and value[-1:] == value[:1]:
        return "is in quotes, which would be part of the value"
    if not value.isascii() or " " in value:
        return "contains a blank or a character that is invalid in a header"
    return None


def list_credential_flaws(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each invalid AWS credential in the environment."""
    for name, value in sorted(environment.items()):
        if _CREDENTIAL_NAMES.fullmatch(name) and (flaw := find_credential_flaw(value)):
            yield f"{name} {flaw}: correct or unset {name}"


def list_setting_flaws(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each invalid webhook secret or proxy in the environment."""
    for name, value in sorted(environment.items()):
        if name == "RECONCILER_WEBHOOK_SECRET" and (flaw := find_flaw(value)):
            yield f"{name} {flaw}: set {name} to the secret of the webhook, or unset it"
        elif is_proxy(name) and (flaw := find_flaw(value) or _find_login_flaw(value)):
            yield f"{name} {flaw}: correct or unset {name}"


def _find_login_flaw(proxy: str) -> str | None:
    login = proxy.partition("://")[2] or proxy
    if any(char in login.rpartition("@")[0] for char in "/?#"):
        return "contains /, ? or # in its login, which ends the login: write %2F, %3F or %23 instead"
    return None
