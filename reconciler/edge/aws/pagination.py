"""Read each page of a List operation once, up to a maximum number of pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

from botocore.parsers import ResponseParserError

from reconciler.core.errors import Unreachable
from reconciler.edge.aws.errors import require_aws
from reconciler.edge.aws.listings import Listing

_PAGE_SIZE = 50  # the maximum of the service model
_LAST_STATUS = "LastExecutionStatus"
_QUOTA = 20
"""Quota of data integrations in an account and Region (Amazon Connect service quotas).

The quota of associations, the other list, is smaller.
"""
MAX_PAGES = 20 * _QUOTA
"""Maximum pages of one List: 20 times the quota with one item a page, 1,000 times the quota with 50 items a page."""


ListCall: TypeAlias = Callable[..., Any]
"""A List operation of a boto3 client. It returns one page, and raises botocore's errors."""


def require_shape(response_dict: dict[str, Any], operation_model: Any, **_: object) -> None:
    """Reject a page if its members do not have the JSON types of the service model. Raises ResponseParserError.

    This handler of botocore's event before-parse is needed because botocore reads an empty mapping as an empty list.
    botocore also rejects a whole page if a last execution status is not a mapping. The program only displays that
    status, and therefore the handler wraps such a value in a mapping.
    """
    try:
        page = json.loads(response_dict["body"])
    except (ValueError, RecursionError):
        return  # botocore reports the error
    if response_dict["status_code"] != HTTPStatus.OK or not isinstance(page, dict):
        return
    for member, shape in operation_model.output_shape.members.items():
        expected = {"list": list, "string": str}.get(shape.type_name, object)
        if not isinstance(page.get(member), expected | None):
            raise ResponseParserError(f"{member} is not of type {shape.type_name}")
    items = [item for each in page.values() if isinstance(each, list) for item in each if isinstance(item, dict)]
    if malformed_items := [item for item in items if not isinstance(item.get(_LAST_STATUS), dict | None)]:
        for item in malformed_items:
            item[_LAST_STATUS] = {"ExecutionStatus": str(item[_LAST_STATUS])}
        response_dict["body"] = json.dumps(page).encode()


def read_pages(call: ListCall, member: str, **parameters: str) -> Listing[list[Mapping[str, Any]]]:
    """Return the pages. Each has its items in `member`.

    Raises Unreachable if a page is not from AWS or the pages do not end, KeyError if a page lacks its items, and
    botocore's errors.
    """
    pages: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    previous_tokens: set[str] = set()
    for _ in range(MAX_PAGES):
        page = yield partial(call, **parameters, **token, MaxResults=_PAGE_SIZE)
        require_aws(page)
        if member not in page:
            raise KeyError(member)
        pages.append(page)
        next_token = page.get("NextToken")
        if not next_token:
            return pages
        if next_token in previous_tokens:
            raise Unreachable("the list does not end and is incomplete: AWS returned the same NextToken twice")
        previous_tokens.add(next_token)
        token = {"NextToken": next_token}
    raise Unreachable(f"the list is incomplete: it has more than {MAX_PAGES} pages")
