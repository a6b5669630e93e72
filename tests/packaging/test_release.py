"""A release: `make release-check` finds what prevents it, and says where."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import REPOSITORY
from support.release.bill_of_materials import check_bill
from support.release.distributions import write_checksums
from support.release.installation import find_interpreters
from support.release.versions import (
    COPIES,
    describe_rest,
    find_owner_problems,
    find_problems,
    read_notes,
    read_version,
    resolve_links,
)

VERSION = read_version(REPOSITORY)
OWNER = "OWNER/appintegrations-reconciler"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the files that contain the version, and with a changelog that releases it."""
    for file in ("reconciler/__init__.py", *COPIES):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / file, tmp_path / file)
    write_changelog(
        tmp_path, f"## {VERSION} - 2026-12-01\n\n### Added\n\n- Exports.\n\n## 0.0.1 - 2026-11-01\n\n- Old.\n"
    )
    return tmp_path


def write_changelog(folder: Path, sections: str) -> None:
    """Write a changelog with some sections."""
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n{sections}", encoding="utf-8")


def test_this_checkout_can_be_rehearsed() -> None:
    """The copies of the version equal its source, and the changelog has its section."""
    assert find_problems(REPOSITORY, None) == []


def test_a_version_with_a_dated_section_can_be_released(checkout: Path) -> None:
    """Nothing prevents the release of the version in the source. Its notes are the section of the changelog."""
    assert find_problems(checkout, VERSION) == []
    assert read_notes(checkout, VERSION) == "### Added\n\n- Exports.\n"


def test_another_version_is_refused(checkout: Path) -> None:
    """A tag of another version than that of the source is refused."""
    (problem,) = find_problems(checkout, "9.9.9")
    assert problem == f'reconciler/__init__.py: {VERSION}, but VERSION is 9.9.9: set __version__ = "9.9.9"'


def test_a_version_with_a_v_is_refused(checkout: Path) -> None:
    """VERSION is the number without the v of the tag. The message does not ask for a v in the source."""
    (problem,) = find_problems(checkout, f"v{VERSION}")
    assert problem == f"VERSION is v{VERSION}: write three numbers, such as 1.2.3, without a v"


def test_contributing_page_names_every_copy_of_the_version() -> None:
    """The steps of a release name each file and each key that repeats the version."""
    page = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## Cut a release\n")[2].partition("\n## ")[0]
    names = {"reconciler/__init__.py", *COPIES, *(key for keys in COPIES.values() for key in keys)}
    assert [name for name in sorted(names) if f"`{name}`" not in section] == []


def test_links_of_the_notes_lead_to_the_tag() -> None:
    """A relative link works on the page of a release, and other links stay as they are."""
    notes = "[a](docs/a.md#b), [c](https://example.com/), [d](#e)\n"
    expected = "[a](https://github.com/o/n/blob/v1.2.3/docs/a.md#b), [c](https://example.com/), [d](#e)\n"
    assert resolve_links(notes, "https://github.com/o/n", "1.2.3") == expected


def test_a_release_candidate_is_refused(checkout: Path) -> None:
    """A version has three numbers, because Python and Helm write release candidates differently."""
    for file in ("reconciler/__init__.py", *COPIES, "CHANGELOG.md"):
        text = (checkout / file).read_text(encoding="utf-8")
        (checkout / file).write_text(text.replace(VERSION, f"{VERSION}rc1"), encoding="utf-8")
    assert find_problems(checkout, f"{VERSION}rc1") == [
        f"reconciler/__init__.py: {VERSION}rc1 is no version such as 1.2.3",
        f"VERSION is {VERSION}rc1: write three numbers, such as 1.2.3, without a v",
    ]


@pytest.mark.parametrize("file", COPIES)
@pytest.mark.parametrize("other", ["9.9.9", None])
def test_a_copy_with_another_version_is_found(checkout: Path, file: str, other: str | None) -> None:
    """A file with another version, or without its version, prevents the release."""
    text = (checkout / file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if other or VERSION not in line]
    (checkout / file).write_text("".join(lines).replace(VERSION, other or ""), encoding="utf-8")
    problems = find_problems(checkout, VERSION)
    assert problems == [
        f"{file}: {key} is {other or 'missing'}, but reconciler/__init__.py has {VERSION}" for key in COPIES[file]
    ]


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        (
            "## 0.0.1 - 2026-11-01\n\n- Old.\n",
            f"no section for {VERSION}: add `## {VERSION} - YEAR-MONTH-DAY`, with text",
        ),
        (f"## {VERSION} - 2026-12-01\n\n", f"no section for {VERSION}: add `## {VERSION} - YEAR-MONTH-DAY`, with text"),
        (
            f"## {VERSION} - not released\n\n- New.\n",
            f"the section {VERSION} has no date: write `## {VERSION} - YEAR-MONTH-DAY`",
        ),
        (
            f"## Unreleased\n\n- Newer.\n\n## {VERSION} - 2026-12-01\n\n- New.\n",
            f"the section Unreleased has text: move it to {VERSION}",
        ),
    ],
)
def test_the_changelog_must_describe_the_release(checkout: Path, sections: str, problem: str) -> None:
    """A missing, empty or undated section prevents the release, and so does text that no version has."""
    write_changelog(checkout, sections)
    assert find_problems(checkout, VERSION) == [f"CHANGELOG.md: {problem}"]


def test_a_rehearsal_needs_no_date(checkout: Path) -> None:
    """A rehearsal accepts a section that is not released, and no other word in place of the date."""
    write_changelog(checkout, f"## Unreleased\n\n- Newer.\n\n## {VERSION} - not released\n\n- New.\n")
    assert find_problems(checkout, None) == []
    write_changelog(checkout, f"## {VERSION} - soon\n\n- New.\n")
    assert find_problems(checkout, None) == [
        f"CHANGELOG.md: the section {VERSION} says neither a date nor `not released`"
    ]


