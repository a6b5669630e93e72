"""The choice of a data integration for a first export."""

from __future__ import annotations

import pytest

from reconciler.core.init.integration import choose_integration, choose_live_integration, list_exportable
from reconciler.core.model import Integration

EXPORT = Integration("arn:1", "profiles-export", "AmazonConnect://AppIntegrations")
BACKFILL = Integration("arn:2", "profiles-backfill", "amazonconnect://AppIntegrations")
CRM = Integration("arn:3", "crm", "Salesforce://AppFlow/crm")
UNREAD = Integration("arn:4", "unread")


def test_only_bulk_export_is_chosen() -> None:
    """Without a name, the only data integration of a bulk export is chosen, whatever else there is."""
    assert choose_integration(None, (CRM, UNREAD, EXPORT)) is EXPORT


def test_unknown_source_is_chosen_only_without_a_bulk_export() -> None:
    """A data integration with an unknown source may be a bulk export, if none is known to be one."""
    assert list_exportable((UNREAD, CRM)) == (UNREAD,)
    assert list_exportable((UNREAD, EXPORT)) == (EXPORT,)


@pytest.mark.parametrize("identifier", ["profiles-backfill", "arn:2"])
def test_named_data_integration_is_chosen(identifier: str) -> None:
    """A name or ARN decides among several."""
    assert choose_integration(identifier, (EXPORT, BACKFILL)) is BACKFILL


@pytest.mark.parametrize(
    ("identifier", "integrations", "message"),
    [
        (None, (CRM,), "no data integration of a bulk export: create one"),
        (None, (EXPORT, BACKFILL), "choose one of profiles-export, profiles-backfill with --integration"),
        ("profile-export", (EXPORT,), "'profile-export' does not exist .*: did you mean 'profiles-export'"),
        ("crm", (EXPORT, CRM), "the source of data integration 'crm' is Salesforce://AppFlow/crm, .* not a bulk"),
    ],
)
def test_error_says_what_to_choose(identifier: str | None, integrations: tuple[Integration, ...], message: str) -> None:
    """Without a clear choice, the error names the data integrations or the remedy."""
    with pytest.raises(ValueError, match=message):
        choose_integration(identifier, integrations)


def test_live_associations_of_each_source_can_be_chosen() -> None:
    """A data integration of any source is found by its name. Without a name, every data integration is meant."""
    assert choose_live_integration(None, (CRM,)) is None
    assert choose_live_integration("crm", (CRM,)) is CRM
    with pytest.raises(ValueError, match=r"--integration: .*did you mean 'crm'"):
        choose_live_integration("crn", (CRM,))
