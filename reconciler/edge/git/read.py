"""Read the manifests of a revision, in place from a folder or by a shallow fetch from a URL."""

from __future__ import annotations

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import File
from reconciler.edge.git import arguments, refs, signatures
from reconciler.edge.git.access import RepositoryAccess
from reconciler.edge.git.command import GitCommand
from reconciler.edge.git.fetch import FETCHED_REF, copy_commit, fetch_revision
from reconciler.edge.git.local_repository import locate_repository
from reconciler.edge.git.signing_keys import SigningKeys
from reconciler.edge.git.tree import Commit


def read_revision(
    access: RepositoryAccess, path: str, keys: SigningKeys | None = None
) -> tuple[str, tuple[File | Problem, ...]]:
    """Return the full id of a revision's commit, and its manifest files at or below a path, ordered by name.

    `path` is relative to the top folder of the repository, and `.` is the whole repository. If `keys` are given, one
    of them must have signed the commit, and the signature is verified before any file is read.

    Raises InvalidReference if the URL, ref or path is malformed, UntrustedCommit if no listed key signed the commit,
    GitError if the revision cannot be read, and StopRequested.
    """
    address, folder = access.parse_address(), arguments.normalise_path(path)
    git = access.find_git()
    if address:
        with fetch_revision(git, address, access.ref) as repository:
            commit = refs.resolve_local(repository, address.repository_name, access.ref, FETCHED_REF)
            return _read_verified(repository, address.repository_name, commit, folder, keys)
    repository, repository_name = locate_repository(git, access.url), arguments.redact_url(access.url)
    commit = refs.resolve_local(repository, repository_name, access.ref, access.ref)
    if keys is None:
        return _read_verified(repository, repository_name, commit, folder, None)
    with copy_commit(git, repository, repository_name, commit) as copy:
        return _read_verified(copy, repository_name, commit, folder, keys)


def _read_verified(
    git: GitCommand, repository_name: str, commit: str, folder: str, keys: SigningKeys | None
) -> tuple[str, tuple[File | Problem, ...]]:
    if keys:
        signatures.verify_signature(git, repository_name, commit, keys)
    return commit, Commit(git, repository_name, commit).read_files(folder)
