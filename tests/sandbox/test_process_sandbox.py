"""The sandbox inside the process answers every boto3 session, and restores the process afterwards."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from moto import backends, mock_aws
from support.paths import REPOSITORY

import reconciler.sandbox
from reconciler.sandbox import Behaviour, DataFileError, SandboxServer, open_process_sandbox
from reconciler.sandbox.moto.registration import register

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient


def create_association(client: "AppIntegrationsServiceClient", token: str) -> str:
    """Create an association of profiles-export and return its id."""
    created = client.create_data_integration_association(DataIntegrationIdentifier="profiles-export", ClientToken=token)
    return created["DataIntegrationAssociationId"]


@pytest.fixture(autouse=True)
def misleading_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set AWS variables that would misdirect boto3 if the sandbox did not hide them."""
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://203.0.113.1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_APPINTEGRATIONS", "http://203.0.113.1")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


def test_sandbox_needs_no_credentials_and_restores_the_environment() -> None:
    """The sandbox needs no credentials, Region or profile, and restores the environment and boto3 afterwards."""
    environment, send, session = dict(os.environ), URLLib3Session.send, boto3.DEFAULT_SESSION  # noqa: TID251 - compared
    with open_process_sandbox() as sandbox:
        client = boto3.client("appintegrations")
        assert client.meta.region_name == "us-east-1"
        create_association(client, "t")
        assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert dict(os.environ) == environment  # noqa: TID251 - compared
    assert URLLib3Session.send is send
    assert boto3.DEFAULT_SESSION is session
    assert len(sandbox.executed_writes) == 1


def test_sandbox_restores_the_environment_after_an_error() -> None:
    """The environment is restored if the block raises an exception."""
    environment = dict(os.environ)  # noqa: TID251 - compared
    with pytest.raises(ZeroDivisionError), open_process_sandbox():
        _ = 1 / 0
    assert dict(os.environ) == environment  # noqa: TID251 - compared


def test_corrupt_file_leaves_the_environment_unchanged(tmp_path: Path) -> None:
    """An invalid data file is reported before the environment changes."""
    environment = dict(os.environ)  # noqa: TID251 - compared
    (tmp_path / "sandbox.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataFileError), open_process_sandbox(tmp_path / "sandbox.json"):
        pass
    assert dict(os.environ) == environment  # noqa: TID251 - compared


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_region_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The sandbox keeps the Region of the environment."""
    monkeypatch.setenv(name, "eu-west-1")
    with open_process_sandbox(), closing(boto3.client("appintegrations")) as client:
        [arn, *_] = [each["Arn"] for each in client.list_data_integrations()["DataIntegrations"]]
    assert ":eu-west-1:" in arn


def test_session_created_earlier_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox answers a client that was created before the sandbox was imported."""
    program = (
        "import boto3\n"
        "client = boto3.client('appintegrations', region_name='us-east-1',"
        " aws_access_key_id='a', aws_secret_access_key='b')\n"
        "from reconciler.sandbox import open_process_sandbox\n"
        "with open_process_sandbox():\n"
        "    assert len(client.list_data_integrations()['DataIntegrations']) == 4\n"
    )
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_APPINTEGRATIONS"):
        monkeypatch.delenv(name)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)


def test_requests_to_other_machines_are_blocked() -> None:
    """A request to another machine is blocked, and a request to loopback is sent."""
    with SandboxServer() as server, open_process_sandbox():
        external_client = boto3.client("appintegrations", endpoint_url="http://203.0.113.1")
        with pytest.raises(HTTPClientError, match="the sandbox blocks requests that leave this machine"):
            external_client.list_data_integrations()
        with closing(boto3.client("appintegrations", endpoint_url=server.url)) as loopback_client:
            create_association(loopback_client, "t")
        assert len(server.sandbox.executed_writes) == 1


