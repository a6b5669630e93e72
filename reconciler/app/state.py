"""Open the journals of a configuration for reading or writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.app.config import RunConfig
from reconciler.core.model import Target
from reconciler.edge.aws import ConnectionSettings, SharedModels, TargetSession, create_ambient_client
from reconciler.edge.aws.region_names import require_valid_region
from reconciler.edge.clock import SystemClock, describe_process, generate_id, get_host_name
from reconciler.edge.state import open_location
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import ReadOnlyStore, Store

if TYPE_CHECKING:
    from reconciler.edge.state.writer import StoredJournalWriter

_SANDBOX_REGION = "us-east-1"


class Journals:
    """The journals of a configuration, one for each account and Region."""

    def __init__(
        self, config: RunConfig, connection: ConnectionSettings, models: SharedModels, clock: SystemClock
    ) -> None:
        """Open the location of the journals. Raises CloudError."""
        self._config, self._clock = config, clock
        self.location = open_location(
            config.state_location,
            config.state_namespace,
            lambda service: create_ambient_client(service, connection, models, is_read_only=config.dry_run),
        )
        self._readers: dict[tuple[str, str], StoredJournalReader] = {}

    @classmethod
    def from_config(cls, config: RunConfig) -> Journals:
        """Return the journals for a command that needs no other connection to AWS. Raises CloudError."""
        return cls(config, build_connection_settings(config), SharedModels(), config.create_clock())

    def open_store(self, account: str, region: str) -> Store:
        """Return the store of the journal of an account and Region."""
        return self.location.open_store(build_document_name(account, region))

    @property
    def missing_journal_remedy(self) -> str:
        """The remedy for a missing journal, if --new-state was not given."""
        first_run = "if this is the first run for this account and Region, add --new-state once"
        return f"{first_run}; otherwise, correct --state, or {self.location.restore_remedy}"

    def get_reader(self, account: str, region: str, *, may_create_journal: bool = False) -> StoredJournalReader:
        """Return the reader of a journal. Each call returns the same reader, which remembers the previous content.

        For a run that may write, the reader rejects a missing journal, unless `may_create_journal` is set.
        """
        if (account, region) not in self._readers:
            store = ReadOnlyStore.from_store(self.open_store(account, region))
            remedy = None if may_create_journal or self._config.dry_run else self.missing_journal_remedy
            self._readers[account, region] = StoredJournalReader(store, account, region, must_exist=remedy)
        return self._readers[account, region]

    def create_writer(self, account: str, region: str, run: str, revision: str | None = None) -> StoredJournalWriter:
        """Return the writer of a journal for a run of a revision."""
        from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter

        host = get_host_name()
        author = JournalAuthor(run, f"{describe_process()} on {host}", host, revision)
        store, reader, clock = self.open_store(account, region), self.get_reader(account, region), self._clock
        timeout = self._config.lock_timeout.total_seconds()
        return StoredJournalWriter(store, reader, author, clock, clock, timeout=timeout, new_lineage=generate_id)


def build_document_name(account: str, region: str) -> str:
    """Return the file name of the journal of an account and Region."""
    return f"{account}-{region}.json"


def build_connection_settings(
    config: RunConfig, on_session: Callable[[Any], None] = lambda _: None
) -> ConnectionSettings:
    """Return the settings for connections to AWS or to a sandbox. `on_session` receives each session of botocore.

    AWS_REGION is read here because boto3 ignores it, although other tools of AWS read it.
    """
    return ConnectionSettings(
        version=__version__,
        region=config.region or (_SANDBOX_REGION if config.is_simulated else config.settings.aws_region),
        profile=config.profile,
        endpoint_url=config.endpoint_url,
        has_dummy_credentials=config.is_simulated,
        on_session=on_session,
    )


def locate_target(target: Target, config: RunConfig) -> tuple[str, str]:
    """Return the account and Region of a target. STS is called only if they are not declared. Raises CloudError."""
    connection = build_connection_settings(config)
    region = target.region or connection.region
    require_valid_region(region)
    if target.account and region:
        return target.account, region
    session = TargetSession(target, connection, lambda: None, SharedModels())
    return session.account, session.region
