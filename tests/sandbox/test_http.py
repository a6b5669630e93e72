"""A boto3 client gets the answers of the AWS API from the sandbox, in process and over HTTP."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError

from reconciler.sandbox import Behaviour, ManualClock, Sandbox

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

    Client = AppIntegrationsServiceClient


def create_association(client: "Client", name: str = "profiles-export", **members: Any) -> dict[str, Any]:
    """Create an association and return the answer."""
    return dict(client.create_data_integration_association(DataIntegrationIdentifier=name, **members))


def expect_rejected_create(client: "Client", error: str, status: int) -> None:
    """Assert that a Create fails with this modelled exception and status."""
    with pytest.raises(getattr(client.exceptions, error)) as error_info:
        create_association(client, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    response = error_info.value.response
    assert response["Error"]["Code"] == error
    assert response["Error"]["Message"] == response["Message"] != ""
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("behaviour", "error", "status"),
    [
        (Behaviour(fail_writes=1), "InternalServiceError", 500),
        (Behaviour(lose_answers=1), "InternalServiceError", 500),
        (Behaviour(associations_per_integration=0), "ResourceQuotaExceededException", 429),
        (Behaviour(concurrent_exports=0), "ResourceQuotaExceededException", 429),
        (Behaviour(throttle_rate=1, throttle_burst=0), "ThrottlingException", 429),
        (Behaviour(explicit_deny=True), "AccessDeniedException", 403),
    ],
)
def test_refusals_are_the_modelled_exceptions(
    sandbox: Sandbox, client: "Client", behaviour: Behaviour, error: str, status: int
) -> None:
    """A refusal arrives with code, status, message and request id, and boto3 raises the modelled exception."""
    sandbox.set_behaviour(behaviour)
    assert sandbox.behaviour == behaviour
    expect_rejected_create(client, error, status)


def test_missing_duplicate_and_invalid_raise_their_exceptions(client: "Client") -> None:
    """A missing, a duplicate and an invalid resource raise different modelled exceptions."""
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        create_association(client, "nothing")
    with pytest.raises(client.exceptions.DuplicateResourceException):
        client.create_data_integration(Name="crm-accounts", KmsKey="key")
    with pytest.raises(client.exceptions.InvalidRequestException, match="DestinationURI"):
        create_association(client, DestinationURI="no uri")


def test_name_uuid_and_arn_arrive_in_the_path(client: "Client") -> None:
    """A percent-encoded ARN or a name with slashes in the path identifies its data integration."""
    for name in ("a/b", "a//b", "a/associations", ".b", "c/"):
        created = client.create_data_integration(Name=name, KmsKey="key")
        for identifier in (name, created["Id"], created["Arn"]):
            assert client.get_data_integration(Identifier=identifier)["Arn"] == created["Arn"]
            assert create_association(client, identifier)["DataIntegrationArn"] == created["Arn"]


def test_every_operation_round_trips_through_boto3(client: "Client") -> None:
    """boto3 serialises the request and parses the answer of every operation."""
    created = client.create_data_integration(Name="n", KmsKey="key", Tags={"a": "b"}, ClientToken="t")
    assert (created["Name"], created["Tags"], created["ClientToken"]) == ("n", {"a": "b"}, "t")
    create_association(client, "n", DestinationURI="s3://bucket/prefix", ClientId="ü")
    [item] = client.list_data_integration_associations(DataIntegrationIdentifier="n")["DataIntegrationAssociations"]
    assert (item["DestinationURI"], item["ClientId"]) == ("s3://bucket/prefix", "ü")
    updated = client.update_data_integration_association(
        DataIntegrationIdentifier="n",
        DataIntegrationAssociationIdentifier=item["DataIntegrationAssociationArn"],
        ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"},
    )
    assert set(updated) == {"ResponseMetadata"}
    client.update_data_integration(Identifier="n", Name="m")
    client.tag_resource(resourceArn=created["Arn"], tags={"c": "d"})
    client.untag_resource(resourceArn=created["Arn"], tagKeys=["a", "x"])
    assert client.list_tags_for_resource(resourceArn=created["Arn"])["tags"] == {"c": "d"}
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.delete_data_integration(DataIntegrationIdentifier="m")
    client.delete_data_integration(DataIntegrationIdentifier="crm-accounts")
    names = [each["Name"] for each in client.list_data_integrations()["DataIntegrations"]]
    assert names == ["profiles-export", "knowledge-articles", "profiles-backfill", "m"]


def test_pages_contain_each_association_once(sandbox: Sandbox, client: "Client") -> None:
    """A list of 120 associations comes in pages of at most 50, each association once and in order."""
    sandbox.set_behaviour(Behaviour(associations_per_integration=200))
    created = [create_association(client)["DataIntegrationAssociationId"] for _ in range(120)]
    pages: list[list[str]] = []
    token: dict[str, Any] = {}
    while True:
        response = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export", **token)
        pages.append([item["DataIntegrationAssociationArn"][-36:] for item in response["DataIntegrationAssociations"]])
        if "NextToken" not in response:
            break
        token = {"NextToken": response["NextToken"]}
    assert [len(each) for each in pages] == [50, 50, 20]
    assert [each for each_page in pages for each in each_page] == created
    paginator = client.get_paginator("list_data_integration_associations")
    pages_of_40 = paginator.paginate(DataIntegrationIdentifier="profiles-export", PaginationConfig={"PageSize": 40})
    assert [len(each["DataIntegrationAssociations"]) for each in pages_of_40] == [40, 40, 40]


def test_exactly_full_page_is_the_last(sandbox: Sandbox, client: "Client") -> None:
    """A full last page has no NextToken."""
    sandbox.set_behaviour(Behaviour(associations_per_integration=50))
    for _ in range(50):
        create_association(client)
    response = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
    assert len(response["DataIntegrationAssociations"]) == 50
    assert "NextToken" not in response


def test_foreign_next_token_is_invalid(client: "Client") -> None:
    """An invalid NextToken, a NextToken of another listing, and a page size above 50 are refused."""
    token = client.list_data_integrations(MaxResults=1)["NextToken"]
    assert client.list_data_integrations(NextToken=token)["DataIntegrations"][0]["Name"] == "crm-accounts"
    for invalid_token in ("nonsense", "Zm9v", token[:-4], "é", "/w=="):
        with pytest.raises(client.exceptions.InvalidRequestException):
            client.list_data_integrations(NextToken=invalid_token)
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.list_data_integration_associations(DataIntegrationIdentifier="crm-accounts", NextToken=token)
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.list_data_integrations(MaxResults=51)
    with pytest.raises(ParamValidationError):
        client.list_data_integrations(MaxResults=0)


def test_next_token_of_a_deleted_item_is_invalid(client: "Client") -> None:
    """A NextToken whose item was deleted is refused, so that no item is skipped."""
    token = client.list_data_integrations(MaxResults=1)["NextToken"]
    client.delete_data_integration(DataIntegrationIdentifier="profiles-export")
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.list_data_integrations(NextToken=token)


def test_write_with_a_dropped_connection_is_executed_once(sandbox: Sandbox, client: "Client") -> None:
    """A write with a dropped connection is executed, and the repeated token returns its association."""
    sandbox.set_behaviour(Behaviour(lose_answers=1, lost_answer="dropped"))
    with pytest.raises(ConnectionClosedError):
        create_association(client, ClientToken="t")
    created = create_association(client, ClientToken="t")
    [write] = sandbox.executed_writes
    assert write.arn.endswith(created["DataIntegrationAssociationId"])


def test_botocore_retry_creates_again_when_tokens_are_ignored(
    sandbox: Sandbox, client_arguments: dict[str, Any]
) -> None:
    """If tokens are ignored, a retry by botocore after a lost answer creates a second association."""
    sandbox.set_behaviour(Behaviour(lose_answers=1, tokens="ignored"))
    del client_arguments["config"]
    with closing(boto3.client("appintegrations", **client_arguments)) as client:
        create_association(client)
    assert [each.token for each in sandbox.executed_writes] == [sandbox.executed_writes[0].token] * 2


def test_jobs_progress_with_the_sandbox_clock(client: "Client", clock: ManualClock) -> None:
    """A job completes by the clock of the sandbox, not by real time."""
    create_association(client, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})

    def read_status() -> str:
        [item] = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")[
            "DataIntegrationAssociations"
        ]
        return item["LastExecutionStatus"]["ExecutionStatus"]

    assert read_status() == "IN_PROGRESS"
    clock.advance(10)
    assert read_status() == "COMPLETED"


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "mars-1"])
def test_regions_are_isolated_and_need_not_be_known(
    sandbox: Sandbox, client_arguments: dict[str, Any], region: str
) -> None:
    """A Region need not be known to botocore, and shares no state with other Regions."""
    with closing(boto3.client("appintegrations", **(client_arguments | {"region_name": region}))) as client:
        create_association(client)
        [item] = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")[
            "DataIntegrationAssociations"
        ]
    assert f":{region}:123456789012:" in item["DataIntegrationArn"]
    assert sandbox.get_service("123456789012", "us-west-2").executed_writes == ()


def test_assumed_role_leads_to_its_account(client_arguments: dict[str, Any]) -> None:
    """Credentials of an assumed role reach the data integrations of the role's account."""
    with closing(boto3.client("sts", **client_arguments)) as sts:
        assert sts.get_caller_identity()["Account"] == "123456789012"
        role = "arn:aws:iam::210987654321:role/reconciler"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    role_arguments = client_arguments | {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    with (
        closing(boto3.client("sts", **role_arguments)) as sts,
        closing(boto3.client("appintegrations", **role_arguments)) as client,
    ):
        assert sts.get_caller_identity()["Account"] == "210987654321"
        arns = [each["Arn"] for each in client.list_data_integrations()["DataIntegrations"]]
        assert len(arns) == 4
        assert all(":us-east-1:210987654321:data-integration/" in arn for arn in arns)


def test_unsupported_operation_is_a_client_error(client: "Client") -> None:
    """An operation that the sandbox does not implement fails with a client error."""
    with pytest.raises(ClientError, match="The sandbox does not implement ListApplications") as error_info:
        client.list_applications()
    assert error_info.value.response["Error"]["Code"] == "UnsupportedOperationException"


def test_behaviour_can_change_at_run_time(sandbox: Sandbox, client: "Client") -> None:
    """A changed switch applies at once, also to an account and Region in use."""
    create_association(client)
    sandbox.set_behaviour(Behaviour(explicit_deny=True))
    expect_rejected_create(client, "AccessDeniedException", 403)
    sandbox.set_behaviour(Behaviour())
    create_association(client)
