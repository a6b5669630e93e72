"""pre-commit installs and runs the hook of .pre-commit-hooks.yaml."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.hosts import Host, build_pip_variables, commit, create_repository, find_registry_variables
from support.manifests import ACCOUNTS, INVALID, MANIFEST, TARGET
from support.paths import REPOSITORY
from support.program import SCRIPT, Program

PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
CONFIG = """\
repos:
  - repo: {url}
    rev: {revision}
    hooks:
      - id: reconcile-validate
      - id: reconcile-validate
        alias: exports
        files: ^exports/
        args: [--git-path, exports, --strict]
"""


@pytest.fixture
def project(host: Host) -> Path:
    """Return a repository that uses the published hook. The published revision is a commit of this work tree."""
    source = create_repository(host, "published")
    names = host.run_git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, names):
        if (REPOSITORY / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((REPOSITORY / name).read_bytes())
    revision = commit(host, source, {})
    host.environment.update(find_registry_variables() | build_pip_variables())
    host.environment["PRE_COMMIT_HOME"] = str(host.folder / "pre-commit")
    project = create_repository(host, "project")
    config = CONFIG.format(url=source, revision=revision)
    commit(host, project, ACCOUNTS | {".pre-commit-config.yaml": config})
    return project


def run(host: Host, project: Path, *command: str | Path) -> tuple[int, str]:
    """Run a command in the project, and return the exit code and the output."""
    process = subprocess.run(
        command,
        cwd=project,
        env=host.environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process.returncode, process.stdout


def test_a_commit_with_an_invalid_manifest_is_refused(host: Host, project: Path) -> None:
    """The hook accepts a commit with valid manifests, and refuses an invalid one with its position.

    The promise is a single test, because it installs the program only once.
    """
    code, output = run(host, project, PRE_COMMIT, "run", "--all-files")
    assert code == 0, output
    assert "validate AppIntegrations manifests" in output
    assert "Passed" in output

    run(host, project, PRE_COMMIT, "install")
    head = host.run_git(project, "rev-parse", "HEAD")
    (project / "manifests" / "orders.yaml").write_text(INVALID, encoding="utf-8")
    run(host, project, "git", "add", "--all")
    code, output = run(host, project, "git", "commit", "--message", "Add orders")
    assert code == 1
    assert "manifests/orders.yaml:7:3: /spec/DestinationUri: " in output
    assert "exit code: 3" in output
    assert host.run_git(project, "rev-parse", "HEAD") == head

    (project / "manifests" / "orders.yaml").write_text(ACCOUNTS["manifests/accounts.yaml"], encoding="utf-8")
    run(host, project, "git", "add", "--all")
    code, output = run(host, project, "git", "commit", "--message", "Add orders")
    assert code == 1, "the manifest has the same name as another one"
    assert "manifests/accounts.yaml" in output

    # The hook validates only staged files, not untracked ones.
    untracked = project / "manifests" / "untracked.yaml"
    (project / "manifests" / "orders.yaml").write_text(MANIFEST.format(name="orders"), encoding="utf-8")
    run(host, project, "git", "add", "--all")
    untracked.write_text(INVALID, encoding="utf-8")
    code, output = run(host, project, "git", "commit", "--message", "Add orders")
    assert code == 0, output
    for name, target in (("accounts", "sandbox"), ("orders", "second")):
        manifest = MANIFEST.format(name=name).replace("spec:\n", f"target: {target}\nspec:\n", 1)
        (project / "manifests" / f"{name}.yaml").write_text(manifest, encoding="utf-8")
    untracked.write_text(TARGET.replace("name: sandbox", "name: second"), encoding="utf-8")
    code, output = run(host, project, "git", "commit", "--all", "--message", "Move orders")
    assert code == 1, "the Target of the manifest is not in the commit"
    assert "manifests/orders.yaml" in output
    untracked.unlink()
    run(host, project, "git", "checkout", "--quiet", "HEAD", "--", ".")

    (project / "exports").mkdir()
    (project / "exports" / "a.yaml").write_text(INVALID, encoding="utf-8")
    run(host, project, "git", "add", "--all")
    code, output = run(host, project, "git", "commit", "--message", "Add another folder")
    assert code == 1
    assert "exports/a.yaml:7:3: /spec/DestinationUri: " in output
    run(host, project, "git", "rm", "--force", "--quiet", "exports/a.yaml")

    run(host, project, "git", "rm", "--force", "--quiet", "manifests/orders.yaml")
    (project / "README.md").write_text("exports\n", encoding="utf-8")
    run(host, project, "git", "add", "--all")
    code, output = run(host, project, "git", "commit", "--message", "Add a page")
    assert code == 0, output
    assert "Skipped" in output


def test_hook_refuses_a_commit_with_an_invalid_manifest(host: Host) -> None:
    """pre-commit accepts the written entry, and refuses a commit as soon as a manifest is invalid."""
    project = create_repository(host, "project")
    place = ("--offline", "--account", "111122223333", "--region", "eu-west-2")
    assert Program(project).run("init", *place, "--pre-commit").code == 0
    host.environment["PRE_COMMIT_HOME"] = str(host.folder / "pre-commit")
    host.environment["PATH"] = f"{SCRIPT.parent}{os.pathsep}{host.environment['PATH']}"
    host.run_git(project, "add", "--all")
    code, output = run(host, project, PRE_COMMIT, "run")
    assert (code, "Passed" in output) == (0, True)
    (project / "manifests" / "other.yaml").write_text("kind: [")
    host.run_git(project, "add", "--all")
    code, output = run(host, project, PRE_COMMIT, "run")
    assert (code, "other.yaml" in output) == (1, True), output
