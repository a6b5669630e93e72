"""Open the AWS session of a target. The session verifies the account and creates clients on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
import botocore.credentials
from botocore.config import Config

from reconciler import redaction
from reconciler.core.errors import NoRegion, Unauthenticated, WrongAccount
from reconciler.core.model import Target
from reconciler.core.ports import Clock, Pace
from reconciler.edge.aws import responses
from reconciler.edge.aws.clients import SharedClients, build_config
from reconciler.edge.aws.connection import open_session
from reconciler.edge.aws.errors import NO_REGION, require_aws, translate_errors
from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.writer import Writer

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

    from reconciler.edge.aws.probe import Probe

_Client = TypeVar("_Client")


class TargetSession:
    """The session of one target, with its Region, its verified account and its clients. Close it after use.

    `on_sts_client` is called with the client of STS before its use. Raises CloudError.
    """

    def __init__(
        self, target: Target, shared: SharedClients, on_sts_client: Callable[[Any], None] = lambda _: None
    ) -> None:
        self._target, self._shared, self._on_sts_client = target, shared, on_sts_client
        self._own_clients: list[Any] = []
        self._credentials: botocore.credentials.Credentials | None = None
        self._sessions = shared.acquire()
        try:
            self.region = self._find_region()
            self.account = self._assume_role(target.role_arn) if target.role_arn else self._get_caller_account()
            self._verify_account()
        except BaseException as error:
            if isinstance(error, Unauthenticated):
                shared.discard(self._sessions)
            self._sessions.release()
            raise

    def close(self) -> None:
        """Close the clients that only this target uses. AWS keeps their connections open, and so does Python."""
        for client in self._own_clients:
            client.close()
        self._sessions.release()

    def create_reader(self, pace: Pace) -> Reader:
        """Return the reader. Its calls are repeated up to AWS_MAX_ATTEMPTS. Raises CloudError."""
        return Reader(
            self._sessions.create_list_client(self._target.region, self._credentials), self._find_scope(), pace
        )

    def create_probe(self, pace: Pace) -> Probe:
        """Return the read-only clients for `reconcile doctor`. Raises CloudError."""
        from reconciler.edge.aws.probe import Probe  # noqa: PLC0415 - only `reconcile doctor` needs it

        endpoint_url = self._shared.connection.endpoint_url
        config = build_config(self._shared.connection).merge(
            Config(
                retries={"mode": "standard"},
                read_timeout=30,
                s3={"addressing_style": "path"} if endpoint_url else None,  # buckets have no host names there
            )
        )
        session = self._open_own_session()
        with translate_errors("creating the clients for S3 and KMS"):
            buckets = self._track_client(session.client("s3", endpoint_url=endpoint_url, config=config))
            keys = self._track_client(session.client("kms", endpoint_url=endpoint_url, config=config))
        client = self._create_client(Config(retries={"mode": "standard"}))
        # The pace waits before an attempt is signed. After signing, the signature could expire during the wait.
        client.meta.events.register_first("request-created.appintegrations", lambda **_: pace.wait())
        return Probe(client, buckets, keys, self._find_scope())

    def create_writer(self, pace: Pace, clock: Clock) -> Writer:
        """Return the writer. It sends each call once: with its defaults, botocore would retry a Create.

        Its client belongs to this target alone, so that no call can be signed with the credentials of another one.
        """
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        return Writer(lambda: self._create_client(config), pace, clock)

    def _find_region(self) -> str:
        with translate_errors("reading the AWS configuration"):
            region = self._sessions.get_session(self._target.region).region_name
        if not region:
            raise NoRegion(NO_REGION)
        return region

    def _find_scope(self) -> responses.ArnScope:
        with translate_errors("finding the partition of the Region"):
            partition = self._sessions.get_session(self._target.region).get_partition_for_region(self.region)
        return responses.ArnScope(partition, self.region, self.account)

    def _create_client(self, config: Config) -> AppIntegrationsServiceClient:
        connection = self._shared.connection
        config = build_config(connection).merge(config).merge(Config(read_timeout=connection.read_timeout))
        session = self._open_own_session()
        with translate_errors("creating a client for AppIntegrations"):
            return self._track_client(
                session.client("appintegrations", endpoint_url=connection.endpoint_url, config=config)
            )

    def _open_own_session(self) -> boto3.Session:
        """Return a session with the credentials of this target."""
        if self._credentials is None:
            return self._sessions.get_session(self._target.region)
        with translate_errors("reading the AWS configuration"):
            return open_session(self._target.region, self._shared.connection, self._shared.models, self._credentials)

    def _get_caller_account(self) -> str:
        with translate_errors("GetCallerIdentity"), self._sessions.open_sts(self._target.region) as sts:
            self._on_sts_client(sts)
            answer = sts.get_caller_identity()
            require_aws(answer)
            return responses.parse_account(answer["Account"])

    def _assume_role(self, role_arn: str) -> str:
        """Assume the role of the target. Return the account that the answer names."""
        target = self._target
        extra = {"ExternalId": target.external_id} if target.external_id else {}
        with translate_errors(f"AssumeRole of {role_arn}"), self._sessions.open_sts(target.region) as sts:
            self._on_sts_client(sts)
            answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=target.session_name, **extra)
            require_aws(answer)
            keys = answer["Credentials"]
            self._credentials = botocore.credentials.Credentials(
                keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], method="assume-role"
            )
            redaction.watch_credentials(self._credentials)
            return responses.parse_role_account(answer["AssumedRoleUser"]["Arn"])

    def _verify_account(self) -> None:
        target = self._target
        if target.account and self.account != target.account:
            raise WrongAccount(
                f"the credentials belong to account {self.account}, but target {target.name!r} declares "
                f"{target.account}: nothing was read or written; use credentials of the declared account, set RoleArn "
                "to a role in it, or correct AccountId"
            )

    def _track_client(self, client: _Client) -> _Client:
        """Return a client, and remember it for `close`."""
        self._own_clients.append(client)
        return client
