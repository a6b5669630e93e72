"""Find unrendered templates of Helm, Jinja or a shell, whose braces YAML and JSON take for mappings."""

from __future__ import annotations

import re

_QUOTED_OR_TEMPLATE = re.compile(
    r"""(?<![^\s,\[{:(])(?:"(?:[^"\\\r\n]|\\.)*"|'[^'\r\n]*')|(?P<start>\{\{|\{%|\{\#|\$\{)(?P<rest>[^}\r\n]*+\}*)"""
)
_BEFORE_VALUE = (":", "-", "?", ",", "[", "{")


def find_template(text: str, index: int) -> tuple[int, str] | None:
    """Return (index, explanation) of the template that makes the text invalid at `index`, or None.

    The template is in the same line. It contains the index, or it begins a key or value before the index.
    """
    line_start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    for match in _QUOTED_OR_TEMPLATE.finditer(text, line_start):
        start: int = match.start()
        if start > index:
            return None
        before = text[line_start:start].rstrip()
        begins_value = match["start"] != "${" and (not before or before.endswith(_BEFORE_VALUE))
        if match["start"] and (index < match.end() or begins_value):
            return start, _explain_template(match["start"], before, _find_rest_of_line(text, match.end()))
    return None


def _explain_template(sign: str, before: str, after: str) -> str:
    """Return the explanation of a template. `before` and `after` are the text around it in its line."""
    what = f"'{sign}' cannot begin here" if sign == "${" else f"'{sign}' begins a mapping"
    if not sign.endswith("{") or not (before or after):  # a statement, which has no text to put in quotes
        return f"{what}: render the template first"
    noun = "key" if after.startswith(":") else "value"
    if sign == "${":
        return f"{what}: put the {noun} in quotes, or render the template first"
    return f"{what}: render the template first, or put the {noun} in quotes"


def _find_rest_of_line(text: str, index: int) -> str:
    return re.split(r"[\r\n]", text[index : index + 200], maxsplit=1)[0].strip()
