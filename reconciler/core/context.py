"""Context variables on other threads: what is bound to log lines stays bound where the work goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def with_context(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return the call as one that sees today's context variables on any thread, also on several at once."""
    context = copy_context()

    def run_in_context(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return context.copy().run(call, *args, **kwargs)

    return run_in_context
