"""Create the AWS session of a target. The session verifies the account and creates clients on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.credentials
import botocore.session
from botocore.config import Config
from botocore.exceptions import DataNotFoundError
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
from reconciler.edge.aws.region_names import require_valid_region
from reconciler.edge.aws.writer import Writer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

    from reconciler.edge.aws.probe import Probe

_Client = TypeVar("_Client")


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


class _Services:
    """The services with a model of one type. botocore asks for one by name, and listing all of them takes 20 ms."""

    def __init__(self, loader: Loader, type_name: str) -> None:
        self._loader, self._type_name = loader, type_name

    def __contains__(self, name: str) -> bool:
        try:
            self._loader.list_api_versions(name, self._type_name)
        except DataNotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(Loader.list_available_services(self._loader, self._type_name))


class _ModelLoader(Loader):
    """The loader of botocore, without a list of all services."""

    def list_available_services(self, type_name: str) -> Any:
        """Return the services as a collection that looks for a name only when it is asked for it."""
        return _Services(self, type_name)


class SharedModels:
    """The parsed service models that the sessions of a process share. Each further session takes 6 ms, not 78 ms."""

    def __init__(self) -> None:
        self._loader: Loader | None = None

    def share_with(self, session: botocore.session.Session) -> None:
        """Give a session the models of the first session."""
        if self._loader is None:
            loader = _ModelLoader(include_default_search_paths=False)
            loader.search_paths[:] = session.get_component("data_loader").search_paths
            self._loader = loader  # complete, because another thread may use it at once
        session.register_component("data_loader", self._loader)
        self._loader.search_paths[:] = dict.fromkeys(self._loader.search_paths)  # boto3 adds its path in each session


class TargetSession:
    """The session of one target, with its Region, its verified account and its clients. Close it after use.

    `on_sts_client` is called with each client of STS before the client is used. Raises CloudError.
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
        # A sandbox is reached without a proxy. None makes botocore use the proxies of the environment.
        self._proxies: dict[str, str] | None = {} if connection.has_dummy_credentials else None
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
        """Close the connections of the clients. AWS keeps them open, and Python may free the clients much later."""
        for client in self._clients:
            client.close()

    def create_reader(self) -> Reader:
        """Return the reader. botocore retries its calls up to AWS_MAX_ATTEMPTS. Raises CloudError."""
        return Reader(self._create_reading_client(CONCURRENCY), self._find_scope())

    def create_probe(self) -> Probe:
        """Return the read-only client of AppIntegrations and buckets for `reconcile doctor`. Raises CloudError."""
        from reconciler.edge.aws.probe import Probe  # noqa: PLC0415 - only `reconcile doctor` needs it

        config = self._default_config.merge(
            Config(s3={"addressing_style": "path"} if self._endpoint_url else None)  # buckets have no host names there
        )
        with translate_errors("creating a client for S3"):
            buckets = self._track_client(self._session.client("s3", endpoint_url=self._endpoint_url, config=config))
        return Probe(self._create_reading_client(1), buckets, self._find_scope())

    def create_writer(self, clock: Clock) -> Writer:
        """Return the writer. It sends each call once: with its defaults, botocore would retry a Create."""
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        return Writer(lambda: self._create_client(config), self._rate_limiter, clock)

    def _find_scope(self) -> responses.ArnScope:
        with translate_errors("finding the partition of the Region"):
            partition = self._session.get_partition_for_region(self.region)
        return responses.ArnScope(partition, self.region, self.account)

    def _create_reading_client(self, connections: int) -> AppIntegrationsServiceClient:
        client = self._create_client(Config(retries={"mode": "standard"}, max_pool_connections=connections))
        # The limiter waits before an attempt is signed. After signing, the signature could expire during the wait.
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
        with translate_errors("creating a client for AppIntegrations"):
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
                f"the credentials belong to account {account}, but target {target.name!r} declares {target.account}: "
                "nothing was read or written; use credentials of the declared account, or correct AccountId"
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
        """Return a client, and remember it for `close`."""
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
    """A botocore session that checks its credentials and registers them as secrets before it sends a request."""

    _credentials: Any = None

    def get_credentials(self) -> Any:
        """Return the credentials for clients. Raises Unauthenticated for characters that a header cannot contain."""
        self._credentials = super().get_credentials()
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
        return client


def _check_credentials(credentials: Any) -> None:
    """Register credentials as secrets, and reject invalid ones. Raises Unauthenticated.

    The error names only the invalid member. Without this check, urllib3 would show its value in an error.
    """
    redaction.watch_credentials(credentials)
    for member in ("access_key", "secret_key", "token"):
        value = vars(credentials).get(member)
        if isinstance(value, str) and (problem := find_credential_flaw(value)):
            source = getattr(credentials, "method", None) or "explicit"
            raise Unauthenticated(f"the {member} of the credentials that boto3 found ({source}) {problem}")


def resolve_region(target: Target, connection: ConnectionSettings, models: SharedModels) -> str | None:
    """Return the Region for the calls of a target, or None if no Region is configured. Raises CloudError."""
    with translate_errors("reading the AWS configuration"):
        region: str | None = _create_session(target.region, connection, models).region_name
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
        s3={"addressing_style": "path"} if connection.endpoint_url else None,  # buckets have no host names there
    )
    with translate_errors(f"creating a client for {service.upper()}"):
        session: Any = _create_session(None, connection, models)  # boto3-stubs accept only literal service names
        region = session.region_name or "us-east-1"
        client = session.client(service, region_name=region, endpoint_url=connection.endpoint_url, config=config)
    if is_read_only:
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
    require_valid_region(boto3_session.region_name)
    if not keys:
        disable_prompts(session)
    return boto3_session
