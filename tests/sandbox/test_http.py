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


def create(client: "Client", name: str = "profiles-export", **more: Any) -> dict[str, Any]:
    """Create an association and return the answer."""
    return dict(client.create_data_integration_association(DataIntegrationIdentifier=name, **more))


def refused(client: "Client", error: str, status: int) -> None:
    """Assert that a Create fails with this modelled exception and status."""
    with pytest.raises(getattr(client.exceptions, error)) as caught:
        create(client, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    answer = caught.value.response
    assert answer["Error"]["Code"] == error
    assert answer["Error"]["Message"] == answer["Message"] != ""
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["ResponseMetadata"]["RequestId"]


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
    refused(client, error, status)


def test_missing_duplicate_and_invalid_raise_their_exceptions(client: "Client") -> None:
    """A missing, a duplicate and an invalid resource raise different modelled exceptions."""
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        create(client, "nothing")
    with pytest.raises(client.exceptions.DuplicateResourceException):
        client.create_data_integration(Name="crm-accounts", KmsKey="key")
    with pytest.raises(client.exceptions.InvalidRequestException, match="DestinationURI"):
        create(client, DestinationURI="no uri")


def test_name_uuid_and_arn_arrive_in_the_path(client: "Client") -> None:
    """A percent-encoded ARN or a name with slashes in the path identifies its data integration."""
    for name in ("a/b", "a//b", "a/associations", ".b", "c/"):
        made = client.create_data_integration(Name=name, KmsKey="key")
        for identifier in (name, made["Id"], made["Arn"]):
            assert client.get_data_integration(Identifier=identifier)["Arn"] == made["Arn"]
            assert create(client, identifier)["DataIntegrationArn"] == made["Arn"]


def test_every_operation_round_trips_through_boto3(client: "Client") -> None:
    """boto3 serialises the request and parses the answer of every operation."""
    made = client.create_data_integration(Name="n", KmsKey="key", Tags={"a": "b"}, ClientToken="t")
    assert (made["Name"], made["Tags"], made["ClientToken"]) == ("n", {"a": "b"}, "t")
    create(client, "n", DestinationURI="s3://bucket/prefix", ClientId="ü")
    [item] = client.list_data_integration_associations(DataIntegrationIdentifier="n")["DataIntegrationAssociations"]
    assert (item["DestinationURI"], item["ClientId"]) == ("s3://bucket/prefix", "ü")
    updated = client.update_data_integration_association(
        DataIntegrationIdentifier="n",
        DataIntegrationAssociationIdentifier=item["DataIntegrationAssociationArn"],
        ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"},
    )
    assert set(updated) == {"ResponseMetadata"}
    client.update_data_integration(Identifier="n", Name="m")
    client.tag_resource(resourceArn=made["Arn"], tags={"c": "d"})
    client.untag_resource(resourceArn=made["Arn"], tagKeys=["a", "x"])
    assert client.list_tags_for_resource(resourceArn=made["Arn"])["tags"] == {"c": "d"}
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.delete_data_integration(DataIntegrationIdentifier="m")
    client.delete_data_integration(DataIntegrationIdentifier="crm-accounts")
    names = [each["Name"] for each in client.list_data_integrations()["DataIntegrations"]]
    assert names == ["profiles-export", "knowledge-articles", "m"]


def test_pages_contain_each_association_once(sandbox: Sandbox, client: "Client") -> None:
    """A list of 120 associations comes in pages of at most 50, each association once and in order."""
    sandbox.set_behaviour(Behaviour(associations_per_integration=200))
    made = [create(client)["DataIntegrationAssociationId"] for _ in range(120)]
    pages: list[list[str]] = []
    token: dict[str, Any] = {}
    while True:
        answer = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export", **token)
        pages.append([item["DataIntegrationAssociationArn"][-36:] for item in answer["DataIntegrationAssociations"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert [len(each) for each in pages] == [50, 50, 20]
    assert [each for each_page in pages for each in each_page] == made
    paginator = client.get_paginator("list_data_integration_associations")
    sized = paginator.paginate(DataIntegrationIdentifier="profiles-export", PaginationConfig={"PageSize": 40})
    assert [len(each["DataIntegrationAssociations"]) for each in sized] == [40, 40, 40]


def test_exactly_full_page_is_the_last(sandbox: Sandbox, client: "Client") -> None:
    """A full last page has no NextToken."""
    sandbox.set_behaviour(Behaviour(associations_per_integration=50))
    for _ in range(50):
        create(client)
    answer = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
    assert len(answer["DataIntegrationAssociations"]) == 50
    assert "NextToken" not in answer


def test_foreign_next_token_is_invalid(client: "Client") -> None:
    """An invalid NextToken, a NextToken of another listing, and a page size above 50 are refused."""
    token = client.list_data_integrations(MaxResults=1)["NextToken"]
    assert client.list_data_integrations(NextToken=token)["DataIntegrations"][0]["Name"] == "crm-accounts"
    for wrong in ("nonsense", "Zm9v", token[:-4], "é", "/w=="):
        with pytest.raises(client.exceptions.InvalidRequestException):
            client.list_data_integrations(NextToken=wrong)
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
        create(client, ClientToken="t")
    made = create(client, ClientToken="t")
    [carried] = sandbox.executed_writes
    assert carried.arn.endswith(made["DataIntegrationAssociationId"])


def test_botocore_retry_creates_again_when_tokens_are_ignored(sandbox: Sandbox, reach: dict[str, Any]) -> None:
    """If tokens are ignored, a retry by botocore after a lost answer creates a second association."""
    sandbox.set_behaviour(Behaviour(lose_answers=1, tokens="ignored"))
    del reach["config"]
    with closing(boto3.client("appintegrations", **reach)) as client:
        create(client)
    assert [each.token for each in sandbox.executed_writes] == [sandbox.executed_writes[0].token] * 2


def test_jobs_progress_with_the_sandbox_clock(client: "Client", clock: ManualClock) -> None:
    """A job completes by the clock of the sandbox, not by real time."""
    create(client, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})

    def status() -> str:
        [item] = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")[
            "DataIntegrationAssociations"
        ]
        return item["LastExecutionStatus"]["ExecutionStatus"]

    assert status() == "IN_PROGRESS"
    clock.advance(10)
    assert status() == "COMPLETED"


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "mars-1"])
def test_regions_are_isolated_and_need_not_be_known(sandbox: Sandbox, reach: dict[str, Any], region: str) -> None:
    """A Region need not be known to botocore, and shares no state with other Regions."""
    with closing(boto3.client("appintegrations", **(reach | {"region_name": region}))) as client:
        create(client)
        [item] = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")[
            "DataIntegrationAssociations"
        ]
    assert f":{region}:123456789012:" in item["DataIntegrationArn"]
    assert sandbox.get_service("123456789012", "us-west-2").executed_writes == ()


