"""Read a whole revision, and check each document alone and then against the others."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, TypeVar

from reconciler.core.aws.regions import find_region_problem
from reconciler.core.errors import Problem
from reconciler.core.manifests import consistency
from reconciler.core.manifests.checked_document import CheckedDocument, format_pointer
from reconciler.core.manifests.desired import build_desired
from reconciler.core.manifests.document import Document, ValuePath
from reconciler.core.manifests.expansion import ManifestExpander, find_placeholder_texts
from reconciler.core.manifests.files import limit_files
from reconciler.core.manifests.placeholders import find_tokens
from reconciler.core.manifests.plain_documents import API_VERSION
from reconciler.core.manifests.target_sets import TARGET_SET, expand_target_set
from reconciler.core.manifests.target_values import resolve_targets
from reconciler.core.manifests.window_rules import drop_replaced_members, find_window_problems
from reconciler.core.model import Desired, ensure_mapping
from reconciler.core.request import normalise as request
from reconciler.core.text import shorten
from reconciler.edge.manifests import schema
from reconciler.edge.manifests.budget import Budget, BudgetExceeded
from reconciler.edge.manifests.documents import read_documents
from reconciler.edge.manifests.files import File
from reconciler.edge.manifests.partitions import read_region_patterns
from reconciler.edge.manifests.problems import ProblemCollection
from reconciler.edge.manifests.zones import list_zone_names, read_zone

_Copy = TypeVar("_Copy", bound="CheckedDocument | Problem")

_MAX_NAME_LENGTH = 300  # characters, more than the 253 of the longest valid name


def load_manifests(entries: Iterable[File | Problem], now: datetime) -> Desired:
    """Return the desired state of files from any source. Raises InvalidManifests with all problems, sorted.

    The limits in `core/manifests/files.py` apply to all files together. If a limit is exceeded, one problem says where,
    and the rest is not read. Some warnings depend on `now`.
    """
    documents, warnings = load_documents(entries)
    return build_desired(documents, now, read_zone, warnings)


def load_documents(entries: Iterable[File | Problem]) -> tuple[Sequence[CheckedDocument], Sequence[Problem]]:
    """Return the Targets, the manifests of each target, and the warnings about selectors. Raises InvalidManifests."""
    problems = ProblemCollection()
    targets: list[CheckedDocument] = []
    manifests: list[CheckedDocument] = []
    warnings: list[Problem] = []
    budget = Budget()
    try:
        raw_manifests = []
        for entry in limit_files(entries):
            for document in _check_file(entry, budget, problems):
                if document.kind == "DataIntegrationAssociation":
                    raw_manifests.append(document)
                else:
                    targets += _resolve_targets(document, budget, problems)
        problems.add_all(consistency.find_target_problems(targets, raw_manifests))
        expander = ManifestExpander(targets, _find_substitution_problems)
        for manifest in raw_manifests:
            manifests += _expand_manifest(manifest, expander, budget, problems)
        problems.add_all(consistency.find_manifest_problems(targets, manifests))
        problems.raise_if_any(None)
        warnings = expander.warnings
    except BudgetExceeded as error:
        problems.raise_if_any(error.problem)
    return (*targets, *manifests), warnings


def _resolve_targets(
    document: CheckedDocument, budget: Budget, problems: ProblemCollection
) -> Iterator[CheckedDocument]:
    """Yield the Target in a document, or each Target of a set. Raises BudgetExceeded."""
    targets: Iterable[CheckedDocument]
    if document.kind == TARGET_SET:
        targets = _count_copies(expand_target_set(document), budget)
    elif document.kind == "Target":
        targets = (document,)
    else:
        return
    yield from _collect(resolve_targets(targets, _find_substitution_problems), problems)


def _expand_manifest(
    manifest: CheckedDocument, expander: ManifestExpander, budget: Budget, problems: ProblemCollection
) -> Iterator[CheckedDocument]:
    """Yield the manifest of each target. Raises BudgetExceeded."""
    yield from _collect(_count_copies(expander.expand(manifest), budget), problems)


def _collect(copies: Iterable[CheckedDocument | Problem], problems: ProblemCollection) -> Iterator[CheckedDocument]:
    """Yield the copies of one document, and add its problems to `problems`."""
    for each in copies:
        if isinstance(each, Problem):
            problems.add(each)
        else:
            yield each


def _count_copies(copies: Iterable[_Copy], budget: Budget) -> Iterator[_Copy]:
    """Yield the copies of one document, and count each but the first as a document. Raises BudgetExceeded."""
    is_first = True
    for each in copies:
        if isinstance(each, CheckedDocument):
            if not is_first:
                line, _ = each.document.find_position(())
                budget.begin_document(each.file, line)
                values = 1 if each.member is not None else len(each.document.marks) // 2
                budget.end_document(each.file, line, values)
            is_first = False
        yield each


def _find_substitution_problems(kind: str, value: Mapping[str, Any]) -> Iterator[tuple[ValuePath, str]]:
    """Yield (path, message) for each problem of a document after the substitution."""
    document = {"apiVersion": API_VERSION, **value}
    for path, _, message in _find_kind_problems(kind, document, lambda _: "", (), is_substituted=True):
        yield path, message


def _check_file(entry: File | Problem, budget: Budget, problems: ProblemCollection) -> Iterator[CheckedDocument]:
    """Yield the mappings in one file without keeping its text in memory. Raises BudgetExceeded."""
    if isinstance(entry, Problem):
        problems.add(entry)
        return
    for document in read_documents(entry.name, entry.content, budget):
        if isinstance(document, Problem):
            problems.add(document)
        elif checked := _check_document(entry.name, document, problems):
            yield checked


def _check_document(file: str, document: Document, problems: ProblemCollection) -> CheckedDocument | None:
    """Return the checked document, or None if it is not a mapping, and add its own problems to `problems`."""
    placeholders = dict(_locate_placeholders(document))
    rejected_paths: set[ValuePath] = set()
    for path, problem in _find_document_problems(file, document, {path for path, _ in placeholders}):
        rejected_paths.add(path)
        problems.add(problem)
    if not isinstance(document.value, dict):
        return None
    return CheckedDocument(
        file,
        document.without_text(),
        _reduce_document(document.value, rejected_paths),
        frozenset(rejected_paths),
        placeholders,
    )


def _locate_placeholders(document: Document) -> Iterator[tuple[tuple[ValuePath, str], tuple[int, int]]]:
    """Yield ((path of the string, text of the placeholder), position) for each placeholder of a document."""
    if document.text and document.text.may_have_placeholders and isinstance(document.value, dict):
        for path, text in find_placeholder_texts(document.value.get("kind"), document.value):
            for token in find_tokens(text):
                yield (path, token), document.find_text_position(path, token, len(text))


def _reduce_document(value: Mapping[str, Any], rejected_paths: AbstractSet[ValuePath]) -> Mapping[str, Any]:
    """Return the members that later checks need. An invalid document keeps what tells its name, targets and mode."""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    reduced: dict[str, Any] = {"name": name if isinstance(name, str) and len(name) <= _MAX_NAME_LENGTH else None}
    if not rejected_paths:
        if "labels" in value["metadata"]:
            reduced["labels"] = value["metadata"]["labels"]
        members = ("kind", "target", "targets", "policy", "window", "spec")
        return {"metadata": reduced} | {member: value[member] for member in members if member in value}
    policy = value.get("policy", {})
    has_mode = not isinstance(policy, Mapping) or "mode" in policy
    mode = ensure_mapping(policy).get("mode")
    is_selection_known = "targets" in value and not any(path[:1] == ("targets",) for path in rejected_paths)
    return (
        {"metadata": reduced}
        | {member: None for member in ("target", "targets", "window") if member in value}
        | {member: value[member] for member in ("kind", "target") if _is_short(value.get(member))}
        | ({"targets": value["targets"]} if is_selection_known else {})
        | {"policy": {"mode": mode if _is_short(mode) else None} if has_mode else {}}
    )


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_NAME_LENGTH


def _find_document_problems(
    file: str, document: Document, placeholders: Container[ValuePath]
) -> Iterator[tuple[ValuePath, Problem]]:
    """Yield (path, problem) for each problem of one document on its own. Texts at `placeholders` are not checked."""
    value = document.value
    if not isinstance(value, dict):
        line, column = document.find_position(())
        noun = "a list" if isinstance(value, list) else "a single value"
        yield (), Problem(file, line, column, "", f"a manifest must be a mapping, not {noun}")
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    path: ValuePath
    if "apiVersion" in value and version != API_VERSION:
        reason = "must be a string, but has no value" if version is None else f"unknown apiVersion {shorten(version)}"
        description = f"{reason}: use {API_VERSION!r}"
        yield _build_problem(file, document, ("apiVersion",), description)
    elif not isinstance(kind, str) or kind not in schema.SCHEMA_FILES:
        path, description = (
            (("kind",), "must be a string, but has no value" if kind is None else f"unknown kind {shorten(kind)}")
            if "kind" in value
            else ((), "'kind' is missing")
        )
        *kinds, last_kind = schema.SCHEMA_FILES
        yield _build_problem(file, document, path, f"{description}: use {', '.join(kinds)} or {last_kind}")
    else:
        for path, is_key, message in _find_kind_problems(kind, value, document.find_source_text, placeholders):
            yield _build_problem(file, document, path, message, is_key=is_key)


def _find_kind_problems(
    kind: str,
    value: Mapping[str, Any],
    find_source_text: Callable[[ValuePath], str],
    placeholders: Container[ValuePath],
    *,
    is_substituted: bool = False,
) -> Iterator[tuple[ValuePath, bool, str]]:
    """Yield (path, whether the problem is the key, message) for each problem of a document of a known kind."""
    rejected_pointers, rejected_window_pointers = set(), set()
    is_manifest = kind == "DataIntegrationAssociation"
    kept = drop_replaced_members(value) if is_manifest else value
    if not schema.get_fast_check(kind, is_substituted=is_substituted)(kept):
        for path, is_key, message in schema.find_schema_problems(
            kind, kept, find_source_text, placeholders, is_substituted=is_substituted
        ):
            rejected_pointers.add(format_pointer(path[1:]))
            if path[:1] == ("window",):
                rejected_window_pointers.add(format_pointer(path[1:]))
            yield path, is_key, message
    spec = kept.get("spec")
    if is_manifest and isinstance(spec, Mapping):
        for member, message in request.find_spec_problems(spec, rejected_pointers):
            path = ("spec", *member[1:].split("/"))
            if path not in placeholders:
                yield path, False, message
    if is_manifest and "window" in value:
        for pointer, message in find_window_problems(value, list_zone_names(), rejected_window_pointers):
            steps = tuple(int(step) if step.isdigit() else step for step in pointer[1:].split("/"))
            if steps not in placeholders:
                yield steps, False, message
    if kind == "Target" and not rejected_pointers:
        region_problem = find_region_problem(value["spec"]["Region"], read_region_patterns())
        if region_problem:
            yield ("spec", "Region"), False, region_problem


def _build_problem(
    file: str, document: Document, path: ValuePath, message: str, *, is_key: bool = False
) -> tuple[ValuePath, Problem]:
    return path, Problem(file, *document.find_position(path, is_key=is_key), format_pointer(path), message)
