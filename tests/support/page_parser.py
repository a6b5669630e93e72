"""Parse a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "wbr"}


@dataclass
class PageParser(HTMLParser):
    """A document: its elements in order, and its text. Each element must be closed in the right place."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Initialise the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element without content, as in SVG."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        """Record text."""
        self.pieces.append(data)

    def find_all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of each element with a name."""
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        """The text of the document."""
        return "".join(self.pieces)

    @property
    def words(self) -> str:
        """The text with single blanks."""
        return " ".join(self.text.split())
