"""Makes a client one that only reads: what else is called through it is stopped before it leaves."""

from __future__ import annotations

from typing import Any

_READ_PREFIXES = ("Get", "List", "Head")  # Head is what botocore asks to find the Region of a bucket


def make_read_only(client: Any) -> None:
    """Stop every call of a client whose name does not begin with Get, List or Head."""
    client.meta.events.register("before-call", _refuse_writes)


def _refuse_writes(model: Any, **_: object) -> None:
    if not model.name.startswith(_READ_PREFIXES):
        raise AssertionError(f"{model.name} through a client that only reads")
