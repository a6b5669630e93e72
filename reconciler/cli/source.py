"""Where the manifests come from: files and folders, or a revision of a git repository."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reconciler import settings
from reconciler.cli import options
from reconciler.core.errors import InvalidManifests, Misnamed, Problem, Stopped
from reconciler.core.files import File
from reconciler.core.model import Desired

FOLDER = "manifests/"


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says of it. `strict` takes what is unwise for wrong."""

    files: tuple[str, ...]
    url: str | None
    ref: str
    path: str
    strict: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether nobody said where manifests are, and there are none where they usually are."""
        return not self.files and self.url is None and not Path(FOLDER).exists()

    @property
    def places(self) -> tuple[str, ...]:
        """Where manifests are read from, for messages and logs: without the login of a URL."""
        if self.url is None:
            return self.files or (FOLDER,)
        from reconciler.edge import git  # noqa: PLC0415 - only where it is asked for

        return (f"{git.shown(self.url)}, {self.path}",)

    def read(self) -> tuple[Desired, str | None]:
        """Return the desired state and, from git, the commit.

        Raises InvalidManifests, GitError, UsageError, and Exit where a signal ended it.
        """
        from reconciler.edge import manifests  # noqa: PLC0415 - help is shown without it
        from reconciler.edge.system import SystemClock  # noqa: PLC0415

        revision, now = None, SystemClock().now()
        if self.url is None:
            desired = manifests.load(self.files or (FOLDER,), options.standard_input(), now)
        else:
            revision, found = self._committed(self.url)
            try:
                desired = manifests.read(found, now)
            except InvalidManifests as invalid:
                raise InvalidManifests(invalid.problems, revision) from invalid
        if self.strict and desired.warnings:
            raise InvalidManifests(desired.warnings, revision)
        return desired, revision

    def _committed(self, url: str) -> tuple[str, tuple[File | Problem, ...]]:
        """Return a commit and its files. A signal ends git first: it would outlive this, in a session of its own."""
        from reconciler.cli.session import stop_on_signals  # noqa: PLC0415 - it imports this
        from reconciler.edge import git  # noqa: PLC0415 - only where it is asked for

        with stop_on_signals() as stop, suppress(Stopped):
            try:
                read = git.read(url, self.ref, self.path, settings.environment(), stop=stop.asked)
            except Misnamed as error:
                raise click.UsageError(str(error)) from error
        if stop.signal:
            raise click.exceptions.Exit(128 + stop.signal)
        return read


def manifests(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where its manifests are, as `source`."""

    @wraps(function)
    def command(
        *args: Any, files: tuple[str, ...], git_url: str | None, git_ref: str, git_path: str, **others: Any
    ) -> Any:
        _check(files, git_url, others.get("revision"))
        source = Source(files, git_url, git_ref, git_path, others.pop("strict", False))
        return function(*args, source=source, **others)

    return _OPTIONS(command)


def _check(files: tuple[str, ...], git_url: str | None, revision: str | None) -> None:
    """Refuse what would be passed over silently otherwise. Raises click.UsageError."""
    if git_url is not None and files:
        raise click.UsageError("-f and --git-url: give one of them; --git-path is the folder in the repository")
    if git_url is not None and revision is not None:
        raise click.UsageError("--revision and --git-url: give one of them; the commit that is read is the revision")
    context = click.get_current_context()
    for parameter, name in (("git_ref", "--git-ref"), ("git_path", "--git-path")):
        if git_url is None and context.get_parameter_source(parameter) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"{name} is of a git repository, and files would be read: give --git-url as well")


strict = options.option("--strict", is_flag=True, help="Take what is only unwise in manifests for wrong.")

_OPTIONS = options.together(
    options.files,
    options.option(
        "--git-url", metavar="PATH|URL", help="Read manifests from this git repository instead, without a checkout."
    ),
    options.option(
        "--git-ref", metavar="REF", default="HEAD", show_default=True, help="Its branch, tag or commit to read."
    ),
    options.option(
        "--git-path", metavar="DIR", default="manifests", show_default=True, help="Its folder or file of manifests."
    ),
)
