"""Carry context variables to other threads, so that log lines there keep their bound fields."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def with_context(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Wrap a call with the current context variables. Several threads may run the result at the same time."""
    context = copy_context()

    def run_in_context(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return context.copy().run(call, *args, **kwargs)

    return run_in_context
