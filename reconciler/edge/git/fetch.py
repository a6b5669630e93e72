"""Fetches one revision of a repository, and nothing else of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.core.errors import GitError
from reconciler.edge.git import messages, refs, temporary_folders
from reconciler.edge.git.command import Answer, Git
from reconciler.edge.git.url import Address

FETCHED = "refs/reconciler/fetched"
"""The ref that a revision has here, whatever it was asked for by."""

MOST_COPIED = 256 * 1024 * 1024
"""The most bytes, packed, that are copied of one commit."""

_SHA1 = 40


@contextmanager
def fetched(git: Git, address: Address, ref: str) -> Iterator[Git]:
    """Give git at a repository that holds one revision, at FETCHED, and is removed afterwards. Raises GitError."""
    with temporary_folders.folder() as folder:
        private = git.within(folder)
        # Its ids are SHA-1 or SHA-256: that is only known from one that was given, or from a server's refusal.
        for ids in ("sha256", "sha1") if re.fullmatch("[0-9a-f]{64}", ref) else ("sha1", "sha256"):
            repository = _made(private, ids, address.where)
            network = repository.on_the_network(address.environment(git.given))
            answer = _fetch(network, address.url, ref)
            if answer.well:
                yield repository
                return
            if not messages.other_hash(answer.complaint):
                break
        raise _error(network, address, ref, answer.complaint)


@contextmanager
def copied(git: Git, source: Git, where: str, commit: str) -> Iterator[Git]:
    """Give git at a repository that holds a commit of another one, and is removed afterwards. Raises GitError.

    Every id is reckoned anew from the content: in place git believes what a folder of objects says, and a signature
    is over ids.
    """
    with temporary_folders.folder() as folder:
        repository = _made(git.within(folder), "sha1" if len(commit) == _SHA1 else "sha256", where)
        content = b""
        for at, arguments in (
            (source, ("rev-list", "--objects", "--no-walk", commit)),
            (source, ("pack-objects", "--quiet", "--stdout")),
            (repository, ("index-pack", "--stdin")),
        ):
            answer = at.run(*arguments, stdin=content, most=MOST_COPIED)
            if not answer.well:
                raise messages.error(where, answer.complaint)
            content = answer.output
        yield repository


def _made(git: Git, ids: str, where: str) -> Git:
    made = git.run("init", "--quiet", "--bare", "--template=", f"--object-format={ids}", "--", ids)
    if not made.well:
        raise messages.error(where, made.complaint)
    return git.at(str(Path(git.private, ids)))


def _fetch(git: Git, url: str, ref: str) -> Answer:
    return git.run(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance",
        "--no-write-fetch-head", "--", url, f"+{ref}:{FETCHED}",
    )  # fmt: skip


def _error(git: Git, address: Address, ref: str, said: str) -> GitError:
    where = address.where
    if messages.not_given(said):
        return GitError(
            f"repository '{where}': does not have the commit {ref}, or does not give it by its id: "
            "name a branch or a tag"
        )
    if not messages.no_such_ref(said):
        return messages.error(where, said)
    return refs.unknown_remote_ref(git, address, ref)