@pytest.mark.parametrize("config", [Config(use_fips_endpoint=True), Config(use_dualstack_endpoint=True)])
def test_fips_and_dual_stack_endpoints_are_served(config: Config) -> None:
    """The sandbox answers on FIPS and dual-stack hosts."""
    with open_process_sandbox(), closing(boto3.client("appintegrations", config=config)) as client:
        assert len(client.list_data_integrations()["DataIntegrations"]) == 4


def test_threads_share_one_sandbox() -> None:
    """Threads share one sandbox, and STS answers in each of them."""
    with open_process_sandbox() as sandbox, closing(boto3.client("appintegrations")) as client:
        sts = boto3.client("sts")
        with ThreadPoolExecutor(8) as pool:
            accounts = set(pool.map(lambda _: sts.get_caller_identity()["Account"], range(16)))
            ids = set(pool.map(lambda number: create_association(client, f"t{number % 4}"), range(64)))
    assert accounts == {"123456789012"}
    assert len(ids) == len(sandbox.executed_writes) == 4


def test_second_process_finds_the_data_of_the_first(tmp_path: Path) -> None:
    """With a data file, a later sandbox and a server find the state of the first sandbox."""
    data = tmp_path / "sandbox.json"
    with open_process_sandbox(data):
        association_id = create_association(boto3.client("appintegrations"), "t")
    with open_process_sandbox(data) as sandbox:
        assert create_association(boto3.client("appintegrations"), "t") == association_id
        assert len(sandbox.executed_writes) == 1
    with SandboxServer(data=data) as server:
        assert len(server.sandbox.executed_writes) == 1


def test_nested_sandboxes_are_isolated_and_not_stored() -> None:
    """A nested sandbox answers during its block only, and stores nothing without a data file."""
    with open_process_sandbox() as outer_sandbox:
        client = boto3.client("appintegrations")
        create_association(client, "t")
        with (
            open_process_sandbox(behaviour=Behaviour(explicit_deny=True)) as inner_sandbox,
            pytest.raises(client.exceptions.AccessDeniedException),
        ):
            create_association(client, "u")
        create_association(client, "u")
    assert (len(outer_sandbox.executed_writes), len(inner_sandbox.executed_writes)) == (2, 0)
    with open_process_sandbox() as new_sandbox:
        assert new_sandbox.executed_writes == ()


def test_running_server_survives_moto_s_resets() -> None:
    """A server keeps its state while a sandbox starts and stops in the same process."""
    with SandboxServer() as server:
        server.sandbox.call(
            "123456789012",
            "us-east-1",
            "CreateDataIntegrationAssociation",
            {"DataIntegrationIdentifier": "crm-accounts"},
        )
        with open_process_sandbox():
            boto3.client("appintegrations").list_data_integrations()
        assert len(server.sandbox.executed_writes) == 1


def test_plain_mock_aws_serves_the_registered_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once registered, AppIntegrations works with plain `mock_aws`, and each `mock_aws` starts empty."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_APPINTEGRATIONS"):
        monkeypatch.delenv(name)
    register()
    register()
    for _ in range(2):
        with mock_aws():
            client = boto3.client("appintegrations", region_name="us-east-1")
            create_association(client, "t")
            response = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
            assert len(response["DataIntegrationAssociations"]) == 1


def test_registration_fails_when_moto_does_not_find_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of moto that does not find the service is reported at registration."""
    monkeypatch.setattr(backends, "get_backend", lambda _: {})
    with pytest.raises(RuntimeError, match="This version of moto does not find the sandbox"):
        register()


def test_package_import_loads_neither_moto_nor_botocore() -> None:
    """Importing the package imports neither moto nor botocore."""
    probe = (
        "import sys; from reconciler.sandbox import Behaviour; Behaviour.parse(['tokens=ignored']);"
        "assert not {'moto', 'botocore', 'boto3', 'werkzeug'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, cwd=REPOSITORY)


def test_unknown_name_is_an_attribute_error() -> None:
    """An unknown name of the package raises AttributeError."""
    assert all(hasattr(reconciler.sandbox, name) for name in reconciler.sandbox.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = reconciler.sandbox.nothing
