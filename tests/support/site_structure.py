"""Compare the site with GitHub: `python -m support.site_structure PAGES SITE`.

The two have different Markdown parsers. A list that one of them nests and the other does not is hard to read.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped]

_COMPARED = {"h2", "h3", "h4", "li", "pre", "tr"}
_ARTICLE = re.compile(r"<article.*?</article>", re.DOTALL)


class _Outline(HTMLParser):
    """The headings, list items, table rows and code blocks of a page, each with the depth of its list."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.depth = 0
        self.elements: list[tuple[str, int]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.depth += tag in {"ol", "ul"}
        if tag in _COMPARED:
            self.elements.append((tag, self.depth))

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in {"ol", "ul"}


def find_difference(markdown: str, html: str) -> str | None:
    """Return where a page of the site differs from the page on GitHub, or None."""
    article = _ARTICLE.search(html)
    assert article
    on_site = _Outline(article[0]).elements
    on_github = _Outline(cmarkgfm.github_flavored_markdown_to_html(markdown)).elements
    if on_site == on_github:
        return None
    same = [ours == theirs for ours, theirs in zip(on_site, on_github, strict=False)]
    position = same.index(False) if False in same else len(same)
    return f"element {position + 1} of the site: {on_site[position:][:1]}; of GitHub: {on_github[position:][:1]}"


def compare(pages: Path, site: Path) -> list[str]:
    """Return a line for each page that differs."""
    lines = []
    for page in sorted(pages.rglob("*.md")):
        name = page.relative_to(pages)
        folder = name.parent if name.name == "README.md" else name.with_suffix("")
        if difference := find_difference(page.read_text(), (site / folder / "index.html").read_text()):
            lines.append(f"{name}: {difference}")
    return lines


if __name__ == "__main__":
    sys.exit("\n".join(compare(Path(sys.argv[1]), Path(sys.argv[2]))) or 0)
