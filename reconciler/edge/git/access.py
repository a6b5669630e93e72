"""What to read of which repository, and by which means."""

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
    """A revision of a repository, and all that git needs to get at it.

    `url` is a folder of a repository, or in one, or a URL, or `host:path` for ssh. `ref` is a branch, a tag, `refs/…`,
    HEAD or the id of a commit, from a URL a full one. Where names are shared git's rules hold: an id before a tag, a
    tag before a branch (https://git-scm.com/docs/gitrevisions). No call of git takes longer than `seconds`, and none
    goes on once `stop` is set.
    """

    url: str
    ref: str
    environment: Mapping[str, str] = field(repr=False)
    credentials: Credentials = field(default_factory=Credentials)
    timeout_seconds: float = 120.0
    stop: threading.Event = field(default_factory=threading.Event)

    def parse_address(self) -> RepositoryUrl | None:
        """Return the URL of the repository; None for a folder. Raises InvalidReference for an impossible URL."""
        is_remote = arguments.is_remote(self.url)
        arguments.check_ref(self.ref)
        if is_remote:
            return RepositoryUrl.parse(self.url, self.credentials)
        self.credentials.check("", None)
        return None

    def check(self, path: str) -> None:
        """Refuse what is wrong whatever there is, a path in the repository as well. Raises InvalidReference."""
        self.parse_address()
        arguments.normalise_path(path)

    def find_git(self) -> GitCommand:
        """Return the program. Raises GitError where there is none."""
        return GitCommand.find(self.environment, self.timeout_seconds, self.stop)
