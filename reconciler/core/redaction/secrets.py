"""Collect the secrets of a process, in each spelling that foreign text may use."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

MIN_SECRET_LENGTH = 4
"""Minimum length of a secret, in characters. A shorter one would redact ordinary words.

A login in a URL is redacted at any length.
"""
MIN_PART_LENGTH = 8
"""Minimum length of a part of a secret to redact, in characters, because libraries cut texts.

A shorter secret is redacted only as a whole.
"""

_MIN_TOKEN_LENGTH = 16
"""Length, in characters, from which a user name may be a token, with a placeholder as password."""
_PROXY_NAMES = re.compile(r"(?:https?|ftp|all)_proxy", re.IGNORECASE)
_SECRET_VARIABLES = frozenset(
    ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "RECONCILER_WEBHOOK_SECRET")
)
_SECRET_NAMES = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|API_?KEY|PRIVATE_?KEY|AUTHORIZATION", re.IGNORECASE
)
_PUBLIC_NAMES = re.compile(
    r".*_(?:FILE|PATH|DIR|URI|URL|ID|ARN|NAME|USER|USERNAME|TYPE|HELPER|PROFILE|REGION|EXPIRATION|TTL|STORE|BACKEND"
    r"|PROVIDER|VERSION)",
    re.IGNORECASE,
)
# Placeholders for secrets, and options of receivers. Redacting such a word would only reveal it.
_PUBLIC_WORDS = frozenset(
    (
        "anonymous", "changeme", "default", "demo", "dummy", "example", "fake", "guest", "local", "localhost",
        "localstack", "markdown", "minioadmin", "mock", "none", "null", "oauth2", "password", "placeholder",
        "sandbox", "secret", "test", "testing", "token", "true", "false", "truncate", "upstream", "user",
        "x-access-token", "x-oauth-basic",
    )
)  # fmt: skip
# Regions, ARNs, times and paths: they are common in messages of AWS and the system, and in variables.
_PUBLIC_VALUES = re.compile(
    r"[a-z]{2}(?:-[a-z]+)+-\d|arn:[a-z-]+:.*|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|/(?:etc|home|mnt|opt|root|run|srv|tmp|usr|var)/.*"
)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s'\"]+)")
# a login after a mistyped scheme: http//user:password@host
_LOGIN_WITHOUT_SCHEME = re.compile(r"(?:^|[/\s'\"=])([^\s/@'\":=]++:[^\s/@'\"]++)@")
_HEADER = re.compile(r"authorization:\s*(?:[A-Za-z]+\s+)?([^\s'\"]+)", re.IGNORECASE)
_PASSWORD_SEPARATORS = re.compile(r"[/?#@:\s]+")
_URL_SEPARATORS = re.compile(r"[?&](?:[\w+-]+=)?|[/#@:]")  # in a URL; the names in its query are options of apprise
_SCHEMES_WITH_HOST = frozenset(("http", "https", "json", "jsons", "xml", "xmls", "form", "forms", "ntfy", "ntfys"))


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets in lower case. Those in `whole` are redacted only as a whole, those in `long` also in long parts.

    `whole` includes `user:` with a part of its password, because the user alone is public.
    """

    whole: frozenset[str] = field(default=frozenset(), repr=False)
    long: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def from_values(cls, *values: str) -> Secrets:
        """Return secrets from plain values: keys, tokens and passwords."""
        texts = {each.strip() for value in values for each in (value, *value.splitlines())}
        return cls._classify(texts | {encoding for each in texts for encoding in _encode_base64(each)})

    @classmethod
    def from_login(cls, login: str) -> Secrets:
        """Return the secrets in the `user:password` of a URL, encoded and decoded."""
        user, has_password, password = login.partition(":")
        if not has_password:
            return cls.from_values(user, unquote(user))
        candidates = [
            password,
            unquote(password),
            unquote_plus(password),
            *([user] if len(user) >= _MIN_TOKEN_LENGTH else []),
        ]
        secrets = cls.from_values(*(each for each in candidates if not is_public(each)))
        pairs = {f"{unquote(user)}:{unquote(password)}", login}
        whole = pairs | {f"{user}:{part}" for part in _PASSWORD_SEPARATORS.split(password)[:1] if part}
        whole |= {part for part in _PASSWORD_SEPARATORS.split(password) if not is_public(part)}
        basic = {base64.b64encode(pair.encode(errors="replace")).decode().rstrip("=") for pair in pairs}
        return secrets | cls(_lower_all(each for each in whole if len(each) >= MIN_SECRET_LENGTH), _lower_all(basic))

    @classmethod
    def from_text(cls, text: str, *, is_proxy: bool = False) -> Secrets:
        """Return the secrets in the logins of the URLs in a text."""
        secrets = cls()
        for login in _find_logins(text, is_proxy=is_proxy):
            secrets |= cls.from_login(login)
        return secrets

    @classmethod
    def from_receiver_urls(cls, urls: str) -> Secrets:
        """Return the secrets in URLs of apprise: each part except the tags, the scheme and the host."""
        parts: list[str] = []
        for url in urls.split():
            tagged_scheme, _, rest = url.partition("://")
            scheme = tagged_scheme.rpartition("=")[2]
            host = re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
            public_parts = {"localhost"} | (
                {host, host.partition(":")[0]} if scheme.lower() in _SCHEMES_WITH_HOST else set()
            )
            url_parts = map(unquote, _URL_SEPARATORS.split(rest))
            parts += [
                part
                for part in url_parts
                if len(part) >= MIN_PART_LENGTH and part not in public_parts and not is_public(part)
            ]
        return cls.from_values(*parts) | cls.from_text(urls)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Secrets:
        """Return the secrets in variables: values with a secret name, and logins and headers in the other values."""
        secrets = cls()
        for name, value in environment.items():
            is_secret_name = (
                len(value) >= MIN_PART_LENGTH and _SECRET_NAMES.search(name) and not _PUBLIC_NAMES.fullmatch(name)
            )
            if (name in _SECRET_VARIABLES or is_secret_name) and not is_public(value):
                secrets |= cls.from_values(value)
            if name == "RECONCILER_NOTIFY_URLS":
                secrets |= cls.from_receiver_urls(value)
            elif is_proxy(name) or "@" in value:
                secrets |= cls.from_text(value, is_proxy=is_proxy(name))
            secrets |= cls.from_values(*_HEADER.findall(value))
        return secrets

    @classmethod
    def _classify(cls, values: Iterable[str]) -> Secrets:
        texts = _lower_all(value for value in values if len(value) >= MIN_SECRET_LENGTH)
        return cls(
            frozenset(each for each in texts if len(each) < MIN_PART_LENGTH),
            frozenset(e for e in texts if len(e) >= MIN_PART_LENGTH),
        )

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(self.whole | other.whole, self.long | other.long)


