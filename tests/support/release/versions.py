"""The version of a release: it has one source, each copy equals it, and the changelog has a section for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = "reconciler/__init__.py"
CHANGELOG = "CHANGELOG.md"
NOT_RELEASED = "not released"
# The files that must repeat the version, because their formats cannot read it from the source.
_COPIES = {
    "deploy/helm/Chart.yaml": (r'^version: "?([^"\n]+)"?$', r'^appVersion: "?([^"\n]+)"?$'),
    "deploy/kubernetes/controller/kustomization.yaml": (r'^ +newTag: "?([^"\n]+)"?$',),
    "deploy/kubernetes/cronjob/kustomization.yaml": (r'^ +newTag: "?([^"\n]+)"?$',),
}
_SECTION = re.compile(
    r"^## (?P<version>\S+)(?: - (?P<date>[^\n]+))?\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
# Python and Helm write other versions, such as release candidates, differently.
_VERSION = re.compile(r"\d+\.\d+\.\d+")
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


def find_problems(repository: Path, version: str | None) -> list[str]:
    """Return what prevents the release of a version. Without a version, allow a section that has no date yet."""
    source = read_version(repository)
    problems = [f"{file}: {found}, but {SOURCE} has {source}" for file, found in _find_copies(repository, source)]
    if not _VERSION.fullmatch(source):
        problems.append(f"{SOURCE}: {source} is no version such as 1.2.3")
    if version is not None and version != source:
        problems.append(f'{SOURCE}: {source}, but VERSION is {version}: set __version__ = "{version}"')
    return problems + list(_check_changelog(repository, source, must_have_date=version is not None))


def _find_copies(repository: Path, version: str) -> Iterator[tuple[str, str]]:
    """Yield each file whose copy of the version is missing or differs, and what it has instead."""
    for file, patterns in _COPIES.items():
        text = (repository / file).read_text(encoding="utf-8")
        for pattern in patterns:
            for found in re.findall(pattern, text, re.MULTILINE) or ["no version"]:
                if found != version:
                    yield file, found


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
