"""A token that AWS repeats in an error is redacted in everything that the program writes, serves and logs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from support.program import Program, terminate
from support.proxy import FaultProxy, Request, build_error

from reconciler.core.redaction.secrets import MIN_PART_LENGTH
from reconciler.render.formats import FORMATS
from reconciler.sandbox import SandboxServer

KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQ+k9/zq=="


def repeat_token(request: Request) -> bytes | None:
    """Deny each List of associations with a message that repeats the token in several spellings."""
    if request.operation != "ListDataIntegrationAssociation":
        return None
    token = request.headers["X-Amz-Security-Token"]
    message = (
        f"of you: x-amz-security-token:{token} <{token[:20]}… t={quote(token, safe='')} {[token.encode()]} {token}"
    )
    return build_error(403, "AccessDeniedException", message)


@pytest.fixture
def variables(server: SandboxServer) -> Iterator[dict[str, str]]:
    """Return the environment of a process with a session token, and with an AWS that repeats the token."""
    with FaultProxy(server.url, before_request=repeat_token) as proxy:
        yield {
            "AWS_ENDPOINT_URL": proxy.url, "AWS_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": KEY, "AWS_SESSION_TOKEN": TOKEN,
        }  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the program with one manifest."""
    program = Program(tmp_path)
    program.add("october")
    return program


def find_secret_parts(text: str) -> list[str]:
    """Return the parts of a secret that a text contains, plain or URL-encoded."""
    spellings = (each for secret in (TOKEN, KEY) for each in (secret, quote(secret, safe="")))
    return [
        each[at : at + MIN_PART_LENGTH]
        for each in spellings
        for at in range(len(each) - MIN_PART_LENGTH + 1)
        if each[at : at + MIN_PART_LENGTH] in text
    ]


def test_reports_and_commands_redact_tokens(program: Program, variables: dict[str, str]) -> None:
    """Every report format, the log and every command redact the token."""
    files = tuple(part for each in FORMATS for part in ("-o", f"{each}=report.{each}"))
    result = program.run("--dry-run", *files, env=variables)
    outputs = {each: (program.folder / f"report.{each}").read_text() for each in FORMATS} | {"log": result.err}
    for command in (
        ("doctor",),
        ("doctor", "-o", "json"),
        ("explain", "october"),
        ("status",),
        ("export", "--unmanaged"),
    ):
        command_result = program.run(*command, env=variables)
        outputs[" ".join(command)] = command_result.out + command_result.err
    assert result.code == 1
    assert [each for each, text in outputs.items() if find_secret_parts(text)] == []
    assert [each for each, text in outputs.items() if "***" not in text] == ["status"]  # `status` does not call List


def test_controller_responses_and_log_redact_tokens(program: Program, variables: dict[str, str]) -> None:
    """The page, the report, metrics, probes and the log of a controller redact the token."""
    process = program.start("controller", "--dry-run", "--listen", "127.0.0.1:0", env=variables)
    try:
        assert process.stderr
        log, url = [], ""
        for line in process.stderr:
            log.append(line)
            entry = json.loads(line)
            url = entry.get("url", url)
            if entry["event"] == "run finished":
                break
        outputs = {
            path: fetch(url + path) for path in ("/", "/api/v1/report", "/metrics", "/healthz", "/readyz", "/none")
        }
        terminate(process)
        outputs["log"] = "".join(log) + process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.communicate()
    assert [each for each, text in outputs.items() if find_secret_parts(text)] == []
    assert [each for each, text in outputs.items() if "***" in text] == ["/", "/api/v1/report", "log"]
    assert 'code="AccessDeniedException"' in outputs["/metrics"]


def fetch(url: str) -> str:
    """Return the headers and the body of a page, whatever its status."""
    try:
        response = urllib.request.urlopen(url, timeout=30)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return f"{response.headers}{response.read().decode()}"
