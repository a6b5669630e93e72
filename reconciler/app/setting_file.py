"""Read a secret from a variable, or from a file that may be replaced at any time."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.errors import UsageError


def require_single_source(variable: str, value: str | None, file: str | None) -> None:
    """Raise UsageError if a variable and the variable of its file, `<variable>_FILE`, are both set."""
    if value and file:
        raise UsageError(f"{variable} and {variable}_FILE are both set: unset one")


def read_setting_file(path: str) -> str | None:
    """Return the text of a file without byte order mark and surrounding whitespace, or None if it is unreadable."""
    try:
        return Path(path).read_text(encoding="utf-8").removeprefix("\ufeff").strip()
    except (OSError, UnicodeDecodeError):
        return None
