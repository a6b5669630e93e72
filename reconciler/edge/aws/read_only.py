"""Make a client read-only: other calls are stopped before they are sent."""

from __future__ import annotations

from typing import Any

_READ_PREFIXES = ("Get", "List", "Head")  # botocore uses Head to find a bucket's Region


def make_read_only(client: Any) -> None:
    """Block a client's calls unless their names begin with Get, List or Head."""
    client.meta.events.register("before-call", _refuse_writes)


def _refuse_writes(model: Any, **_: object) -> None:
    if not model.name.startswith(_READ_PREFIXES):
        raise AssertionError(f"{model.name} through a client that only reads")
