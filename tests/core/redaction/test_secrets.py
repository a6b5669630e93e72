"""Redaction: every spelling of a secret is hidden, ordinary words stay, and invalid settings are named."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.redaction.invalid_settings import (
    find_credential_flaw,
    find_flaw,
    list_credential_flaws,
    list_setting_flaws,
)
from reconciler.core.redaction.redact import MAX_LINE_LENGTH, SecretIndex, redact
from reconciler.core.redaction.redact import hide as hide_known
from reconciler.core.redaction.secrets import MIN_PART_LENGTH, Secrets

SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=MIN_PART_LENGTH, max_size=60).filter(
    lambda text: text.split() == [text]
)
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: quote(quote(text, safe=""), safe=""),
    json.dumps,
    html.escape,
    lambda text: repr(text.encode()),
    lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    lambda text: base64.b64encode(f"me:{text}!".encode()).decode(),
    lambda text: base64.urlsafe_b64encode(f"u:{text}".encode()).decode(),
)


def redact_text(text: str, secrets: Secrets) -> str:
    """Return the text without these secrets."""
    return redact(text, SecretIndex.build(secrets.whole, secrets.long))


@given(SECRETS, st.sampled_from(SPELLINGS))
def test_every_encoding_of_a_secret_is_hidden(secret: str, encode: Callable[[str], str]) -> None:
    """Escaped and base64-encoded secrets are hidden, including every part of MIN_PART_LENGTH characters."""
    encoded = encode(secret) if encode is not str.upper or secret.isascii() else secret
    redacted = redact_text(f"it said {encoded} there", Secrets.from_values(secret))
    assert all(secret[at : at + MIN_PART_LENGTH] not in redacted for at in range(len(secret) - MIN_PART_LENGTH + 1))
    assert encoded not in redacted
    assert "***" in redacted


@pytest.mark.parametrize(
    ("secret", "encode"),
    [("00000<\\f", html.escape), ("a%41b<\\cde", json.dumps), ("a&lt;b%41c\\f", json.dumps)],
)
def test_secret_that_looks_escaped_is_hidden(secret: str, encode: Callable[[str], str]) -> None:
    """A secret that contains what looks like an escape of another kind is hidden in its escaped form, too."""
    encoded = encode(secret).strip('"')
    assert redact_text(f"it said {encoded} there", Secrets.from_values(secret)) == "it said *** there"


@given(SECRETS, st.data())
def test_truncated_secret_is_hidden(secret: str, data: st.DataObject) -> None:
    """Any part of a secret with at least MIN_PART_LENGTH characters is hidden."""
    start = data.draw(st.integers(0, len(secret) - MIN_PART_LENGTH))
    part = secret[start : data.draw(st.integers(start + MIN_PART_LENGTH, len(secret)))]
    assert part not in redact_text(f"<{part}…", Secrets.from_values(secret))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Failed to parse: 'user:PASS' is not a valid host", "Failed to parse: '***' is not a valid host"),
        ("PASS#1", "***"),
        ("PASS%231", "***"),
        ("1:PASS", "1:***"),
        ("passed, and bypass", "passed, and bypass"),
        ("PASS passed", "*** passed"),
    ],
)
def test_login_in_a_truncated_url_is_hidden(text: str, expected: str) -> None:
    """A login that a # cuts is hidden. A short password is hidden only as a whole word."""
    assert redact_text(text, Secrets.from_text("http://user:PASS#1@127.0.0.1:9", is_proxy=True)) == expected


@pytest.mark.parametrize(
    ("proxy", "password"),
    [("user:PASSWORD@proxy:3128", "PASSWORD"), ("//u:PASSWORD@proxy", "PASSWORD"),
     ("socks5://u:PASSWORD@p", "PASSWORD"),
     ("http://ghp_0123456789abcdef@p", "ghp_0123456789abcdef"), ("http://ghp_0123456789abcdef:x@p",
     "ghp_0123456789abcdef"),
     ("http://u:PASS%57ORD@p", "PASSWORD")],
)  # fmt: skip
def test_proxy_login_is_a_secret(proxy: str, password: str) -> None:
    """The login of a proxy is secret with or without a scheme, as a password, as a token, and decoded."""
    secrets = Secrets.from_environment({"http_proxy": proxy, "NO_PROXY": "localhost"})
    assert password not in redact_text(f"cannot use {password} here", secrets)


