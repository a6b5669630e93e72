"""Sort, group and page the rows of the association table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reconciler.core.text import format_count
from reconciler.web.page.filters import GRAVE_LEVELS
from reconciler.web.page.rows import AssociationRow
from reconciler.web.page.view import View

PAGE_SIZE = 200
"""The maximum number of associations on one page of the table."""

_COLUMNS = (
    ("name", "Association"),
    ("state", "State"),
    ("since", "Since"),
    ("flow", "From → to"),
    ("export", "Exports"),
    ("", "ARN"),
)
_SORT_VALUES: dict[str, Callable[[AssociationRow], Any]] = {
    "state": lambda row: row.severity,
    "name": lambda row: row.association.name.casefold(),
    "since": lambda row: row.since.iso if row.since else "~",  # rows without a time come last
    "flow": lambda row: (row.association.integration.casefold(), row.association.destination),
    "export": lambda row: row.execution.casefold() or "~",
}
_GROUP_NAMES: dict[str, Callable[[AssociationRow], str]] = {
    "": lambda _: "",
    "target": lambda row: row.target,
    "integration": lambda row: row.association.integration,
}


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column. `link` sorts the table, and is empty if the column does not. `order` is for aria-sort."""

    label: str
    link: str
    order: str


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of one target or data integration on a page. `summary` counts all rows of the group, also on other pages."""

    name: str
    summary: str
    rows: tuple[AssociationRow, ...]


@dataclass(frozen=True, slots=True)
class PageLink:
    """The link to a page of the table. `is_current` marks the page that is shown. Omitted pages have no link."""

    label: str
    link: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One page of the table. `position` names its rows, and `pages` are empty if one page shows everything."""

    columns: tuple[Column, ...]
    groups: tuple[RowGroup, ...]
    position: str
    pages: tuple[PageLink, ...]


def build_table(rows: Iterable[AssociationRow], view: View) -> Table:
    """Return the page of the table that a view asks for. A number after the last page shows the last page."""
    get_value, get_group = _SORT_VALUES[view.sort], _GROUP_NAMES[view.group]
    ordered = sorted(rows, key=lambda row: row.severity)
    ordered.sort(key=get_value, reverse=view.is_reversed)
    ordered.sort(key=lambda row: get_group(row).casefold())
    page_count = max(1, -(-len(ordered) // PAGE_SIZE))
    number = min(view.number, page_count)
    first = (number - 1) * PAGE_SIZE
    shown = ordered[first : first + PAGE_SIZE]
    rows_by_group: dict[str, list[AssociationRow]] = {}
    for row in ordered:
        rows_by_group.setdefault(get_group(row), []).append(row)
    groups = tuple(
        RowGroup(name, _summarise(rows_by_group[name]) if name else "", tuple(each))
        for name, each in groupby(shown, get_group)
    )
    position = f"{first + 1:,} to {first + len(shown):,} of {len(ordered):,}" if page_count > 1 else ""
    return Table(_build_columns(view), groups, position, tuple(_list_pages(view, number, page_count)))


def _build_columns(view: View) -> tuple[Column, ...]:
    return tuple(
        Column(
            label,
            view.with_sort(name).link if name else "",
            ("descending" if view.is_reversed else "ascending") if name == view.sort else "",
        )
        for name, label in _COLUMNS
    )


def _summarise(rows: list[AssociationRow]) -> str:
    grave_count = sum(row.level in GRAVE_LEVELS for row in rows)
    count = format_count(len(rows), "association")
    return f"{count}, {grave_count:,} to look at" if grave_count else f"{count}, in order"


def _list_pages(view: View, number: int, page_count: int) -> Iterable[PageLink]:
    if page_count == 1:
        return
    if number > 1:
        yield PageLink("Previous", view.with_number(number - 1).link)
    near = {1, page_count, *range(number - 2, number + 3)}
    previous = 0
    for each in sorted(near & set(range(1, page_count + 1))):
        if each - previous > 2:  # noqa: PLR2004 - a sign for one page would be as long as its number
            yield PageLink("…", "")
        elif each - previous > 1:
            yield PageLink(f"{each - 1:,}", view.with_number(each - 1).link)
        yield PageLink(f"{each:,}", view.with_number(each).link, each == number)
        previous = each
    if number < page_count:
        yield PageLink("Next", view.with_number(number + 1).link)
