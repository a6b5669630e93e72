"""Where the journals are kept, as the command line says: a folder, or a bucket in S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler import __version__, settings
from reconciler.cli.choices import Choices
from reconciler.core.model import Target
from reconciler.edge.aws import Aws, Connection, Models, s3_client
from reconciler.edge.aws.regions import check
from reconciler.edge.clock import SystemClock, host, new_id, process
from reconciler.edge.state.file import LocalStore
from reconciler.edge.state.reader import JournalReader
from reconciler.edge.state.store import ReadOnly, Store

if TYPE_CHECKING:
    from reconciler.edge.state.s3 import Clients
    from reconciler.edge.state.writer import JournalWriter

_SANDBOX_REGION = "us-east-1"
_FIRST = "if this is the first run for this account and Region, give --new-state once; if it is not, "
_LOST_OBJECT = "restore the object from an older version of the bucket"
_LOST_FILE = "mount the folder that holds it, or restore it from a backup"


class Journals:
    """Makes what reads and what writes the journal of an account and Region. Raises CloudError."""

    def __init__(self, choices: Choices, connection: Connection, models: Models, clock: SystemClock) -> None:
        self._choices, self._clock = choices, clock
        self._clients: Clients | None = None
        if choices.bucket:
            from reconciler.edge.state.s3 import Clients

            self._clients = Clients(lambda: s3_client(connection, models, reads=choices.dry_run))
        self._readers: dict[tuple[str, str], JournalReader] = {}

    @classmethod
    def of(cls, choices: Choices) -> Journals:
        """Return the journals for a command that asks for nothing else."""
        return cls(choices, connection_of(choices), Models(), SystemClock())

    def store(self, account: str, region: str) -> Store:
        """Return where the journal of an account and Region is kept."""
        return self.beside(f"{account}-{region}.json")

    def beside(self, name: str) -> Store:
        """Return where another document is kept, in the same place."""
        if self._choices.bucket and self._clients:
            from reconciler.edge.state.s3 import S3Store

            bucket, prefix = self._choices.bucket
            stand_in = "sandbox" if self._choices.dummy else ""
            return S3Store(self._clients, bucket, "/".join(filter(None, (prefix, stand_in, name))))
        return LocalStore(self._choices.state_folder / name)

    @property
    def refusal(self) -> str:
        """The way out where the journal is missing and --new-state was not given."""
        return _FIRST + (_LOST_OBJECT if self._choices.bucket else _LOST_FILE)

    def reader(self, account: str, region: str, *, may_begin: bool = False) -> JournalReader:
        """Return what reads it, the same one each time: it knows what it has read before.

        A run that may write wants to find one, unless it `may_begin` it.
        """
        if (account, region) not in self._readers:
            source = ReadOnly.of(self.store(account, region))
            refusal = None if may_begin or self._choices.dry_run else self.refusal
            self._readers[account, region] = JournalReader(source, account, region, must_exist=refusal)
        return self._readers[account, region]

    def writer(self, account: str, region: str, run: str, revision: str | None = None) -> JournalWriter:
        """Return what writes it, in the name of a run of a revision."""
        from reconciler.edge.state.writer import Author, JournalWriter

        choices, here = self._choices, host()
        author = Author(run, f"{process()} on {here}", here, revision)
        store, reader, clock = self.store(account, region), self.reader(account, region), self._clock
        return JournalWriter(store, reader, author, clock, clock, timeout=choices.lock_timeout, new_lineage=new_id)


def connection_of(choices: Choices, listen: Callable[[Any], None] = lambda _: None) -> Connection:
    """Return how AWS, or what stands in for it, is reached; `listen` is given each session of botocore.

    Of all of AWS's tools boto3 alone does not know AWS_REGION.
    """
    return Connection(
        version=__version__,
        region=choices.region or (_SANDBOX_REGION if choices.dummy else settings.read().aws_region),
        profile=choices.profile,
        endpoint_url=choices.endpoint_url,
        dummy=choices.dummy,
        listen=listen,
    )


def located(target: Target, choices: Choices) -> tuple[str, str]:
    """Return the account and Region of a target, asking STS only where it does not declare them. Raises CloudError."""
    connection = connection_of(choices)
    region = target.region or connection.region
    check(region)
    if target.account and region:
        return target.account, region
    aws = Aws(target, connection, lambda: None, Models())
    return aws.account, aws.region
