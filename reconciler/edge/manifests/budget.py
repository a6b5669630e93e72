"""How much of a revision may still be read: its documents, and the keys and values in them."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import MAX_DOCUMENTS, MAX_VALUES, SIZE_REMEDY

MAX_DEPTH = 32
MAX_NODES = 100_000
"""How deep a document may nest, and how many values it may have once its aliases are replaced."""


class UnreadableFile(Exception):
    """Nothing more of this file can be read."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


class BudgetExceeded(UnreadableFile):
    """Nothing more of this revision is read."""


@dataclass(slots=True)
class Budget:
    """What is left of a revision's bounds; the readers of its files share one."""

    documents: int = MAX_DOCUMENTS
    values: int = MAX_VALUES

    def begin_document(self, name: str, line: int) -> None:
        """Count one document, empty ones too. Raises BudgetExceeded."""
        self.documents -= 1
        if self.documents < 0:
            raise _build_error(name, line, f"more than {MAX_DOCUMENTS} documents")

    def end_document(self, name: str, line: int, values: int) -> None:
        """Count the keys and values of one document. Raises BudgetExceeded."""
        self.values -= values
        if self.values < 0:
            raise _build_error(name, line, f"more than {MAX_VALUES} keys and values")


def _build_error(name: str, line: int, excess: str) -> BudgetExceeded:
    message = f"here the manifests come to {excess}, and no more are read: {SIZE_REMEDY}"
    return BudgetExceeded(Problem(name, line, 1, "", message))
