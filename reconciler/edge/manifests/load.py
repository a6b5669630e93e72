"""Reads a whole revision: every document of every file, checked alone and then against the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.manifests import consistency
from reconciler.core.manifests.checked_document import CheckedDocument, pointer
from reconciler.core.manifests.desired import build_desired
from reconciler.core.manifests.document import Document, Path
from reconciler.core.manifests.files import MAX_FOUND, MAX_PROBLEMS, bounded
from reconciler.core.model import Desired
from reconciler.core.request import normalise as request
from reconciler.core.text import shorten
from reconciler.edge.manifests import regions, schema
from reconciler.edge.manifests.budget import Budget, Exhausted
from reconciler.edge.manifests.files import File
from reconciler.edge.manifests.yaml import documents

API_VERSION = "appintegrations.reconciler/v1"

_LONGEST = 300  # characters: no name may have more than 253


def read(found: Iterable[File | Problem], now: datetime) -> Desired:
    """Return the desired state in files from wherever. Raises InvalidManifests with the problems of all, sorted.

    The bounds of `core.files` hold for all of them together: one problem tells where they end, and nothing behind it is
    read. `now` is for what is unwise only at times.
    """
    problems = _Problems()
    accepted: list[CheckedDocument] = []
    budget = Budget()
    try:
        for file in bounded(found):
            accepted += _accepted(file, budget, problems)
        for problem in consistency.find_problems(accepted):
            problems.add(problem)
        problems.check(None)
    except Exhausted as end:
        problems.check(end.problem)
    return build_desired(accepted, now)


def _accepted(file: File | Problem, budget: Budget, problems: _Problems) -> Iterator[CheckedDocument]:
    """Yield the mappings in one file, of which nothing else stays in memory. Raises Exhausted."""
    if isinstance(file, Problem):
        problems.add(file)
        return
    for each in documents(file.name, file.content, budget):
        if isinstance(each, Problem):
            problems.add(each)
        elif accepted := _judged(file.name, each, problems):
            yield accepted


class _Problems:
    """The first problems of a revision in order of file and line, each once, and how many more there are."""

    def __init__(self) -> None:
        self._kept: set[Problem] = set()
        self._more = 0
        self._found = 0

    def add(self, problem: Problem) -> None:
        """Count one more. Raises Exhausted where there are too many to go on."""
        self._found += 1
        if self._found > MAX_FOUND:
            said = f"here the manifests come to more than {MAX_FOUND} problems, and no more are looked for"
            raise Exhausted(replace(problem, pointer="", message=f"{said}: put right what is named"))
        self._kept.add(problem)
        if len(self._kept) > 2 * MAX_PROBLEMS:
            self._sorted()

    def check(self, end: Problem | None) -> None:
        """Raise InvalidManifests if there are any; `end` is told whatever else there is."""
        first = (*self._sorted(), *((end,) if end else ()))
        if first:
            raise InvalidManifests(first, omitted_count=self._more)

    def _sorted(self) -> list[Problem]:
        """Return the first, and count the others."""
        every = sorted(self._kept)
        self._kept = set(every[:MAX_PROBLEMS])
        self._more += len(every) - len(self._kept)
        return every[:MAX_PROBLEMS]


def _judged(file: str, document: Document, problems: _Problems) -> CheckedDocument | None:
    """Return a mapping with what is wrong with it taken alone, which is added to the problems."""
    refused: set[Path] = set()
    for path, problem in _wrong(file, document):
        refused.add(path)
        problems.add(problem)
    if not isinstance(document.value, dict):
        return None
    return CheckedDocument(file, document.without_text(), _kept(document.value, whole=not refused), frozenset(refused))


def _kept(value: Mapping[str, Any], *, whole: bool) -> Mapping[str, Any]:
    """Return what is asked of a document that was judged: of one with mistakes, what others may clash with."""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    kept = {"metadata": {"name": name if isinstance(name, str) and len(name) <= _LONGEST else None}}
    members = ("kind", "target", "policy", "spec") if whole else ("kind", "target")
    return kept | {
        member: value[member] for member in members if member in value and (whole or _is_short(value[member]))
    }


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _wrong(file: str, document: Document) -> Iterator[tuple[Path, Problem]]:
    """Yield (path, problem) for what is wrong with one document, taken alone."""
    value = document.value
    if not isinstance(value, dict):
        line, column = document.position(())
        what = "a list" if isinstance(value, list) else "a single value"
        yield (), Problem(file, line, column, "", f"a manifest must be a mapping, and this is {what}")
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    path: Path
    if "apiVersion" in value and version != API_VERSION:
        wrong = f"unknown apiVersion {shorten(version)}: it is {API_VERSION!r}"
        yield _problem(file, document, ("apiVersion",), wrong)
    elif not isinstance(kind, str) or kind not in schema.FILES:
        path, wrong = (("kind",), f"unknown kind {shorten(kind)}") if "kind" in value else ((), "'kind' is missing")
        yield _problem(file, document, path, f"{wrong}: it is {' or '.join(schema.FILES)}")
    else:
        refused = set()
        if not schema.accepts(kind)(value):
            for path, of_key, message in schema.explain(kind, value, document.written):
                refused.add(pointer(path[1:]))
                yield _problem(file, document, path, message, of_key=of_key)
        spec = value.get("spec")
        if kind == "DataIntegrationAssociation" and isinstance(spec, Mapping):
            for member, message in request.problems(spec, refused):
                yield _problem(file, document, ("spec", *member[1:].split("/")), message)
        if kind == "Target" and not refused and (wrong_region := regions.complaint(value["spec"]["Region"])):
            yield _problem(file, document, ("spec", "Region"), wrong_region)


def _problem(file: str, document: Document, path: Path, message: str, *, of_key: bool = False) -> tuple[Path, Problem]:
    return path, Problem(file, *document.position(path, of_key=of_key), pointer(path), message)