def is_proxy(name: str) -> bool:
    """Tell whether a variable sets a proxy for git, curl and Python."""
    return bool(_PROXY_NAMES.fullmatch(name))


def is_public(value: str) -> bool:
    """Tell by its form whether a value is public and cannot be a secret."""
    return value in _PUBLIC_WORDS or bool(_PUBLIC_VALUES.fullmatch(value))


def lower_ascii(text: str) -> str:
    """Return a text of the same length with lower-case ASCII letters, because libraries lower-case hosts."""
    return text.translate(_LOWER_CASE)


_LOWER_CASE = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lower_all(values: Iterable[str]) -> frozenset[str]:
    return frozenset(map(lower_ascii, values))


def _find_logins(text: str, *, is_proxy: bool) -> Iterator[str]:
    """Yield the logins of the URLs in a text. A proxy may lack its scheme and may have any character in its login."""
    urls = [(scheme.lower(), rest) for scheme, rest in _URL.findall(text)]
    if is_proxy and "://" not in text:
        urls = [("http", text.removeprefix("//"))]
    yield from (login for login in _LOGIN_WITHOUT_SCHEME.findall(text) if not is_public(login))
    for scheme, rest in urls:
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        is_cut = ":" in authority and "@" not in authority and not authority.rpartition(":")[2].isdecimal()
        login = (rest if is_proxy or is_cut else authority).rpartition("@")[0]
        if login and not (scheme in {"ssh", "git+ssh"} and ":" not in login):
            yield login


def _encode_base64(value: str) -> Iterator[str]:
    """Yield the base64 encodings of a secret in a longer text, one for each offset modulo 3.

    They lack the characters at both ends that depend on the neighbours of the secret.
    """
    for offset, start in ((0, 0), (1, 2), (2, 3)):
        content = b"\0" * offset + value.encode(errors="replace")
        encoding = base64.b64encode(content).decode().rstrip("=")
        inner = encoding[start : len(encoding) - bool(len(content) % 3)]
        if len(inner) >= MIN_PART_LENGTH:
            yield inner
            yield inner.translate({ord("+"): "-", ord("/"): "_"})
