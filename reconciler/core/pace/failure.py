"""The kinds of failed calls, as far as they matter for the pace of an account and Region."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure after which the same call may succeed. `retry_after` is the pause that AWS asked for, in seconds."""

    is_throttled: bool
    retry_after: float | None = None
