"""Classify the refusals of AWS by their error codes."""

from __future__ import annotations

from reconciler.core.apply.outcome import RefusalKind
from reconciler.core.aws.verdict import ACCESS_CODES

_KINDS = {
    "ResourceQuotaExceededException": RefusalKind.QUOTA,
    "ResourceNotFoundException": RefusalKind.MISSING,
}


def classify_refusal(code: str, message: str) -> RefusalKind:
    """Return the kind of a refusal.

    The text "explicit deny" is the only sign of a permanent denial (docs/reference/limits.md).
    """
    if "explicit deny" in message:
        return RefusalKind.DENY
    return RefusalKind.ACCESS if code in ACCESS_CODES else _KINDS.get(code, RefusalKind.REQUEST)
