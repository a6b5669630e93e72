"""Render the page from its templates, and serve its static files. The templates escape every value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from reconciler.core.text import escape_invisible
from reconciler.web.page.page import Page

_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_PIECE_SIZE = 64 * 1024
"""The characters after which a piece of the page ends. The last text of a piece may exceed them."""
MAX_LINES = 1000
"""The maximum number of lines of a difference or a call on the page. The JSON contains every line."""
_MAX_VALUE_LENGTH = 10_000
"""The maximum number of characters of a value on the page. The JSON contains the whole value."""
MAX_WARNING_KINDS = 50
"""The maximum number of kinds of warnings on the page. The JSON contains every warning."""
_ARN_END = 8
"""The number of characters at the end of an ARN that a line of the table shows."""
_ARN_PART = re.compile(r"[^/:]*[/:]|[^/:]+")
_PATH_PART = re.compile(r"\w+://[^/]*/?|[^/]*/|[^/]+")
_IMMUTABLE_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable"}


def stream_page(page: Page) -> Iterator[str]:
    """Yield the page in pieces."""
    piece: list[str] = []
    length = 0
    for text in _build_environment().get_template("page.html").generate(page=page):
        piece.append(text)
        length += len(text)
        if length >= _PIECE_SIZE:
            yield "".join(piece)
            piece, length = [], 0
    yield "".join(piece)


async def serve_static(request: Request) -> Response:
    """Return a static file. The browser may cache a file if the request contains the digest of its content."""
    name = request.path_params["name"]
    if name not in _read_static_files():
        return Response(status_code=404)
    content, digest = _read_static_files()[name]
    headers = _IMMUTABLE_HEADERS if request.query_params.get("v") == digest else {}
    return Response(content, media_type=_MEDIA_TYPES[name.rpartition(".")[2]], headers=headers)


def get_static_address(name: str) -> str:
    """Return the URL of a static file, with the digest of its content."""
    return f"static/{name}?v={_read_static_files()[name][1]}"


@cache
def _read_static_files() -> dict[str, tuple[bytes, str]]:
    """Return the content and the digest of each static file, by name. Only these files are served."""
    folder = files("reconciler.web").joinpath("static")
    contents = ((each.name, each.read_bytes()) for each in folder.iterdir() if each.is_file())
    return {name: (content, hashlib.sha256(content).hexdigest()[:16]) for name, content in contents}


@cache
def _build_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reconciler.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_make_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["address"] = get_static_address
    environment.globals["max_lines"] = MAX_LINES
    environment.filters["mark"] = _get_line_class
    environment.filters["parts"] = _mark_parts
    environment.filters["end"] = _mark_end
    environment.globals["max_kinds"] = MAX_WARNING_KINDS
    return environment


def _mark_parts(text: object) -> Markup:
    """Return a path, a URI or an ARN that may begin a new line after each slash, and in an ARN after each colon.

    A search in the page still finds the whole text.
    """
    visible_text = str(_make_visible(text))
    parts = (_ARN_PART if visible_text.startswith("arn:") else _PATH_PART).findall(visible_text)
    return Markup("<wbr>").join(parts)


def _mark_end(text: object) -> Markup:
    """Return an ARN whose start the style sheet hides. A search, a selection and a screen reader find all of it."""
    visible_text = str(_make_visible(text))
    end = visible_text.rpartition("/")[2][-_ARN_END:]
    start = visible_text[: len(visible_text) - len(end)]
    if len(start) < _ARN_END or not visible_text.startswith("arn:"):
        return Markup.escape(visible_text)
    return Markup('<span class="start">{}</span>{}').format(start, end)


def _make_visible(value: Any) -> Any:
    """Return a value as text, with invisible characters escaped. They could reorder or hide the text beside them."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    return escape_invisible(
        text
        if len(text) <= _MAX_VALUE_LENGTH
        else f"{text[:_MAX_VALUE_LENGTH]}… and {len(text) - _MAX_VALUE_LENGTH:,} more"
    )


def _get_line_class(line: str) -> str:
    """Return the CSS class of a line of a diff."""
    match = re.match(r"[-+]", line)
    return {"-": "gone", "+": "come"}[match[0]] if match else "same"
