"""Sign each call with the credentials of its target, although all targets of a Region share one client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import botocore.credentials

_current: ContextVar[botocore.credentials.Credentials] = ContextVar("credentials of the current call")


@contextmanager
def use_credentials(credentials: botocore.credentials.Credentials) -> Iterator[None]:
    """Sign the calls of the block with some credentials."""
    token = _current.set(credentials)
    try:
        yield
    finally:
        _current.reset(token)


class CallCredentials(botocore.credentials.Credentials):
    """Credentials of a shared client, which stand for those of the current call.

    A call outside `use_credentials` raises LookupError before it is signed: no call can use those of another target.
    """

    def __init__(self) -> None:
        super().__init__("", "", method="assume-role")

    def get_frozen_credentials(self) -> Any:
        """Return the credentials of the current call. botocore calls this when it signs."""
        return _current.get().get_frozen_credentials()
