"""Create one target's AWS session, which identifies its account and creates clients on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.credentials
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from reconciler import redaction
from reconciler.core.errors import CloudError, Unauthenticated, WrongAccount
from reconciler.core.model import Target
from reconciler.core.ports import Clock
from reconciler.core.redaction.invalid_settings import find_credential_flaw
from reconciler.edge.aws import responses
from reconciler.edge.aws.errors import NO_REGION, require_aws, translate_errors
from reconciler.edge.aws.noninteractive import disable_prompts
from reconciler.edge.aws.read_only import make_read_only
from reconciler.edge.aws.reader import CONCURRENCY, Reader
from reconciler.edge.aws.regions import check_region
from reconciler.edge.aws.writer import Writer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

    from reconciler.edge.aws.probe import Probe

_Client = TypeVar("_Client")


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """The connection settings from the command line and the environment.

    `dummy` is for sandboxes: no real credentials. `read_timeout` is how many seconds an answer may take. `listen` is
    given each session of botocore before any client is made of it.
    """

    version: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    has_dummy_credentials: bool = False
    read_timeout: float = 60
    on_session: Callable[[botocore.session.Session], None] = lambda _: None


class SharedModels:
    """Parsed service models that the sessions of a process share: 6 ms a session after the first, instead of 78."""

    def __init__(self) -> None:
        self._loader: Loader | None = None

    def share_with(self, session: botocore.session.Session) -> None:
        """Give a session the first one's models."""
        if self._loader is None:
            self._loader = session.get_component("data_loader")
        session.register_component("data_loader", self._loader)
        self._loader.search_paths[:] = dict.fromkeys(self._loader.search_paths)  # boto3 adds its own each time


