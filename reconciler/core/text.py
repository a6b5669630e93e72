"""Makes any text safe to show: no value of a manifest or of AWS may steer a terminal, begin a line or command a runner.

GitHub's runner takes `::` for a command where a line begins, after blanks too, and the older `##[` anywhere in one
(actions/runner, ActionCommand.cs). What the program prints may end up in its log.
"""

from __future__ import annotations

from datetime import datetime
from reprlib import Repr

_MAX_LENGTH = 80  # characters, of a terminal
_SHORT_REPR = Repr()
_SHORT_REPR.maxstring = _SHORT_REPR.maxother = _MAX_LENGTH


def sanitize(text: str) -> str:
    """Escape invisible characters (control and direction characters) and commands in a text."""
    text = escape_invisible(text)
    if text.lstrip().startswith("::"):
        text = text.replace(":", "\\u003a", 1)
    return escape_workflow_commands(text)


def escape_invisible(text: str) -> str:
    """Escape invisible characters in a text for a page, a chat or a mail, where no line is a command."""
    if text.isprintable():
        return text
    return text.translate({ord(char): f"\\u{ord(char):04x}" for char in set(text) if not char.isprintable()})


def escape_workflow_commands(text: str) -> str:
    """Remove commands of the older form from a text. JSON keeps its meaning."""
    return text.replace("##[", "#\\u0023[")


def shorten(value: object) -> str:
    """Return the Python repr of a value for one line of a message. Long values are cut first."""
    text = repr(value[: _MAX_LENGTH + 1]) if isinstance(value, str) else _SHORT_REPR.repr(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}…"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 manifest`, `2,000 manifests`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def timestamp(when: datetime) -> str:
    """Return a UTC time for a sentence, to the second."""
    return f"{when:%Y-%m-%d %H:%M:%SZ}"


def timestamp_to_the_minute(when: datetime) -> str:
    """Return a UTC time for a sentence, to the minute."""
    return f"{when:%Y-%m-%d %H:%MZ}"
