"""Data integrations are found by name, UUID or ARN, and cannot be deleted while they have associations."""

import re

import pytest

from reconciler.sandbox import Behaviour
from reconciler.sandbox.service.errors import (
    DuplicateResourceError,
    InvalidRequestError,
    QuotaExceededError,
    ResourceNotFoundError,
)
from reconciler.sandbox.service.seed import create_seed_state
from reconciler.sandbox.service.service import AppIntegrations
from reconciler.sandbox.service.validation import validate

ARN = re.compile(r"arn:aws:app-integrations:us-east-1:123456789012:data-integration/[0-9a-f-]{36}")


def test_created_integration_reads_back_unchanged(service: AppIntegrations) -> None:
    """Get returns the request of Create, with `ScheduleConfiguration` for `ScheduleConfig` and without the token."""
    request = {
        "Name": "articles",
        "KmsKey": "key",
        "Description": "All of them",
        "SourceURI": "s3://bucket/articles",
        "ScheduleConfig": {"ScheduleExpression": "rate(1 hour)"},
        "FileConfiguration": {"Folders": ["/"]},
        "Tags": {"team": "a"},
    }
    created = service.call("CreateDataIntegration", request | {"ClientToken": "t"})
    integration = service.call("GetDataIntegration", {"Identifier": "articles"})
    schedule = request.pop("ScheduleConfig")
    assert integration == request | {"ScheduleConfiguration": schedule, "Arn": created["Arn"], "Id": created["Id"]}
    assert created == integration | {"ClientToken": "t"}
    assert ARN.fullmatch(integration["Arn"])


def test_name_uuid_and_arn_mean_the_same(service: AppIntegrations) -> None:
    """Name, UUID and ARN identify the same data integration."""
    by_name = service.call("GetDataIntegration", {"Identifier": "profiles-export"})
    assert service.call("GetDataIntegration", {"Identifier": by_name["Id"]}) == by_name
    assert service.call("GetDataIntegration", {"Identifier": by_name["Arn"]}) == by_name


def test_arn_of_another_region_is_not_found(service: AppIntegrations) -> None:
    """An ARN with another Region identifies no data integration."""
    arn = service.call("GetDataIntegration", {"Identifier": "profiles-export"})["Arn"]
    with pytest.raises(ResourceNotFoundError):
        service.call("GetDataIntegration", {"Identifier": arn.replace("us-east-1", "us-west-2")})


def test_list_shows_arn_name_and_source_only(service: AppIntegrations) -> None:
    """List shows only ARN, name and source, as AWS documents."""
    items = service.call("ListDataIntegrations", {})["DataIntegrations"]
    assert [each["Name"] for each in items] == [
        "profiles-export",
        "crm-accounts",
        "knowledge-articles",
        "profiles-backfill",
    ]
    assert all(set(each) == {"Arn", "Name", "SourceURI"} for each in items)


def test_name_is_unique_and_mutable(service: AppIntegrations) -> None:
    """Create and Update refuse a name that is in use. A new name replaces the old one."""
    with pytest.raises(DuplicateResourceError):
        service.call("CreateDataIntegration", {"Name": "crm-accounts", "KmsKey": "key"})
    with pytest.raises(InvalidRequestError):
        service.call("UpdateDataIntegration", {"Identifier": "crm-accounts", "Name": "profiles-export"})
    integration = service.call("GetDataIntegration", {"Identifier": "crm-accounts"})
    assert service.call("UpdateDataIntegration", {"Identifier": "crm-accounts", "Name": "crm"}) == {}
    assert service.call("GetDataIntegration", {"Identifier": "crm"}) == integration | {"Name": "crm"}
    with pytest.raises(ResourceNotFoundError):
        service.call("GetDataIntegration", {"Identifier": "crm-accounts"})


def test_update_may_change_the_description_alone(service: AppIntegrations) -> None:
    """An Update of the description keeps the name, repeated or left out."""
    for request in ({"Description": "a"}, {"Description": "b", "Name": "crm-accounts"}):
        service.call("UpdateDataIntegration", {"Identifier": "crm-accounts"} | request)
        integration = service.call("GetDataIntegration", {"Identifier": "crm-accounts"})
        assert (integration["Name"], integration["Description"]) == ("crm-accounts", request["Description"])


