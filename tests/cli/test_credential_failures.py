"""A source of credentials that fails gives one line: the source, the profile, the cause and the remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support.credential_services import ROLE, SSO_ROLE, Answer
from support.machine import BASE_PROFILE, BASE_VARIABLES, SSO_PROFILE, Machine, build_role_profile, run_machine
from support.paths import REPOSITORY
from support.program import CompletedRun

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ADVICE = "reconcile: `reconcile doctor` shows what is wrong with credentials, Region and network"
FORBIDDEN_ROLE = "arn:aws:iam::123456789012:role/forbidden"
VALID = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": SECRET}


def print_keys(**changes: object) -> str:
    """Return Python code that prints keys with changes."""
    return f"print({json.dumps(VALID | changes)!r})"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine without credentials."""
    with run_machine(tmp_path) as running_machine:
        yield running_machine


def list_documented_messages() -> list[str]:
    """Return the messages in docs/reference/credentials.md as patterns. An ellipsis stands for any text."""
    page = (REPOSITORY / "docs" / "reference" / "credentials.md").read_text().partition("## Messages")[2]
    cells = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    messages = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    return [".*".join(map(re.escape, message.split("…"))) for message in messages]


def read_error(machine: Machine, result: CompletedRun) -> str:
    """Return the error of a run that found no credentials: one documented line, without a traceback or a secret."""
    assert (result.code, machine.proxy.requests) == (1, [])
    lines = result.err.splitlines()
    assert lines[-1] == ADVICE
    events = [json.loads(line) for line in lines[:-1]]
    assert [event["event"] for event in events] == ["target failed", "run finished"]
    assert not any("exception" in event for event in events)
    error: str = events[0]["error"]
    assert "\n" not in error
    assert error in result.out
    secrets = (SECRET[:16], SECRET[-16:], machine.services.sso_token, machine.services.web_identity)
    assert not any(secret in result.out + result.err for secret in secrets)
    assert any(re.search(message, error) for message in list_documented_messages()), error
    return error


PROCESSES: dict[str, tuple[str, str]] = {
    "text": (f"print('warning: the key is {SECRET}')", "it printed no JSON document"),
    "nothing": ("", "it printed nothing"),
    "bytes": ("import os; os.write(1, bytes([255, 254]))", "it printed no JSON document"),
    "list": (f"print('[\"{SECRET}\"]')", "it printed JSON that is not an object"),
    "two-lines": (f"print('{{}} {SECRET}')", "it printed no JSON document"),
    "version": (f'print(\'{{"Version": "{SECRET}"}}\')', 'its output lacks "Version": 1'),
    "member": (print_keys(AccessKeyId=5), "its output lacks AccessKeyId"),
    "exit": (f"import sys; sys.exit('denied: {SECRET}')", "it failed with exit code 1"),
    "local-time": (
        print_keys(Expiration="2099-01-01T00:00:00"),
        "Expiration in its output is not a time with a time zone",
    ),
}


@pytest.mark.parametrize("name", list(PROCESSES))
def test_junk_of_a_credential_process_is_named_and_never_shown(machine: Machine, name: str) -> None:
    """The error says what is wrong with the output of a credential_process. It shows no part of the output."""
    code, cause = PROCESSES[name]
    machine.write_config(f"[profile tool]\n{machine.write_process(code)}")
    error = read_error(machine, machine.run("--profile", "tool"))
    assert error.startswith(f"GetCallerIdentity: credentials from credential_process (profile 'tool'): {cause}")
    assert error.endswith("run the command of credential_process yourself to see its output, which may hold secrets")


