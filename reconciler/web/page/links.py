"""Build the link to a manifest from the template of `--manifest-url`. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from reconciler.core.model import Origin

_HTTP_URL = re.compile(r"(?P<scheme>https?)://(?:[^@/]*@)?(?P<host>[\w.-]+(?::\d+)?)/(?P<path>[^?#]+)")
_SSH_URL = re.compile(
    r"(?:ssh://(?:[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?/|(?:[^@/:]*@)?(?P<short>[\w.-]+):(?!/))(?P<path>[^?#]+)"
)
_SAFE_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)
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


def build_commit_link(template: str | None, revision: str | None) -> str | None:
    """Return the link to a commit, or None if there is no template or no commit."""
    if template is None or revision is None or revision in {"", ".", ".."}:
        return None
    return template.replace("{revision}", quote(revision, safe=""))


def derive_templates(git_url: str) -> tuple[str | None, str | None]:
    """Return the templates of links to manifests and to commits of a repository on GitHub or GitLab.

    The URL may be one of https or ssh, or `user@host:path`. Its login and the port of ssh are left out. The templates
    are None for other servers, whose paths are not known.
    """
    match = _HTTP_URL.fullmatch(git_url) or _SSH_URL.fullmatch(git_url)
    if not match:
        return None, None
    groups = match.groupdict()
    host, path = (groups["host"] or groups.get("short", "")).lower(), match["path"].strip("/").removesuffix(".git")
    labels = host.partition(":")[0].split(".")
    if not _SAFE_PATH.fullmatch(path) or {".", ".."} & {*path.split("/")}:
        return None, None
    scheme = groups.get("scheme") or "https"
    if "github" in labels and path.count("/") == 1:
        base = f"{scheme}://{host}/{path}"
        return f"{base}/blob/{{revision}}/{{file}}#L{{line}}", f"{base}/commit/{{revision}}"
    if "gitlab" in labels:
        base = f"{scheme}://{host}/{path}/-"
        return f"{base}/blob/{{revision}}/{{file}}#L{{line}}", f"{base}/commit/{{revision}}"
    return None, None
