"""Makes a client one that only reads: what else is called through it is stopped before it leaves."""

from __future__ import annotations

from typing import Any

_READS = ("Get", "List", "Head")  # Head is what botocore asks to find the Region of a bucket


def only_reads(client: Any) -> None:
    """Stop every call of a client whose name does not begin with Get, List or Head."""
    client.meta.events.register("before-call", _refuse_writes)


def _refuse_writes(model: Any, **_: object) -> None:
    if not model.name.startswith(_READS):
        raise AssertionError(f"{model.name} through a client that only reads")