def test_assumed_role_leads_to_its_account(reach: dict[str, Any]) -> None:
    """Credentials of an assumed role reach the data integrations of the role's account."""
    with closing(boto3.client("sts", **reach)) as sts:
        assert sts.get_caller_identity()["Account"] == "123456789012"
        role = "arn:aws:iam::210987654321:role/reconciler"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    there = reach | {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    with closing(boto3.client("sts", **there)) as sts, closing(boto3.client("appintegrations", **there)) as client:
        assert sts.get_caller_identity()["Account"] == "210987654321"
        arns = [each["Arn"] for each in client.list_data_integrations()["DataIntegrations"]]
        assert len(arns) == 3
        assert all(":us-east-1:210987654321:data-integration/" in arn for arn in arns)


def test_unsupported_operation_is_a_client_error(client: "Client") -> None:
    """An operation that the sandbox does not implement fails with a client error."""
    with pytest.raises(ClientError, match="The sandbox does not implement ListApplications") as caught:
        client.list_applications()
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperationException"


def test_behaviour_can_change_at_run_time(sandbox: Sandbox, client: "Client") -> None:
    """A changed switch applies at once, also to an account and Region in use."""
    create(client)
    sandbox.set_behaviour(Behaviour(explicit_deny=True))
    refused(client, "AccessDeniedException", 403)
    sandbox.set_behaviour(Behaviour())
    create(client)
