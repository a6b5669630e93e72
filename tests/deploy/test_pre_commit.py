"""pre-commit installs and runs the hook of .pre-commit-hooks.yaml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from deploy.conftest import (
    ACCOUNTS,
    INVALID,
    MANIFEST,
    TARGET,
    Place,
    commit,
    downloads,
    new_repository,
    shared_dependencies,
)
from support.paths import REPOSITORY

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
def project(place: Place) -> Path:
    """Return a repository that uses the published hook. The published revision is a commit of this work tree."""
    published = new_repository(place, "published")
    names = place.git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, names):
        if (REPOSITORY / name).is_file():
            (published / name).parent.mkdir(parents=True, exist_ok=True)
            (published / name).write_bytes((REPOSITORY / name).read_bytes())
    revision = commit(place, published, {})
    place.environment.update(downloads() | shared_dependencies())
    place.environment["PRE_COMMIT_HOME"] = str(place.folder / "pre-commit")
    project = new_repository(place, "project")
    config = CONFIG.format(url=published, revision=revision)
    commit(place, project, ACCOUNTS | {".pre-commit-config.yaml": config})
    return project


def run(place: Place, project: Path, *command: str | Path) -> tuple[int, str]:
    """Run a command in the project, and return the exit code and the output."""
    done = subprocess.run(
        command,
        cwd=project,
        env=place.environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_a_commit_with_an_invalid_manifest_is_refused(place: Place, project: Path) -> None:
    """The hook accepts a commit with valid manifests, and refuses an invalid one with its position.

    The promise is a single test, because it installs the program only once.
    """
    code, said = run(place, project, PRE_COMMIT, "run", "--all-files")
    assert code == 0, said
    assert "validate AppIntegrations manifests" in said
    assert "Passed" in said

    run(place, project, PRE_COMMIT, "install")
    before = place.git(project, "rev-parse", "HEAD")
    (project / "manifests" / "orders.yaml").write_text(INVALID, encoding="utf-8")
    run(place, project, "git", "add", "--all")
    code, said = run(place, project, "git", "commit", "--message", "Add orders")
    assert code == 1
    assert "manifests/orders.yaml:7:3: /spec/DestinationUri: " in said
    assert "exit code: 3" in said
    assert place.git(project, "rev-parse", "HEAD") == before

    (project / "manifests" / "orders.yaml").write_text(ACCOUNTS["manifests/accounts.yaml"], encoding="utf-8")
    run(place, project, "git", "add", "--all")
    code, said = run(place, project, "git", "commit", "--message", "Add orders")
    assert code == 1, "the manifest has the same name as another one"
    assert "manifests/accounts.yaml" in said

    # The hook validates only staged files, not untracked ones.
    untracked = project / "manifests" / "untracked.yaml"
    (project / "manifests" / "orders.yaml").write_text(MANIFEST.format(name="orders"), encoding="utf-8")
    run(place, project, "git", "add", "--all")
    untracked.write_text(INVALID, encoding="utf-8")
    code, said = run(place, project, "git", "commit", "--message", "Add orders")
    assert code == 0, said
    for name, target in (("accounts", "sandbox"), ("orders", "second")):
        manifest = MANIFEST.format(name=name).replace("spec:\n", f"target: {target}\nspec:\n", 1)
        (project / "manifests" / f"{name}.yaml").write_text(manifest, encoding="utf-8")
    untracked.write_text(TARGET.replace("name: sandbox", "name: second"), encoding="utf-8")
    code, said = run(place, project, "git", "commit", "--all", "--message", "Move orders")
    assert code == 1, "the Target of the manifest is not in the commit"
    assert "manifests/orders.yaml" in said
    untracked.unlink()
    run(place, project, "git", "checkout", "--quiet", "HEAD", "--", ".")

    (project / "exports").mkdir()
    (project / "exports" / "a.yaml").write_text(INVALID, encoding="utf-8")
    run(place, project, "git", "add", "--all")
    code, said = run(place, project, "git", "commit", "--message", "Add another folder")
    assert code == 1
    assert "exports/a.yaml:7:3: /spec/DestinationUri: " in said
    run(place, project, "git", "rm", "--force", "--quiet", "exports/a.yaml")

    run(place, project, "git", "rm", "--force", "--quiet", "manifests/orders.yaml")
    (project / "README.md").write_text("exports\n", encoding="utf-8")
    run(place, project, "git", "add", "--all")
    code, said = run(place, project, "git", "commit", "--message", "Add a page")
    assert code == 0, said
    assert "Skipped" in said
