"""Tests for links to manifests: a link stays on the host and path of its template."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.cli.commands.controller import command
from reconciler.core.model import Origin
from reconciler.web.page.links import build_commit_link, build_link, derive_templates, validate_template

TEMPLATE = "https://git.example/org/repo/blob/{revision}/{file}#L{line}"


@pytest.mark.parametrize(
    "template", [TEMPLATE, "http://git.example:3000/{file}?ref={revision}", "https://git.example/"]
)
def test_http_template_is_accepted(template: str) -> None:
    """A template with http or https is accepted, with any of the fields or without fields."""
    assert validate_template(template) is None


@pytest.mark.parametrize(
    "template",
    [
        "", "git.example/{file}", "javascript:alert(1)//{file}", "file:///{file}", "https:///{file}", "https://[/{file}",
        "https://{file}/", "https://user@git.example/{file}", "https://git.example/{path}", "https://git.example/{file",
        "https://git.example/{file.__class__}",
    ],
)  # fmt: skip
def test_invalid_template_is_rejected(template: str) -> None:
    """An invalid template is rejected with an error."""
    assert validate_template(template)


@given(st.text(), st.text(min_size=1))
@example(".", "a.yaml")
@example("..", "a.yaml")
def test_file_and_revision_names_cannot_change_the_link_host(revision: str, file: str) -> None:
    """No name of a revision or a file can change the host, the path prefix or the line of a link."""
    link = build_link(TEMPLATE, revision, Origin(file, 7, 1))
    if link is not None:
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "git.example", "", "L7")
        assert parts.path.startswith("/org/repo/blob/")
        assert not {"..", "."} & set(parts.path.split("/"))
        assert link.isascii()


def test_file_outside_a_repository_has_no_link() -> None:
    """A manifest without a revision, with an absolute path or outside the folder has no link."""
    assert build_link(TEMPLATE, None, Origin("a.yaml", 1, 1)) is None
    assert build_link("https://git.example/{file}", None, Origin("a.yaml", 1, 1)) == "https://git.example/a.yaml"
    for file in ("/etc/a.yaml", "../a.yaml", "a/../../b.yaml", "./a.yaml"):
        assert build_link(TEMPLATE, "1f0c", Origin(file, 1, 1)) is None
    assert build_link(None, "1f0c", Origin("a.yaml", 1, 1)) is None


def test_command_line_rejects_an_invalid_template() -> None:
    """The command line rejects an invalid template before the controller starts."""
    result = CliRunner().invoke(command, ["--manifest-url", "javascript:{file}"])
    assert result.exit_code == 2
    assert "it must begin with https:// and a host" in result.output
    result = CliRunner().invoke(command, ["--manifest-url", TEMPLATE])
    assert result.exit_code == 2
    assert "--manifest-url needs --listen" in result.output


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://github.com/corp/exports.git", "https://github.com/corp/exports"),
        ("https://user:hunter2@github.com/corp/exports", "https://github.com/corp/exports"),
        ("git@github.com:corp/exports.git", "https://github.com/corp/exports"),
        ("ssh://git@github.corp.example:2222/corp/exports.git/", "https://github.corp.example/corp/exports"),
        ("https://gitlab.com/corp/data/exports.git", "https://gitlab.com/corp/data/exports/-"),
        ("http://gitlab.corp.example:8080/corp/exports", "http://gitlab.corp.example:8080/corp/exports/-"),
        ("gitlab.com:corp/exports", "https://gitlab.com/corp/exports/-"),
    ],
)
def test_links_are_derived_from_the_repository(url: str, base: str) -> None:
    """A repository on GitHub or GitLab has links to commits and manifests, without the login in its URL."""
    manifest_template, commit_template = derive_templates(url)
    assert build_commit_link(commit_template, "1f0c") == f"{base}/commit/1f0c"
    assert build_link(manifest_template, "1f0c", Origin("manifests/a b.yaml", 3, 1)) == (
        f"{base}/blob/1f0c/manifests/a%20b.yaml#L3"
    )
    assert manifest_template
    assert validate_template(manifest_template) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "/srv/git/exports.git", "manifests", "https://git.example/corp/exports", "https://github.com/exports",
        "https://github.com/a/b/c", "https://github.evil/../x/y", "file:///github.com/a/b", "https://mygithub.com/a/b",
        "https://github.com/a/b?x=hunter2", "https://github.com/a/<b>", "javascript:github.com/a/b",
        "https://git.example/github.com/a", "git@host:github/a/../b",
    ],
)  # fmt: skip
def test_no_links_are_derived_from_other_urls(url: str) -> None:
    """Another server, whose paths are not known, and a path on this machine have no links."""
    assert derive_templates(url) == (None, None)


def test_commit_without_an_id_has_no_link() -> None:
    """Manifests from a folder have no commit, and a name of a folder is no commit."""
    template = "https://github.com/corp/exports/commit/{revision}"
    assert [build_commit_link(template, revision) for revision in (None, "", ".", "..")] == [None] * 4
    assert build_commit_link(None, "1f0c") is None
    assert build_commit_link(template, "a/../b") == "https://github.com/corp/exports/commit/a%2F..%2Fb"
