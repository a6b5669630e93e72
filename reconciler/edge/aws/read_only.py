"""Make a boto3 client read-only: calls that could write fail before they are sent."""

from __future__ import annotations

from typing import Any

READ_PREFIXES = ("Get", "List", "Head")  # botocore itself calls HeadBucket to find a bucket's Region


def make_read_only(client: Any, prefixes: tuple[str, ...] = READ_PREFIXES) -> None:
    """Allow only calls whose names begin with one of the prefixes. Other calls raise AssertionError."""

    def refuse_writes(model: Any, **_: object) -> None:
        if not model.name.startswith(prefixes):
            raise AssertionError(f"{model.name} was called on a read-only client")

    client.meta.events.register("before-call", refuse_writes)