class TargetSession:
    """One target's session: whose it is, and clients on demand, until it is closed. Raises CloudError.

    `listen` is given each client of STS before it is used.
    """

    def __init__(
        self,
        target: Target,
        connection: ConnectionSettings,
        rate_limiter: Callable[[], None],
        models: SharedModels,
        on_sts_client: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self._endpoint_url = connection.endpoint_url
        self._user_agent = f"appintegrations-reconciler/{connection.version}"
        self._rate_limiter, self._on_sts_client = rate_limiter, on_sts_client
        self._proxies: dict[str, str] | None = (
            {} if connection.has_dummy_credentials else None
        )  # a sandbox is not behind the proxy
        self._read_timeout = connection.read_timeout
        self._clients: list[Any] = []
        with translate_errors("reading the AWS configuration"):
            self._session = _create_session(target.region, connection, models)
            if target.role_arn:
                self._session = self._assume_role(target, connection, models)
        if not self._session.region_name:
            raise CloudError(NO_REGION)
        self.region = self._session.region_name
        self.account = self._verify_account(target)

    def close(self) -> None:
        """Close the clients' connections: AWS keeps them open, and Python collects the clients' cycles late."""
        for client in self._clients:
            client.close()

    def create_reader(self) -> Reader:
        """Return the reader. botocore retries its calls up to AWS_MAX_ATTEMPTS."""
        return Reader(self._create_reading_client(CONCURRENCY), self._find_scope())

    def create_probe(self) -> Probe:
        """Return the read-only client of AppIntegrations and buckets for `reconcile doctor`."""
        from reconciler.edge.aws.probe import Probe  # noqa: PLC0415 - no run needs it

        config = self._default_config.merge(
            Config(s3={"addressing_style": "path"} if self._endpoint_url else None)  # no bucket has a host name there
        )
        with translate_errors("making a client of S3"):
            buckets = self._track_client(self._session.client("s3", endpoint_url=self._endpoint_url, config=config))
        return Probe(self._create_reading_client(1), buckets, self._find_scope())

    def create_writer(self, clock: Clock) -> Writer:
        """Return the writer, which sends each call once: botocore by default would retry a Create."""
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        return Writer(lambda: self._create_client(config), self._rate_limiter, clock)

    def _find_scope(self) -> responses.ArnScope:
        with translate_errors("finding the partition of the Region"):
            partition = self._session.get_partition_for_region(self.region)
        return responses.ArnScope(partition, self.region, self.account)

    def _create_reading_client(self, connections: int) -> AppIntegrationsServiceClient:
        client = self._create_client(Config(retries={"mode": "standard"}, max_pool_connections=connections))
        # before each attempt is signed, so that no signature grows old while it waits
        client.meta.events.register_first("request-created.appintegrations", lambda **_: self._rate_limiter())
        return client

    def _create_client(self, config: Config) -> AppIntegrationsServiceClient:
        common = Config(
            user_agent_extra=self._user_agent,
            proxies=self._proxies,
            connect_timeout=10,
            read_timeout=self._read_timeout,
        )
        config = config.merge(common)
        with translate_errors("making a client"):
            return self._track_client(
                self._session.client("appintegrations", endpoint_url=self._endpoint_url, config=config)
            )

    def _verify_account(self, target: Target) -> str:
        with translate_errors("GetCallerIdentity"):
            answer = self._create_sts_client(self._session).get_caller_identity()
            require_aws(answer)
            account = responses.parse_account(answer["Account"])
        if target.account and account != target.account:
            raise WrongAccount(
                f"the credentials belong to account {account}, and target {target.name!r} declares {target.account}: "
                "nothing was read or written; use credentials of that account, or correct AccountId"
            )
        return account

    def _assume_role(self, target: Target, connection: ConnectionSettings, models: SharedModels) -> boto3.Session:
        assert target.role_arn
        extra = {"ExternalId": target.external_id} if target.external_id else {}
        with translate_errors(f"AssumeRole of {target.role_arn}"):
            answer = self._create_sts_client(self._session).assume_role(
                RoleArn=target.role_arn, RoleSessionName=target.session_name, **extra
            )
            require_aws(answer)
            keys = answer["Credentials"]
        return _create_session(
            target.region,
            connection,
            models,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def _create_sts_client(self, session: boto3.Session) -> Any:
        client = self._track_client(session.client("sts", endpoint_url=self._endpoint_url, config=self._default_config))
        self._on_sts_client(client)
        return client

    def _track_client(self, client: _Client) -> _Client:
        """Create a client, and close it in `close`."""
        self._clients.append(client)
        return client

    @property
    def _default_config(self) -> Config:
        return Config(
            user_agent_extra=self._user_agent,
            proxies=self._proxies,
            retries={"mode": "standard"},
            connect_timeout=10,
            read_timeout=30,
        )


class _RedactingSession(botocore.session.Session):
    """A session whose credentials are known as secrets before anything is sent, and are looked at."""

    _credentials: Any = None

    def get_credentials(self) -> Any:
        """Return the clients' credentials. Raises Unauthenticated for characters that a header cannot hold."""
        self._credentials = super().get_credentials()
        if self._credentials is not None:
            _check_credentials(self._credentials)
        return self._credentials

    def create_client(self, *arguments: Any, **options: Any) -> Any:
        """Make a client, whose credentials are known also when they were renewed to sign a request."""
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        keys: list[Any] = [options.get(name) for name in names]  # botocore gives them to assume the role of a profile
        credentials = botocore.credentials.Credentials(*keys) if any(keys) else None
        if credentials:
            _check_credentials(credentials)
        client = super().create_client(*arguments, **options)
        if credentials := credentials or self._credentials:
            client.meta.events.register("before-send", lambda **_: redaction.watch_credentials(credentials))
        return client


def _check_credentials(credentials: Any) -> None:
    """Know credentials, and refuse by name what cannot be right in them: urllib3 would say all of it."""
    redaction.watch_credentials(credentials)
    for member in ("access_key", "secret_key", "token"):
        value = vars(credentials).get(member)
        if isinstance(value, str) and (problem := find_credential_flaw(value)):
            source = getattr(credentials, "method", None) or "explicit"
            raise Unauthenticated(f"the {member} of the credentials that boto3 found ({source}) {problem}")


def resolve_region(target: Target, connection: ConnectionSettings, models: SharedModels) -> str | None:
    """Return the Region of a target's calls, or None if no Region is configured. Raises CloudError."""
    with translate_errors("reading the AWS configuration"):
        region: str | None = _create_session(target.region, connection, models).region_name
        return region


def create_ambient_client(
    service: str, connection: ConnectionSettings, models: SharedModels, *, read_only: bool = False
) -> Any:
    """Return a client of a service with the ambient credentials, in whatever Region: S3 says where a bucket is.

    One that only `reads` lets nothing else through.
    A PutObject is repeated as often as AWS_MAX_ATTEMPTS says, and the conditions it carries make that harmless.
    Raises CloudError.
    """
    config = Config(
        user_agent_extra=f"appintegrations-reconciler/{connection.version}",
        proxies={} if connection.has_dummy_credentials else None,
        retries={"mode": "standard"},
        connect_timeout=10,
        read_timeout=30,
        s3={"addressing_style": "path"} if connection.endpoint_url else None,  # no bucket has a host name there
    )
    with translate_errors(f"making a client of {service.upper()}"):
        session: Any = _create_session(None, connection, models)  # boto3-stubs know a literal name of a service alone
        region = session.region_name or "us-east-1"
        client = session.client(service, region_name=region, endpoint_url=connection.endpoint_url, config=config)
    if read_only:
        make_read_only(client)
    return client


def _create_session(
    region: str | None, connection: ConnectionSettings, models: SharedModels, **keys: str
) -> boto3.Session:
    no_profile = {"profile": (None, None, None, None)}  # read no profile from the environment or a file
    session = (
        _RedactingSession(session_vars=no_profile)
        if connection.has_dummy_credentials
        else _RedactingSession(profile=connection.profile)
    )
    models.share_with(session)
    connection.on_session(session)
    if connection.has_dummy_credentials and not keys:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    boto3_session = boto3.Session(botocore_session=session, region_name=region or connection.region, **keys)
    check_region(boto3_session.region_name)
    if not keys:
        disable_prompts(session)
    return boto3_session
