"""Read AppIntegrations with List calls. An incomplete list counts as unobserved, never as empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _List:
    """The associations of one data integration, and whether their list had several pages."""

    associations: tuple[Live, ...] | Unobserved
    is_paged: bool = False


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
        lists = self._list_associations(arns, progress, readings=1)
        associations = {arn: each.associations for arn, each in lists.items()}
        paged = frozenset(arn for arn, each in lists.items() if each.is_paged)
        return Observation(integrations, associations, get_date(pages[0]), paged)

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of some data integrations, by the ARN of the data integration.

        A list of several pages is read until two consecutive reads agree. If an association is removed while the pages
        are read, an item may move from a later page to one that was already read, and the result would lack it.
        """
        lists = self._list_associations(list(integration_arns), lambda *_: None, readings=_MAX_READINGS)
        return {arn: each.associations for arn, each in lists.items()}

    def _list_associations(
        self, arns: Sequence[str], progress: Callable[[str, int, int], None], readings: int
    ) -> Mapping[str, _List]:
        def report_end(ended_count: int) -> None:
            progress("observing", ended_count, len(arns))

        report_end(0)
        listings = [self._list_one(arn, readings) for arn in arns]
        lists = run_listings(listings, self._pace, self._client.max_attempts, report_end)
        return dict(zip(arns, lists, strict=True))

    def _list_one(self, arn: str, readings: int) -> Listing[_List]:
        """Return the complete associations of one data integration, or why they are unknown."""
        try:
            return (yield from self._read_list(arn, readings))
        except StopRequested:
            raise
        except Throttled as error:
            unobserved = Unobserved(str(error), f"{_RETRY}; if the error stays, lower RequestsPerSecond")
        except Unreachable as error:
            unobserved = Unobserved(str(error), f"{_RETRY}; if the error stays, run reconcile doctor")
        except CloudError as error:
            unobserved = Unobserved(str(error))
        except Exception as error:  # noqa: BLE001 - an unreadable response is not an empty list
            text = redaction.describe_error(error)
            unobserved = Unobserved(f"the answer cannot be read: {type(error).__name__}: {text}")
        return _List(unobserved)

    def _read_list(self, arn: str, readings: int) -> Listing[_List]:
        previous_items: dict[str, Any] | None = None
        with translate_errors("ListDataIntegrationAssociations"):
            for _ in range(readings):
                pages = yield from read_pages(
                    self._client.list_data_integration_associations,
                    "DataIntegrationAssociations",
                    DataIntegrationIdentifier=arn,
                )
                items = _collect_items(pages, "DataIntegrationAssociations", "DataIntegrationAssociationArn")
                is_confirmed = previous_items is not None and items.keys() == previous_items.keys()
                if len(pages) == 1 or readings == 1 or is_confirmed:
                    associations = tuple(parse_association(item, arn) for item in items.values())
                    return _List(associations, is_paged=len(pages) > 1)
                previous_items = items
        return _List(Unobserved(f"the list changed while it was read, {readings} times in a row", _RETRY))


def _collect_items(pages: Iterable[Mapping[str, Any]], member: str, key: str) -> dict[str, Any]:
    """Return the items of the pages, without duplicate keys."""
    return {item[key]: item for page in pages for item in page[member]}
