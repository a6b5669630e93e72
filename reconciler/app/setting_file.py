"""Read a secret from a variable, or from a file that may be replaced at any time."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.errors import UsageError


class UnusableFile(Exception):
    """A file that cannot be read as text. The message is the problem and its remedy, without the name of the file."""


def require_single_source(variable: str, value: str | None, file: str | None) -> None:
    """Raise UsageError if a variable and the variable of its file, `<variable>_FILE`, are both set."""
    if value and file:
        raise UsageError(f"{variable} and {variable}_FILE are both set: unset one")


def read_setting_file(path: str) -> str:
    """Return the text of a file without byte order mark and surrounding whitespace. Raises UnusableFile."""
    try:
        return Path(path).read_text(encoding="utf-8").removeprefix("\ufeff").strip()
    except UnicodeDecodeError as error:
        raise UnusableFile("the file is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise UnusableFile(f"the file cannot be read: {error.strerror}: correct the path or its permissions") from error
