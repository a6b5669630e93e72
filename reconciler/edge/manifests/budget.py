"""Limit the documents, keys and values that are read of a revision."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import MAX_DOCUMENTS, MAX_VALUES, SIZE_REMEDY

MAX_DEPTH = 32
"""Maximum nesting depth of a document."""

MAX_NODES = 100_000
"""Maximum number of keys and values of a document, after its aliases are replaced."""


class UnreadableFile(Exception):
    """A problem after which the rest of the file is not read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


class BudgetExceeded(UnreadableFile):
    """A problem after which the rest of the revision is not read."""


@dataclass(slots=True)
class Budget:
    """The number of documents and values that a revision may still have. The files of a revision share one budget."""

    documents: int = MAX_DOCUMENTS
    values: int = MAX_VALUES

    def begin_document(self, name: str, line: int) -> None:
        """Count one document, even an empty one. Raises BudgetExceeded."""
        self.documents -= 1
        if self.documents < 0:
            raise _build_error(name, line, f"{MAX_DOCUMENTS} documents")

    def end_document(self, name: str, line: int, values: int) -> None:
        """Count the keys and values of one document. Raises BudgetExceeded."""
        self.values -= values
        if self.values < 0:
            raise _build_error(name, line, f"{MAX_VALUES} keys and values")


def _build_error(name: str, line: int, limit: str) -> BudgetExceeded:
    message = f"the revision has more than {limit} up to this line, and the rest is not read: {SIZE_REMEDY}"
    return BudgetExceeded(Problem(name, line, 1, "", message))
