"""A machine that gets its AWS credentials from one source, and runs the program with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

from support.credential_services import (
    ACCOUNT,
    BASE_KEYS_ID,
    BASE_SECRET,
    ROLE,
    SSO_ROLE,
    SSO_URL,
    CredentialServices,
    Keys,
    list_signers,
    serve_credentials,
)
from support.program import CompletedRun, Program
from support.proxy import FaultProxy

from reconciler.sandbox import SandboxServer

BASE_PROFILE = f"[profile base]\naws_access_key_id = {BASE_KEYS_ID}\naws_secret_access_key = {BASE_SECRET}\n"
SSO_PROFILE = f"""\
[sso-session corp]
sso_region = us-east-1
sso_start_url = {SSO_URL}
[profile dev]
sso_session = corp
sso_account_id = {ACCOUNT}
sso_role_name = {SSO_ROLE}
"""
BASE_VARIABLES = {"AWS_ACCESS_KEY_ID": BASE_KEYS_ID, "AWS_SECRET_ACCESS_KEY": BASE_SECRET}


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with a home folder. `services` issue credentials, and `proxy` is AppIntegrations and S3.

    The proxy to the sandbox refuses requests with other keys than those that the services issued.
    """

    program: Program
    sandbox_url: str
    services: CredentialServices
    proxy: FaultProxy

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.program.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the machine, without credentials."""
        endpoints = {f"AWS_ENDPOINT_URL_{service}": self.proxy.url for service in ("APPINTEGRATIONS", "S3")}
        return {**self.services.environment, **endpoints, "HOME": str(self.home), "AWS_MAX_ATTEMPTS": "1"}

    @property
    def signers(self) -> list[tuple[str, str]]:
        """The access key ids and session tokens of the requests that AppIntegrations and S3 received."""
        return list_signers(self.proxy.requests)

    def write(self, name: str, text: str) -> str:
        """Write a file in the home folder, and return its path."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def write_config(self, text: str) -> None:
        """Write the configuration of the AWS SDKs."""
        self.write(".aws/config", text)

    def write_credentials(self, keys: Keys) -> None:
        """Write a credentials file with one profile."""
        names = {
            "aws_access_key_id": keys.id,
            "aws_secret_access_key": keys.secret,
            "aws_session_token": keys.token,
        }
        self.write(".aws/credentials", "[base]\n" + "".join(f"{name} = {value}\n" for name, value in names.items()))

    def write_sso_token(self, key: str = "corp", expires_at: str = "2099-01-01T00:00:00Z", **members: str) -> None:
        """Write the access token of a person who signed in. `key` is the session or the start URL."""
        token = {"startUrl": SSO_URL, "region": "us-east-1", "accessToken": self.services.sso_token, **members}
        name = sha1(key.encode()).hexdigest()  # noqa: S324 - the name that the AWS SDKs give the file
        self.write(f".aws/sso/cache/{name}.json", json.dumps({**token, "expiresAt": expires_at}))

    def write_process(self, code: str) -> str:
        """Write a credential_process of Python code, and return its setting."""
        return f"credential_process = {sys.executable} -S {self.write('process.py', code)}\n"

    def write_printing_process(self, keys: Keys) -> str:
        """Write a credential_process that prints keys, and return its setting."""
        members = {"Version": 1, "AccessKeyId": keys.id, "SecretAccessKey": keys.secret, "SessionToken": keys.token}
        return self.write_process(f"print({json.dumps({**members, 'Expiration': keys.expiration})!r})")

    def run(self, *arguments: str, **variables: str) -> CompletedRun:
        """Run the program."""
        return self.program.run(*arguments, env=self.environment | variables)

    def run_with_home(self, *arguments: str) -> CompletedRun:
        """Run the program in its own Python: botocore looks for the tokens of `aws sso login` when it is imported."""
        return self.run(*arguments, PYTHONDONTWRITEBYTECODE="1")


def build_role_profile(name: str, source: str, role: str = ROLE) -> str:
    """Return a profile that assumes a role with the credentials of another profile."""
    return f"[profile {name}]\nrole_arn = {role}\nsource_profile = {source}\n"


@contextmanager
def run_machine(folder: Path, **settings: Any) -> Iterator[Machine]:
    """Run the services for a machine during the block. Its program has one manifest."""
    with (
        SandboxServer() as server,
        serve_credentials(**settings) as services,
        FaultProxy(server.url, before_request=services.refuse_invalid_keys) as proxy,
    ):
        program = Program(folder)
        program.add("october")
        yield Machine(program, server.url, services, proxy)
