"""One target's session: whose it is, and clients on demand."""

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
from reconciler.core.redaction.invalid_settings import credential_flaw
from reconciler.edge.aws import responses
from reconciler.edge.aws.errors import NO_REGION, require_aws, translated
from reconciler.edge.aws.noninteractive import ask_nobody
from reconciler.edge.aws.read_only import only_reads
from reconciler.edge.aws.reader import CONCURRENCY, Reader
from reconciler.edge.aws.regions import check
from reconciler.edge.aws.writer import Writer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

    from reconciler.edge.aws.probe import Probe

_Client = TypeVar("_Client")


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach AWS, as the command line and the environment say.

    `dummy` is for sandboxes: no real credentials. `read_timeout` is how many seconds an answer may take. `listen` is
    given each session of botocore before any client is made of it.
    """

    version: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    dummy: bool = False
    read_timeout: float = 60
    listen: Callable[[botocore.session.Session], None] = lambda _: None


class Models:
    """Parsed service models, shared by all sessions of a process: 6 ms for each after the first, instead of 78."""

    def __init__(self) -> None:
        self._loader: Loader | None = None

    def share_with(self, session: botocore.session.Session) -> None:
        """Give a session the first one's models."""
        if self._loader is None:
            self._loader = session.get_component("data_loader")
        session.register_component("data_loader", self._loader)
        self._loader.search_paths[:] = dict.fromkeys(self._loader.search_paths)  # boto3 adds its own each time


