"""Foreign text: every text of libraries, git and AWS passes redaction, and no secret gets through."""

from __future__ import annotations

import ast
import gc
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore.credentials
import botocore.exceptions as foreign
import pytest
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aws_sessions import InlinePace, connect
from support.paths import REPOSITORY
from support.program import Program, create_environment
from support.redaction import hold_secrets

from reconciler import redaction
from reconciler.core import errors
from reconciler.core.errors import ReconcilerError
from reconciler.core.model import Target
from reconciler.core.redaction.secrets import MIN_PART_LENGTH, Secrets
from reconciler.edge import logs
from reconciler.edge.aws import ConnectionSettings, Writer
from reconciler.edge.aws.credential_sources import explain_failures
from reconciler.edge.aws.errors import translate_errors
from reconciler.edge.clock import SystemClock
from reconciler.edge.git import messages
from reconciler.edge.state.s3 import S3Clients, S3Store
from reconciler.render.formats import FORMATS

PACKAGE = REPOSITORY / "reconciler"
OWN_ERRORS = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)}
ERRORS_OF_MODULES = {
    "AppriseMissing",
    "DataFileError",
    "InvalidReceiver",
    "ListenError",
    "MalformedJournal",
    "OutputError",
    "UnreadableBody",
    "UnusableFile",
    "_BodyError",
}
OWN_ERRORS |= ERRORS_OF_MODULES
# modules that turn only errors with a text of the program into text
TRUSTED_MODULES = {
    "app/config.py",
    "cli/failures.py",
    "cli/parameters.py",
    "fleet.py",
    "web/page/links.py",
}
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def find_raw_formatting(node: ast.AST, name: str) -> Iterator[int]:
    """Yield the lines that turn an error into text without redaction."""
    redacted_nodes = {
        id(inner)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "redaction.redact"
        for inner in ast.walk(call)
    }
    for each in ast.walk(node):
        if id(each) in redacted_nodes:
            continue
        match each:
            case ast.FormattedValue(value=ast.Name(id=variable)) if variable == name:
                yield each.lineno
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=variable)]) if variable == name:
                yield each.lineno
            case ast.Attribute(value=ast.Name(id=variable), attr="args") if variable == name:
                yield each.lineno


