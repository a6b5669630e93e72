"""Read and write the query of the page: its filters, order, groups and number. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from reconciler.web.page.filters import Filters

SORT_KEYS = ("state", "name", "since", "flow", "export")
"""The columns that sort the table. The first is the default. A minus before a name reverses the order."""
GROUPS = ("", "target", "integration")
"""The values that group the table. The first is the default, without groups."""
_MAX_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class View:
    """Choices of a reader in the URL. `sort` is the name of a column, and `number` the page of the table, from 1."""

    filters: Filters = field(default_factory=Filters)
    sort: str = SORT_KEYS[0]
    is_reversed: bool = False
    group: str = GROUPS[0]
    number: int = 1

    @classmethod
    def from_parameters(cls, parameters: Iterable[tuple[str, str]]) -> View:
        """Return the view in the query parameters of a URL. Unknown values count as the default."""
        pairs = tuple(parameters)
        values = dict(pairs)
        sort, group, number = (values.get(name, "") for name in ("sort", "group", "page"))
        name = sort.removeprefix("-")
        is_known = name in SORT_KEYS
        return cls(
            Filters.from_parameters(pairs),
            name if is_known else SORT_KEYS[0],
            is_reversed=is_known and sort.startswith("-"),
            group=group if group in GROUPS else GROUPS[0],
            number=min(max(1, int(number)), _MAX_PAGE) if number.isdecimal() and len(number) < len("99999") else 1,
        )

    @property
    def sort_value(self) -> str:
        """The value of `sort` in a URL, or the empty text for the default order."""
        value = "-" * self.is_reversed + self.sort
        return "" if value == SORT_KEYS[0] else value

    def with_filters(self, q: str = "", decision: str = "", target: str = "") -> View:
        """Return the view with exactly these filters, from its first page."""
        filters = Filters(q, *((value,) if value else () for value in (decision, target)))
        return replace(self, filters=filters, number=1)

    def with_sort(self, name: str) -> View:
        """Return the view sorted by a column. The column that sorts it already is reversed."""
        return replace(self, sort=name, is_reversed=name == self.sort and not self.is_reversed, number=1)

    def with_number(self, number: int) -> View:
        """Return another page of the view."""
        return replace(self, number=number)

    @property
    def link(self) -> str:
        """The relative URL of the view. A lone surrogate cannot be encoded, and becomes a question mark."""
        values = {
            "q": (self.filters.q,),
            "decision": self.filters.decisions,
            "target": self.filters.targets,
            "sort": (self.sort_value,),
            "group": (self.group,),
            "page": (str(self.number) if self.number > 1 else "",),
        }
        pairs = [(name, value) for name, each in values.items() for value in each if value]
        query = urlencode(pairs, errors="replace")
        return f"?{query}" if query else "./"
