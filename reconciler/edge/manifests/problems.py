"""Collect the problems of a revision, and keep only the first ones if there are many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.manifests.files import MAX_COUNTED_PROBLEMS, MAX_PROBLEMS
from reconciler.edge.manifests.budget import BudgetExceeded


class ProblemCollection:
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

    def add_all(self, problems: Iterable[Problem]) -> None:
        """Add several problems. Raises BudgetExceeded if there are too many."""
        for problem in problems:
            self.add(problem)

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
