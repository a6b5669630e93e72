"""Reads a whole revision: every document of every file, checked alone and then against the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from reconciler.core import request
from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.model import Desired
from reconciler.edge.manifests import regions, revision, schema
from reconciler.edge.manifests.document import Document, Path
from reconciler.edge.manifests.files import File
from reconciler.edge.manifests.revision import Accepted, pointer
from reconciler.edge.manifests.yaml import documents

API_VERSION = "appintegrations.reconciler/v1"


def read(found: Iterable[File | Problem], now: datetime) -> Desired:
    """Return the desired state in files from wherever. Raises InvalidManifests with every problem of all, sorted.

    `now` is for what is unwise only at times.
    """
    problems: list[Problem] = []
    accepted: list[Accepted] = []
    for file in found:
        if isinstance(file, Problem):
            problems.append(file)
            continue
        for document in documents(file.name, file.content):
            if isinstance(document, Problem):
                problems.append(document)
                continue
            wrong = list(_wrong(file.name, document))
            problems += wrong
            if isinstance(document.value, dict):
                accepted.append(Accepted(file.name, document, document.value, whole=not wrong))
    problems += revision.problems(accepted)
    if problems:
        raise InvalidManifests(tuple(sorted(set(problems))))
    return revision.desired(accepted, now)


def _wrong(file: str, document: Document) -> Iterator[Problem]:
    """Yield what is wrong with one document, taken alone."""
    value = document.value
    if not isinstance(value, dict):
        line, column = document.position(())
        what = "a list" if isinstance(value, list) else "a single value"
        yield Problem(file, line, column, "", f"a manifest must be a mapping, and this is {what}")
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    path: Path
    if "apiVersion" in value and version != API_VERSION:
        wrong = f"unknown apiVersion {schema.short(version)}: it is {API_VERSION!r}"
        yield _problem(file, document, ("apiVersion",), wrong)
    elif not isinstance(kind, str) or kind not in schema.FILES:
        path, wrong = (
            (("kind",), f"unknown kind {schema.short(kind)}") if "kind" in value else ((), "'kind' is missing")
        )
        yield _problem(file, document, path, f"{wrong}: it is {' or '.join(schema.FILES)}")
    else:
        reported = set()
        if not schema.accepts(kind)(value):
            for path, of_key, message in schema.explain(kind, value, document.written):
                reported.add(path)
                yield _problem(file, document, path, message, of_key=of_key)
        spec = value.get("spec")
        if kind == "DataIntegrationAssociation" and isinstance(spec, Mapping):
            for member, message in request.problems(spec):
                path = ("spec", *member[1:].split("/"))
                if path not in reported:
                    yield _problem(file, document, path, message)
        if kind == "Target" and not reported and (wrong_region := regions.complaint(value["spec"]["Region"])):
            yield _problem(file, document, ("spec", "Region"), wrong_region)


def _problem(
    file: str, document: Document, path: tuple[str | int, ...], message: str, *, of_key: bool = False
) -> Problem:
    return Problem(file, *document.position(path, of_key=of_key), pointer(path), message)
