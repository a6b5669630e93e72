"""A boto3 client gets from the sandbox what it would get from AWS, in the process and over HTTP."""

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
    """Create an association."""
    return dict(client.create_data_integration_association(DataIntegrationIdentifier=name, **more))


def refused(client: "Client", error: str, status: int) -> None:
    """See a Create refused by this modelled exception with this status."""
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
    """Code, status, message and request id arrive, and boto3 raises the exception of the model."""
    sandbox.set_behaviour(behaviour)
    assert sandbox.behaviour == behaviour
    refused(client, error, status)


def test_missing_duplicate_and_invalid_raise_their_exceptions(client: "Client") -> None:
    """What is not there, what is there already, and what is wrong, are told apart."""
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        create(client, "nothing")
    with pytest.raises(client.exceptions.DuplicateResourceException):
        client.create_data_integration(Name="crm-accounts", KmsKey="key")
    with pytest.raises(client.exceptions.InvalidRequestException, match="DestinationURI"):
        create(client, DestinationURI="no uri")


def test_name_uuid_and_arn_arrive_in_the_path(client: "Client") -> None:
    """A percent-encoded ARN, and names with slashes in them, lead to their data integration."""
    for name in ("a/b", "a//b", "a/associations", ".b", "c/"):
        made = client.create_data_integration(Name=name, KmsKey="key")
        for identifier in (name, made["Id"], made["Arn"]):
            assert client.get_data_integration(Identifier=identifier)["Arn"] == made["Arn"]
            assert create(client, identifier)["DataIntegrationArn"] == made["Arn"]


def test_every_operation_round_trips_through_boto3(client: "Client") -> None:
    """Create, get, list, update, delete and tags: boto3 serialises and parses them all."""
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
    """A hundred and twenty associations come in pages of at most fifty, each once, in order."""
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
    """No token leads to an empty page."""
    sandbox.set_behaviour(Behaviour(associations_per_integration=50))
    for _ in range(50):
        create(client)
    answer = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
    assert len(answer["DataIntegrationAssociations"]) == 50
    assert "NextToken" not in answer


def test_foreign_next_token_is_invalid(client: "Client") -> None:
    """Neither nonsense nor the token of another listing nor a page too large is accepted."""
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
    """A listing that lost its place says so, rather than leaving something out."""
    token = client.list_data_integrations(MaxResults=1)["NextToken"]
    client.delete_data_integration(DataIntegrationIdentifier="profiles-export")
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.list_data_integrations(NextToken=token)


def test_write_with_a_dropped_connection_is_executed_once(sandbox: Sandbox, client: "Client") -> None:
    """The client sees its connection close; the same token leads to what was made."""
    sandbox.set_behaviour(Behaviour(lose_answers=1, lost_answer="dropped"))
    with pytest.raises(ConnectionClosedError):
        create(client, ClientToken="t")
    made = create(client, ClientToken="t")
    [carried] = sandbox.executed_writes
    assert carried.arn.endswith(made["DataIntegrationAssociationId"])


def test_botocore_retry_creates_again_when_tokens_are_ignored(sandbox: Sandbox, reach: dict[str, Any]) -> None:
    """A Create that botocore repeats by itself after 500 may create twice, and the sandbox shows it."""
    sandbox.set_behaviour(Behaviour(lose_answers=1, tokens="ignored"))
    del reach["config"]
    with closing(boto3.client("appintegrations", **reach)) as client:
        create(client)
    assert [each.token for each in sandbox.executed_writes] == [sandbox.executed_writes[0].token] * 2


def test_jobs_progress_with_the_sandbox_clock(client: "Client", clock: ManualClock) -> None:
    """Jobs complete by the sandbox's clock, not by waiting."""
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
    """A Region need not exist in botocore's list, and shares nothing with another."""
    with closing(boto3.client("appintegrations", **(reach | {"region_name": region}))) as client:
        create(client)
        [item] = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")[
            "DataIntegrationAssociations"
        ]
    assert f":{region}:123456789012:" in item["DataIntegrationArn"]
    assert sandbox.get_service("123456789012", "us-west-2").executed_writes == ()


def test_assumed_role_leads_to_its_account(reach: dict[str, Any]) -> None:
    """Credentials of a role in any account see that account's data integrations."""
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
    """Applications and event integrations are not here, and that is no server error."""
    with pytest.raises(ClientError, match="The sandbox has no ListApplications") as caught:
        client.list_applications()
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperationException"


def test_behaviour_can_change_at_run_time(sandbox: Sandbox, client: "Client") -> None:
    """A switch reaches every account and Region at once, also those in use."""
    create(client)
    sandbox.set_behaviour(Behaviour(explicit_deny=True))
    refused(client, "AccessDeniedException", 403)
    sandbox.set_behaviour(Behaviour())
    create(client)
