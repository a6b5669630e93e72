"""The program signs its requests with the credentials of each source that boto3 knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.credential_services import ACCOUNT, BASE_KEYS_ID, ROLE, SSO_ROLE, SSO_URL
from support.machine import BASE_PROFILE, BASE_VARIABLES, SSO_PROFILE, Machine, build_role_profile, run_machine
from support.program import TARGET, CompletedRun

DRY_RUN = ("--dry-run", "-o", "json")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine without credentials."""
    with run_machine(tmp_path) as running_machine:
        yield running_machine


def has_planned_with(machine: Machine, result: CompletedRun, signer: tuple[str, str]) -> bool:
    """Return whether the run made a plan, and signed its requests with these keys."""
    assert result.code == 0, result.err
    return (result.decisions, machine.signers) == ({"october": "create"}, [signer])


def test_keys_in_the_environment(machine: Machine) -> None:
    """Keys in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN sign the requests."""
    keys = machine.services.issue("environment")
    variables = {"AWS_ACCESS_KEY_ID": keys.id, "AWS_SECRET_ACCESS_KEY": keys.secret, "AWS_SESSION_TOKEN": keys.token}
    assert has_planned_with(machine, machine.run(*DRY_RUN, **variables), keys.signer)


@pytest.mark.parametrize("is_option", [False, True])
def test_profile_in_the_credentials_file(machine: Machine, *, is_option: bool) -> None:
    """The keys of a profile sign the requests. --profile or AWS_PROFILE selects it."""
    keys = machine.services.issue("profile")
    machine.write_credentials(keys)
    arguments, variables = (("--profile", "base"), {}) if is_option else ((), {"AWS_PROFILE": "base"})
    assert has_planned_with(machine, machine.run(*DRY_RUN, *arguments, **variables), keys.signer)


def test_sso_session(machine: Machine) -> None:
    """The access token of `aws sso login` gets the keys of the role in the profile."""
    machine.write_config(SSO_PROFILE)
    machine.write_sso_token()
    result = machine.run_with_home(*DRY_RUN, "--profile", "dev")
    assert has_planned_with(machine, result, machine.services.issued[0].signer)


def test_sso_profile_without_a_session(machine: Machine) -> None:
    """A profile of the older form, with its own start URL, works as well."""
    settings = f"sso_start_url = {SSO_URL}\nsso_region = us-east-1\nsso_account_id = {ACCOUNT}\n"
    machine.write_config(f"[profile dev]\n{settings}sso_role_name = {SSO_ROLE}\n")
    machine.write_sso_token(SSO_URL)
    result = machine.run_with_home(*DRY_RUN, "--profile", "dev")
    assert has_planned_with(machine, result, machine.services.issued[0].signer)


def test_sso_session_is_renewed_without_a_person(machine: Machine) -> None:
    """An expired access token is renewed with the refresh token of the session."""
    machine.write_config(SSO_PROFILE)
    registration = {"clientId": "id", "clientSecret": "x", "registrationExpiresAt": "2099-01-01T00:00:00Z"}
    machine.write_sso_token(
        expires_at="2020-01-01T00:00:00Z", accessToken="old", refreshToken="valid-refresh-token", **registration
    )
    result = machine.run_with_home(*DRY_RUN, "--profile", "dev")
    assert has_planned_with(machine, result, machine.services.issued[0].signer)
    assert machine.services.calls["token"] == 1


def test_credential_process(machine: Machine) -> None:
    """The output of a credential_process signs the requests."""
    keys = machine.services.issue("process")
    machine.write_config(f"[profile tool]\n{machine.write_printing_process(keys)}")
    assert has_planned_with(machine, machine.run(*DRY_RUN, "--profile", "tool"), keys.signer)


@pytest.mark.parametrize("is_profile", [False, True])
def test_web_identity(machine: Machine, *, is_profile: bool) -> None:
    """The token of a service account (IRSA) gets the keys of its role, by variables or by a profile."""
    token = machine.write("token", machine.services.web_identity)
    variables = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": token}
    if is_profile:
        machine.write_config(f"[profile irsa]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n")
        variables = {"AWS_PROFILE": "irsa"}
    result = machine.run(*DRY_RUN, **variables)
    assert has_planned_with(machine, result, machine.services.issued[0].signer)


@pytest.mark.parametrize("is_pod", [False, True])
def test_container_credentials(machine: Machine, *, is_pod: bool) -> None:
    """The service of a pod (EKS Pod Identity, token in a file) or of a task (token in a variable) gives the keys."""
    token = machine.services.container_token
    name = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    variables = {f"{name}_FILE": machine.write("token", token)} if is_pod else {name: token}
    url = f"{machine.services.url}/container/v1/credentials"
    result = machine.run(*DRY_RUN, AWS_CONTAINER_CREDENTIALS_FULL_URI=url, **variables)
    assert has_planned_with(machine, result, machine.services.issued[0].signer)


def test_instance_metadata(machine: Machine) -> None:
    """The metadata service of an instance gives the keys of its role, after a session token (IMDSv2)."""
    endpoint = f"{machine.services.url}/imds/"
    result = machine.run(*DRY_RUN, AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=endpoint)
    assert has_planned_with(machine, result, machine.services.issued[0].signer)


def test_chain_of_roles(machine: Machine) -> None:
    """A profile assumes its role with the keys of a role that another profile assumed, and so does a Target."""
    machine.write_config(BASE_PROFILE + build_role_profile("first", "base") + build_role_profile("second", "first"))
    machine.program.add(
        "prod", text=TARGET + f'spec: {{Region: us-east-1, AccountId: "{ACCOUNT}", RoleArn: "{ROLE}"}}\n'
    )
    result = machine.run(*DRY_RUN, "--profile", "second")
    first, second, third = machine.services.issued
    assert has_planned_with(machine, result, third.signer)
    assert machine.services.assumed_by == [BASE_KEYS_ID, first.id, second.id]


@pytest.mark.parametrize("source", ["Environment", "EcsContainer", "Ec2InstanceMetadata"])
def test_role_with_a_credential_source(machine: Machine, source: str) -> None:
    """A profile with credential_source assumes its role with the credentials of the machine."""
    machine.write_config(f"[profile ci]\nrole_arn = {ROLE}\ncredential_source = {source}\n")
    url = machine.services.url
    variables = {
        "Environment": BASE_VARIABLES,
        "EcsContainer": {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": machine.services.container_token,
        },
        "Ec2InstanceMetadata": {
            "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{url}/imds/",
        },
    }
    result = machine.run(*DRY_RUN, "--profile", "ci", **variables[source])
    assert has_planned_with(machine, result, machine.services.issued[-1].signer)
    assert machine.services.calls["role"] == 1


def test_role_with_sso_as_its_source(machine: Machine) -> None:
    """A profile assumes its role with the keys of a profile of IAM Identity Center."""
    machine.write_config(SSO_PROFILE + build_role_profile("deploy", "dev"))
    machine.write_sso_token()
    result = machine.run_with_home(*DRY_RUN, "--profile", "deploy")
    assert has_planned_with(machine, result, machine.services.issued[-1].signer)
    assert machine.services.assumed_by == [machine.services.issued[0].id]