def test_variables_are_secret_by_name_and_content() -> None:
    """Credentials, tokens, logins and headers are secret. File names, ids and short foreign values are not."""
    secrets = Secrets.from_environment({
        "AWS_SECRET_ACCESS_KEY": "secretkey", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "GITHUB_TOKEN": "githubtoken",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token", "MY_TOKEN": "short", "RECONCILER_WEBHOOK_SECRET": "hook",
        "RECONCILER_GIT_URL": "https://me:gitpassword@host/x", "GIT_CONFIG_VALUE_0": "Authorization: Basic aGVhZGVyczo",
        "RECONCILER_NOTIFY_URLS": "slack://TokenAAAA/TokenBBBB/TokenCCC==?key=TokenDDDD "
        "json://localhost:80/hookhookhook ntfys://a.example/topictopic "
        "problems,writes=ntfys://b.example/tagged-topic completions=json://loginname:tagged-pass@c.example/x",
        "SSH": "ssh://longusername@host/x", "PLAIN": "https://host.example/@path",
        "TOOL": "/usr/bin/tool https://me:toolpassword@host", "AWS_ENDPOINT_URL": "http//me:lostcolon@host",
        "RECONCILER_STATE": "s3:/me:lostslash@host", "ROLE": "arn:aws:sts::1:assumed-role/R/me@x.org",
    })  # fmt: skip
    for each in ("secretkey", "githubtoken", "hook", "gitpassword", "aGVhZGVyczo", "TokenAAAA", "TokenBBBB",
                 "TokenCCC==", "TokenDDDD", "lostcolon", "lostslash",
                 "hookhookhook", "topictopic", "toolpassword", "tagged-topic", "tagged-pass"):  # fmt: skip
        assert redact_text(f"is {each}", secrets) == "is ***", each
    for each in (
        "AKIAEXAMPLE",
        "/var/run/token",
        "short",
        "localhost",
        "a.example",
        "longusername",
        "host.example",
        "b.example",
        "c.example",
        "problems",
        "writes",
        "completions",
    ):
        assert redact_text(f"is {each}", secrets) == f"is {each}"


def test_short_values_are_not_hidden() -> None:
    """A value of three characters is not hidden, except in the login of a URL."""
    secrets = Secrets.from_values("is", "abc") | Secrets.from_login("a:b")
    assert redact_text("abc is https://a:b@host", secrets) == "abc is https://***@host"


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "localstack"},
        {"AWS_SECRET_ACCESS_KEY": "east", "RECONCILER_WEBHOOK_SECRET": "exports"},
        {"AWS_SECRET_ACCESS_KEY": "us-east-1"},
        {"RECONCILER_WEBHOOK_SECRET": "short pass phrase"},
        {"DB_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db", "CI_TOKEN_STORE": "an account"},
        {"DB_SECRET": "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"},
        {"AWS_CREDENTIAL_EXPIRATION": "2026-11-27T12:00:00Z", "OTHER_CREDENTIAL": "2026-11-27T12:00:00+00:00"},
        {"GOOGLE_APPLICATION_CREDENTIALS": "/var/run/secrets/key.json"},
        {"RECONCILER_NOTIFY_URLS": "sns://AKIA/abcdefghij/us-east-1?format=markdown&overflow=truncate"},
        {"RECONCILER_GIT_URL": "https://oauth2:token@git.example/x", "HTTPS_PROXY": "http://user:password@proxy:1"},
    ],
)
def test_ordinary_words_regions_and_buckets_are_not_hidden(environment: dict[str, str]) -> None:
    """Short values, common words and public values do not make other text unreadable."""
    text = (
        "the bucket test.corp-exports.test of account 123456789012 in us-east-1, a localstack, is not east_asia's "
        "(2026-11-27T12:00:00Z): stack overflow while markdown was truncated in /var/run/secrets; user: no token, in "
        "short a phrase, no password"
    )
    assert redact_text(text, Secrets.from_environment(environment)) == text


@pytest.mark.parametrize(
    "text", ["(PASS)", "PASS.", "PASS-", "-PASS: no", "PASS", "it's 'PASS', so", "a PASS b", "=PASS;"]
)
def test_short_secret_is_hidden_as_a_whole_word(text: str) -> None:
    """A short secret is hidden between punctuation, which does not make it part of a longer name."""
    assert redact_text(text, Secrets.from_values("PASS")) == text.replace("PASS", "***")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"Invalid header value b'anything\n'", "Invalid header value ***"),
        ("x-amz-security-token:IQoJ rest", "x-amz-security-token:*** rest"),
        ('"Authorization": "Bearer abc"', '"Authorization": "***"'),
        ('{"Proxy-Authorization": b"abc", n: 1}', '{"Proxy-Authorization": b"***", n: 1}'),
        ("<SecretAccessKey>abc+/=</SecretAccessKey>", "<SecretAccessKey>***</SecretAccessKey>"),
        ('{"Token": "abc+/="}', '{"Token": "***"}'),
        (r"{\"Token\": \"abc+/=\"}", r"{\"Token\": \"***\"}"),
        ("<SessionToken>abc+/=", "<SessionToken>***"),
        (r'b"{\"secretAccessKey\": \"abc\", \"a\": 1}"', r'b"{\"secretAccessKey\": \"***\", \"a\": 1}"'),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=***"),
        ('{"accessToken":"a.b-c","region":"us-east-1"}', '{"accessToken":"***","region":"us-east-1"}'),
        (
            "The security token included in the request is invalid",
            "The security token included in the request is invalid",
        ),
        (
            "InvalidToken: no such token, InvalidIdToken: nor this",
            "InvalidToken: no such token, InvalidIdToken: nor this",
        ),
        ("Signature expired: 20261127T120000Z", "Signature expired: 20261127T120000Z"),
        ("'https://a/?x','https://b/?y'", "'https://a/?***','https://b/?***'"),
        ("https://a:b@c?d", "https://***@c?***"),
        ("Authorization header requires a date", "Authorization header requires a date"),
        ("SignedHeaders=host, Signature=0123abcd", "SignedHeaders=host, Signature=***"),
        ('URL: "https://host/x?a=b&c=d"', 'URL: "https://host/x?***"'),
        ("me:password@host:path", "***@host:path"),
        ("User: arn:aws:sts::1:assumed-role/R/me@x.org", "User: arn:aws:sts::1:assumed-role/R/me@x.org"),
    ],
)
def test_unknown_secret_is_hidden_by_its_context(text: str, expected: str) -> None:
    """A secret that the program does not know, such as an SSO login, is hidden by its context."""
    assert redact_text(text, Secrets()) == expected


