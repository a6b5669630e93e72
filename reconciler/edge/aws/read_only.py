"""Make a boto3 client read-only: calls that could write fail before they are sent."""

from __future__ import annotations

from typing import Any

_READ_PREFIXES = ("Get", "List", "Head")  # botocore itself calls HeadBucket to find a bucket's Region


def make_read_only(client: Any) -> None:
    """Allow only calls whose names begin with Get, List or Head. Other calls raise AssertionError."""
    client.meta.events.register("before-call", _refuse_writes)


def _refuse_writes(model: Any, **_: object) -> None:
    if not model.name.startswith(_READ_PREFIXES):
        raise AssertionError(f"{model.name} was called on a read-only client")
