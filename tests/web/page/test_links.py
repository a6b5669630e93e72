"""Tests for links to manifests: a link stays on the host and path of its template."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.cli.commands.controller import command
from reconciler.core.model import Origin
from reconciler.web.page.links import build_link, validate_template

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
