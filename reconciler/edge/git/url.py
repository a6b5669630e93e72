"""Takes the login out of a URL: arguments are for all on the machine to read, those of what git starts as well."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_to_bytes

from reconciler.core.errors import Misnamed
from reconciler.edge.git.arguments import shown
from reconciler.edge.git.credentials import Credentials, configured

_USER, _PASSWORD = "RECONCILER_LOGIN_USER", "RECONCILER_LOGIN_PASSWORD"
# It answers git (https://git-scm.com/docs/gitcredentials, "Custom helpers"), and keeps nothing. Shells have a printf of
# their own: that is no program with arguments.
_HELPER = f'!f() {{ if test "$1" = get; then printf "username=%s\\npassword=%s\\n" "${_USER}" "${_PASSWORD}"; fi; }}; f'


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is on the network; `where` is how messages show it. A user may have no password here."""

    url: str
    where: str
    scheme: str
    site: str = ""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    credentials: Credentials = field(default_factory=Credentials)

    @classmethod
    def of(cls, url: str, credentials: Credentials) -> Address:
        """Return the address in a URL or in `host:path`.

        Raises Misnamed for a login that git could not take, and for credentials that are of no use there.
        """
        address = replace(cls._of(url), credentials=credentials)
        credentials.check(address.scheme, address.user)
        return address

    @classmethod
    def _of(cls, url: str) -> Address:
        where = shown(url)
        scheme, separator, rest = url.partition("://")
        if not separator or "/" in scheme:
            host, _, path = url.partition(":")
            if "@" in path and "@" not in host:
                raise _misnamed(
                    where, "ssh takes no password from a URL: use a key; for an @ in a path write ssh://HOST/%40"
                )
            return cls(url, where, "ssh")
        if scheme == "file":
            return cls(url, where, scheme)
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        path = rest.removeprefix(authority)
        login, _, host = authority.rpartition("@")
        user, has_password, password = login.partition(":")
        if "@" in path:
            raise _misnamed(where, "has an @ behind the host: write %40 for it, and in a password %2F for /")
        if scheme in {"http", "https"} and login:
            known = _decoded(password, where) if has_password else None
            return cls(f"{scheme}://{host}{path}", where, scheme, f"{scheme}://{host}", _decoded(user, where), known)
        if has_password:
            raise _misnamed(where, f"{scheme} takes no password from a URL{': use a key' * (scheme == 'ssh')}")
        return cls(url, where, scheme, f"{scheme}://{host}")

    def environment(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Return the variables that hand the login to git, after what the given ones configure."""
        if self.user is None:
            return self.credentials.environment(self.site, given)
        if self.password is None:  # the person's own helpers know it
            return configured(given, self.site, [("username", self.user)], {})
        # No others are asked first, and none is told to keep it.
        secrets = {_USER: self.user, _PASSWORD: self.password}
        return configured(given, self.site, [("helper", ""), ("helper", _HELPER)], secrets)


def _decoded(text: str, where: str) -> str:
    decoded = os.fsdecode(unquote_to_bytes(os.fsencode(text)))
    if any(char in decoded for char in "\0\r\n"):
        raise _misnamed(where, "has a line end or a NUL in its login, and git takes none")
    return decoded


def _misnamed(where: str, why: str) -> Misnamed:
    return Misnamed(f"repository '{where}': {why}")
