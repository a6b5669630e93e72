"""Split lists into pages of at most 50 items, with opaque tokens."""

import base64
import binascii
from collections.abc import Sequence

from reconciler.sandbox.service.errors import InvalidRequestError
from reconciler.sandbox.service.state import JsonObject

_MAX_PAGE_SIZE = 50


def cut_page(key: str, items: Sequence[tuple[str, JsonObject]], request: JsonObject, *, listing: str) -> JsonObject:
    """Return one page of `items`, which are pairs of id and item. A NextToken is valid only for its own `listing`.

    Raises InvalidRequestError if the NextToken of the request is not valid.
    """
    start = 0
    if "NextToken" in request:
        last = _decode_token(request["NextToken"], listing)
        ids = [item_id for item_id, _ in items]
        if last not in ids:
            raise InvalidRequestError("The NextToken is invalid or out of date: list again from the first page.")
        start = ids.index(last) + 1
    end = start + int(request.get("MaxResults", _MAX_PAGE_SIZE))
    answer: JsonObject = {key: [item for _, item in items[start:end]]}
    if end < len(items):
        answer["NextToken"] = base64.urlsafe_b64encode(f"{listing} {items[end - 1][0]}".encode()).decode()
    return answer


def _decode_token(token: str, listing: str) -> str | None:
    try:
        token_listing, _, last = base64.b64decode(token, altchars=b"-_", validate=True).decode().rpartition(" ")
    except (binascii.Error, ValueError):
        return None
    return last if token_listing == listing else None