class Aws:
    """One target's session: whose it is, and clients on demand, until it is closed. Raises CloudError.

    `listen` is given each client of STS before it is used.
    """

    def __init__(
        self,
        target: Target,
        connection: Connection,
        pace: Callable[[], None],
        models: Models,
        listen: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self._endpoint_url = connection.endpoint_url
        self._agent = f"appintegrations-reconciler/{connection.version}"
        self._pace, self._listen = pace, listen
        self._proxies: dict[str, str] | None = {} if connection.dummy else None  # a sandbox is not behind the proxy
        self._read_timeout = connection.read_timeout
        self._clients: list[Any] = []
        with translated("reading the AWS configuration"):
            self._session = _session(target.region, connection, models)
            if target.role_arn:
                self._session = self._assume(target, connection, models)
        if not self._session.region_name:
            raise CloudError(NO_REGION)
        self.region = self._session.region_name
        self.account = self._identify(target)

    def close(self) -> None:
        """Close the connections of all clients: AWS keeps them open, and Python collects the clients' cycles late."""
        for client in self._clients:
            client.close()

    def reader(self) -> Reader:
        """Return the calls that change nothing, retried by botocore as often as AWS_MAX_ATTEMPTS says."""
        return Reader(self._reading(CONCURRENCY), self._scope())

    def probe(self) -> Probe:
        """Return the calls of `reconcile doctor`, which change nothing either: of AppIntegrations, and of buckets."""
        from reconciler.edge.aws.probe import Probe  # noqa: PLC0415 - no run needs it

        config = self._usual.merge(
            Config(s3={"addressing_style": "path"} if self._endpoint_url else None)  # no bucket has a host name there
        )
        with translated("making a client of S3"):
            buckets = self._kept(self._session.client("s3", endpoint_url=self._endpoint_url, config=config))
        return Probe(self._reading(1), buckets, self._scope())

    def writer(self, clock: Clock) -> Writer:
        """Return the calls that change AWS, each sent once: botocore would repeat a Create by itself."""
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        return Writer(lambda: self._client(config), self._pace, clock)

    def _scope(self) -> responses.ArnScope:
        with translated("finding the partition of the Region"):
            partition = self._session.get_partition_for_region(self.region)
        return responses.ArnScope(partition, self.region, self.account)

    def _reading(self, connections: int) -> AppIntegrationsServiceClient:
        client = self._client(Config(retries={"mode": "standard"}, max_pool_connections=connections))
        # before each attempt is signed, so that no signature grows old while it waits
        client.meta.events.register_first("request-created.appintegrations", lambda **_: self._pace())
        return client

    def _client(self, config: Config) -> AppIntegrationsServiceClient:
        common = Config(
            user_agent_extra=self._agent, proxies=self._proxies, connect_timeout=10, read_timeout=self._read_timeout
        )
        config = config.merge(common)
        with translated("making a client"):
            return self._kept(self._session.client("appintegrations", endpoint_url=self._endpoint_url, config=config))

    def _identify(self, target: Target) -> str:
        with translated("GetCallerIdentity"):
            answer = self._sts(self._session).get_caller_identity()
            require_aws(answer)
            account = responses.account(answer["Account"])
        if target.account and account != target.account:
            raise WrongAccount(
                f"the credentials belong to account {account}, and target {target.name!r} declares {target.account}: "
                "nothing was read or written; use credentials of that account, or correct AccountId"
            )
        return account

    def _assume(self, target: Target, connection: Connection, models: Models) -> boto3.Session:
        assert target.role_arn
        extra = {"ExternalId": target.external_id} if target.external_id else {}
        with translated(f"AssumeRole of {target.role_arn}"):
            answer = self._sts(self._session).assume_role(
                RoleArn=target.role_arn, RoleSessionName=target.session_name, **extra
            )
            require_aws(answer)
            keys = answer["Credentials"]
        return _session(
            target.region,
            connection,
            models,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def _sts(self, session: boto3.Session) -> Any:
        client = self._kept(session.client("sts", endpoint_url=self._endpoint_url, config=self._usual))
        self._listen(client)
        return client

    def _kept(self, client: _Client) -> _Client:
        """Return a client that `close` closes."""
        self._clients.append(client)
        return client

    @property
    def _usual(self) -> Config:
        return Config(
            user_agent_extra=self._agent,
            proxies=self._proxies,
            retries={"mode": "standard"},
            connect_timeout=10,
            read_timeout=30,
        )


class _Session(botocore.session.Session):
    """A session whose credentials are known as secrets before anything is sent, and are looked at."""

    _found: Any = None

    def get_credentials(self) -> Any:
        """Return the credentials that clients are made with. Raises Unauthenticated for those no header takes."""
        self._found = super().get_credentials()
        if self._found is not None:
            _look_at(self._found)
        return self._found

    def create_client(self, *arguments: Any, **options: Any) -> Any:
        """Make a client, whose credentials are known also when they were renewed to sign a request."""
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        keys: list[Any] = [options.get(name) for name in names]  # botocore gives them to assume the role of a profile
        credentials = botocore.credentials.Credentials(*keys) if any(keys) else None
        if credentials:
            _look_at(credentials)
        client = super().create_client(*arguments, **options)
        if credentials := credentials or self._found:
            client.meta.events.register("before-send", lambda **_: redaction.watch(credentials))
        return client


def _look_at(credentials: Any) -> None:
    """Know credentials, and refuse by name what cannot be right in them: urllib3 would say all of it."""
    redaction.watch(credentials)
    for member in ("access_key", "secret_key", "token"):
        value = vars(credentials).get(member)
        if isinstance(value, str) and (wrong := credential_flaw(value)):
            source = getattr(credentials, "method", None) or "explicit"
            raise Unauthenticated(f"the {member} of the credentials that boto3 found ({source}) {wrong}")


def region_of(target: Target, connection: Connection, models: Models) -> str | None:
    """Return the Region that a target's calls would go to, None where nothing says one. Raises CloudError."""
    with translated("reading the AWS configuration"):
        named: str | None = _session(target.region, connection, models).region_name
        return named


def ambient_client(service: str, connection: Connection, models: Models, *, reads: bool = False) -> Any:
    """Return a client of a service with the ambient credentials, in whatever Region: S3 says where a bucket is.

    One that only `reads` lets nothing else through.
    A PutObject is repeated as often as AWS_MAX_ATTEMPTS says, and the conditions it carries make that harmless.
    Raises CloudError.
    """
    config = Config(
        user_agent_extra=f"appintegrations-reconciler/{connection.version}",
        proxies={} if connection.dummy else None,
        retries={"mode": "standard"},
        connect_timeout=10,
        read_timeout=30,
        s3={"addressing_style": "path"} if connection.endpoint_url else None,  # no bucket has a host name there
    )
    with translated(f"making a client of {service.upper()}"):
        session: Any = _session(None, connection, models)  # boto3-stubs know a literal name of a service alone
        region = session.region_name or "us-east-1"
        client = session.client(service, region_name=region, endpoint_url=connection.endpoint_url, config=config)
    if reads:
        only_reads(client)
    return client


def _session(region: str | None, connection: Connection, models: Models, **keys: str) -> boto3.Session:
    nothing = {"profile": (None, None, None, None)}  # neither the environment nor a file is asked for one
    session = _Session(session_vars=nothing) if connection.dummy else _Session(profile=connection.profile)
    models.share_with(session)
    connection.listen(session)
    if connection.dummy and not keys:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    made = boto3.Session(botocore_session=session, region_name=region or connection.region, **keys)
    check(made.region_name)
    if not keys:
        ask_nobody(session)
    return made
