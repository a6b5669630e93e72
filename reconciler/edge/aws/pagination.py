"""Reads the pages of a List: all of them, each once, and never without end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeAlias

from botocore.parsers import ResponseParserError

from reconciler.core.errors import Unreachable
from reconciler.edge.aws.errors import require_aws

_PAGE_SIZE = 50  # the largest that the service model allows
_LAST_STATUS = "LastExecutionStatus"
_QUOTA = 20
"""Data integrations in an account and Region (Amazon Connect service quotas), the larger quota of what is listed."""
MAX_PAGES = 20 * _QUOTA
"""How many pages of one List are read: twenty times the quota at one item a page, a thousand times at 50."""


ListCall: TypeAlias = Callable[..., Any]
"""An operation that lists, of a client of boto3: returns one page, and raises what botocore raises."""


def require_shape(response_dict: dict[str, Any], operation_model: Any, **_: object) -> None:
    """Refuse the text of a page whose members are of other JSON types than AWS's, before botocore reads it.

    To botocore a mapping with nothing in it is an empty list, and an execution status of another type a reason to read
    nothing of the page: that is for people only, and counts as unknown. A handler of its event before-parse. Raises
    ResponseParserError.
    """
    try:
        page = json.loads(response_dict["body"])
    except (ValueError, RecursionError):
        return  # botocore says so
    if response_dict["status_code"] != HTTPStatus.OK or not isinstance(page, dict):
        return
    for member, shape in operation_model.output_shape.members.items():
        expected = {"list": list, "string": str}.get(shape.type_name, object)
        if not isinstance(page.get(member), expected | None):
            raise ResponseParserError(f"{member} is of another type than {shape.type_name}")
    items = [item for each in page.values() if isinstance(each, list) for item in each if isinstance(item, dict)]
    if malformed_items := [item for item in items if not isinstance(item.get(_LAST_STATUS), dict | None)]:
        for item in malformed_items:
            item[_LAST_STATUS] = {"ExecutionStatus": str(item[_LAST_STATUS])}
        response_dict["body"] = json.dumps(page).encode()


def read_pages(call: ListCall, member: str, **parameters: str) -> Iterator[list[Any]]:
    """Yield the items of each page.

    Raises Unreachable where a page is not AWS's or the pages have no end, KeyError where a page lacks its items, and
    what botocore raises.
    """
    token: dict[str, str] = {}
    previous_tokens: set[str] = set()
    for _ in range(MAX_PAGES):
        page = call(**parameters, **token, MaxResults=_PAGE_SIZE)
        require_aws(page)
        yield page[member]
        next_token = page.get("NextToken")
        if not next_token:
            return
        if next_token in previous_tokens:
            raise Unreachable("AWS gave the same NextToken twice: the list has no end, and is not known whole")
        previous_tokens.add(next_token)
        token = {"NextToken": next_token}
    raise Unreachable(f"the list has more than {MAX_PAGES} pages, and is not known whole")
