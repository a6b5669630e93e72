"""What a controller follows: a folder that it reads, or a repository that it asks."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field

from reconciler.cli.source import Source
from reconciler.controller.following import Loaded
from reconciler.core.errors import Problem
from reconciler.core.files import File
from reconciler.edge import git


@dataclass(slots=True)
class Folder:
    """Files and folders of this machine. What was hashed is what is read: nobody can change it in between."""

    source: Source
    _found: tuple[File | Problem, ...] = field(default=(), init=False)

    def version(self) -> str:
        """Return a hash over the names and contents of all files."""
        self._found = tuple(self.source.files_found())
        digest = hashlib.sha256()
        for each in self._found:
            for part in (each.name.encode(), each.content) if isinstance(each, File) else (str(each).encode(),):
                digest.update(b"%d " % len(part) + part)
        return digest.hexdigest()

    def load(self, _: str) -> Loaded:
        """Read what was hashed last. Raises InvalidManifests."""
        found, self._found = self._found, ()
        return Loaded(None, self.source.judge(found))


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of git, behind a URL or in a folder. Git is ended once `stop` is set."""

    source: Source
    stop: threading.Event

    def version(self) -> str:
        """Return the id of what the ref stands for now, and of the keys that count. Raises GitError and Stopped."""
        keys = self.source.keys()
        tip = git.tip(self.source.access(self.stop))
        return f"{tip} {keys.digest}" if keys else tip

    def load(self, _: str) -> Loaded:
        """Fetch the newest. Raises GitError, Stopped and InvalidManifests."""
        revision, found = self.source.committed(self.stop)
        return Loaded(revision, self.source.judge(found, revision))
