"""Share sessions and clients of AWS between the targets of a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import botocore.credentials
from botocore.config import Config

from reconciler.edge.aws.call_credentials import CallCredentials, use_credentials
from reconciler.edge.aws.connection import ConnectionSettings, open_session
from reconciler.edge.aws.errors import translate_errors
from reconciler.edge.aws.pagination import require_shape
from reconciler.edge.aws.read_only import make_read_only
from reconciler.edge.aws.service_models import SharedModels

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

MAX_CONNECTIONS = 64
"""Number of connections that a client keeps for the targets of a Region: one for each call under way."""
_DEFAULT_ATTEMPTS = 3
"""Attempts of a call in the standard mode of the AWS SDKs (AWS SDKs and Tools Reference, "Retry behavior")."""
_MAX_AGE = 60.0
"""Seconds after which new runs get new sessions. A session never reads a changed configuration or key file again."""
STS_CALLS = 32
"""Maximum number of calls to STS under way."""


@dataclass(frozen=True, slots=True)
class ListClient:
    """The List calls of one target. The client is shared, and the calls are signed with the target's credentials.

    `credentials` is None if the client has its own. Each method makes one attempt and raises botocore's errors;
    `max_attempts` says how often the caller may repeat it.
    """

    _client: AppIntegrationsServiceClient
    _credentials: botocore.credentials.Credentials | None
    max_attempts: int

    def list_data_integrations(self, **parameters: Any) -> Any:
        """Return one page of data integrations."""
        with use_credentials(self._credentials) if self._credentials else nullcontext():
            return self._client.list_data_integrations(**parameters)

    def list_data_integration_associations(self, **parameters: Any) -> Any:
        """Return one page of the associations of a data integration."""
        with use_credentials(self._credentials) if self._credentials else nullcontext():
            return self._client.list_data_integration_associations(**parameters)


class SharedClients:
    """The sessions and clients that targets share: one session with the ambient credentials, one for assumed roles.

    `monotonic` returns seconds. New runs get new sessions after a minute, or after AWS refused the credentials, so
    that they see changed keys. Clients are closed when no run uses them any more.
    `occupy_sts` surrounds the calls to STS of a target, and may wait.
    """

    def __init__(
        self,
        connection: ConnectionSettings,
        models: SharedModels,
        monotonic: Callable[[], float],
        occupy_sts: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.connection, self.models, self._monotonic = connection, models, monotonic
        self._occupy_sts = occupy_sts
        self._lock = threading.Lock()
        self._sessions: SharedSessions | None = None

    def acquire(self) -> SharedSessions:
        """Return the sessions for one run, which must release them. Raises CloudError."""
        with self._lock:
            now = self._monotonic()
            if self._sessions and now > self._sessions.opened_at + _MAX_AGE:
                self._sessions.release()
                self._sessions = None
            if self._sessions is None:
                self._sessions = SharedSessions(self.connection, self.models, now, self._occupy_sts)
            self._sessions.acquire()
            return self._sessions

    def discard(self, sessions: SharedSessions) -> None:
        """Let later runs open new sessions, because AWS refused the credentials of these."""
        with self._lock:
            if self._sessions is sessions:
                sessions.release()
                self._sessions = None

    def close(self) -> None:
        """Close the clients that no run uses."""
        if self._sessions:
            self.discard(self._sessions)


class SharedSessions:
    """The sessions of one minute and their clients, by Region. The last user closes the clients. Raises CloudError."""

    def __init__(
        self,
        connection: ConnectionSettings,
        models: SharedModels,
        opened_at: float,
        occupy_sts: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection, self._models, self.opened_at, self._occupy_sts = connection, models, opened_at, occupy_sts
        self._lock = threading.RLock()
        self._user_count = 1  # the owner
        self._sessions: dict[tuple[bool, str | None], boto3.Session] = {}
        self._clients: dict[tuple[str, str | None], Any] = {}

    def acquire(self) -> None:
        """Count a user."""
        with self._lock:
            self._user_count += 1

    def release(self) -> None:
        """Remove a user, and close the clients after the last one."""
        with self._lock:
            self._user_count -= 1
            if not self._user_count:
                for client in self._clients.values():
                    client.close()

    def get_session(self, region: str | None, *, is_for_roles: bool = False) -> boto3.Session:
        """Return the session of a Region with the ambient credentials, or the one for the calls of assumed roles."""
        with self._lock:
            key = is_for_roles, region
            if key not in self._sessions:
                credentials = CallCredentials() if is_for_roles else None
                self._sessions[key] = open_session(region, self._connection, self._models, credentials)
            return self._sessions[key]

    def create_list_client(
        self, region: str | None, credentials: botocore.credentials.Credentials | None
    ) -> ListClient:
        """Return the List calls of a target. `region` is its declared Region, and `credentials` those of its role."""
        with translate_errors("creating a client for AppIntegrations"):
            session = self.get_session(region, is_for_roles=credentials is not None)
            kind = "ambient" if credentials is None else "roles"
            client = self._get_client(kind, region, lambda: self._create_reading_client(session))
            attempts: Any = session._session.get_config_variable("max_attempts")  # noqa: SLF001 - boto3 hides it
        return ListClient(client, credentials, _DEFAULT_ATTEMPTS if attempts is None else int(attempts))

    @contextmanager
    def open_sts(self, region: str | None) -> Iterator[Any]:
        """Yield the client of STS with the ambient credentials, inside of `occupy_sts`."""
        client = self._get_client("sts", region, lambda: self._create_sts_client(self.get_session(region)))
        with self._occupy_sts():
            yield client

    def _get_client(self, kind: str, region: str | None, create: Callable[[], Any]) -> Any:
        with self._lock:
            if (kind, region) not in self._clients:
                self._clients[kind, region] = create()
            return self._clients[kind, region]

    def _create_sts_client(self, session: boto3.Session) -> Any:
        config = build_config(self._connection).merge(
            Config(retries={"mode": "standard"}, read_timeout=30, max_pool_connections=STS_CALLS)
        )
        return session.client("sts", endpoint_url=self._connection.endpoint_url, config=config)

    def _create_reading_client(self, session: boto3.Session) -> AppIntegrationsServiceClient:
        """Return a client that makes one attempt of each List call. The queue of the calls repeats them."""
        config = build_config(self._connection).merge(
            Config(
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=MAX_CONNECTIONS,
                read_timeout=self._connection.read_timeout,
            )
        )
        client = session.client("appintegrations", endpoint_url=self._connection.endpoint_url, config=config)
        make_read_only(client, ("List",))
        client.meta.events.register("before-parse.appintegrations", require_shape)
        return client


def build_config(connection: ConnectionSettings) -> Config:
    """Return what the clients of a connection have in common."""
    return Config(
        user_agent_extra=f"appintegrations-reconciler/{connection.version}",
        # A sandbox is reached without a proxy. None makes botocore use the proxies of the environment.
        proxies={} if connection.has_dummy_credentials else None,
        connect_timeout=10,
    )
