"""Reads the manifests of a revision: in place from a folder, by a shallow fetch from a URL."""

from __future__ import annotations

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import File
from reconciler.edge.git import arguments, refs, signatures
from reconciler.edge.git.access import Access
from reconciler.edge.git.command import Git
from reconciler.edge.git.fetch import FETCHED, copied, fetched
from reconciler.edge.git.local_repository import located
from reconciler.edge.git.signing_keys import Keys
from reconciler.edge.git.tree import Commit


def read(access: Access, path: str, keys: Keys | None = None) -> tuple[str, tuple[File | Problem, ...]]:
    """Return the full id of a revision's commit, and the manifest files at or below a path in it, in order of name.

    `path` starts at the top folder of the repository, and `.` is all of it. With `keys` the commit has to be signed by
    one of them, and nothing else of it is looked at before that is known. Raises GitError (Misnamed for what is wrong
    whatever there is, Untrusted for a commit that is not signed so), and Stopped.
    """
    address, folder = access.address(), arguments.folder(path)
    git = access.git()
    if address:
        with fetched(git, address, access.ref) as repository:
            commit = refs.resolve_local(repository, address.where, access.ref, FETCHED)
            return _read(repository, address.where, commit, folder, keys)
    repository, where = located(git, access.url), arguments.shown(access.url)
    commit = refs.resolve_local(repository, where, access.ref, access.ref)
    if keys is None:
        return _read(repository, where, commit, folder, None)
    with copied(git, repository, where, commit) as copy:
        return _read(copy, where, commit, folder, keys)


def _read(git: Git, where: str, commit: str, folder: str, keys: Keys | None) -> tuple[str, tuple[File | Problem, ...]]:
    if keys:
        signatures.check(git, where, commit, keys)
    return commit, Commit(git, where, commit).files(folder)
