"""Puts a run together: which adapters serve which ports."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from reconciler import __version__, settings
from reconciler.cli.journals import Journals, connection_of
from reconciler.cli.options import DEFAULT_STATE
from reconciler.core.model import Desired, Mode, Target
from reconciler.core.ports import Progress, Writers
from reconciler.core.report import Report, RunInfo
from reconciler.edge.aws import Aws, Models
from reconciler.edge.pace import Pace
from reconciler.edge.state import parse
from reconciler.edge.system import SystemClock, new_id
from reconciler.fleet import Conditions, Connect, Site, pass_over


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line chose, as far as it concerns a pass over the targets."""

    targets: tuple[str, ...]
    region: str | None
    profile: str | None
    endpoint_url: str | None
    sandbox: bool
    state: str | None
    mode: Mode = Mode.CREATE
    settle_time: float = 900
    lock_timeout: float = 30
    new_state: bool = False
    dry_run: bool = False
    revision: str | None = None

    @property
    def bucket(self) -> tuple[str, str] | None:
        """The bucket and prefix of the journals, where they are kept in S3. Raises ValueError."""
        return parse(self.state) if self.state and "://" in self.state else None

    @property
    def state_folder(self) -> Path:
        """The folder of the journals; a sandbox has its own, so that it never meets those of real accounts."""
        folder = Path(self.state or DEFAULT_STATE)
        return folder / "sandbox" if self.dummy else folder

    @property
    def dummy(self) -> bool:
        """Whether something stands in for AWS, and is given no real credentials."""
        return self.sandbox or self.endpoint_url is not None

    @classmethod
    def of(cls, mode: str = Mode.CREATE, **others: Any) -> Choices:
        """Return the choices in what click parsed."""
        return cls(mode=Mode(mode), **others)

    def check(self) -> None:
        """Refuse what cannot go well, before anything is called. Raises click.UsageError."""
        try:
            in_s3 = self.bucket is not None
        except ValueError as error:
            raise click.UsageError(f"--state {self.state}: {error}") from error
        if in_s3 and self.sandbox:
            raise click.UsageError("--sandbox keeps its journal in a folder: give --state a path, or leave it out")
        if self.sandbox and self.endpoint_url:
            raise click.UsageError("--sandbox and --endpoint-url: give one of them")
        may_create = not self.dry_run and self.mode is not Mode.OBSERVE and not self.sandbox
        if self.endpoint_url is not None and not _is_endpoint(self.endpoint_url):
            raise click.UsageError(f"--endpoint-url {self.endpoint_url}: write http://HOST:PORT")
        if may_create and settings.read().ci and not self.state:
            raise click.UsageError(
                "a run that may create needs a journal that lasts, and a CI job's folder does not: a forgotten Create "
                "is sent again. Give --state or RECONCILER_STATE, or use --dry-run"
            )


class Passes:
    """Runs passes over all targets, one after the other, with what does not change between them."""

    def __init__(self, choices: Choices, stop: threading.Event) -> None:
        self._choices = choices
        self._stop = stop
        self._clock = SystemClock(stop)
        self._models = Models()
        self._connection = connection_of(choices)
        self._journals = Journals(choices, self._connection, self._models, self._clock)

    def run(self, desired: Desired, progress: Progress) -> Report:
        """Run every target once and report."""
        choices, id_ = self._choices, new_id()
        started = self._clock.now()
        settle = timedelta(seconds=choices.settle_time)
        conditions = Conditions(choices.mode, settle, self._clock, progress, self._stop.is_set)
        targets = pass_over(selected(desired, choices), self._connector(id_), conditions)
        info = RunInfo(id_, started, self._clock.now(), choices.dry_run, choices.revision, __version__)
        return Report(info, targets)

    def _connector(self, run: str) -> Connect:
        def connect(target: Target) -> Site:
            pace = Pace(target.requests_per_second, target.burst, self._clock)
            aws = Aws(target, self._connection, pace, self._models)
            journal = self._journals.reader(aws.account, aws.region)
            writers = None
            if not self._choices.dry_run:
                writers = Writers(aws.writer(), self._journals.writer(journal, run))
            return Site(aws.account, aws.region, aws.reader(), journal, writers)

        return connect


def selected(desired: Desired, choices: Choices) -> Desired:
    """Return the targets that were asked for. Raises click.UsageError."""
    names = [target.name for target in desired.targets]
    for wanted in choices.targets:
        if wanted not in names:
            near = get_close_matches(wanted, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"declared are {', '.join(names)}"
            raise click.UsageError(f"--target {wanted!r} is not declared: {hint}")
    chosen = choices.targets or tuple(names)
    return replace(desired, targets=tuple(target for target in desired.targets if target.name in chosen))


@contextmanager
def surroundings(choices: Choices) -> Iterator[None]:
    """Provide what is to stand in for AWS while the block runs: a sandbox in this process, or nothing."""
    if not choices.sandbox:
        yield
        return
    try:
        from reconciler.sandbox import DataFileError, in_process  # noqa: PLC0415 - only --sandbox needs moto
    except ImportError as error:
        raise sandbox_missing() from error
    data = choices.state_folder / "sandbox-data.json"
    with ExitStack() as stack:
        try:
            stack.enter_context(in_process(None if choices.dry_run and not data.exists() else data))
        except DataFileError as error:
            raise click.ClickException(str(error)) from error
        yield


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def sandbox_missing() -> click.ClickException:
    """Return the error for an installation without the sandbox."""
    return click.ClickException("the sandbox is not installed: pip install 'appintegrations-reconciler[sandbox]'")
