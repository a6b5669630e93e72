"""What the command line chose, and what of it cannot go together."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from reconciler import settings
from reconciler.cli.options import DEFAULT_STATE
from reconciler.core.model import Mode
from reconciler.core.plan.review import Agreed
from reconciler.edge.state.path import complaint
from reconciler.edge.state.url import parse


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
    max_creates: int | None = None
    new_state: tuple[str, ...] = ()
    dry_run: bool = False
    revision: str | None = None
    agreed: Agreed | None = None

    @property
    def bucket(self) -> tuple[str, str] | None:
        """The bucket and prefix of the journals, where they are kept in S3. Raises ValueError."""
        if self.state is None:
            return None
        if self.state.startswith("s3://"):
            return parse(self.state)
        if wrong := complaint(self.state):
            raise ValueError(wrong)
        return None

    @property
    def state_folder(self) -> Path:
        """The folder of the journals; a sandbox has its own, so that it never meets those of real accounts."""
        folder = Path(self.state or DEFAULT_STATE)
        return folder / "sandbox" if self.dummy else folder

    @property
    def dummy(self) -> bool:
        """Whether something stands in for AWS, and is given no real credentials."""
        return self.sandbox or self.endpoint_url is not None

    def may_begin(self, target: str) -> bool:
        """Tell whether a run may begin a target's journal where it finds none.

        A missing one is more likely a folder that is not mounted, or a wrong place, than a beginning. It is a beginning
        where --new-state says so, in a sandbox, and in the default folder of somebody's machine. In CI nothing is
        created with that folder, so that a dry run needs no journal there.
        """
        here = settings.read()
        is_home = not here.container and (self.dry_run or not here.ci)
        by_itself = self.sandbox or (self.state is None and is_home)
        return by_itself or any(fnmatchcase(target, glob) for glob in self.new_state)

    @classmethod
    def of(cls, mode: str = Mode.CREATE, **others: Any) -> Choices:
        """Return the choices in what click parsed."""
        return cls(mode=Mode(mode), **others)

    def check(self) -> None:
        """Refuse what cannot go well, before anything is called. Raises click.UsageError."""
        try:
            in_s3 = self.bucket is not None
        except ValueError as error:
            raise click.UsageError(f"--state {self.state!r}: {error}") from error
        if in_s3 and self.sandbox:
            raise click.UsageError("--sandbox keeps its journal in a folder: give --state a path, or leave it out")
        if self.sandbox and self.endpoint_url:
            raise click.UsageError("--sandbox and --endpoint-url: give one of them")
        may_create = not self.dry_run and self.mode is not Mode.OBSERVE and not self.sandbox
        if self.region is not None:
            from reconciler.edge.aws import regions

            if wrong := regions.complaint(self.region):
                raise click.UsageError(f"--region: {wrong}")
        if self.endpoint_url is not None and not _is_endpoint(self.endpoint_url):
            raise click.UsageError(f"--endpoint-url {self.endpoint_url}: write http://HOST:PORT")
        if may_create and settings.read().ci and not self.state:
            raise click.UsageError(
                "a run that may create needs a journal that lasts, and a CI job's folder does not: a forgotten Create "
                "is sent again. Give --state or RECONCILER_STATE, or write nothing: --dry-run"
            )


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
