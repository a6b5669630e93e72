"""The gate of foreign text: whatever libraries, git or AWS say passes it before it becomes a text of this program.

It knows the secrets of this process. `tests/test_foreign_text.py` holds every module to it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from reconciler.core.redaction import redact as core
from reconciler.core.redaction.secrets import RUN, Secrets, is_public, lower

_REMEMBERED = 8
"""How many values of credentials that are renewed are remembered: a call may be under way with the last ones."""

_lock = threading.RLock()
_known: dict[str, Secrets] = {}
_credentials: WeakKeyDictionary[object, dict[str, None]] = WeakKeyDictionary()
_indexed: tuple[int, core.Index] | None = None
"""The secrets as they are looked for, and for how many credentials; None where other secrets came to be known."""


def know(source: str, secrets: Secrets) -> None:
    """Take secrets out of foreign text from now on. `source` is where they come from: its next ones replace them."""
    with _lock:
        if _known.get(source) != secrets:
            _known[source] = secrets
            _forget_index()


@contextmanager
def known(source: str, secrets: Secrets) -> Iterator[None]:
    """Take secrets out of foreign text while the block runs."""
    know(source, secrets)
    try:
        yield
    finally:
        with _lock:
            _known.pop(source, None)
            _forget_index()


def watch(credentials: object) -> None:
    """Know what credentials of botocore hold now, while they live. They renew themselves when a request is signed."""
    with _lock:
        seen = _credentials.setdefault(credentials, {})
        # Not by their properties, which would renew them, and ask whoever does that
        held = (value for name, value in vars(credentials).items() if name.lstrip("_") in {"secret_key", "token"})
        texts = (each for each in held if isinstance(each, str) and len(each) >= RUN and not is_public(each))
        new = {*map(lower, texts)} - seen.keys()
        if new:
            seen.update(dict.fromkeys(new))
            for old in list(seen)[:-_REMEMBERED]:
                del seen[old]
            _forget_index()


def redact(text: str) -> str:
    """Return a foreign text without the secrets of this process, and without what is secret by where it stands."""
    return core.redact(text, _index())


def hide(text: str) -> str:
    """Return a text of our own, which may quote what was given, without the secrets of this process."""
    return core.hide(text, _index())


def describe(error: BaseException) -> str:
    """Return what a foreign error says, as one line without secrets."""
    return " ".join(redact(str(error)).split())


def _index() -> core.Index:
    global _indexed  # noqa: PLW0603 - a cache, which the lock guards
    with _lock:
        count = len(_credentials)  # fewer where some were collected, and are to be forgotten
        if _indexed is None or _indexed[0] != count:
            whole = {each for known in _known.values() for each in known.whole}
            long = {each for known in _known.values() for each in known.long}
            renewed = {each for seen in _credentials.values() for each in seen}
            _indexed = (count, core.Index.of(whole, long | renewed))
        return _indexed[1]


def _forget_index() -> None:
    global _indexed  # noqa: PLW0603 - as above
    _indexed = None
