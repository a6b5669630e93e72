"""Read a whole revision, and check each document alone and then against the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.core.aws.regions import find_region_problem
from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.manifests import consistency
from reconciler.core.manifests.checked_document import CheckedDocument, format_pointer
from reconciler.core.manifests.desired import build_desired
from reconciler.core.manifests.document import Document, ValuePath
from reconciler.core.manifests.files import MAX_COUNTED_PROBLEMS, MAX_PROBLEMS, limit_files
from reconciler.core.manifests.window_rules import find_window_problems
from reconciler.core.model import Desired
from reconciler.core.request import normalise as request
from reconciler.core.text import shorten
from reconciler.edge.manifests import schema
from reconciler.edge.manifests.budget import Budget, BudgetExceeded
from reconciler.edge.manifests.files import File
from reconciler.edge.manifests.partitions import read_region_patterns
from reconciler.edge.manifests.yaml import read_documents
from reconciler.edge.manifests.zones import list_zone_names, read_zone

API_VERSION = "appintegrations.reconciler/v1"

_MAX_NAME_LENGTH = 300  # characters, more than the 253 of the longest valid name


def load_manifests(entries: Iterable[File | Problem], now: datetime) -> Desired:
    """Return the desired state of files from any source. Raises InvalidManifests with all problems, sorted.

    The limits in `core/manifests/files.py` apply to all files together. If a limit is exceeded, one problem says where,
    and the rest is not read. Some warnings depend on `now`.
    """
    problems = _Problems()
    documents: list[CheckedDocument] = []
    budget = Budget()
    try:
        for entry in limit_files(entries):
            documents += _check_file(entry, budget, problems)
        for problem in consistency.find_problems(documents):
            problems.add(problem)
        problems.raise_if_any(None)
    except BudgetExceeded as error:
        problems.raise_if_any(error.problem)
    return build_desired(documents, now, read_zone)


def _check_file(entry: File | Problem, budget: Budget, problems: _Problems) -> Iterator[CheckedDocument]:
    """Yield the mappings in one file without keeping its text in memory. Raises BudgetExceeded."""
    if isinstance(entry, Problem):
        problems.add(entry)
        return
    for document in read_documents(entry.name, entry.content, budget):
        if isinstance(document, Problem):
            problems.add(document)
        elif checked := _check_document(entry.name, document, problems):
            yield checked


class _Problems:
    """The first problems of a revision by file and line, without duplicates, and the number of omitted ones."""

    def __init__(self) -> None:
        self._problems: set[Problem] = set()
        self._omitted_count = 0
        self._count = 0

    def add(self, problem: Problem) -> None:
        """Add a problem. Raises BudgetExceeded if there are too many."""
        self._count += 1
        if self._count > MAX_COUNTED_PROBLEMS:
            message = (
                f"the revision has more than {MAX_COUNTED_PROBLEMS} problems up to this line, "
                "and the rest is not checked: correct the listed problems, and validate again"
            )
            raise BudgetExceeded(replace(problem, pointer="", message=message))
        self._problems.add(problem)
        if len(self._problems) > 2 * MAX_PROBLEMS:
            self._select_first()

    def raise_if_any(self, last_problem: Problem | None) -> None:
        """Raise InvalidManifests if there are problems. `last_problem` is never omitted."""
        problems = (*self._select_first(), *((last_problem,) if last_problem else ()))
        if problems:
            raise InvalidManifests(problems, omitted_count=self._omitted_count)

    def _select_first(self) -> list[Problem]:
        """Return the first problems, and count the others as omitted."""
        problems = sorted(self._problems)
        self._problems = set(problems[:MAX_PROBLEMS])
        self._omitted_count += len(problems) - len(self._problems)
        return problems[:MAX_PROBLEMS]


def _check_document(file: str, document: Document, problems: _Problems) -> CheckedDocument | None:
    """Return the checked document, or None if it is not a mapping, and add its own problems to `problems`."""
    rejected_paths: set[ValuePath] = set()
    for path, problem in _find_document_problems(file, document):
        rejected_paths.add(path)
        problems.add(problem)
    if not isinstance(document.value, dict):
        return None
    return CheckedDocument(
        file,
        document.without_text(),
        _reduce_document(document.value, is_valid=not rejected_paths),
        frozenset(rejected_paths),
    )


def _reduce_document(value: Mapping[str, Any], *, is_valid: bool) -> Mapping[str, Any]:
    """Return the members that later checks need. An invalid document keeps only its kind, target and name."""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    reduced = {"metadata": {"name": name if isinstance(name, str) and len(name) <= _MAX_NAME_LENGTH else None}}
    members = ("kind", "target", "policy", "window", "spec") if is_valid else ("kind", "target")
    return reduced | {
        member: value[member] for member in members if member in value and (is_valid or _is_short(value[member]))
    }


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_NAME_LENGTH


def _find_document_problems(file: str, document: Document) -> Iterator[tuple[ValuePath, Problem]]:
    """Yield (path, problem) for each problem of one document on its own."""
    value = document.value
    if not isinstance(value, dict):
        line, column = document.find_position(())
        noun = "a list" if isinstance(value, list) else "a single value"
        yield (), Problem(file, line, column, "", f"a manifest must be a mapping, not {noun}")
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    path: ValuePath
    if "apiVersion" in value and version != API_VERSION:
        description = f"unknown apiVersion {shorten(version)}: use {API_VERSION!r}"
        yield _build_problem(file, document, ("apiVersion",), description)
    elif not isinstance(kind, str) or kind not in schema.SCHEMA_FILES:
        path, description = (
            (("kind",), f"unknown kind {shorten(kind)}") if "kind" in value else ((), "'kind' is missing")
        )
        yield _build_problem(file, document, path, f"{description}: use {' or '.join(schema.SCHEMA_FILES)}")
    else:
        rejected_pointers, rejected_window_pointers = set(), set()
        if not schema.get_fast_check(kind)(value):
            for path, is_key, message in schema.find_schema_problems(kind, value, document.find_source_text):
                rejected_pointers.add(format_pointer(path[1:]))
                if path[:1] == ("window",):
                    rejected_window_pointers.add(format_pointer(path[1:]))
                yield _build_problem(file, document, path, message, is_key=is_key)
        spec = value.get("spec")
        if kind == "DataIntegrationAssociation" and isinstance(spec, Mapping):
            for member, message in request.find_spec_problems(spec, rejected_pointers):
                yield _build_problem(file, document, ("spec", *member[1:].split("/")), message)
        if kind == "DataIntegrationAssociation":
            for pointer, message in find_window_problems(value, list_zone_names(), rejected_window_pointers):
                steps = (int(step) if step.isdigit() else step for step in pointer[1:].split("/"))
                yield _build_problem(file, document, tuple(steps), message)
        if (
            kind == "Target"
            and not rejected_pointers
            and (region_problem := find_region_problem(value["spec"]["Region"], read_region_patterns()))
        ):
            yield _build_problem(file, document, ("spec", "Region"), region_problem)


def _build_problem(
    file: str, document: Document, path: ValuePath, message: str, *, is_key: bool = False
) -> tuple[ValuePath, Problem]:
    return path, Problem(file, *document.find_position(path, is_key=is_key), format_pointer(path), message)