def test_own_messages_hide_only_known_secrets() -> None:
    """In a message of this program only known secrets are hidden."""
    message = "AWS_SESSION_TOKEN starts or ends with a blank\nhttps://host/x? 'hookhook'"
    secrets = Secrets.from_values("hookhook")
    assert hide_known(message, SecretIndex.build(secrets.whole, secrets.long)) == message.replace("hookhook", "***")


def test_overlong_line_is_truncated() -> None:
    """A line is cut after MAX_LINE_LENGTH characters."""
    assert redact_text("x" * 100_000, Secrets.from_values("0123456789")) == "x" * MAX_LINE_LENGTH + "…"


@pytest.mark.parametrize(
    "text", ["://", "x://", "'", 'a:"', "'a:", "'a:b", "a:", "/a:", "@'", "?'", " ", "token=", "token\\"]
)
def test_hostile_line_is_searched_in_linear_time(text: str) -> None:
    """No hostile line makes a pattern search the same characters again and again."""
    line = f"{(text * 8000)[:7980]}/@"
    redacted_lines = redact_text("\n".join([line] * 30), Secrets()).split("\n")
    assert len(set(redacted_lines)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 'http://u:p@h://x@y/z' and \"u:p'q@h\"", "at 'http://***@y/z' and \"***@h\""),
        ("a:/u:p@h 'b':\"u:p@h", "a:/u:p@h 'b':\"***@h"),
        ("http://a/b?c='d' https://e://f?g h", "http://a/b?***'d' https://e://f?*** h"),
    ],
)
def test_unknown_secret_is_hidden_by_its_form_and_nothing_else_is(text: str, expected: str) -> None:
    """The logins and queries of URLs are hidden, and the text around them stays."""
    assert redact_text(text, Secrets()) == expected


def test_invalid_escapes_are_left_unchanged() -> None:
    """Invalid surrogate pairs and invalid UTF-8 do no harm."""
    text = r"\ud800 %ff \xff &#0; \n"
    assert redact_text(text, Secrets.from_values("0123456789")) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [(" \n", "is blank"), ("a\n", "line break"), ("\r\na", "line break"), (" a", "blank"),
     ("\ufeffa", "byte order mark"), ("a\tb", "control"),
     ("a\nb", "control"), ('"a"', "quotes"), ("a b", "blank"), ("é", "in a header")],
)  # fmt: skip
def test_credentials_unfit_for_a_header_are_named_and_not_shown(value: str, reason: str) -> None:
    """An invalid credential is reported with its variable and its fault, without its value."""
    (flaw,) = list_credential_flaws({"AWS_SESSION_TOKEN": value, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_PROFILE": value})
    assert flaw.startswith("AWS_SESSION_TOKEN ")
    assert reason in flaw
    assert find_credential_flaw("IQoJb3JpZ2luX2Vj+/==") is None


def test_secret_that_is_encoded_twice_is_hidden() -> None:
    """A percent-encoded secret in an address that is percent-encoded again is hidden."""
    encoded = quote(quote("hunter2/hunter3", safe=""), safe="")
    assert redact_text(f"it said {encoded} there", Secrets.from_values("hunter2/hunter3")) == "it said *** there"


@pytest.mark.parametrize(
    "value", ["http://u:P/1@h", "http://u:P?1@h", "http://u:P#1@h", "u:P#1@h", "http://h:1\n", " http://h"]
)
def test_invalid_proxy_settings_are_named_and_not_shown(value: str) -> None:
    """An invalid proxy is reported without its value, because libraries would show the rest of its login."""
    (flaw,) = list_setting_flaws({"HTTPS_PROXY": value, "NO_PROXY": value, "RECONCILER_WEBHOOK_SECRET": "one two"})
    assert flaw.startswith("HTTPS_PROXY ")
    assert value not in flaw


def test_valid_settings_are_not_reported() -> None:
    """A socks proxy and a webhook secret with inner blanks are valid. One with a line break at its end is not."""
    environment = {"all_proxy": "socks5://u:P%231@h:1", "http_proxy": "h:3128", "RECONCILER_WEBHOOK_SECRET": "one two"}
    assert list(list_setting_flaws(environment)) == []
    (flaw,) = list_setting_flaws({"RECONCILER_WEBHOOK_SECRET": "hunter2\n"})
    assert "hunter2" not in flaw
    assert find_flaw("") is None
