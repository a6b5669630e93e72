"""A controller outlives its credentials: it renews them without a restart, and a failed renewal passes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.bucket import Bucket
from support.controller import ControllerProcess, run_controller
from support.credential_services import ROLE, build_refusal, find_signer
from support.machine import Machine, build_role_profile, run_machine

STATE = ("--state", Bucket.url, "--new-state")
UNAVAILABLE = build_refusal(503, "ServiceUnavailable", "Try again later")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine with short-lived keys: botocore renews keys that expire within ten minutes at each request."""
    with run_machine(tmp_path, lifetime=timedelta(minutes=5)) as running_machine:
        Bucket(running_machine.sandbox_url)
        yield running_machine


def finish_run_after_revocation(machine: Machine, controller: ControllerProcess) -> None:
    """Revoke the keys, and wait until a whole run has succeeded with new ones."""
    machine.services.revoke()
    machine.proxy.requests.clear()
    for _ in range(2):  # the first of them may have started before
        controller.wait_for_event("run finished", result="succeeded")


def list_services(machine: Machine) -> set[str]:
    """Return the services that accepted a request with keys that are still valid."""
    valid = {keys.signer for keys in machine.services.issued}
    requests = [each for each in machine.proxy.requests if find_signer(each) in valid]
    return {"S3" if "/s3/" in each.headers["Authorization"] else "AppIntegrations" for each in requests}


def has_clear_log(controller: ControllerProcess) -> bool:
    """Return whether no line has a traceback or an unexpected error."""
    return not any("exception" in entry or entry["event"] == "unexpected error" for entry in controller.log)


def test_expired_roles_are_assumed_again(machine: Machine) -> None:
    """A controller assumes its chain of roles again, for AWS and for the journal in S3.

    While STS is out of order, each run fails with one line. After that, the next run succeeds, even if the token of
    the service account was replaced in the meantime.
    """
    token = machine.write("token", machine.services.web_identity)
    pod_profile = f"[profile pod]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n"
    machine.write_config(pod_profile + build_role_profile("deploy", "pod"))
    variables = {"AWS_PROFILE": "deploy"}
    with run_controller(machine.program, *STATE, env=machine.environment | variables) as controller:
        controller.wait_for_event("association created", association="october")
        controller.wait_for_event("run finished", result="succeeded")
        finish_run_after_revocation(machine, controller)
        assert list_services(machine) == {"AppIntegrations", "S3"}
        machine.services.faults["sts"] = UNAVAILABLE
        error = controller.wait_for_event("target failed")["error"]
        assert error.startswith("GetCallerIdentity: credentials from a role (profile 'deploy'): ")
        assert error.endswith("ServiceUnavailable: Try again later (request req-sts)")
        machine.services.web_identity = "replaced-token-of-the-tests"
        machine.write("token", machine.services.web_identity)
        machine.services.faults.clear()
        finish_run_after_revocation(machine, controller)
        assert list_services(machine) == {"AppIntegrations", "S3"}
    assert has_clear_log(controller)


def test_credential_process_runs_again(machine: Machine) -> None:
    """A controller runs its credential_process again. Junk fails a run with one line, and the next keys are used."""
    setting = machine.write_printing_process(machine.services.issue("process"))
    machine.write_config(f"[profile tool]\n{setting}")
    environment = machine.environment | {"AWS_PROFILE": "tool"}
    with run_controller(machine.program, *STATE, env=environment) as controller:
        controller.wait_for_event("association created", association="october")
        machine.write_process("print('Please sign in: SECRET')")
        error = controller.wait_for_event("target failed")["error"]
        assert "credential_process (profile 'tool'): it printed no JSON document" in error
        machine.services.revoke()
        keys = machine.services.issue("process")
        machine.write_printing_process(keys)
        controller.wait_for_event("run finished", result="succeeded")
        assert keys.signer in machine.signers
    assert has_clear_log(controller)
    assert "SECRET" not in str(controller.log)
