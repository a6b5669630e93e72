"""Reads the manifests of a revision: in place from a folder, by a shallow fetch from a URL."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from reconciler.core.errors import Problem
from reconciler.core.files import File
from reconciler.edge.git import given, revision
from reconciler.edge.git.address import Address
from reconciler.edge.git.fetch import FETCHED, fetched
from reconciler.edge.git.program import Git
from reconciler.edge.git.tree import Commit


def read(  # noqa: PLR0913 - what is read, and with what
    url: str,
    ref: str,
    path: str,
    environment: Mapping[str, str],
    *,
    seconds: float = 120.0,
    stop: threading.Event | None = None,
) -> tuple[str, tuple[File | Problem, ...]]:
    """Return the full id of a revision's commit, and the manifest files at or below a path in it, in order of name.

    `url` is a folder of a repository, or in one, or a URL, or `host:path` for ssh. `ref` is a branch, a tag, `refs/…`,
    HEAD or the id of a commit, from a URL a full one. Where names are shared git's rules hold: an id before a tag, a
    tag before a branch (https://git-scm.com/docs/gitrevisions). `path` starts at the top folder of the repository, and
    `.` is all of it. No call of git takes longer than `seconds`, and none goes on once `stop` is set. Raises GitError
    (Misnamed for what is wrong whatever there is), and Stopped.
    """
    remote = given.is_remote(url)
    given.check_ref(ref)
    folder = given.folder(path)
    address = Address.of(url) if remote else None
    git = Git.found(environment, seconds, stop or threading.Event())
    if address is None:
        return _read(git.at(url), given.shown(url), ref, ref, folder)
    with fetched(git, address, ref) as repository:
        return _read(repository, address.where, ref, FETCHED, folder)


def _read(git: Git, where: str, asked: str, ref: str, folder: str) -> tuple[str, tuple[File | Problem, ...]]:
    commit = revision.commit(git, where, asked, ref)
    return commit, Commit(git, where, commit).files(folder)
