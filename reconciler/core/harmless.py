"""Makes any text safe to show: no value of a manifest or of AWS may steer a terminal or begin a line."""

from __future__ import annotations


def harmless(text: str) -> str:
    """Return a text with control, direction and other invisible characters as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