def find_foreign_errors(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield the nodes that hold a possibly foreign error, with the name of its variable."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.name and node.type:
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if not all(ast.unparse(kind).rpartition(".")[2] in OWN_ERRORS for kind in kinds):
                yield node, node.name
        if isinstance(node, ast.FunctionDef):
            for argument in node.args.args:
                if argument.annotation and ast.unparse(argument.annotation) in {
                    "Exception",
                    "BaseException",
                    "OSError",
                }:
                    yield node, argument.arg


def list_raw_formatting() -> dict[str, list[int]]:
    """Return the modules that turn a possibly foreign error into text without redaction, with the lines."""
    modules: dict[str, list[int]] = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(("sandbox/", "core/")) or name == "redaction.py":
            continue
        for node, error in find_foreign_errors(ast.parse(path.read_text())):
            for line in find_raw_formatting(node, error):
                modules.setdefault(name, []).append(line)
    return modules


def test_modules_format_errors_only_through_redaction() -> None:
    """Only the redaction module turns a foreign error into text. Trusted modules format errors of the program."""
    modules = list_raw_formatting()
    assert {name: lines for name, lines in modules.items() if name not in TRUSTED_MODULES} == {}


def test_trusted_modules_and_errors_exist() -> None:
    """Each trusted module exists and still needs the trust, and each listed error is a class of the program."""
    assert TRUSTED_MODULES - list_raw_formatting().keys() == set()
    trees = (ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py"))
    classes = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert ERRORS_OF_MODULES - classes == set()


def build_errors(secret: str) -> Iterator[Exception]:
    """Yield an error of each kind with a secret in its message, as libraries raise them."""
    error_body: Any = {"Error": {"Code": "SignatureDoesNotMatch", "Message": f"x-amz-security-token:{secret}"}}
    response: Any = {**error_body, "ResponseMetadata": {"HTTPStatusCode": 403, "RequestId": secret}}
    yield foreign.ClientError(response, "Op")
    yield ResponseParserError(f"invalid: b'<html>{secret}'")
    yield foreign.EndpointConnectionError(endpoint_url=f"https://host/{quote(secret, safe='')}")
    yield foreign.ProxyConnectionError(proxy_url=f"http://socks5://u:{secret}@h")
    yield foreign.HTTPClientError(error=ValueError(f"Invalid header value {secret.encode()!r}"))
    yield foreign.CredentialRetrievalError(provider="custom-process", error_msg=secret)
    yield foreign.ParamValidationError(report=json.dumps(secret))
    yield ValueError(secret)
    yield OSError(secret)
    yield KeyError(secret)


class FailingClient:
    """Client of any service whose calls raise an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.meta = self
        self.events = self

    def register(self, *_: Any, **__: Any) -> None:
        """Ignore a handler."""

    def __getattr__(self, _: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            raise self._error

        return call


class FailingSource:
    """Session of botocore with one source of credentials, which raises an error."""

    METHOD = "custom-process"
    profile = "prod"

    def __init__(self, error: Exception) -> None:
        self.load: Any = FailingClient(error).load
        self.providers = [self]

    def get_component(self, _: str) -> FailingSource:
        """Return the chain of sources."""
        return self

    @property
    def full_config(self) -> Any:
        """The configuration, which has no profile."""
        return {}


def format_error(error: Exception) -> Iterator[str]:
    """Yield the texts that each adapter makes of an error."""
    try:
        with translate_errors("Op"):
            raise error
    except ReconcilerError as error_:
        yield str(error_)
    source: Any = FailingSource(error)
    explain_failures(source)
    try:
        source.load()
    except ReconcilerError as error_:
        yield str(error_)
    client: Any = FailingClient(error)
    clock = SystemClock()
    yield str(Writer(lambda: client, InlinePace(), clock).create({}, "t", clock.now() + timedelta(1)))
    store = S3Store(S3Clients(lambda: client), "bucket", "key")
    for call in (store.load, lambda: store.put("", None)):
        try:
            call()
        except ReconcilerError as error_:
            yield str(error_)
        except Exception as unexpected:  # noqa: BLE001 - the fleet and the controller report it
            yield redaction.describe_error(unexpected)
    yield str(messages.build_error("where", f"fatal: {error}"))
    log = io.StringIO()
    logs.configure(log, has_colors=False)
    try:
        raise error
    except type(error):
        logs.log_thread_failure(threading.ExceptHookArgs((type(error), error, error.__traceback__, None)))
        logging.getLogger("urllib3").exception("retrying %s", error)
    yield log.getvalue()


@settings(max_examples=12)  # each example has ten errors and nine texts; test_secrets.py tests the spellings
@given(
    st.text("uvwxyzUVWXYZ0123456789+/=", min_size=12, max_size=200)
)  # letters that occur in no message of the program
def test_adapters_redact_secrets(secret: str) -> None:
    """A secret in any error appears in no error, outcome or log line of the program."""
    with hold_secrets("test", Secrets.from_values(secret)):
        for error in build_errors(secret):
            for text in format_error(error):
                spellings = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])
                assert not any(each in text for each in spellings), (type(error), text)
                assert not any(
                    secret[at : at + MIN_PART_LENGTH] in text for at in range(len(secret) - MIN_PART_LENGTH + 1)
                ), text


def test_current_and_renewed_credentials_are_redacted() -> None:
    """Current and previous credentials are redacted while they are in use, and forgotten afterwards."""
    credentials = botocore.credentials.Credentials("AKIA", "first-secret-key", "first-token-first")
    redaction.watch_credentials(credentials)
    credentials.secret_key, credentials.token = "second-secret-key", "second-token-second"
    text = "first-token-first second-secret-key second-token-second"
    redaction.watch_credentials(credentials)
    assert redaction.redact(text) == "*** *** ***"
    del credentials
    gc.collect()
    assert redaction.redact(text) == text


@pytest.mark.parametrize("member", ["aws_secret_access_key", "aws_session_token", "aws_access_key_id"])
def test_credentials_in_a_file_unfit_for_a_header_are_named(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials with a line break are rejected by name, before urllib3 can print them."""
    values = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": SECRET, "aws_session_token": SECRET[::-1]}
    values[member] += "\n  MORE"
    (tmp_path / "credentials").write_text(
        "[default]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(errors.Unauthenticated, match=r"shared-credentials-file.* control character") as error:
        connect(Target("t"), ConnectionSettings("0", region="us-east-1"))
    assert not any(value[:MIN_PART_LENGTH] in str(error.value) for name, value in values.items())


def run_program(tmp_path: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run the program in every format, and return its exit code and everything that it wrote."""
    program = Program(tmp_path)
    program.add("october")
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_REGION": "us-east-1",
    }
    result = program.run(*arguments, env=keys | variables)
    return result.code, result.out + result.err + "".join(file.read_text() for file in tmp_path.glob("report.*"))


OUTPUTS = tuple(part for each in FORMATS for part in ("-o", f"{each}=report.{each}"))


@pytest.mark.parametrize("arguments", [("--dry-run", *OUTPUTS), ("doctor",), ("doctor", "-o", "json")])
def test_socks_proxy_password_is_redacted(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The password of a SOCKS proxy is redacted, although botocore takes the URL for a host name."""
    code, text = run_program(tmp_path, *arguments, HTTPS_PROXY="socks5://user:PASSWORD@127.0.0.1:9")
    assert (code, "PASSWORD" in text, "***@127.0.0.1:9" in text) == (1, False, True)


@pytest.mark.parametrize("arguments", [("--dry-run", *OUTPUTS), ("doctor",), ("controller",), ("status",)])
@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_SESSION_TOKEN", f"{SECRET}\n"), ("AWS_SECRET_ACCESS_KEY", f"\ufeff{SECRET}"), ("HTTPS_PROXY", f"http://u:P#{SECRET}@h:1")],
)  # fmt: skip
def test_invalid_variable_is_a_usage_error(arguments: tuple[str, ...], name: str, value: str, tmp_path: Path) -> None:
    """A variable with an invalid secret is rejected by name before any call."""
    code, text = run_program(tmp_path, *arguments, **{name: value})
    assert (code, f"reconcile: {name} " in text) == (64, True)
    assert not any(SECRET[at : at + MIN_PART_LENGTH] in text for at in range(len(SECRET) - MIN_PART_LENGTH + 1))


def test_debug_traceback_contains_no_secrets(tmp_path: Path) -> None:
    """RECONCILER_DEBUG shows the traceback of an unexpected error and its causes without secrets."""
    program = (
        "from reconciler.cli import group, run_command\n"
        "def main(*_, **__):\n"
        "    try: raise ValueError('cause GATE')\n"
        "    except ValueError as error: raise LookupError('GATE') from error\n"
        "group.app.main = main\n"
        "raise SystemExit(run_command([]))\n"
    ).replace("GATE", SECRET)
    process = subprocess.run(
        [sys.executable, "-c", "import reconciler.cli.group\n" + program],
        cwd=tmp_path, env=create_environment(RECONCILER_DEBUG="1", AWS_SECRET_ACCESS_KEY=SECRET),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (process.returncode, "LookupError: ***" in process.stderr, "ValueError: cause ***" in process.stderr) == (
        1,
        True,
        True,
    )
    assert SECRET not in process.stderr
