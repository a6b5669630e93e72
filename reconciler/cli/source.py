"""Where the manifests come from: files and folders, or a revision of a git repository."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from reconciler import settings
from reconciler.cli import options
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.variables import complaints
from reconciler.core.errors import InvalidManifests, Misnamed, Problem, Stopped
from reconciler.core.manifests.files import MAX_PROBLEMS, File, bounded
from reconciler.core.model import Desired
from reconciler.core.redaction.invalid_settings import setting_flaws

if TYPE_CHECKING:
    from reconciler.edge.git import Access, Keys

FOLDER = "manifests/"


@dataclass(frozen=True, slots=True)
class Source:
    """What the command line says of it. `strict` treats warnings as errors.

    Of a repository, the files with keys and tokens are read anew each time: they may be replaced while this runs.
    """

    files: tuple[str, ...]
    url: str | None
    ref: str
    path: str
    strict: bool = False
    verify_key: str | None = None
    ssh_key: str | None = None
    known_hosts: str | None = None
    token_file: str | None = None
    username: str | None = None

    @property
    def is_missing(self) -> bool:
        """Whether nobody said where manifests are, and there are none where they usually are."""
        return not self.files and self.url is None and not Path(FOLDER).exists()

    @property
    def places(self) -> tuple[str, ...]:
        """Where manifests are read from, for messages and logs: without the login of a URL."""
        if self.url is None:
            return self.files or (FOLDER,)
        from reconciler.edge import git

        return (f"{git.shown(self.url)}, {self.path}",)

    def read(self) -> tuple[Desired, str | None]:
        """Return the desired state and, from git, the commit. A signal ends git: it would outlive this.

        Raises InvalidManifests, GitError, and Exit where a signal ended it.
        """
        if self.url is None:
            return self.judge(self.files_found()), None
        with stop_on_signals() as stop, suppress(Stopped):
            revision, found = self.committed(stop.asked)
        if stop.signal:
            raise click.exceptions.Exit(128 + stop.signal)
        return self.judge(found, revision), revision

    def files_found(self) -> Iterator[File | Problem]:
        """Yield the files of the places that were given, no more than is read of one revision."""
        from reconciler.edge import manifests

        paths = self.files or (FOLDER,)
        return bounded(each for path in paths for each in manifests.find(path, options.standard_input()))

    def committed(self, stop: threading.Event) -> tuple[str, tuple[File | Problem, ...]]:
        """Return a commit and its files. Raises GitError (Untrusted for a commit without its signature) and Stopped."""
        from reconciler.edge import git

        return git.read(self.access(stop), self.path, self.keys())

    def access(self, stop: threading.Event) -> Access:
        """Return the repository and the means to reach it."""
        from reconciler.edge import git

        credentials = git.Credentials(self.ssh_key, self.known_hosts, self.token_file, self.username)
        return git.Access(str(self.url), self.ref, settings.environment(), credentials, stop=stop)

    def keys(self) -> Keys | None:
        """Return the keys that commits are signed by, None where any commit counts. Raises Misnamed."""
        from reconciler.edge import git

        return None if self.verify_key is None else git.Keys.of(self.verify_key)

    def check(self) -> None:
        """Refuse what is wrong whatever the repository holds. Raises click.UsageError."""
        if self.url is not None:
            if wrong := next(setting_flaws(settings.environment()), None):
                raise click.UsageError(wrong)
            try:
                self.access(threading.Event()).check(self.path)
                self.keys()
            except Misnamed as error:
                raise click.UsageError(str(error)) from error

    def judge(self, found: Iterable[File | Problem], revision: str | None = None) -> Desired:
        """Return what the files of a revision ask for. Raises InvalidManifests."""
        from reconciler.edge import manifests
        from reconciler.edge.clock import SystemClock

        try:
            desired = manifests.read(found, SystemClock().now())
        except InvalidManifests as invalid:
            raise invalid.of(revision) from invalid
        if self.strict and desired.warnings:
            told = desired.warnings[:MAX_PROBLEMS]
            raise InvalidManifests(told, revision, len(desired.warnings) - len(told))
        return desired


def manifests(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where its manifests are, as `source`."""

    @wraps(function)
    def command(*args: Any, files: tuple[str, ...], **others: Any) -> Any:
        _check(files, others["git_url"], others.get("revision"))
        of_git = {name.removeprefix("git_"): others.pop(name) for name in ("git_url", *_OF_GIT)}
        source = Source(files, strict=others.pop("strict", False), **of_git)
        source.check()
        return function(*args, source=source, **others)

    return _OPTIONS(command)


def _check(files: tuple[str, ...], git_url: str | None, revision: str | None) -> None:
    """Refuse what would be passed over silently otherwise. Raises click.UsageError."""
    for wrong in complaints(settings.environment()):
        raise click.UsageError(wrong)
    if git_url is not None and files:
        raise click.UsageError("-f and --git-url: give one of them; --git-path is the folder in the repository")
    if git_url is not None and revision is not None:
        raise click.UsageError("--revision and --git-url: give one of them; the commit that is read is the revision")
    context = click.get_current_context()
    for parameter in _OF_GIT:
        if git_url is None and context.get_parameter_source(parameter) is not ParameterSource.DEFAULT:
            name = f"--{parameter.replace('_', '-')}"
            raise click.UsageError(f"{name} is of a git repository, and files would be read: give --git-url as well")


strict = options.option("--strict", is_flag=True, help="Treat warnings as errors.")

_OPTIONS = options.together(
    options.files,
    options.option(
        "--git-url", metavar="PATH|URL", help="Read manifests from this git repository instead, without a checkout."
    ),
    options.option(
        "--git-ref", metavar="REF", default="HEAD", show_default=True, help="Branch, tag or commit to read."
    ),
    options.option(
        "--git-path",
        metavar="DIR",
        default="manifests",
        show_default=True,
        help="Folder or file of manifests in the repository.",
    ),
    options.option(
        "--git-verify-key",
        metavar="FILE",
        help="Accept only commits signed by a key in this file: ssh's allowed signers, or OpenPGP keys.",
    ),
    options.option("--git-ssh-key", metavar="FILE", help="Private key for access by ssh."),
    options.option("--git-known-hosts", metavar="FILE", help="Known hosts for access by ssh; other hosts are refused."),
    options.option(
        "--git-token-file", metavar="FILE", help="Token for access by https; read again whenever git asks for it."
    ),
    options.option("--git-username", metavar="NAME", help="User name for the token.  [default: x-access-token]"),
)
_OF_GIT = (
    "git_ref", "git_path", "git_verify_key", "git_ssh_key", "git_known_hosts", "git_token_file", "git_username",
)  # fmt: skip
