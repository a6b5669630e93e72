"""A profile that needs a person's input is rejected with one line, and a credential_process cannot wait for input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import aws_sessions
from support.proxy import FaultProxy

from reconciler.core.errors import Unauthenticated
from reconciler.core.model import Target
from reconciler.edge.aws import ConnectionSettings, TargetSession
from reconciler.edge.aws.credential_process import CredentialProcess
from reconciler.sandbox import SandboxServer

ROLE = "role_arn = arn:aws:iam::123456789012:role/x\n"
KEYS = {"Version": 1, "AccessKeyId": "x", "SecretAccessKey": "y"}
TARGET = Target("prod", "us-east-1", "123456789012")


@pytest.fixture
def config_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the path of the profile file, in an environment without other credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path / "config"


def write_credential_process(folder: Path, body: str) -> str:
    """Return a credential_process setting that runs Python code and then prints credentials."""
    script = folder / "process.py"
    script.write_text(f"import json, sys\n{body}\nprint(json.dumps({KEYS!r}))\n")
    return f"credential_process = {sys.executable} {script}\n"


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """Return a proxy to a sandbox that records the requests."""
    with SandboxServer() as server, FaultProxy(server.url) as running_proxy:
        yield running_proxy


def connect(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> TargetSession:
    """Return a session that uses the credentials of the profile."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    return aws_sessions.connect(TARGET, ConnectionSettings("0", profile="me"))


def test_a_profile_with_mfa_is_refused(config_file: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile with MFA is rejected with its device and a remedy, and nothing is read from a terminal or stdin."""
    source = "[profile base]\naws_access_key_id = x\naws_secret_access_key = y\n"
    config_file.write_text(f"{source}[profile me]\n{ROLE}source_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n")
    with pytest.raises(
        Unauthenticated, match="a code of the MFA device arn:aws:iam::1:mfa/me, but this program"
    ) as error:
        connect(proxy, monkeypatch)
    assert proxy.counts == {}
    assert "aws sts get-session-token" in str(error.value)
    assert "\n" not in str(error.value)


def test_aws_login_profile_needs_an_extra(
    config_file: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile of `aws login` is rejected with the name of the missing botocore extra."""
    config_file.write_text("[profile me]\nlogin_session = arn:aws:iam::123456789012:user/me\n")
    with pytest.raises(Unauthenticated, match=r"`aws login` need: install it \(pip install 'botocore\[crt\]'\)"):
        connect(proxy, monkeypatch)


@pytest.mark.parametrize("is_chained", [False, True])
def test_credential_process_has_no_input_and_no_terminal(
    config_file: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, *, is_chained: bool
) -> None:
    """A credential_process has empty standard input and no terminal, also for a source_profile."""
    body = (
        "assert sys.stdin.read() == ''\ntry:\n    open('/dev/tty')\nexcept OSError:\n    pass\nelse:\n    sys.exit(9)"
    )
    setting = write_credential_process(config_file.parent, body)
    text = (
        f"[profile base]\n{setting}[profile me]\n{ROLE}source_profile = base\n"
        if is_chained
        else f"[profile me]\n{setting}"
    )
    config_file.write_text(text)
    assert connect(proxy, monkeypatch).account == "123456789012"


def test_hanging_credential_process_is_killed(
    config_file: Path, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential_process is killed after its timeout."""
    monkeypatch.setattr("reconciler.edge.aws.noninteractive._TIMEOUT_SECONDS", 0.0)
    config_file.write_text(
        f"[profile me]\n{write_credential_process(config_file.parent, 'import time; time.sleep(600)')}"
    )
    with pytest.raises(Unauthenticated, match="it ran for longer than 0 s and was killed"):
        connect(proxy, monkeypatch)


def test_finished_credential_process_is_not_an_error() -> None:
    """The output of a credential_process is returned."""
    command = [sys.executable, "-c", f"print({json.dumps(KEYS)!r})"]
    program = CredentialProcess(command, timeout_seconds=60, stdout=-1, stderr=-1)
    assert json.loads(program.communicate()[0]) == KEYS