def test_same_token_creates_one_integration(service: AppIntegrations) -> None:
    """A repeated token returns the first data integration, without a duplicate-name error."""
    request = {"Name": "new", "KmsKey": "key", "ClientToken": "t"}
    assert service.call("CreateDataIntegration", request) == service.call("CreateDataIntegration", request)
    assert len(service.state.integrations) == 5


def test_integrations_have_a_quota(service: AppIntegrations) -> None:
    """A data integration that exceeds the quota is refused."""
    service.set_behaviour(Behaviour(integrations=5))
    service.call("CreateDataIntegration", {"Name": "fifth", "KmsKey": "key"})
    with pytest.raises(QuotaExceededError):
        service.call("CreateDataIntegration", {"Name": "sixth", "KmsKey": "key"})


def test_association_pins_its_integration(service: AppIntegrations) -> None:
    """A data integration can be deleted only once it has no association."""
    association = service.call("CreateDataIntegrationAssociation", {"DataIntegrationIdentifier": "crm-accounts"})
    with pytest.raises(InvalidRequestError):
        service.call("DeleteDataIntegration", {"DataIntegrationIdentifier": "crm-accounts"})
    service.remove_association(association["DataIntegrationAssociationId"])
    assert service.call("DeleteDataIntegration", {"DataIntegrationIdentifier": "crm-accounts"}) == {}
    with pytest.raises(ResourceNotFoundError):
        service.call("GetDataIntegration", {"Identifier": "crm-accounts"})


def test_integrations_and_associations_have_tags(service: AppIntegrations) -> None:
    """Tags of data integrations and associations can be set, replaced, listed and removed."""
    service.call("CreateDataIntegrationAssociation", {"DataIntegrationIdentifier": "crm-accounts"})
    [association] = service.call("ListDataIntegrationAssociations", {"DataIntegrationIdentifier": "crm-accounts"})[
        "DataIntegrationAssociations"
    ]
    for arn in (association["DataIntegrationArn"], association["DataIntegrationAssociationArn"]):
        service.call("TagResource", {"resourceArn": arn, "tags": {"a": "1", "b": "2"}})
        service.call("TagResource", {"resourceArn": arn, "tags": {"b": "3"}})
        service.call("UntagResource", {"resourceArn": arn, "tagKeys": ["a", "never"]})
        assert service.call("ListTagsForResource", {"resourceArn": arn}) == {"tags": {"b": "3"}}
    with pytest.raises(ResourceNotFoundError):
        service.call("ListTagsForResource", {"resourceArn": "arn:aws:app-integrations:::nothing"})
    with pytest.raises(InvalidRequestError):
        service.call("TagResource", {"resourceArn": arn, "tags": {str(n): "x" for n in range(50)}})


def test_answers_are_copies(service: AppIntegrations) -> None:
    """Changing an answer does not change the state of the sandbox."""
    service.call("GetDataIntegration", {"Identifier": "profiles-export"})["Tags"]["x"] = "y"
    assert service.call("GetDataIntegration", {"Identifier": "profiles-export"})["Tags"] == {}


def test_seeds_are_valid_and_the_same_everywhere() -> None:
    """The initial data integrations match the service model, and have the same ids in every account and Region."""
    for integration in create_seed_state("123456789012", "us-east-1").integrations.values():
        validate("CreateDataIntegration", integration.request)
    assert list(create_seed_state("1", "a").integrations) == list(create_seed_state("2", "b").integrations)


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arn_has_its_partition(region: str, partition: str) -> None:
    """The Region determines the partition of an ARN."""
    service = AppIntegrations("123456789012", region)
    created = service.call("CreateDataIntegration", {"Name": "n", "KmsKey": "key"})
    assert created["Arn"].startswith(f"arn:{partition}:app-integrations:{region}:123456789012:")
