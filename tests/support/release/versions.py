"""The version of a release: it has one source, each copy equals it, and the changelog has a section for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = "reconciler/__init__.py"
CHANGELOG = "CHANGELOG.md"
PROJECT = "pyproject.toml"
NOT_RELEASED = "not released"
COPIES = {
    "deploy/helm/Chart.yaml": ("version", "appVersion"),
    "deploy/kubernetes/controller/kustomization.yaml": ("newTag",),
    "deploy/kubernetes/cronjob/kustomization.yaml": ("newTag",),
}
"""The files and keys that must repeat the version, because their formats cannot read it from the source."""
_SECTION = re.compile(
    r"^## (?P<version>\S+)(?: - (?P<date>[^\n]+))?\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
# Python and Helm write other versions, such as release candidates, differently.
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_REPOSITORY_URL = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")
_PLACEHOLDER = "OWNER/"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read_version(repository: Path) -> str:
    """Return the version of the program in a checkout."""
    match = re.search(r'^__version__ = "(.+)"$', (repository / SOURCE).read_text(encoding="utf-8"), re.MULTILINE)
    assert match, f"{SOURCE}: no __version__"
    return match[1]


def read_notes(repository: Path, version: str) -> str:
    """Return the text of the section of a version in the changelog, without its heading."""
    for section in _SECTION.finditer((repository / CHANGELOG).read_text(encoding="utf-8")):
        if section["version"] == version:
            return section["text"].strip() + "\n"
    return ""


def resolve_links(notes: str, url: str, version: str) -> str:
    """Return notes whose relative links lead to the tag of the version in a repository, as those of the README do."""
    return re.sub(r"\]\((?!https?://|#)", f"]({url}/blob/v{version}/", notes)


def find_owner_problems(project: str, repository: str) -> list[str]:
    """Return a problem for each repository on GitHub that a pyproject.toml names instead of the one that releases.

    Without a repository, return a problem only for the placeholder of the owner.
    """
    lines: dict[str, list[str]] = {}
    for number, line in enumerate(project.splitlines(), 1):
        for name in _REPOSITORY_URL.findall(line):
            lines.setdefault(name, []).append(str(number))
    names = {name: f"pyproject.toml: a URL names {name} ({_name_lines(lines[name])})" for name in sorted(lines)}
    if repository:
        advice = f"but this is {repository}: replace it in each URL"
        names = names or {"": "pyproject.toml: a URL names nothing on GitHub"}
        return [f"{text}, {advice}" for name, text in names.items() if name != repository]
    advice = "replace OWNER in each URL by the owner of your repository on GitHub"
    return [f"{text}: {advice}" for name, text in names.items() if name.startswith(_PLACEHOLDER)]


def _name_lines(numbers: list[str]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def find_problems(repository: Path, version: str | None) -> list[str]:
    """Return what prevents the release of a version. Without a version, allow a section that has no date yet."""
    source = read_version(repository)
    problems = [f"{place} is {found}, but {SOURCE} has {source}" for place, found in _find_copies(repository, source)]
    if not _VERSION.fullmatch(source):
        problems.append(f"{SOURCE}: {source} is no version such as 1.2.3")
    if version is not None and not _VERSION.fullmatch(version):
        problems.append(f"VERSION is {version}: write three numbers, such as 1.2.3, without a v")
    elif version is not None and version != source:
        problems.append(f'{SOURCE}: {source}, but VERSION is {version}: set __version__ = "{version}"')
    return problems + list(_check_changelog(repository, source, must_have_date=version is not None))


def describe_rest(repository: Path, name: str = "") -> str:
    """Return one line that says what a release of the current version still needs after a rehearsal."""
    project = (repository / PROJECT).read_text(encoding="utf-8")
    problems = find_problems(repository, read_version(repository)) + find_owner_problems(project, name)
    return (
        f"passed; a release still needs: {'; '.join(problems)}" if problems else "passed; a release needs nothing more"
    )


def _find_copies(repository: Path, version: str) -> Iterator[tuple[str, str]]:
    """Yield the place of each copy of the version that is missing or differs, and what it has instead."""
    for file, keys in COPIES.items():
        text = (repository / file).read_text(encoding="utf-8")
        for key in keys:
            for found in re.findall(rf'^ *{key}: "?([^"\n]+)"?$', text, re.MULTILINE) or ["missing"]:
                if found != version:
                    yield f"{file}: {key}", found


def _check_changelog(repository: Path, version: str, *, must_have_date: bool) -> Iterator[str]:
    sections = {
        section["version"]: section
        for section in _SECTION.finditer((repository / CHANGELOG).read_text(encoding="utf-8"))
    }
    section = sections.get(version)
    if section is None or not section["text"].strip():
        yield f"{CHANGELOG}: no section for {version}: add `## {version} - YEAR-MONTH-DAY`, with text"
        return
    date = section["date"] or ""
    if must_have_date and not _DATE.fullmatch(date):
        yield f"{CHANGELOG}: the section {version} has no date: write `## {version} - YEAR-MONTH-DAY`"
    if not must_have_date and date != NOT_RELEASED and not _DATE.fullmatch(date):
        yield f"{CHANGELOG}: the section {version} says neither a date nor `{NOT_RELEASED}`"
    unreleased = sections.get("Unreleased")
    if must_have_date and unreleased and unreleased["text"].strip():
        yield f"{CHANGELOG}: the section Unreleased has text: move it to {version}"