CONFIGURATIONS: dict[str, tuple[str, Mapping[str, str], str]] = {
    "process is missing": (
        "[profile tool]\ncredential_process = /nonexistent/tool --key\n",
        {"AWS_PROFILE": "tool"},
        (
            "credential_process (profile 'tool'): its command cannot be started: "
            "[Errno 2] No such file or directory: '/nonexistent/tool'"
        ),
    ),
    "process is empty": (
        "[profile tool]\ncredential_process =\n",
        {"AWS_PROFILE": "tool"},
        "(profile 'tool'): credential_process is empty: set it to a command, or remove it",
    ),
    "process has an open quote": (
        "[profile tool]\ncredential_process = '/bin/tool\n",
        {"AWS_PROFILE": "tool"},
        "credential_process (profile 'tool'): No closing quotation",
    ),
    "role is refused": (
        BASE_PROFILE + build_role_profile("deploy", "base", FORBIDDEN_ROLE),
        {"AWS_PROFILE": "deploy"},
        (
            "a role (profile 'deploy'): AccessDenied: User: AKIABASE00000000 is not authorized to perform: "
            f"sts:AssumeRole on resource: {FORBIDDEN_ROLE} (request req-sts); "
            "let the trust policy of the role allow this caller, and allow the caller sts:AssumeRole on the role"
        ),
    ),
    "source profile is missing": (
        build_role_profile("deploy", "base"),
        {"AWS_PROFILE": "deploy"},
        'a role (profile \'deploy\'): The source_profile "base" referenced in the profile "deploy" does not exist',
    ),
    "roles form a circle": (
        build_role_profile("one", "two") + build_role_profile("two", "one"),
        {"AWS_PROFILE": "one"},
        "a role (profile 'one'): Infinite loop in credential configuration detected",
    ),
    "token file is missing": (
        "",
        {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent/token"},
        (
            "a role with a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE): "
            "[Errno 2] No such file or directory: '/nonexistent/token'"
        ),
    ),
    "container host is no container service": (
        "",
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/keys"},
        "AWS_CONTAINER_AUTHORIZATION_TOKEN*): Unsupported host '10.0.0.1'",
    ),
    "aws login without the extra": (
        "[profile me]\nlogin_session = arn:aws:iam::123456789012:user/me\n",
        {"AWS_PROFILE": "me"},
        (
            "aws login (profile 'me'): botocore lacks its crt extra, which profiles of `aws login` need: "
            "install it (pip install 'botocore[crt]'), or use another kind of credentials"
        ),
    ),
    "profile is missing": ("", {"AWS_PROFILE": "dev"}, "the AWS configuration has no profile 'dev': correct --profile"),
}


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_unusable_configuration_is_named(machine: Machine, name: str) -> None:
    """A source that cannot give credentials is named with its profile and the cause."""
    configuration, variables, expected = CONFIGURATIONS[name]
    machine.write_config(configuration)
    assert expected in read_error(machine, machine.run(**variables))


def test_web_identity_token_of_another_issuer_is_named(machine: Machine) -> None:
    """If STS rejects the token of a service account, the line has the reason of STS, and no part of the token."""
    variables = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": machine.write("token", SECRET)}
    assert "(AWS_WEB_IDENTITY_TOKEN_FILE): InvalidIdentityToken: Could" in read_error(machine, machine.run(**variables))


@pytest.mark.parametrize("profile", ["dev", "deploy"])
def test_missing_sso_session_names_the_command(machine: Machine, profile: str) -> None:
    """Without a session of IAM Identity Center, the line has the command for the profile that needs one."""
    machine.write_config(SSO_PROFILE + build_role_profile("deploy", "dev"))
    error = read_error(machine, machine.run_with_home("--profile", profile))
    assert error.endswith("Error loading SSO Token: Token for corp does not exist; run aws sso login --profile dev")


@pytest.mark.parametrize("is_ended_by_aws", [False, True])
def test_expired_sso_session_names_the_command(machine: Machine, *, is_ended_by_aws: bool) -> None:
    """After a session of IAM Identity Center has expired or was ended, the line has the command to sign in."""
    machine.write_config(SSO_PROFILE)
    if is_ended_by_aws:
        machine.write_sso_token(accessToken="ended-session")
    else:
        machine.write_sso_token(expires_at="2020-01-01T00:00:00Z")
    error = read_error(machine, machine.run_with_home("--profile", "dev"))
    assert "credentials from IAM Identity Center (profile 'dev'): " in error
    assert "expired" in error
    assert error.endswith("; run aws sso login --profile dev")


def test_missing_assignment_in_sso_is_named(machine: Machine) -> None:
    """If IAM Identity Center does not give the role of the profile, the line has its reason."""
    machine.write_config(SSO_PROFILE.replace(SSO_ROLE, "AdministratorAccess"))
    machine.write_sso_token()
    error = read_error(machine, machine.run_with_home("--profile", "dev"))
    assert error.endswith("ForbiddenException: No access (request req-1)")


def test_doctor_shows_the_cause_and_the_command(machine: Machine) -> None:
    """`reconcile doctor` shows the same line for an expired session as a failed check."""
    machine.write_config(SSO_PROFILE)
    result = machine.run_with_home("doctor", "--profile", "dev")
    assert result.code == 1
    assert "IAM Identity Center (profile 'dev'): Error loading SSO Token" in result.out
    assert "aws sso login --profile dev" in result.out


def test_container_service_that_refuses_is_quoted(machine: Machine) -> None:
    """The answer of a container service that refuses is shown, because it has the cause. A secret in it is not."""
    answer: Answer = 403, f"EKS Auth: no association for the service account {SECRET} {'x' * 1000}"
    machine.services.faults["container"] = answer
    url = f"{machine.services.url}/container"
    token = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": SECRET}
    error = read_error(machine, machine.run(**token))
    assert "from the container service" in error
    assert "403 from container metadata: EKS Auth: no association for the service account ***" in error
    assert len(error) < 600


def test_expired_keys_of_a_process_are_no_internal_error(machine: Machine) -> None:
    """A credential_process that prints expired keys is named, with the expiry and the clock of this machine."""
    code = print_keys(SessionToken=SECRET[::-1], Expiration="2020-01-01T00:00:00Z")
    machine.write_config(f"[profile tool]\n{machine.write_process(code)}")
    error = read_error(machine, machine.run("--profile", "tool"))
    assert "the credentials that it gave expired at 2020-01-01T00:00:00+00:00, and the clock of this machine" in error
    assert error.endswith("renew them at their source, or set the clock")


def test_line_break_in_a_key_is_named(machine: Machine) -> None:
    """A credential_process that prints a token with a line break is named before a library can show the token."""
    code = print_keys(SessionToken=f"{SECRET}\n", Expiration="2099-01-01T00:00:00Z")
    machine.write_config(f"[profile tool]\n{machine.write_process(code)}")
    error = read_error(machine, machine.run("--profile", "tool"))
    assert "the token of the credentials that boto3 found (custom-process) starts or ends with a line break" in error


@pytest.mark.parametrize("setting", ["variable", "profile"])
def test_missing_fips_endpoint_is_named(machine: Machine, setting: str) -> None:
    """If a proxy cannot reach a FIPS endpoint, the line names the endpoint and the setting, not only the proxy."""
    machine.write_config(BASE_PROFILE + "use_fips_endpoint = true\n")
    choices: Mapping[str, Callable[[], CompletedRun]] = {
        "variable": lambda: machine.run(**network, **BASE_VARIABLES, AWS_USE_FIPS_ENDPOINT="true"),
        "profile": lambda: machine.run("--profile", "base", **network),
    }
    network = {
        "AWS_REGION": "eu-central-1",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTPS_PROXY": machine.proxy.url,
    }
    error = read_error(machine, choices[setting]())
    assert "sts-fips.eu-central-1.amazonaws.com is a FIPS endpoint, and AWS has FIPS endpoints only for some " in error
    assert "unset AWS_USE_FIPS_ENDPOINT (or use_fips_endpoint of the profile)" in error
