"""Poll a folder or a git repository for new revisions, for the controller."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field

from reconciler.app.selection import select_shard, select_targets
from reconciler.app.sources import Source
from reconciler.controller.revisions import LoadedRevision
from reconciler.core.errors import Problem, ReconcilerError
from reconciler.core.manifests.files import File
from reconciler.core.manifests.selectors import Requirement
from reconciler.core.shards import Shard

_MAX_READS = 5


@dataclass(slots=True)
class FolderSource:
    """Files and folders that a controller polls. `load` parses the same files that `read_version` hashed."""

    source: Source
    targets: tuple[str, ...]
    new_state: tuple[str, ...] = ()
    selector: tuple[Requirement, ...] = ()
    shard: Shard | None = None
    _files: tuple[File | Problem, ...] = field(default=(), init=False)

    def read_version(self) -> str:
        """Return a hash of the names and contents of the files, once two readings in a row agree.

        A single reading may see an update that is only half done. Raises ReconcilerError if the files keep changing.
        """
        previous_digest = ""
        for _ in range(_MAX_READS):
            self._files = ()  # freed before the next reading, which needs the memory
            self._files = tuple(self.source.find_files())
            digest = _compute_digest(self._files)
            if digest == previous_digest:
                return digest
            previous_digest = digest
        raise ReconcilerError(
            f"{', '.join(self.source.places)}: the files changed during each of {_MAX_READS} readings: replace them in "
            "one step, for example with a rename"
        )

    def load(self, _: str) -> LoadedRevision:
        """Parse the files that were hashed last. Raises InvalidManifests and UnknownTarget."""
        files, self._files = self._files, ()
        desired = self.source.parse(files)
        selected = select_targets(desired, self.targets, self.new_state, self.selector)
        return LoadedRevision(None, select_shard(selected, self.shard))


def _compute_digest(files: tuple[File | Problem, ...]) -> str:
    digest = hashlib.sha256()
    for each in files:
        for part in (each.name.encode(), each.content) if isinstance(each, File) else (str(each).encode(),):
            digest.update(b"%d " % len(part) + part)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class GitSource:
    """A git repository that a controller polls, behind a URL or in a folder. Git ends when `stop` is set."""

    source: Source
    targets: tuple[str, ...]
    stop: threading.Event
    new_state: tuple[str, ...] = ()
    selector: tuple[Requirement, ...] = ()
    shard: Shard | None = None

    def read_version(self) -> str:
        """Return the commit of the ref, with a digest of the signing keys. Raises GitError and StopRequested."""
        from reconciler.edge import git

        signing_keys = self.source.read_signing_keys()
        commit = git.resolve_remote(self.source.build_access(self.stop))
        return f"{commit} {signing_keys.digest}" if signing_keys else commit

    def load(self, _: str) -> LoadedRevision:
        """Fetch and parse the latest commit. Raises GitError, StopRequested, InvalidManifests and UnknownTarget."""
        revision, files, description = self.source.fetch_described(self.stop)
        desired = self.source.parse(files, revision)
        selected = select_targets(desired, self.targets, self.new_state, self.selector)
        return LoadedRevision(revision, select_shard(selected, self.shard), description.subject, description.author)
