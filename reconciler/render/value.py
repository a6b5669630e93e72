"""A value of a request as one line for people."""

from __future__ import annotations

import json

from reconciler.core.model import Json
from reconciler.core.request.times import readable
from reconciler.core.text import harmless


def shown(value: Json) -> str:
    """Return a value on one line, epoch milliseconds with the time that they mean."""
    if value is None:
        return "(absent)"
    if not isinstance(value, str):
        return harmless(json.dumps(value, ensure_ascii=False))
    time = readable(value)
    return harmless(value) if time == value else f"{value} ({time})"
