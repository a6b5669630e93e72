"""Copy context variables to other threads, because log lines take their fields from them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def with_context(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a call that runs with the current context variables. Threads may run it at the same time."""
    context = copy_context()

    def run_in_context(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return context.copy().run(call, *args, **kwargs)

    return run_in_context
