"""The upgrade notes match the program: formats of the journal, and names that changed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.cli_reference import render
from support.paths import REPOSITORY
from support.program import SCRIPT, create_environment

from reconciler.core.journal.codec import FORMAT
from reconciler.core.journal.migrations import OLDER_FORMATS

PAGE = (REPOSITORY / "docs" / "how-to" / "upgrade.md").read_text(encoding="utf-8")
OPTION = r"`(--[a-z-]+)`, `(RECONCILER_[A-Z_]+)`"
OPTIONS = re.findall(rf"^\| {OPTION} \| {OPTION} \|$", PAGE, re.MULTILINE)
METRICS = re.findall(r"^\| `(reconciler_\w+)` \| `(reconciler_\w+)` \|$", PAGE, re.MULTILINE)


def test_upgrade_notes_name_every_format_of_the_journal() -> None:
    """The table has each format that the program reads, in order, and the text names the one that it writes."""
    formats = re.findall(r"^\| (v\d+) \|", PAGE, re.MULTILINE)
    assert [f"reconciler/journal/{name}" for name in formats] == [*OLDER_FORMATS, FORMAT]
    assert f"and writes {formats[-1]}." in PAGE


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program with some variables."""
    environment = create_environment(**variables)
    return subprocess.run([SCRIPT, *arguments], env=environment, check=False, capture_output=True, text=True)


def test_renamed_options_exist_under_their_new_names_only() -> None:
    """The program has each new option with its variable. It refuses the old option, and has no such variable."""
    assert len(OPTIONS) == 5
    reference = render()
    for old, old_variable, new, new_variable in OPTIONS:
        refused = run("controller", old, "5s")
        assert (refused.returncode, f"No such option '{old}'" in refused.stderr) == (64, True), old
        assert f"`{new} DURATION` (`{new_variable}`)" in reference
        assert f"`{old_variable}`" not in reference


def test_old_variables_are_ignored() -> None:
    """The old variables of the renamed options change nothing, whatever their value is."""
    result = run("validate", "--file", REPOSITORY / "manifests", **{row[1]: "no duration" for row in OPTIONS})
    assert (result.returncode, result.stderr) == (0, "")


def test_renamed_metrics_exist_under_their_new_names_only() -> None:
    """docs/reference/metrics.md has each new name and no old one."""
    page = (REPOSITORY / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert len(METRICS) == 3
    for old, new in METRICS:
        assert f"`{new}`" in page
        assert f"`{old}`" not in page


@pytest.mark.parametrize("name", ["revision rejected", "reconciler/controller/v1", "notifications.json"])
def test_new_names_are_those_of_the_program(name: str) -> None:
    """The program uses the names that replace older ones."""
    modules = (REPOSITORY / "reconciler").rglob("*.py")
    assert name in PAGE
    assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in modules)
