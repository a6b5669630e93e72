"""What a controller follows: a folder that it reads, or a repository that it asks."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field

from reconciler.cli.source import Source
from reconciler.cli.wiring import narrowed
from reconciler.controller.revisions import Loaded
from reconciler.core.errors import Problem, ReconcilerError
from reconciler.core.manifests.files import File
from reconciler.edge import git

_READINGS = 5


@dataclass(slots=True)
class Folder:
    """Files and folders of this machine. What was hashed is what is read: nobody can change it in between."""

    source: Source
    targets: tuple[str, ...]
    new_state: tuple[str, ...] = ()
    _found: tuple[File | Problem, ...] = field(default=(), init=False)

    def version(self) -> str:
        """Return a hash over the names and contents of all files, which two readings in a row found to be the same.

        One reading may find half of what is exchanged meanwhile. Raises ReconcilerError where it goes on changing.
        """
        before = ""
        for _ in range(_READINGS):
            self._found = ()  # before the next are read: both would need room for all
            self._found = tuple(self.source.files_found())
            digest = _digest(self._found)
            if digest == before:
                return digest
            before = digest
        raise ReconcilerError(f"{', '.join(self.source.places)}: changed while it was read, {_READINGS} times in a row")

    def load(self, _: str) -> Loaded:
        """Read what was hashed last. Raises InvalidManifests and Undeclared."""
        found, self._found = self._found, ()
        return Loaded(None, narrowed(self.source.judge(found), self.targets, self.new_state))


def _digest(found: tuple[File | Problem, ...]) -> str:
    digest = hashlib.sha256()
    for each in found:
        for part in (each.name.encode(), each.content) if isinstance(each, File) else (str(each).encode(),):
            digest.update(b"%d " % len(part) + part)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of git, behind a URL or in a folder. Git is ended once `stop` is set."""

    source: Source
    targets: tuple[str, ...]
    stop: threading.Event
    new_state: tuple[str, ...] = ()

    def version(self) -> str:
        """Return the id of what the ref stands for now, and of the keys that count. Raises GitError and Stopped."""
        keys = self.source.keys()
        tip = git.resolve_remote(self.source.access(self.stop))
        return f"{tip} {keys.digest}" if keys else tip

    def load(self, _: str) -> Loaded:
        """Fetch the newest. Raises GitError, Stopped, InvalidManifests and Undeclared."""
        revision, found = self.source.committed(self.stop)
        return Loaded(revision, narrowed(self.source.judge(found, revision), self.targets, self.new_state))
