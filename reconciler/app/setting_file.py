"""Read a secret from a file that may be replaced at any time."""

from __future__ import annotations

from pathlib import Path


def read_setting_file(path: str) -> str | None:
    """Return the text of a file without byte order mark and surrounding whitespace, or None if it is unreadable."""
    try:
        return Path(path).read_text(encoding="utf-8").removeprefix("\ufeff").strip()
    except (OSError, UnicodeDecodeError):
        return None
