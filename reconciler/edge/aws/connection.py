"""Connect to AWS: the settings of a connection, its session, and the check of its credentials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.credentials
import botocore.session
from botocore.config import Config

from reconciler import redaction
from reconciler.core.model import Target
from reconciler.edge.aws.credential_sources import explain_failures, require_valid
from reconciler.edge.aws.errors import translate_errors
from reconciler.edge.aws.fips import explain_fips_failures
from reconciler.edge.aws.noninteractive import disable_prompts
from reconciler.edge.aws.read_only import make_read_only
from reconciler.edge.aws.region_names import require_valid_region
from reconciler.edge.aws.service_models import SharedModels

_MAX_CONNECTIONS = 32
"""Maximum number of connections that the runs of several targets share, to S3 for example."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """The connection settings from the command line and the environment.

    Sandboxes need no real credentials: they set `has_dummy_credentials`. `read_timeout` is the maximum time for an
    answer, in seconds. `on_session` is called with each botocore session before the session creates clients.
    """

    version: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    has_dummy_credentials: bool = False
    read_timeout: float = 60
    on_session: Callable[[botocore.session.Session], None] = lambda _: None


class _RedactingSession(botocore.session.Session):
    """A botocore session that checks its credentials and registers them as secrets before it sends a request."""

    fixed_credentials: Any = None
    """The credentials for clients. None makes botocore find some."""
    _credentials: Any = None

    def get_credentials(self) -> Any:
        """Return the credentials for clients. Raises Unauthenticated for characters that a header cannot contain."""
        self._credentials = self.fixed_credentials or super().get_credentials()
        if self._credentials is not None:
            _check_credentials(self._credentials)
        return self._credentials

    def create_client(self, *arguments: Any, **options: Any) -> Any:
        """Return a client that registers its credentials as secrets before each request, since they may be renewed."""
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        keys: list[Any] = [options.get(name) for name in names]  # botocore passes keys to assume the role of a profile
        credentials = botocore.credentials.Credentials(*keys) if any(keys) else None
        if credentials:
            _check_credentials(credentials)
        client = super().create_client(*arguments, **options)
        if credentials := credentials or self._credentials:
            client.meta.events.register("before-send", lambda **_: redaction.watch_credentials(credentials))
        explain_fips_failures(client)
        return client


def _check_credentials(credentials: Any) -> None:
    """Register credentials as secrets, and reject invalid ones. Raises Unauthenticated."""
    redaction.watch_credentials(credentials)
    # Read the attributes: the properties would refresh the credentials, which may call another service.
    values = {name.lstrip("_"): value for name, value in vars(credentials).items()}
    require_valid(values, getattr(credentials, "method", None) or "explicit")


def open_session(
    region: str | None,
    connection: ConnectionSettings,
    models: SharedModels,
    credentials: botocore.credentials.Credentials | None = None,
) -> boto3.Session:
    """Return a session with the given credentials, or with those that botocore finds. Raises CloudError."""
    no_profile = {"profile": (None, None, None, None)}  # read no profile from the environment or a file
    session = (
        _RedactingSession(session_vars=no_profile)
        if connection.has_dummy_credentials
        else _RedactingSession(profile=connection.profile)
    )
    models.share_with(session)
    connection.on_session(session)
    if credentials is None and connection.has_dummy_credentials:
        credentials = botocore.credentials.Credentials("sandbox", "sandbox")
    session.fixed_credentials = credentials
    boto3_session = boto3.Session(botocore_session=session, region_name=region or connection.region)
    require_valid_region(boto3_session.region_name)
    if credentials is None:
        disable_prompts(session)
        explain_failures(session)
    return boto3_session


def resolve_region(target: Target, connection: ConnectionSettings, models: SharedModels) -> str | None:
    """Return the Region for the calls of a target, or None if no Region is configured. Raises CloudError."""
    with translate_errors("reading the AWS configuration"):
        region: str | None = open_session(target.region, connection, models).region_name
        return region


def create_ambient_client(
    service: str, connection: ConnectionSettings, models: SharedModels, *, is_read_only: bool = False
) -> Any:
    """Return a client of a service with the ambient credentials. Raises CloudError.

    Any Region will do for S3: the answer of S3 names the Region of the bucket, and botocore repeats the call there.
    A client with `is_read_only` cannot write. botocore retries a PutObject up to AWS_MAX_ATTEMPTS, and the conditions
    of the PutObject make the retries harmless.
    """
    config = Config(
        user_agent_extra=f"appintegrations-reconciler/{connection.version}",
        proxies={} if connection.has_dummy_credentials else None,
        retries={"mode": "standard"},
        connect_timeout=10,
        read_timeout=30,
        max_pool_connections=_MAX_CONNECTIONS,
        s3={"addressing_style": "path"} if connection.endpoint_url else None,  # buckets have no host names there
    )
    with translate_errors(f"creating a client for {service.upper()}"):
        session: Any = open_session(None, connection, models)  # boto3-stubs accept only literal service names
        region = session.region_name or "us-east-1"
        client = session.client(service, region_name=region, endpoint_url=connection.endpoint_url, config=config)
    if is_read_only:
        make_read_only(client)
    return client
