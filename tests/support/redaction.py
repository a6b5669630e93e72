"""Secrets that are redacted for the time of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler import redaction
from reconciler.core.redaction.secrets import Secrets


@contextmanager
def hold_secrets(source: str, secrets: Secrets) -> Iterator[None]:
    """Redact secrets from foreign text while the block runs."""
    redaction.add_secrets(source, secrets)
    try:
        yield
    finally:
        redaction.add_secrets(source, Secrets.from_values())
