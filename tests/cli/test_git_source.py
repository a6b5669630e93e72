"""Manifests from a revision of a git repository: commands read the commit, not the work tree, and report it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from support.program import Program, terminate
from support.repository import GIT
from support.signers import create_ssh_signer

from reconciler.sandbox import SandboxServer


def run_git(folder: Path, *arguments: str) -> str:
    """Run git, and return its output."""
    result = subprocess.run(["git", *arguments], cwd=folder, env=GIT, check=True, capture_output=True, text=True)
    return result.stdout.strip()


@pytest.fixture
def commits(program: Program) -> tuple[str, str]:
    """Commit october, then november, and then overwrite the files in the work tree."""
    run_git(program.folder, "init", "--quiet", "--initial-branch=main")
    revisions = []
    for name in ("october", "november"):
        program.add(name)
        run_git(program.folder, "add", "--all")
        run_git(program.folder, "commit", "--quiet", "--message", name)
        revisions.append(run_git(program.folder, "rev-parse", "HEAD"))
    for path in (program.folder / "manifests").iterdir():
        path.write_text("rubbish")
    return revisions[0], revisions[1]


@pytest.mark.parametrize("name", ["text", "json", "markdown", "junit", "github"])
def test_invalid_manifests_are_reported_with_their_commit(program: Program, name: str) -> None:
    """A report of invalid manifests contains their commit."""
    run_git(program.folder, "init", "--quiet", "--initial-branch=main")
    program.add("october", StartTime="StartTim")
    run_git(program.folder, "add", "--all")
    run_git(program.folder, "commit", "--quiet", "--message", "wrong")
    commit = run_git(program.folder, "rev-parse", "HEAD")
    validation = program.run("validate", "--git-url", ".", "-o", name, env=GIT)
    assert (validation.code, validation.out.count(commit)) == (3, 1)
    result = program.run("--dry-run", "--git-url", ".", env=GIT)
    assert f"1 problem in the manifests of commit {commit}; AWS was not called" in result.err


def test_a_revision_is_read_without_a_checkout(program: Program, commits: tuple[str, str]) -> None:
    """A run reads the latest commit or a named one, and records it in the report, log and journal."""
    dry_run = program.run("--dry-run", "--git-url", ".", "-o", "json", env=GIT)
    assert dry_run.decisions == {"november": "create", "october": "create"}
    assert dry_run.report["run"]["revision"] == commits[1]
    result = program.run("--git-url", f"file://{program.folder}", "--git-ref", commits[0], "-o", "json", env=GIT)
    assert (result.code, result.decisions) == (0, {"october": "create"})
    assert result.report["run"]["revision"] == commits[0]
    assert result.find_events("run finished")[0]["revision"] == commits[0]
    status = program.run("status", "--git-url", ".", "-o", "json", env=GIT)
    assert json.loads(status.out)["targets"][0]["written"]["revision"] == commits[0]
    assert result.report["targets"][0]["associations"][0]["origin"]["file"] == "manifests/october.yaml"


def test_source_and_commit_are_logged(program: Program) -> None:
    """The log contains the commit, and the URL without its login, even if there are no manifests."""
    (program.folder / "manifests").mkdir()
    (program.folder / "manifests" / "notes.txt").touch()
    run_git(program.folder, "init", "--quiet", "--initial-branch=main")
    run_git(program.folder, "add", "--all")
    run_git(program.folder, "commit", "--quiet", "--message", "Nothing")
    mirror = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{program.folder}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://host.invalid/x",
    }
    for name in ("https://host.invalid/x", "https://bot:hunter2@host.invalid/x"):
        result = program.run("--dry-run", "--git-url", name, env=GIT | mirror)
        assert result.code == 0
        (event,) = result.find_events("no manifests")
        assert event["files"] == [f"{name.replace('bot:hunter2', '***')}, manifests"]
        assert event["revision"] == run_git(program.folder, "rev-parse", "HEAD")
        assert "hunter2" not in result.out + result.err
    (event,) = program.run("--dry-run").find_events("no manifests")
    assert event["files"] == ["manifests/"]
    assert "revision" not in event


def test_every_command_accepts_the_git_options(program: Program, commits: tuple[str, str]) -> None:
    """The git options have the same meaning in every command."""
    assert f"2 manifests in commit {commits[1]}: valid" in program.run("validate", "--git-url", ".", env=GIT).out
    assert program.run("explain", "october", "--git-url", ".", env=GIT).code == 0
    assert "october.yaml" in program.run("validate", env=GIT).out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--git-url", ".", "--git-ref", "nowhere"), 1, "nowhere"),
        (("--git-url", ".", "--git-ref", "--upload-pack=touch pwned"), 64, ""),
        (("--git-url", ".", "--git-ref", "a b"), 64, "--git-ref 'a b' is not a valid name: use a branch"),
        (("--git-url", "--upload-pack=touch pwned"), 64, ""),
        (("--git-url", "ext::sh -c 'touch pwned'"), 64, ""),
        (("--git-url", ""), 64, "--git-url is empty: give it the folder or URL of a repository"),
        (
            ("--git-url", "https://bot:p/w@host.invalid/x"),
            64,
            "'https://***@host.invalid/x': the URL has an @ after the host",
        ),
        (("--git-url", "none"), 1, "'none' is not a git repository: correct --git-url"),
        (("--git-url", ".", "--git-path", "../elsewhere"), 64, "../elsewhere"),
        (("--git-url", ".", "--git-path", "/etc"), 64, "/etc"),
        (("--git-url", ".", "--git-path", "nothing"), 3, "nothing: the repository '.' has no such file or folder"),
        (("--git-url", ".", "-f", "manifests"), 64, "-f and --git-url cannot be combined"),
        (("--git-ref", "HEAD"), 64, "--git-ref needs --git-url: without --git-url, manifests are read from files"),
        (("--git-path", "manifests"), 64, "--git-path needs --git-url"),
        (("-f", "manifests", "--git-path", "manifests"), 64, "--git-path needs --git-url"),
        (("--git-verify-key", "keys"), 64, "--git-verify-key needs --git-url"),
        (("-f", "manifests", "--git-token-file", "token"), 64, "--git-token-file needs --git-url"),
        (("--git-url", ".", "--git-verify-key", "gone"), 64, "--git-verify-key 'gone' cannot be read: No such file"),
        (("--git-url", ".", "--git-verify-key", "manifests/october.yaml"), 64, "has no allowed signer in line 1"),
        (
            ("--git-url", ".", "--git-token-file", "gone"),
            64,
            "needs the protocol https, but this repository is a folder",
        ),
        (("--git-url", "https://host.invalid/x", "--git-token-file", "gone"), 64, "'gone' cannot be read"),
        (("--git-url", "git@host.invalid:x", "--git-ssh-key", "gone"), 64, "'gone' cannot be read"),
        (("--git-url", ".", "--revision", "v1"), 64, "the revision is the commit that is read"),
    ],
)
@pytest.mark.usefixtures("commits")
def test_unreadable_source_is_a_one_line_error(
    program: Program, server: SandboxServer, options: tuple[str, ...], code: int, message: str
) -> None:
    """An unusable source is reported in one line, and neither AWS nor a command in the URL is called."""
    names = {path.name for path in program.folder.iterdir()}
    result = program.run(*options, env=GIT)
    assert (result.code, result.out, server.sandbox.executed_writes) == (code, "", ())
    assert message in result.err
    assert len(result.err.splitlines()) <= (1 if code == 1 else 4)
    assert {path.name for path in program.folder.iterdir()} == names


@pytest.mark.parametrize(
    "options",
    [("--git-url", "ext::sh -c x"), ("--git-url", ".", "--git-path", ".."), ("--git-url", ".", "--git-ref", "a b")],
)
def test_controller_does_not_start_on_an_unusable_source(program: Program, options: tuple[str, ...]) -> None:
    """A controller exits with 64 for options that no repository could satisfy."""
    result = program.run("controller", *options, env=GIT)
    assert (result.code, result.out) == (64, "")


@pytest.mark.parametrize("command", ["run", "validate", "explain", "export", "doctor"])
def test_every_command_enforces_signed_commits(
    program: Program, server: SandboxServer, tmp_path: Path, commits: tuple[str, str], command: str
) -> None:
    """Every command rejects an unsigned commit in one line, and accepts a signed one."""
    signer = create_ssh_signer(tmp_path, "one")
    (tmp_path / "listed").write_text(signer.entry)
    name = ("october",) if command == "explain" else ()
    arguments = (command, *name, "--git-url", ".")
    result = program.run(*arguments, env=GIT | {"RECONCILER_GIT_VERIFY_KEY": "listed"})
    assert (result.code, server.sandbox.executed_writes) == (1, ())
    message = f"the commit {commits[1]} is not signed: sign it (git commit -S) with a key listed in 'listed'"
    assert message in result.err + result.out
    run_git(program.folder, *signer.options, "commit", "--quiet", "-S", "--allow-empty", "--message", "Signed")
    result = program.run(*arguments, env=GIT | {"RECONCILER_GIT_VERIFY_KEY": "listed"})
    assert "is not signed" not in result.err + result.out


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        ("run", "RECONCILER_GIT_REF"),
        ("run", "RECONCILER_GIT_VERIFY_KEY"),
        ("controller", "RECONCILER_GIT_VERIFY_KEY"),
        ("validate", "RECONCILER_GIT_PATH"),
        ("export", "RECONCILER_GIT_REF"),
    ],
)
def test_revision_variable_without_a_repository_is_a_usage_error(
    program: Program, server: SandboxServer, command: str, variable: str
) -> None:
    """Variables with git options are usage errors without a repository, because files would be read instead."""
    program.add("october")
    result = program.run(command, env={variable: "main"})
    assert (result.code, result.out, server.sandbox.executed_writes) == (64, "", ())
    assert "needs --git-url" in result.err


@pytest.mark.parametrize(
    ("command", "number"),
    [("run", signal.SIGINT), ("run", signal.SIGTERM), ("validate", signal.SIGHUP), ("doctor", signal.SIGTERM)],
)
def test_signal_ends_git_and_its_children(program: Program, command: str, number: signal.Signals) -> None:
    """A signal ends git at once, without output, processes or temporary files."""
    temporary = program.folder / "temporary"
    temporary.mkdir()
    handler = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"git://127.0.0.1:{server.getsockname()[1]}/x"
            process = program.start(command, "--git-url", url, env=GIT | {"TMPDIR": str(temporary)})
            with server.accept()[0] as connection:
                assert connection.recv(1)
                terminate(process, number)
                out, err = process.communicate(timeout=30)
                assert (process.returncode, out, err) == (128 + number, "", "")
                connection.settimeout(30)
                while connection.recv(4096):
                    """Read until git has closed the connection."""
    finally:
        signal.signal(number, handler)
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("commits")
def test_missing_git_is_a_one_line_error(program: Program) -> None:
    """A missing git program is reported in one line."""
    result = program.run("--git-url", ".", env={"PATH": "/nonexistent"})
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert "git" in result.err
