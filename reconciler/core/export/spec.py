"""Write the spec of an exported manifest: members in the order of the documentation, and readable times."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from reconciler.core.journal.records import Record
from reconciler.core.model import UNREADABLE, Integration, Json, Live, Spec
from reconciler.core.plan.integrations import find_integration
from reconciler.core.request.times import convert_to_epoch_millis, format_millis

_MEMBER_ORDER = (
    "DataIntegrationIdentifier", "ClientId", "ObjectConfiguration", "DestinationURI", "ClientAssociationMetadata",
    "ExecutionConfiguration", "ExecutionMode", "OnDemandConfiguration", "ScheduleConfiguration",
    "StartTime", "EndTime", "FirstExecutionFrom", "Object", "ScheduleExpression",
)  # fmt: skip
_TIME_MEMBERS = frozenset(("StartTime", "EndTime", "FirstExecutionFrom"))


def build_spec(
    integration: Integration, live: Live, record: Record | None, integrations: Collection[Integration]
) -> dict[str, Json]:
    """Return the spec of a manifest: the members in List, and the unreadable members from the journal."""
    recorded_request: Spec = record.request if record else {}
    unreadable_members = {member: recorded_request[member] for member in UNREADABLE if member in recorded_request}
    identifier = _spell_integration(integration, tuple(integrations))
    return _sort_members({**live.spec, **unreadable_members, "DataIntegrationIdentifier": identifier})


def _spell_integration(integration: Integration, integrations: Sequence[Integration]) -> str:
    """Return the name of a data integration if it is unique and valid in a manifest, otherwise the ARN."""
    name = integration.name
    is_usable = 0 < len(name) <= 255 and name.strip("\ufeff").strip()  # noqa: PLR2004 - the schema's limit
    is_encodable = not re.search("[\ud800-\udfff]", name)  # UTF-8 cannot encode half a surrogate pair
    return (
        name if is_usable and is_encodable and find_integration(name, integrations) is integration else integration.arn
    )


def _sort_members(members: Mapping[str, Json]) -> dict[str, Json]:
    """Return members in the order of docs/reference/manifests.md, with unknown ones last and with readable times."""
    known_members = sorted((key for key in members if key in _MEMBER_ORDER), key=_MEMBER_ORDER.index)
    sorted_members: dict[str, Json] = {}
    for key in (*known_members, *sorted(members.keys() - set(known_members))):
        value = members[key]
        if isinstance(value, Mapping) and key not in UNREADABLE:
            value = _sort_members(value)
        sorted_members[key] = _format_time(value) if key in _TIME_MEMBERS and isinstance(value, str) else value
    return sorted_members


def _format_time(millis: str) -> str:
    """Return a time as ISO 8601 if that is exact, otherwise unchanged."""
    text = format_millis(millis)
    try:
        return text if convert_to_epoch_millis(text) == millis else millis
    except ValueError:
        return millis
