"""Reads the pages of a List: all of them, each once, and never without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from reconciler.core.errors import Unreachable
from reconciler.edge.aws.errors import require_aws

_PAGE = 50  # the largest that the service model allows
_QUOTA = 20
"""Data integrations in an account and Region (Amazon Connect service quotas), the larger quota of what is listed."""
MOST_PAGES = 20 * _QUOTA
"""How many pages of one List are read: twenty times the quota at one item a page, a thousand times at 50."""


ListCall: TypeAlias = Callable[..., Any]
"""An operation that lists, of a client of boto3: returns one page, and raises what botocore raises."""


def read_pages(call: ListCall, member: str, **parameters: str) -> Iterator[list[Any]]:
    """Yield the items of each page.

    Raises Unreachable where a page is not AWS's or the pages have no end, KeyError where a page lacks its items, and
    what botocore raises.
    """
    token: dict[str, str] = {}
    seen: set[str] = set()
    for _ in range(MOST_PAGES):
        page = call(**parameters, **token, MaxResults=_PAGE)
        require_aws(page)
        items = page[member]
        if not isinstance(items, list):
            raise Unreachable(f"the answer cannot be read: {member} is no list")
        yield items
        following = page.get("NextToken")
        if not following:
            return
        if following in seen:
            raise Unreachable("AWS gave the same NextToken twice: the list has no end, and is not known whole")
        seen.add(following)
        token = {"NextToken": following}
    raise Unreachable(f"the list has more than {MOST_PAGES} pages, and is not known whole")
