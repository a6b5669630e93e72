"""Redact the secrets of this process from foreign text: the messages of libraries, git and AWS.

Every module must redact foreign text before it shows, logs or sends it. `tests/test_foreign_text.py` enforces this.
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from reconciler.core.redaction import redact as core
from reconciler.core.redaction.secrets import MIN_PART_LENGTH, Secrets, is_public, lower_ascii

_MAX_OLD_VALUES = 8
"""Number of recent values to keep of renewed credentials. A call may still use the previous ones."""

_lock = threading.RLock()
_secrets: dict[str, Secrets] = {}
_credentials: WeakKeyDictionary[object, dict[str, None]] = WeakKeyDictionary()
_cached_index: tuple[int, core.SecretIndex] | None = None
"""Number of watched credentials, and the index built for them. None after a secret was added or removed."""


def add_secrets(source: str, secrets: Secrets) -> None:
    """Register secrets to redact from foreign text. They replace the earlier secrets of the same `source`."""
    with _lock:
        if _secrets.get(source) != secrets:
            _secrets[source] = secrets
            _forget_index()


def watch_credentials(credentials: object) -> None:
    """Register the current values of botocore credentials as secrets, for as long as the credentials exist.

    Call again before each request is sent, because botocore renews credentials when it signs.
    """
    with _lock:
        values = _credentials.setdefault(credentials, {})
        # Read the attributes: the properties would renew the credentials, which may call another service.
        attributes = (value for name, value in vars(credentials).items() if name.lstrip("_") in {"secret_key", "token"})
        secret_values = (
            each
            for each in attributes
            if isinstance(each, str) and len(each) >= MIN_PART_LENGTH and not is_public(each)
        )
        new_values = {*map(lower_ascii, secret_values)} - values.keys()
        if new_values:
            values.update(dict.fromkeys(new_values))
            for old_value in list(values)[:-_MAX_OLD_VALUES]:
                del values[old_value]
            _forget_index()


def redact(text: str) -> str:
    """Redact the secrets of this process, and values in secret positions, from a foreign text."""
    return core.redact(text, _get_index())


def hide(text: str) -> str:
    """Redact the secrets of this process from a text of this program, which may quote its input."""
    return core.hide(text, _get_index())


def describe_error(error: BaseException) -> str:
    """Return the text of a foreign error, and the notes that this program added to it, as one line without secrets."""
    return " ".join(redact("; ".join((str(error), *getattr(error, "__notes__", ())))).split())


def _get_index() -> core.SecretIndex:
    global _cached_index  # noqa: PLW0603 - the lock guards this cache
    with _lock:
        count = len(_credentials)  # a lower count means that credentials no longer exist
        if _cached_index is None or _cached_index[0] != count:
            whole = {each for known in _secrets.values() for each in known.whole}
            long = {each for known in _secrets.values() for each in known.long}
            renewed = {value for values in _credentials.values() for value in values}
            _cached_index = (count, core.SecretIndex.build(whole, long | renewed))
        return _cached_index[1]


def _forget_index() -> None:
    global _cached_index  # noqa: PLW0603 - as above
    _cached_index = None
