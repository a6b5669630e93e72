"""Benchmark server: the program accepts its answers as those of AWS, and it counts and limits calls as said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support.paths import REPOSITORY
from support.program import SCRIPT, create_environment

sys.path.insert(0, str(REPOSITORY))  # the benchmarks are not installed

from benchmarks import running

FLEET = """\
apiVersion: appintegrations.reconciler/v1
kind: TargetSet
metadata: {name: fleet}
spec:
  template: {Region: us-east-1, RoleArn: "arn:aws:iam::${target.accountId}:role/bench", RequestsPerSecond: 1000}
  members:
    - {name: one, AccountId: "000000000001"}
    - {name: two, AccountId: "000000000002", Region: eu-central-1}
---
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: crm-hourly}
targets: ["*"]
policy: {mode: create-and-update}
spec:
  DataIntegrationIdentifier: source-03
  DestinationURI: s3://corp-customer-exports/crm
  ExecutionConfiguration:
    ExecutionMode: SCHEDULED
    ScheduleConfiguration: {FirstExecutionFrom: 2026-10-01T00:00:00Z, Object: Account, ScheduleExpression: rate(1 hour)}
"""


@pytest.fixture
def url() -> Iterator[str]:
    """Start a server without limits."""
    with running.run_server() as url:
        yield url


def run(folder: Path, *arguments: str) -> str:
    """Run the program to its successful end, and return its output."""
    command = (str(SCRIPT), *arguments)
    environment = create_environment(HOME=str(folder))
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def create_client(url: str, access_key: str = "bench", service: Any = "appintegrations") -> Any:
    """Return a client that sends each call once."""
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        service, "us-east-1", endpoint_url=url, aws_access_key_id=access_key, aws_secret_access_key="x", config=config
    )


def list_associations(client: Any, number: int) -> Any:
    """Return the first page of the associations of a data integration."""
    arn = client.list_data_integrations()["DataIntegrations"][number]["Arn"]
    return client.list_data_integration_associations(DataIntegrationIdentifier=arn)["DataIntegrationAssociations"]


@pytest.mark.parametrize("state", ["journals", "s3://journals/prod"])
def test_program_creates_then_is_in_sync_then_updates(tmp_path: Path, url: str, state: str) -> None:
    """A fleet of two accounts creates its associations once, finds them in sync, and updates both."""
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(FLEET)
    options = ("--file", "manifests.yaml", "--endpoint-url", url, "--state", state)
    run(tmp_path, *options, "--new-state")
    counts = running.count_calls(url)["calls"]
    assert [counts[f"00000000000{number}"]["CreateDataIntegrationAssociation"] for number in (1, 2)] == [1, 1]
    run(tmp_path, *options, "--detailed-exitcode")
    assert "CreateDataIntegrationAssociation" not in running.count_calls(url)["calls"]["000000000001"]
    manifests.write_text(FLEET.replace("rate(1 hour)", "rate(2 hours)"))
    run(tmp_path, *options)
    counts = running.count_calls(url)["calls"]
    assert [counts[f"00000000000{number}"]["UpdateDataIntegrationAssociation"] for number in (1, 2)] == [1, 1]
    run(tmp_path, *options, "--detailed-exitcode")


def test_assumed_key_selects_the_account(url: str) -> None:
    """The key that AssumeRole returns is one of the account of the role, in STS and in the ARNs."""
    sts = create_client(url, service="sts")
    role = sts.assume_role(RoleArn="arn:aws:iam::000000000042:role/path/bench", RoleSessionName="session")
    assert role["AssumedRoleUser"]["Arn"] == "arn:aws:sts::000000000042:assumed-role/bench/session"
    key = role["Credentials"]["AccessKeyId"]
    assert create_client(url, key, "sts").get_caller_identity()["Account"] == "000000000042"
    items = create_client(url, key).list_data_integrations()["DataIntegrations"]
    assert len(items) == 20
    assert {item["Arn"].split(":")[4] for item in items} == {"000000000042"}
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_token_creates_once_and_list_has_pages(url: str) -> None:
    """A repeated ClientToken creates nothing, and List returns every association, fifty at a time."""
    client = create_client(url)
    arn = client.list_data_integrations()["DataIntegrations"][7]["Arn"]
    for number in range(60):
        for _ in range(2):
            client.create_data_integration_association(
                DataIntegrationIdentifier=arn, DestinationURI=f"s3://bucket/{number}", ClientToken=str(number)
            )
    assert len(list_associations(client, 7)) == 50
    pages = client.get_paginator("list_data_integration_associations").paginate(DataIntegrationIdentifier=arn)
    found = [item["DestinationURI"] for page in pages for item in page["DataIntegrationAssociations"]]
    assert found == [f"s3://bucket/{number}" for number in range(60)]


def test_bucket_throttles_each_account_and_region() -> None:
    """After the burst, a call is refused as AppIntegrations refuses it, with Retry-After, and is counted."""
    with running.run_server("--rate", "0.001", "--burst", "3", "--retry-after", "7") as url:
        client = create_client(url)
        for _ in range(3):
            client.list_data_integrations()
        with pytest.raises(ClientError) as caught:
            client.list_data_integrations()
        create_client(url, "ASIA000000000042BNCH").list_data_integrations()
        counts = running.count_calls(url)
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("ThrottlingException", 429)
    assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"
    assert counts["throttled"] == {"123456789012": {"ListDataIntegrations": 1}}
    assert counts["calls"]["123456789012"] == {"ListDataIntegrations": 4}


def test_objects_have_the_conditions_of_s3(url: str) -> None:
    """A write with a condition that does not hold changes nothing."""
    s3 = create_client(url, service="s3")
    etag = s3.put_object(Bucket="bucket", Key="a/b", Body=b"one", IfNoneMatch="*")["ETag"]
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"other"'}):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket="bucket", Key="a/b", Body=b"two", **condition)
    assert s3.get_object(Bucket="bucket", Key="a/b")["Body"].read() == b"one"
    s3.put_object(Bucket="bucket", Key="a/b", Body=b"two", IfMatch=etag)
    assert s3.get_object(Bucket="bucket", Key="a/b")["Body"].read() == b"two"
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="bucket", Key="other")
