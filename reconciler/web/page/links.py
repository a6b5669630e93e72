"""Where a manifest can be seen in a browser, by the template that the controller was given."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from reconciler.core.model import Origin

FIELDS = ("{revision}", "{file}", "{line}")


def validate_template(template: str) -> str | None:
    """Return what is wrong with a template, None where it is right."""
    try:
        parts = urlsplit(template)
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "it begins with https:// and a host"
    rest = template
    for field in FIELDS:
        rest = rest.replace(field, "")
    if "{" in rest or "}" in rest:
        return f"it can hold {', '.join(FIELDS)} and no other field"
    if any(mark in parts.netloc for mark in "{}@"):
        return "its host stands as it is, without a login"
    return None


def build_link(template: str | None, revision: str | None, origin: Origin) -> str | None:
    """Return where a manifest of a revision begins, None where no template leads there."""
    if template is None or (revision is None and "{revision}" in template):
        return None
    if revision in {".", ".."} or any(part in {"", ".", ".."} for part in origin.file.split("/")):
        return None  # a browser would shorten it, to some other page
    return (
        template.replace("{line}", str(origin.line))
        .replace("{revision}", quote(revision or "", safe=""))
        .replace("{file}", quote(origin.file, safe="/", errors="replace"))
    )
