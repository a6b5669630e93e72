"""Read the manifests of a revision, in place from a folder or by a shallow fetch from a URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import File
from reconciler.edge.git import arguments, refs, signatures
from reconciler.edge.git.access import RepositoryAccess
from reconciler.edge.git.command import GitCommand
from reconciler.edge.git.fetch import FETCHED_REF, copy_commit, fetch_revision
from reconciler.edge.git.local_repository import locate_repository
from reconciler.edge.git.signing_keys import SigningKeys
from reconciler.edge.git.tree import Commit, CommitDescription


def read_revision(
    access: RepositoryAccess, path: str, keys: SigningKeys | None = None
) -> tuple[str, tuple[File | Problem, ...]]:
    """Return the full id of a revision's commit, and its manifest files at or below a path, ordered by name.

    `path` is relative to the top folder of the repository, and `.` is the whole repository. If `keys` are given, one
    of them must have signed the commit, and the signature is verified before any file is read.

    Raises InvalidReference if the URL, ref or path is malformed, UntrustedCommit if no listed key signed the commit,
    GitError if the revision cannot be read, and StopRequested.
    """
    with _open_commit(access, path, keys) as (commit, folder):
        return commit.id, commit.read_files(folder)


def read_described_revision(
    access: RepositoryAccess, path: str, keys: SigningKeys | None = None
) -> tuple[str, tuple[File | Problem, ...], CommitDescription]:
    """Return what `read_revision` returns, with the subject and the author of the commit. Raises as it does."""
    with _open_commit(access, path, keys) as (commit, folder):
        return commit.id, commit.read_files(folder), commit.describe()


@contextmanager
def _open_commit(access: RepositoryAccess, path: str, keys: SigningKeys | None) -> Iterator[tuple[Commit, str]]:
    """Yield the verified commit of a revision, and the normal form of a path."""
    address, folder = access.parse_address(), arguments.normalise_path(path)
    git = access.find_git()
    if address:
        with fetch_revision(git, address, access.ref) as repository:
            commit = refs.resolve_local(repository, address.repository_name, access.ref, FETCHED_REF)
            yield _verify(repository, address.repository_name, commit, keys), folder
        return
    repository, repository_name = locate_repository(git, access.url), arguments.redact_url(access.url)
    commit = refs.resolve_local(repository, repository_name, access.ref, access.ref)
    if keys is None:
        yield _verify(repository, repository_name, commit, None), folder
        return
    with copy_commit(git, repository, repository_name, commit) as copy:
        yield _verify(copy, repository_name, commit, keys), folder


def _verify(git: GitCommand, repository_name: str, commit: str, keys: SigningKeys | None) -> Commit:
    if keys:
        signatures.verify_signature(git, repository_name, commit, keys)
    return Commit(git, repository_name, commit)
