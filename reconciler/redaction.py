"""The gate of foreign text: whatever libraries, git or AWS say passes it before it becomes a text of this program.

It knows the secrets of this process. `tests/test_foreign_text.py` holds every module to it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from reconciler.core import redact as core
from reconciler.core.secrets import RUN, Secrets, lower

_REMEMBERED = 8
"""How many values of credentials that are renewed are remembered: a call may be under way with the last ones."""

_lock = threading.RLock()
_known: dict[str, Secrets] = {}
_credentials: WeakKeyDictionary[object, dict[str, None]] = WeakKeyDictionary()


def know(source: str, secrets: Secrets) -> None:
    """Take secrets out of foreign text from now on. `source` is where they come from: its next ones replace them."""
    with _lock:
        _known[source] = secrets


@contextmanager
def known(source: str, secrets: Secrets) -> Iterator[None]:
    """Take secrets out of foreign text while the block runs."""
    know(source, secrets)
    try:
        yield
    finally:
        with _lock:
            _known.pop(source, None)


def watch(credentials: object) -> None:
    """Know what credentials of botocore hold now, and what they will hold while they live: they renew themselves."""
    with _lock:
        seen = _credentials.setdefault(credentials, {})
        # Not by their properties, which would renew them, and ask whoever does that
        for name, value in vars(credentials).items():
            if name.lstrip("_") in {"secret_key", "token"} and isinstance(value, str) and len(value) >= RUN:
                seen[lower(value)] = None
        for old in list(seen)[:-_REMEMBERED]:
            del seen[old]


def redact(text: str) -> str:
    """Return a foreign text without the secrets of this process, and without what is secret by where it stands."""
    with _lock:
        for each in list(_credentials):
            watch(each)
        secrets = tuple(_known.values())
        renewed = [value for seen in _credentials.values() for value in seen]
    whole = {each for known in secrets for each in known.whole}
    return core.redact(text, whole, (*{each for known in secrets for each in known.long}, *renewed))


def describe(error: BaseException) -> str:
    """Return what a foreign error says, as one line without secrets."""
    return " ".join(redact(str(error)).split())
