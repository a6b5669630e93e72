"""Read manifests from files and folders of this machine, or from a revision of a git repository."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from reconciler.app.stop_signal import stop_on_signals
from reconciler.core.errors import (
    Interrupted,
    InvalidManifests,
    InvalidReference,
    Problem,
    StopRequested,
    UsageError,
)
from reconciler.core.manifests.files import MAX_PROBLEMS, File, limit_files
from reconciler.core.model import Desired
from reconciler.core.redaction.invalid_settings import list_setting_flaws
from reconciler.edge.clock import SystemClock

if TYPE_CHECKING:
    from reconciler.edge.git import CommitDescription, RepositoryAccess, SigningKeys

FOLDER = "manifests/"


@dataclass(frozen=True, slots=True)
class Source:
    """The source of manifests. `strict` treats warnings as errors; `standard_input` is read for the file `-`.

    `clock` is the clock of the run: some warnings depend on the time.

    The files with keys and tokens for a repository are read each time, because they may change. `environment` is that
    of git.
    """

    environment: Mapping[str, str] = field(repr=False, compare=False)
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
    standard_input: BinaryIO | None = None
    clock: SystemClock = field(default_factory=SystemClock, compare=False)

    @property
    def is_missing(self) -> bool:
        """True if no source was given and the default folder does not exist."""
        return not self.files and self.url is None and not Path(FOLDER).exists()

    @property
    def places(self) -> tuple[str, ...]:
        """The locations of the manifests for messages and logs, without the login of a URL."""
        if self.url is None:
            return self.files or (FOLDER,)
        from reconciler.edge import git

        return (f"{git.redact_url(self.url)}, {self.path}",)

    def read(self) -> tuple[Desired, str | None]:
        """Return the desired state, with the commit if it is in git. Raises as `read_files`, and InvalidManifests."""
        files, revision = self.read_files()
        return self.parse(files, revision), revision

    def read_files(self) -> tuple[Iterable[File | Problem], str | None]:
        """Return the files, with the commit if they are in git.

        A signal ends git, which would otherwise outlive this process. Raises GitError, and Interrupted if a signal
        arrived while git ran.
        """
        if self.url is None:
            return self.find_files(), None
        with stop_on_signals() as stop, suppress(StopRequested):
            revision, files = self.fetch(stop.event)
        if stop.signal:
            raise Interrupted(stop.signal)
        return files, revision

    def has_file(self, file: Path) -> bool:
        """Return whether an existing file is read as a manifest: its path was given, or it is in a given folder."""
        if self.url is not None:
            return False
        from reconciler.edge import manifests

        return any(manifests.is_read_from(path, file) for path in self.files or (FOLDER,))

    def find_files(self) -> Iterator[File | Problem]:
        """Yield the files of the source, up to the limits of one revision."""
        from reconciler.edge import manifests

        return limit_files(manifests.find_files(self.files or (FOLDER,), self.standard_input))

    def fetch(self, stop: threading.Event) -> tuple[str, tuple[File | Problem, ...]]:
        """Return a commit and its files. Raises GitError, UntrustedCommit for its signature, and StopRequested."""
        from reconciler.edge import git

        return git.read_revision(self.build_access(stop), self.path, self.read_signing_keys())

    def fetch_described(self, stop: threading.Event) -> tuple[str, tuple[File | Problem, ...], CommitDescription]:
        """Return a commit and its files, with its subject and author. Raises as `fetch`."""
        from reconciler.edge import git

        return git.read_described_revision(self.build_access(stop), self.path, self.read_signing_keys())

    def build_access(self, stop: threading.Event) -> RepositoryAccess:
        """Return the repository with its credentials."""
        from reconciler.edge import git

        credentials = git.Credentials(self.ssh_key, self.known_hosts, self.token_file, self.username)
        return git.RepositoryAccess(str(self.url), self.ref, self.environment, credentials, stop=stop)

    def read_signing_keys(self) -> SigningKeys | None:
        """Return the keys that may sign commits, or None if commits need no signature. Raises InvalidReference."""
        from reconciler.edge import git

        return None if self.verify_key is None else git.SigningKeys.read(self.verify_key)

    def check(self) -> None:
        """Raise UsageError for invalid options, without reading the repository."""
        if self.url is not None:
            if flaw := next(list_setting_flaws(self.environment), None):
                raise UsageError(flaw)
            try:
                self.build_access(threading.Event()).check(self.path)
                self.read_signing_keys()
            except InvalidReference as error:
                raise UsageError(str(error)) from error

    def parse(self, files: Iterable[File | Problem], revision: str | None = None) -> Desired:
        """Return the desired state that the files of a revision describe. Raises InvalidManifests."""
        from reconciler.edge import manifests

        try:
            desired = manifests.load_manifests(files, self.clock.now())
        except InvalidManifests as invalid:
            raise invalid.with_revision(revision) from invalid
        if self.strict and desired.warnings:
            first_warnings = desired.warnings[:MAX_PROBLEMS]
            raise InvalidManifests(first_warnings, revision, len(desired.warnings) - len(first_warnings))
        return desired
