"""Build the link to a manifest from the template of `--manifest-url`. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from reconciler.core.model import Origin

FIELDS = ("{revision}", "{file}", "{line}")


def validate_template(template: str) -> str | None:
    """Return the error in a template, or None if the template is valid."""
    try:
        parts = urlsplit(template)
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "it must begin with https:// and a host"
    rest = template
    for field in FIELDS:
        rest = rest.replace(field, "")
    if "{" in rest or "}" in rest:
        return f"it may contain only the fields {', '.join(FIELDS)}"
    if any(mark in parts.netloc for mark in "{}@"):
        return "its host must not contain fields or a login"
    return None


def build_link(template: str | None, revision: str | None, origin: Origin) -> str | None:
    """Return the link to a manifest of a revision, or None if the template does not lead to it."""
    if template is None or (revision is None and "{revision}" in template):
        return None
    if revision in {".", ".."} or any(part in {"", ".", ".."} for part in origin.file.split("/")):
        return None  # a browser would normalise the path and open another page
    return (
        template.replace("{line}", str(origin.line))
        .replace("{revision}", quote(revision or "", safe=""))
        .replace("{file}", quote(origin.file, safe="/", errors="replace"))
    )
