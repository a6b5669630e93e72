"""Open the AWS session of a target. The session verifies the account and creates clients on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config

from reconciler.core.errors import NoRegion, WrongAccount
from reconciler.core.model import Target
from reconciler.core.ports import Clock
from reconciler.edge.aws import responses
from reconciler.edge.aws.connection import ConnectionSettings, open_session
from reconciler.edge.aws.errors import NO_REGION, require_aws, translate_errors
from reconciler.edge.aws.reader import CONCURRENCY, Reader
from reconciler.edge.aws.service_models import SharedModels
from reconciler.edge.aws.writer import Writer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

    from reconciler.edge.aws.probe import Probe

_Client = TypeVar("_Client")


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
            self._session = open_session(target.region, connection, models)
            if target.role_arn:
                self._session = self._assume_role(target, connection, models)
        if not self._session.region_name:
            raise NoRegion(NO_REGION)
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
        """Return the read-only clients for `reconcile doctor`. Raises CloudError."""
        from reconciler.edge.aws.probe import Probe  # noqa: PLC0415 - only `reconcile doctor` needs it

        config = self._default_config.merge(
            Config(s3={"addressing_style": "path"} if self._endpoint_url else None)  # buckets have no host names there
        )
        with translate_errors("creating the clients for S3 and KMS"):
            buckets = self._track_client(self._session.client("s3", endpoint_url=self._endpoint_url, config=config))
            keys = self._track_client(self._session.client("kms", endpoint_url=self._endpoint_url, config=config))
        return Probe(self._create_reading_client(1), buckets, keys, self._find_scope())

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
                "nothing was read or written; use credentials of the declared account, set RoleArn to a role in it, or "
                "correct AccountId"
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
        return open_session(
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
