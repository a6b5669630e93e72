"""The journals of a configuration: which place, and who may read and write them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler import __version__, settings
from reconciler.app.config import RunConfig
from reconciler.core.model import Target
from reconciler.edge.aws import ConnectionSettings, SharedModels, TargetSession, create_ambient_client
from reconciler.edge.aws.regions import check_region
from reconciler.edge.clock import SystemClock, describe_process, generate_id, get_host_name
from reconciler.edge.state import open_location
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import ReadOnlyStore, Store

if TYPE_CHECKING:
    from reconciler.edge.state.writer import StoredJournalWriter

_SANDBOX_REGION = "us-east-1"


class StateBackend:
    """Opens the journal of an account and Region for reading or writing."""

    def __init__(
        self, config: RunConfig, connection: ConnectionSettings, models: SharedModels, clock: SystemClock
    ) -> None:
        """Open the place of the journals. Raises CloudError."""
        self._config, self._clock = config, clock
        self.location = open_location(
            config.state_location,
            config.state_namespace,
            lambda service: create_ambient_client(service, connection, models, read_only=config.dry_run),
        )
        self._readers: dict[tuple[str, str], StoredJournalReader] = {}

    @classmethod
    def of(cls, config: RunConfig) -> StateBackend:
        """Return the backend for a command that has no other use for AWS. Raises CloudError."""
        return cls(config, connection_of(config), SharedModels(), SystemClock())

    def store(self, account: str, region: str) -> Store:
        """Return the store of the journal of an account and Region."""
        return self.location.open_store(document_name(account, region))

    @property
    def refusal(self) -> str:
        """What to do if the journal is missing and --new-state was not given."""
        first = "if this is the first run for this account and Region, give --new-state once; if it is not, "
        return first + self.location.restore_remedy

    def reader(self, account: str, region: str, *, may_begin: bool = False) -> StoredJournalReader:
        """Return the reader of a journal: the same one each time, since it compares with what it read before.

        A run that may write wants to find a journal, unless it `may_begin` one.
        """
        if (account, region) not in self._readers:
            source = ReadOnlyStore.from_store(self.store(account, region))
            refusal = None if may_begin or self._config.dry_run else self.refusal
            self._readers[account, region] = StoredJournalReader(source, account, region, must_exist=refusal)
        return self._readers[account, region]

    def writer(self, account: str, region: str, run: str, revision: str | None = None) -> StoredJournalWriter:
        """Return the writer of a journal for a run of a revision."""
        from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter

        here = get_host_name()
        author = JournalAuthor(run, f"{describe_process()} on {here}", here, revision)
        store, reader, clock = self.store(account, region), self.reader(account, region), self._clock
        timeout = self._config.lock_timeout.total_seconds()
        return StoredJournalWriter(store, reader, author, clock, clock, timeout=timeout, new_lineage=generate_id)


def document_name(account: str, region: str) -> str:
    """Return the file name of the journal of an account and Region."""
    return f"{account}-{region}.json"


def connection_of(config: RunConfig, listen: Callable[[Any], None] = lambda _: None) -> ConnectionSettings:
    """Return how to reach AWS, or what stands in for it; `listen` is given each session of botocore.

    AWS_REGION is read here: boto3 does not know it, other than all of AWS's tools.
    """
    return ConnectionSettings(
        version=__version__,
        region=config.region or (_SANDBOX_REGION if config.is_simulated else settings.read().aws_region),
        profile=config.profile,
        endpoint_url=config.endpoint_url,
        has_dummy_credentials=config.is_simulated,
        on_session=listen,
    )


def locate_target(target: Target, config: RunConfig) -> tuple[str, str]:
    """Return the account and Region of a target; STS is asked only if it does not declare them. Raises CloudError."""
    connection = connection_of(config)
    region = target.region or connection.region
    check_region(region)
    if target.account and region:
        return target.account, region
    aws = TargetSession(target, connection, lambda: None, SharedModels())
    return aws.account, aws.region
