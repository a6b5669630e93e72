"""Remove the login from a URL, because every user of the machine can read the arguments of git and its children."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_to_bytes

from reconciler.core.errors import InvalidReference
from reconciler.edge.git.arguments import redact_url
from reconciler.edge.git.credentials import Credentials, build_credential_config

_USER, _PASSWORD = "RECONCILER_LOGIN_USER", "RECONCILER_LOGIN_PASSWORD"
# A credential helper that stores nothing (https://git-scm.com/docs/gitcredentials, "Custom helpers"). The printf of the
# shell is built in and starts no process, so other users cannot read its arguments.
_HELPER = f'!f() {{ if test "$1" = get; then printf "username=%s\\npassword=%s\\n" "${_USER}" "${_PASSWORD}"; fi; }}; f'


@dataclass(frozen=True, slots=True)
class RepositoryUrl:
    """The URL of a repository. Messages show `repository_name`. A login may be a user without a password."""

    url: str
    repository_name: str
    scheme: str
    site: str = ""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    credentials: Credentials = field(default_factory=Credentials)

    @classmethod
    def parse(cls, url: str, credentials: Credentials) -> RepositoryUrl:
        """Return a parsed URL or `host:path`.

        Raises InvalidReference for a login that git cannot use, and for credentials that do not fit the protocol.
        """
        address = replace(cls._parse(url), credentials=credentials)
        credentials.check(address.scheme, address.user)
        return address

    @classmethod
    def _parse(cls, url: str) -> RepositoryUrl:
        repository_name = redact_url(url)
        scheme, separator, rest = url.partition("://")
        if not separator or "/" in scheme:
            host, _, path = url.partition(":")
            if "@" in path and "@" not in host:
                raise _build_error(
                    repository_name,
                    "ssh does not accept a password in a URL: use a key; write an @ in the path as ssh://HOST/%40",
                )
            return cls(url, repository_name, "ssh")
        if scheme == "file":
            return cls(url, repository_name, scheme)
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        path = rest.removeprefix(authority)
        login, _, host = authority.rpartition("@")
        user, has_password, password = login.partition(":")
        if "@" in path:
            raise _build_error(
                repository_name, "the URL has an @ after the host: write @ as %40, and a / in the password as %2F"
            )
        if scheme in {"http", "https"} and login:
            decoded_password = _decode_login(password, repository_name) if has_password else None
            return cls(
                f"{scheme}://{host}{path}",
                repository_name,
                scheme,
                f"{scheme}://{host}",
                _decode_login(user, repository_name),
                decoded_password,
            )
        if has_password:
            raise _build_error(
                repository_name, f"{scheme} does not accept a password in a URL{': use a key' * (scheme == 'ssh')}"
            )
        return cls(url, repository_name, scheme, f"{scheme}://{host}")

    def build_environment(self, caller_environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return variables that pass the login to git, in addition to the configuration in `caller_environment`."""
        if self.user is None:
            return self.credentials.build_environment(self.site, caller_environment)
        if self.password is None:  # the user's own credential helpers supply it
            return build_credential_config(caller_environment, self.site, [("username", self.user)], {})
        # The empty helper clears the list, so that no other helper is called or stores the password.
        secrets = {_USER: self.user, _PASSWORD: self.password}
        return build_credential_config(caller_environment, self.site, [("helper", ""), ("helper", _HELPER)], secrets)


def _decode_login(text: str, repository_name: str) -> str:
    decoded = os.fsdecode(unquote_to_bytes(os.fsencode(text)))
    if any(char in decoded for char in "\0\r\n"):
        raise _build_error(repository_name, "the login has a line break or a NUL, which git does not accept")
    return decoded


def _build_error(repository_name: str, why: str) -> InvalidReference:
    return InvalidReference(f"repository '{repository_name}': {why}")
