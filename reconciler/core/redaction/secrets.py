"""The secrets of a process, in every spelling that a foreign text may give them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

LEAST = 4
"""Characters: a shorter secret is not looked for: it would blank ordinary words. URLs hide their logins anyway."""
RUN = 8
"""Characters: so long a part of a secret is hidden too, because libraries cut texts. A shorter secret counts whole."""

_TOKEN = 16
"""Characters: a user's name as long as this may be a token with a filler for its password."""
_PROXY = re.compile(r"(?:https?|ftp|all)_proxy", re.IGNORECASE)
_OURS = frozenset(("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "RECONCILER_WEBHOOK_SECRET"))
_NAMES = re.compile(r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|API_?KEY|PRIVATE_?KEY|AUTHORIZATION", re.IGNORECASE)
_NO_NAMES = re.compile(
    r".*_(?:FILE|PATH|DIR|URI|URL|ID|ARN|NAME|USER|USERNAME|TYPE|HELPER|PROFILE|REGION|EXPIRATION|TTL|STORE|BACKEND"
    r"|PROVIDER|VERSION)",
    re.IGNORECASE,
)
# What stands where nobody needs a secret, and options of receivers. To hide such a word would only tell which it is.
_WORDS = frozenset(
    (
        "anonymous", "changeme", "default", "demo", "dummy", "example", "fake", "guest", "local", "localhost",
        "localstack", "markdown", "minioadmin", "mock", "none", "null", "oauth2", "password", "placeholder",
        "sandbox", "secret", "test", "testing", "token", "true", "false", "truncate", "upstream", "user",
        "x-access-token", "x-oauth-basic",
    )
)  # fmt: skip
# Regions, ARNs, times and paths: AWS and the system name those in each other line, as others' variables do
_PUBLIC = re.compile(
    r"[a-z]{2}(?:-[a-z]+)+-\d|arn:[a-z-]+:.*|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|/(?:etc|home|mnt|opt|root|run|srv|tmp|usr|var)/.*"
)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s'\"]+)")
# Where the scheme is mistyped: http//user:password@host
_ALONE = re.compile(r"(?:^|[/\s'\"=])([^\s/@'\":=]++:[^\s/@'\"]++)@")
_HEADER = re.compile(r"authorization:\s*(?:[A-Za-z]+\s+)?([^\s'\"]+)", re.IGNORECASE)
_CUTS = re.compile(r"[/?#@:\s]+")
_PARTS = re.compile(r"[?&](?:[\w+-]+=)?|[/#@:]")  # of a URL; the names in its query are options of apprise
_WITH_HOST = frozenset(("http", "https", "json", "jsons", "xml", "xmls", "form", "forms", "ntfy", "ntfys"))


@dataclass(frozen=True, slots=True)
class Secrets:
    """Texts that must not be shown, lower-cased: those that count `whole` only, and those of which each long part does.

    `user:` and a part of its password are looked for whole, so that the user alone is not.
    """

    whole: frozenset[str] = field(default=frozenset(), repr=False)
    long: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, *values: str) -> Secrets:
        """Return secrets that stand for themselves: keys, tokens and passwords."""
        found = {each.strip() for value in values for each in (value, *value.splitlines())}
        return cls._sorted(found | {spelled for each in found for spelled in _encoded(each)})

    @classmethod
    def of_login(cls, login: str) -> Secrets:
        """Return what is secret in the `user:password` of a URL, as it stands there and decoded."""
        user, has_password, password = login.partition(":")
        if not has_password:
            return cls.of(user, unquote(user))
        alone = [password, unquote(password), unquote_plus(password), *([user] if len(user) >= _TOKEN else [])]
        known = cls.of(*(each for each in alone if not is_public(each)))
        pairs = {f"{unquote(user)}:{unquote(password)}", login}
        whole = pairs | {f"{user}:{part}" for part in _CUTS.split(password)[:1] if part}
        whole |= {part for part in _CUTS.split(password) if not is_public(part)}
        basic = {base64.b64encode(pair.encode(errors="replace")).decode().rstrip("=") for pair in pairs}
        return known | cls(_lower(each for each in whole if len(each) >= LEAST), _lower(basic))

    @classmethod
    def of_text(cls, text: str, *, is_proxy: bool = False) -> Secrets:
        """Return what is secret in the URLs of a text: their logins."""
        found = cls()
        for login in _logins(text, is_proxy=is_proxy):
            found |= cls.of_login(login)
        return found

    @classmethod
    def of_receivers(cls, urls: str) -> Secrets:
        """Return what is secret in URLs of apprise: each part but the scheme, and the host where there is one."""
        parts: list[str] = []
        for url in urls.split():
            scheme, _, rest = url.partition("://")
            host = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
            public = {"localhost"} | ({host, host.partition(":")[0]} if scheme.lower() in _WITH_HOST else set())
            found = map(unquote, _PARTS.split(rest))
            parts += [part for part in found if len(part) >= RUN and part not in public and not is_public(part)]
        return cls.of(*parts) | cls.of_text(urls)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Secrets:
        """Return what is secret in variables: those whose name says so, and the logins and headers of all others."""
        found = cls()
        for name, value in environment.items():
            named = len(value) >= RUN and _NAMES.search(name) and not _NO_NAMES.fullmatch(name)
            if (name in _OURS or named) and not is_public(value):
                found |= cls.of(value)
            if name == "RECONCILER_NOTIFY_URLS":
                found |= cls.of_receivers(value)
            elif is_proxy(name) or "@" in value:
                found |= cls.of_text(value, is_proxy=is_proxy(name))
            found |= cls.of(*_HEADER.findall(value))
        return found

    @classmethod
    def _sorted(cls, values: Iterable[str]) -> Secrets:
        known = _lower(value for value in values if len(value) >= LEAST)
        return cls(frozenset(each for each in known if len(each) < RUN), frozenset(e for e in known if len(e) >= RUN))

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(self.whole | other.whole, self.long | other.long)


def is_proxy(name: str) -> bool:
    """Tell whether a variable names a proxy to git, curl and Python."""
    return bool(_PROXY.fullmatch(name))


def is_public(value: str) -> bool:
    """Tell whether a value is none that could be secret, whatever it is given for."""
    return value in _WORDS or bool(_PUBLIC.fullmatch(value))


def lower(text: str) -> str:
    """Return a text whose ASCII letters are small, and that is as long as before: libraries lower-case hosts."""
    return text.translate(_SMALL)


_SMALL = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lower(values: Iterable[str]) -> frozenset[str]:
    return frozenset(map(lower, values))


def _logins(text: str, *, is_proxy: bool) -> Iterator[str]:
    """Yield the logins of the URLs in a text; a proxy may lack its scheme, and may hold any character in its login."""
    found = [(scheme.lower(), rest) for scheme, rest in _URL.findall(text)]
    if is_proxy and "://" not in text:
        found = [("http", text.removeprefix("//"))]
    yield from (login for login in _ALONE.findall(text) if not is_public(login))
    for scheme, rest in found:
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        cut = ":" in authority and "@" not in authority and not authority.rpartition(":")[2].isdecimal()
        login = (rest if is_proxy or cut else authority).rpartition("@")[0]
        if login and not (scheme in {"ssh", "git+ssh"} and ":" not in login):
            yield login


def _encoded(value: str) -> Iterator[str]:
    """Yield what base64 makes of a secret, wherever in a longer text it stands, without what its neighbours decide."""
    for before, start in ((0, 0), (1, 2), (2, 3)):
        content = b"\0" * before + value.encode(errors="replace")
        coded = base64.b64encode(content).decode().rstrip("=")
        inner = coded[start : len(coded) - bool(len(content) % 3)]
        if len(inner) >= RUN:
            yield inner
            yield inner.translate({ord("+"): "-", ord("/"): "_"})
