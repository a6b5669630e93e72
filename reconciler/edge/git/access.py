"""Describe a git revision and the settings that git needs to read it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.edge.git import arguments
from reconciler.edge.git.command import GitCommand
from reconciler.edge.git.credentials import Credentials
from reconciler.edge.git.url import RepositoryUrl


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """A revision of a repository, with the settings that git needs to read it.

    `url` is a URL, `host:path` for ssh, or a folder in a repository. `ref` is a branch, a tag, `refs/…`, HEAD or a
    commit id. A remote repository needs the full id. Git resolves an ambiguous name as an id first, then as a tag,
    then as a branch (https://git-scm.com/docs/gitrevisions). Each git call ends after `timeout_seconds`, or when
    `stop` is set.
    """

    url: str
    ref: str
    environment: Mapping[str, str] = field(repr=False)
    credentials: Credentials = field(default_factory=Credentials)
    timeout_seconds: float = 120.0
    stop: threading.Event = field(default_factory=threading.Event)

    def parse_address(self) -> RepositoryUrl | None:
        """Return the parsed URL, or None for a folder. Raises InvalidReference if the URL is malformed."""
        is_remote = arguments.is_remote(self.url)
        arguments.check_ref(self.ref)
        if is_remote:
            return RepositoryUrl.parse(self.url, self.credentials)
        self.credentials.check("", None)
        return None

    def check(self, path: str) -> None:
        """Validate the repository, the ref and a path without reading the repository. Raises InvalidReference."""
        self.parse_address()
        arguments.normalise_path(path)

    def find_git(self) -> GitCommand:
        """Return the git program. Raises GitError if git is not installed."""
        return GitCommand.find(self.environment, self.timeout_seconds, self.stop)
