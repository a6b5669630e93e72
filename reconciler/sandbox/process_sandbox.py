"""The sandbox inside the process: every boto3 session gets its answers from here, without a socket."""

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
def in_process(
    data: Path | None = None,
    behaviour: Behaviour | None = None,
    *,
    clock: TimeSource = read_system_time,
    new_id: IdSource = generate_id,
    read_only: bool = False,
) -> Iterator[Sandbox]:
    """Answer all of boto3 in this process meanwhile; DataFileError if the file cannot be used.

    With `read_only` the file is left as it is, and no lock is made beside it.

    STS, S3 and the other services are moto's, with its account 123456789012, and are empty each time.
    It is global to the process, and threads share it. Afterwards all is as before, but that moto knows
    one more service.
    """
    register()
    with (
        closing(Sandbox(data, behaviour, clock=clock, new_id=new_id, read_only=read_only)) as sandbox,
        isolate(),
        mock_aws(),
        use_sandbox(sandbox),
    ):
        yield sandbox
