"""Explain failures to get credentials: each error names the source, the profile and the remedy.

botocore gets credentials when it signs a request. Without this module, an error of STS, of a file or of a process would
look like the answer to that request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import botocore.session
from botocore import exceptions
from botocore.exceptions import ClientError, HTTPClientError, SSOError, TokenRetrievalError
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.parsers import ResponseParserError

from reconciler import redaction
from reconciler.core.errors import ClockSkewed, CloudError, Throttled, Unauthenticated, Unreachable
from reconciler.core.redaction.invalid_settings import find_credential_flaw
from reconciler.edge.aws.errors import get_answer, translate_errors

_NAMES = {
    "assume-role": "a role",
    "assume-role-with-web-identity": "a role with a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)",
    "config-file": "the config file",
    "container-role": "the container service (AWS_CONTAINER_CREDENTIALS_*, AWS_CONTAINER_AUTHORIZATION_TOKEN*)",
    "custom-process": "credential_process",
    "env": "the environment",
    "iam-role": "the instance metadata service",
    "login": "aws login",
    "shared-credentials-file": "the credentials file",
    "sso": "IAM Identity Center",
}
_LoginError: Any = getattr(exceptions, "LoginError", ())  # raised for `aws login`; older botocore versions lack it
_NETWORK_ERRORS = (BotocoreConnectionError, HTTPClientError, ClientError, ResponseParserError)
_MAX_LENGTH = 500
"""Maximum characters of an error, which may quote a page of a proxy."""
_TRUST = "let the trust policy of the role allow this caller, and allow the caller sts:AssumeRole on the role"


def explain_failures(session: botocore.session.Session) -> None:
    """Make each source of credentials of a session explain its failures, at the first load and at each refresh.

    Each failure is a CloudError that was raised before the request was sent. This sets private members of botocore,
    which has no public ones for it.
    """
    chain: Any = session.get_component("credential_provider")
    for provider in chain.providers:
        source = _Source(provider.METHOD, session)
        provider.load = partial(source.load, provider.load)


def require_valid(values: Mapping[str, Any], source: str) -> None:
    """Reject credentials with characters that a header cannot contain. Raises Unauthenticated.

    The error names only the invalid member. Without this check, urllib3 would show its value in an error.
    """
    for member in ("access_key", "secret_key", "token"):
        value = values.get(member)
        if isinstance(value, str) and (problem := find_credential_flaw(value)):
            raise Unauthenticated(f"the {member} of the credentials that boto3 found ({source}) {problem}")


def _require_keys(values: Mapping[str, Any], prefix: str, expires_at: datetime) -> None:
    """Reject temporary keys that are no texts, and an expiry without a time zone. Raises Unauthenticated."""
    for member in ("access_key", "secret_key", "token"):
        if not isinstance(values[f"{prefix}{member}"], str | None if member == "token" else str):
            raise Unauthenticated(f"the {member} that it gave is not a text")
    if expires_at.tzinfo is None:
        raise Unauthenticated("the expiry that it gave has no time zone")


@dataclass(frozen=True, slots=True)
class _Source:
    """A source of credentials, by the name that botocore gives it."""

    method: str
    session: botocore.session.Session

    def load(self, load_credentials: Callable[[], Any]) -> Any:
        """Return the credentials of the source, or None if it is not configured. Raises CloudError."""
        with self._explain():
            credentials = load_credentials()
            if expires_at := getattr(credentials, "_expiry_time", None):
                _require_keys(vars(credentials), "_", expires_at)
        if refresh := getattr(credentials, "_refresh_using", None):
            credentials._refresh_using = partial(  # noqa: SLF001 - see explain_failures
                self._refresh,
                refresh,
                credentials._time_fetcher,  # noqa: SLF001 - see explain_failures
            )
        return credentials

    def _refresh(self, get_metadata: Callable[[], Any], get_time: Callable[[], datetime]) -> Any:
        """Return new credentials as botocore's mapping. Raises CloudError."""
        with self._explain():
            metadata = get_metadata()
            if not metadata:
                raise Unauthenticated("it gave no credentials")
            expires_at = datetime.fromisoformat(metadata["expiry_time"])
            _require_keys(metadata, "", expires_at)
            now = get_time()
            if expires_at <= now:
                raise Unauthenticated(
                    f"the credentials that it gave expired at {expires_at.isoformat()}, and the clock of this machine "
                    f"shows {now.isoformat(timespec='seconds')}: renew them at their source, or set the clock"
                )
            require_valid(metadata, self.method)
        return metadata

    @contextmanager
    def _explain(self) -> Iterator[None]:
        """Turn an error of the block into a CloudError that names the source, the profile and the remedy."""
        profile = redaction.redact(self.session.profile or "")
        name = _NAMES.get(self.method, self.method)
        try:
            with translate_errors(f"credentials from {name}" + (f" (profile {profile!r})" if profile else "")):
                yield
        except (Throttled, ClockSkewed):
            raise
        except CloudError as error:
            cause = error.__cause__
            if isinstance(error, Unreachable) and isinstance(cause, _NETWORK_ERRORS):
                raise
            text = str(error).rstrip(".")
            text = text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"
            raise Unauthenticated(f"{text}{self._format_remedy(cause)}") from error

    def _format_remedy(self, cause: BaseException | None) -> str:
        """Return the remedy of an error as the end of a line, or an empty string."""
        if isinstance(cause, SSOError | TokenRetrievalError):
            return f"; run aws sso login --profile {redaction.redact(self._find_sso_profile())}"
        if isinstance(cause, exceptions.PartialCredentialsError):
            return "; set both keys, or neither"
        if isinstance(cause, _LoginError):
            return f"; run aws login --profile {redaction.redact(self.session.profile or 'default')}"
        if isinstance(cause, ClientError) and get_answer(cause).get("Error", {}).get("Code") == "AccessDenied":
            return f"; {_TRUST}"
        return ""

    def _find_sso_profile(self) -> str:
        """Return the profile with the settings of IAM Identity Center: the profile, or a source_profile of it."""
        name = first_name = self.session.profile or "default"
        profiles: Mapping[str, Any] = self.session.full_config.get("profiles", {})
        for _ in profiles:
            if "sso_account_id" in profiles.get(name, {}):
                return name
            name = profiles.get(name, {}).get("source_profile", name)
        return first_name
