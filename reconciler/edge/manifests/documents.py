"""Read the documents of a file: as JSON if its text is JSON, otherwise as YAML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import Document, SourceText
from reconciler.edge.manifests import json, yaml
from reconciler.edge.manifests.budget import Budget, BudgetExceeded, UnreadableFile
from reconciler.edge.manifests.json_syntax import NotJson, explain_fault, is_comment


def read_documents(name: str, content: bytes, budget: Budget | None = None) -> Iterator[Document | Problem]:
    """Yield the documents of a file, and a problem for each part that is not accepted as YAML.

    `budget` limits the whole revision. Raises BudgetExceeded if the file exceeds the budget.
    """
    try:
        text = SourceText(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        readable = SourceText(content[: error.start].decode("utf-8-sig", "replace"))
        position = readable.find_line_and_column(len(readable.text))
        yield Problem(name, *position, "", "the file is not UTF-8: save it as UTF-8")
        return
    budget = budget or Budget()
    is_empty = True
    documents, json_problem = _read_json(name, text, budget)
    for document in documents or yaml.read_documents(name, text, budget, json_problem):
        is_empty = False
        yield document
    if is_empty:
        fault = "has no manifest, only comments or empty documents" if text.text.strip() else "is empty"
        yield Problem(name, 1, 1, "", f"the file {fault}: remove it, or add a manifest")


def _read_json(name: str, text: SourceText, budget: Budget) -> tuple[list[Document | Problem], Problem | None]:
    """Return (documents, problem) of JSON text. Raises BudgetExceeded.

    There are no documents if the text is not JSON. Then the problem says why, if JSON was intended. The problem of a
    comment in a JSON file is also in the list, because YAML would read the comment as a key or value.
    """
    is_json_file = name.lower().endswith(".json")
    is_intended = is_json_file or json.begins_as_json(text.text)
    if not is_intended and not json.is_likely(text.text):
        return [], None
    remaining = replace(budget)
    documents: list[Document | Problem] = []
    try:
        documents.extend(json.read_documents(name, text, remaining))
    except BudgetExceeded:
        raise
    except UnreadableFile as error:
        documents.append(error.problem)
    except NotJson as fault:
        if not is_intended:
            return [], None
        index, message = explain_fault(text.text, fault)
        problem = Problem(name, *text.find_line_and_column(index), "", message)
        return ([problem] if is_json_file and is_comment(text.text, fault) else []), problem
    budget.documents, budget.values = remaining.documents, remaining.values
    return documents, None
