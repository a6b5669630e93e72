"""Fetch or copy exactly one revision into a temporary repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.core.errors import GitError
from reconciler.edge.git import messages, refs, temporary_folders
from reconciler.edge.git.command import CommandResult, GitCommand
from reconciler.edge.git.url import RepositoryUrl

FETCHED_REF = "refs/reconciler/fetched"
"""The local ref of the fetched revision, regardless of the requested name."""

MAX_COPY_BYTES = 256 * 1024 * 1024
"""Maximum size of the copy of one commit, in packed bytes."""

_SHA1 = 40


@contextmanager
def fetch_revision(git: GitCommand, address: RepositoryUrl, ref: str) -> Iterator[GitCommand]:
    """Yield git with a temporary repository that holds one revision at FETCHED_REF. Raises GitError."""
    with temporary_folders.create() as folder:
        git_in_folder = git.with_temporary_folder(folder)
        # Ids are SHA-1 or SHA-256. Only the length of a requested id or an error of the server shows which.
        for object_format in ("sha256", "sha1") if re.fullmatch("[0-9a-f]{64}", ref) else ("sha1", "sha256"):
            repository = _init_repository(git_in_folder, object_format, address.repository_name)
            network = repository.with_network(address.build_environment(git.caller_environment))
            result = _fetch(network, address.url, ref)
            if result.has_succeeded:
                yield repository
                return
            if not messages.is_other_object_format(result.error_output):
                break
        raise _build_error(network, address, ref, result.error_output)


@contextmanager
def copy_commit(git: GitCommand, source: GitCommand, repository_name: str, commit: str) -> Iterator[GitCommand]:
    """Yield git with a temporary repository that holds one commit of `source`. Raises GitError.

    In place, git trusts that the content of an object matches its id. A signature covers only ids, so the copy computes
    each id again from the content.
    """
    with temporary_folders.create() as folder:
        repository = _init_repository(
            git.with_temporary_folder(folder), "sha1" if len(commit) == _SHA1 else "sha256", repository_name
        )
        content = b""
        for command, arguments in (
            (source, ("rev-list", "--objects", "--no-walk", commit)),
            (source, ("pack-objects", "--quiet", "--stdout")),
            (repository, ("index-pack", "--stdin")),
        ):
            result = command.run(*arguments, stdin=content, max_output=MAX_COPY_BYTES)
            if not result.has_succeeded:
                raise messages.build_error(repository_name, result.error_output)
            content = result.output
        yield repository


def _init_repository(git: GitCommand, object_format: str, repository_name: str) -> GitCommand:
    result = git.run(
        "init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", "--", object_format
    )
    if not result.has_succeeded:
        raise messages.build_error(repository_name, result.error_output)
    return git.with_repository(str(Path(git.temporary_folder, object_format)))


def _fetch(git: GitCommand, url: str, ref: str) -> CommandResult:
    return git.run(
        "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance",
        "--no-write-fetch-head", "--", url, f"+{ref}:{FETCHED_REF}",
    )  # fmt: skip


def _build_error(git: GitCommand, address: RepositoryUrl, ref: str, error_output: str) -> GitError:
    repository_name = address.repository_name
    if messages.is_commit_refused(error_output):
        return GitError(
            f"the repository '{repository_name}' does not have the commit {ref}, or does not serve commits by id: "
            "use a branch or a tag"
        )
    if not messages.is_unknown_ref(error_output):
        return messages.build_error(repository_name, error_output)
    return refs.build_unknown_remote_ref_error(git, address, ref)
