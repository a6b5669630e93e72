"""Make text safe to show: a value must not control a terminal, start a new line or send a command to a CI runner.

GitHub's runner executes `::` at the start of a line, also after blanks, and the older `##[` anywhere in a line
(actions/runner, ActionCommand.cs). The output of this program may end up in the log of a runner.
"""

from __future__ import annotations

from datetime import datetime
from reprlib import Repr

_MAX_LENGTH = 80  # characters in a line of a terminal
_SHORT_REPR = Repr()
_SHORT_REPR.maxstring = _SHORT_REPR.maxother = _MAX_LENGTH


def sanitize(text: str) -> str:
    """Escape invisible characters (control and direction characters) and runner commands in a text."""
    text = escape_invisible(text)
    if text.lstrip().startswith("::"):
        text = text.replace(":", "\\u003a", 1)
    return escape_workflow_commands(text)


def escape_invisible(text: str) -> str:
    """Escape invisible characters in a text for a page, a chat or a mail, which reach no CI runner."""
    if text.isprintable():
        return text
    return text.translate({ord(char): f"\\u{ord(char):04x}" for char in set(text) if not char.isprintable()})


def escape_workflow_commands(text: str) -> str:
    """Escape runner commands of the older form (`##[`) in a text. JSON keeps its meaning."""
    return text.replace("##[", "#\\u0023[")


def shorten(value: object) -> str:
    """Return the Python repr of a value for a message, cut to the width of a terminal line."""
    text = repr(value[: _MAX_LENGTH + 1]) if isinstance(value, str) else _SHORT_REPR.repr(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}…"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun: `1 manifest`, `2,000 manifests`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def strip_full_stop(text: str) -> str:
    """Return a foreign text without its final full stop, for use within a sentence."""
    return text.rstrip().removesuffix(".")


def format_timestamp(when: datetime) -> str:
    """Return a UTC time to the second, for use in a sentence."""
    return f"{when:%Y-%m-%d %H:%M:%SZ}"


def format_timestamp_to_the_minute(when: datetime) -> str:
    """Return a UTC time to the minute, for use in a sentence."""
    return f"{when:%Y-%m-%d %H:%MZ}"