def test_only_pythons_that_start_are_found(tmp_path: Path) -> None:
    """A Python before 3.11, and a script that starts none, get no installation. The first folder wins."""
    minor = sys.version_info.minor
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / f"python3.{minor}").symlink_to(sys.executable)
    scripts = {
        "python3.10": "echo 3 10",
        "python3.98": "exit 127",
        "python3.99": "echo 3 99",
        "python3-config": "exit 0",
    }
    for name, script in scripts.items():
        (first / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (first / name).chmod(0o755)
    found = find_interpreters([first, tmp_path / "missing", second])
    assert found == {(3, minor): first / f"python3.{minor}", (3, 99): first / "python3.99"}


def test_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    """`sha256sum --check` accepts the checksums, and rejects a changed file."""
    (tmp_path / "program.whl").write_text("wheel", encoding="utf-8")
    (tmp_path / "program.tar.gz").write_text("source", encoding="utf-8")
    command: list[str | Path] = ["sha256sum", "--check", "--strict", write_checksums(tmp_path).name]
    result = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "program.tar.gz: OK\nprogram.whl: OK\n")
    (tmp_path / "program.whl").write_text("changed", encoding="utf-8")
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ({}, r"missing: \[\('anyio', '4'\)\]"),
        ({"anyio": "5"}, r"missing: \[\('anyio', '4'\)\]"),
        ({"anyio": "4", "pip": "26"}, r"not in requirements.lock: \[\('pip', '26'\)\]"),
    ],
)
def test_the_bill_of_materials_has_the_locked_packages(
    components: dict[str, str], message: str, tmp_path: Path
) -> None:
    """A bill that lacks a locked package, or has another one, prevents the release. A marker makes one optional."""
    lock, bill = tmp_path / "requirements.lock", tmp_path / "bill.cdx.json"
    lock.write_text("anyio==4 \\\n    --hash=sha256:00\ncolorama==1 ; os_name == 'nt' \\\n", encoding="utf-8")
    main = {"name": "appintegrations-reconciler", "version": VERSION}

    def write(packages: dict[str, str]) -> None:
        listed = [{"name": name, "version": version} for name, version in packages.items()]
        bill.write_text(json.dumps({"metadata": {"component": main}, "components": listed}), encoding="utf-8")

    write({"anyio": "4"})
    assert check_bill(bill, VERSION, lock) == 1
    write(components)
    with pytest.raises(AssertionError, match=message):
        check_bill(bill, VERSION, lock)


def check_release(*options: str) -> str:
    """Return what the check of a release prints before it fails."""
    command: list[str | Path] = [sys.executable, "-m", "support.release", *options]
    result = subprocess.run(command, cwd=REPOSITORY / "tests", check=False, capture_output=True, text=True)
    assert result.returncode == 1
    return result.stdout


def test_a_release_of_another_repository_is_refused() -> None:
    """The metadata must name the repository that releases. The message names the lines."""
    place, advice = r"pyproject.toml: a URL names \S+ \(lines [\d, ]+\)", "replace it in each URL"
    message = f"release: {place}, but this is somebody/else: {advice}\n"
    assert re.fullmatch(message, check_release("--repository", "somebody/else"))


def test_a_version_is_not_released_with_the_placeholder_of_the_owner() -> None:
    """Nobody has to name the repository for the placeholder to be found, in any URL of the metadata."""
    project = "".join(f'{name} = "https://github.com/{name}/exports/issues"\n' for name in ("OWNER", "somebody"))
    (problem,) = find_owner_problems(project, "")
    assert problem.startswith("pyproject.toml: a URL names OWNER/exports (line 1): replace OWNER in each URL")
    assert find_owner_problems(project.replace("OWNER", "somebody"), "") == []
    assert find_owner_problems(project.replace("OWNER", "somebody"), "somebody/exports") == []
    (problem,) = find_owner_problems('Issues = "https://gitlab.com/somebody/exports"', "somebody/exports")
    assert problem.startswith("pyproject.toml: a URL names nothing on GitHub, but this is somebody/exports")
    has_placeholder = OWNER in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert ("a URL names OWNER/" in check_release("--version", "0.0.0")) == has_placeholder


def test_a_rehearsal_says_in_one_line_what_a_release_still_needs(checkout: Path) -> None:
    """The line names the date of the changelog and the lines with the owner, and says so if nothing is left to do."""
    project = checkout / "pyproject.toml"
    project.write_text('[project.urls]\nA = "https://github.com/o/n"\nB = "https://github.com/o/n/issues"\n')
    assert describe_rest(checkout) == describe_rest(checkout, "o/n") == "passed; a release needs nothing more"
    project.write_text(project.read_text(encoding="utf-8").replace("/o/", "/OWNER/"), encoding="utf-8")
    write_changelog(checkout, f"## {VERSION} - not released\n\n- New.\n")
    assert describe_rest(checkout) == (
        f"passed; a release still needs: CHANGELOG.md: the section {VERSION} has no date: write "
        f"`## {VERSION} - YEAR-MONTH-DAY`; pyproject.toml: a URL names OWNER/n (lines 2, 3): "
        "replace OWNER in each URL by the owner of your repository on GitHub"
    )


def test_one_file_names_the_owner() -> None:
    """Only pyproject.toml has the placeholder of the owner. A user replaces it in a copy of the workflow template."""
    command = ["git", "grep", "--files-with-matches", "--fixed-strings", OWNER, "--", ":!tests"]
    result = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert result.stdout.split() == ["deploy/github/workflow.yml", "pyproject.toml"]
