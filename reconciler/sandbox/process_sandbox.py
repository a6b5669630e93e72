"""Run the sandbox inside the process: it answers every boto3 session without a socket."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from moto import mock_aws

from reconciler.sandbox.moto.isolation import isolate
from reconciler.sandbox.moto.models import use_sandbox
from reconciler.sandbox.moto.registration import register
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.defaults import IdSource, TimeSource, generate_id, read_system_time


@contextmanager
def open_process_sandbox(
    data: Path | None = None,
    behaviour: Behaviour | None = None,
    *,
    clock: TimeSource = read_system_time,
    new_id: IdSource = generate_id,
    is_read_only: bool = False,
) -> Iterator[Sandbox]:
    """Answer every boto3 request of this process during the `with` block. Yields the sandbox.

    If `is_read_only`, the data file does not change and no lock file is created beside it.

    STS, S3 and the other services are those of moto, with its account 123456789012. They start empty each time.
    The sandbox is global to the process and shared by its threads. Afterwards everything is restored, except that
    AppIntegrations stays registered in moto.

    Raises DataFileError if the data file cannot be used.
    """
    register()
    with (
        closing(Sandbox(data, behaviour, clock=clock, new_id=new_id, is_read_only=is_read_only)) as sandbox,
        isolate(),
        mock_aws(),
        use_sandbox(sandbox),
    ):
        yield sandbox
