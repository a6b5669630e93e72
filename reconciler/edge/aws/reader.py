"""Read AppIntegrations with List calls. An incomplete list counts as unobserved, never as empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reconciler import redaction
from reconciler.core.aws.date_header import get_date
from reconciler.core.errors import CloudError, StopRequested, Throttled, Unreachable
from reconciler.core.model import Live, Observation, Unobserved
from reconciler.core.ports import Pace
from reconciler.edge.aws.clients import ListClient
from reconciler.edge.aws.errors import translate_errors
from reconciler.edge.aws.listings import Listing, run_listings
from reconciler.edge.aws.pagination import read_pages
from reconciler.edge.aws.responses import ArnScope, parse_association, parse_integration

_MAX_READINGS = 4
"""Maximum number of times that a List of several pages is read until two consecutive reads agree."""

_RETRY = "a later run tries again"


class Reader:
    """A client of AppIntegrations that can only make List calls."""

    def __init__(self, client: ListClient, scope: ArnScope, pace: Pace) -> None:
        self._client, self._scope, self._pace = client, scope, pace

    def observe(self, progress: Callable[[str, int, int], None]) -> Observation:
        """Return the data integrations and their associations.

        If the associations of a data integration cannot be listed, they are Unobserved. The time of AWS is that of the
        first answer. `progress` is called with the current step, the number of listed data integrations and the total
        number. Raises CloudError if the data integrations cannot be listed.
        """
        with translate_errors("ListDataIntegrations"):
            listing = read_pages(self._client.list_data_integrations, "DataIntegrations")
            (pages,) = run_listings([listing], self._pace, self._client.max_attempts)
            items = _collect_items(pages, "DataIntegrations", "Arn")
            integrations = tuple(parse_integration(item, self._scope) for item in items.values())
        arns = [each.arn for each in integrations]
        return Observation(integrations, self._list_associations(arns, progress, readings=1), get_date(pages[0]))

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of some data integrations, by the ARN of the data integration.

        A list of several pages is read until two consecutive reads agree. If an association is removed while the pages
        are read, an item may move from a later page to one that was already read, and the result would lack it.
        """
        return self._list_associations(list(integration_arns), lambda *_: None, readings=_MAX_READINGS)

    def _list_associations(
        self, arns: Sequence[str], progress: Callable[[str, int, int], None], readings: int
    ) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        def report_end(ended_count: int) -> None:
            progress("observing", ended_count, len(arns))

        report_end(0)
        listings = [self._list_one(arn, readings) for arn in arns]
        lists = run_listings(listings, self._pace, self._client.max_attempts, report_end)
        return dict(zip(arns, lists, strict=True))

    def _list_one(self, arn: str, readings: int) -> Listing[tuple[Live, ...] | Unobserved]:
        """Return the complete associations of one data integration, or why they are unknown."""
        previous_items: dict[str, Any] | None = None
        try:
            with translate_errors("ListDataIntegrationAssociations"):
                for _ in range(readings):
                    pages = yield from read_pages(
                        self._client.list_data_integration_associations,
                        "DataIntegrationAssociations",
                        DataIntegrationIdentifier=arn,
                    )
                    items = _collect_items(pages, "DataIntegrationAssociations", "DataIntegrationAssociationArn")
                    if (
                        len(pages) == 1
                        or readings == 1
                        or (previous_items is not None and items.keys() == previous_items.keys())
                    ):
                        return tuple(parse_association(item, arn) for item in items.values())
                    previous_items = items
        except StopRequested:
            raise
        except Throttled as error:
            return Unobserved(str(error), f"{_RETRY}; if the error stays, lower RequestsPerSecond")
        except Unreachable as error:
            return Unobserved(str(error), f"{_RETRY}; if the error stays, run reconcile doctor")
        except CloudError as error:
            return Unobserved(str(error))
        except Exception as error:  # noqa: BLE001 - an unreadable response is not an empty list
            return Unobserved(f"the answer cannot be read: {type(error).__name__}: {redaction.describe_error(error)}")
        return Unobserved(f"the list changed while it was read, {readings} times in a row", _RETRY)


def _collect_items(pages: Iterable[Mapping[str, Any]], member: str, key: str) -> dict[str, Any]:
    """Return the items of the pages, without duplicate keys."""
    return {item[key]: item for page in pages for item in page[member]}
