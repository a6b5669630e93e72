"""Find the repository at or above a folder once, so that later git commands can name it."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.edge.git import messages
from reconciler.edge.git.arguments import redact_url
from reconciler.edge.git.command import GitCommand

_ANY_BARE = ("-c", "safe.bareRepository=all")


def locate_repository(git: GitCommand, folder: str) -> GitCommand:
    """Return git with the repository at or above a folder. Raises GitError.

    Git does the search, because it also checks the owner of the repository. If safe.bareRepository is `explicit`, by
    setting or by default, a bare repository is accepted only if `folder` is the repository itself.
    """
    for options in ((), _ANY_BARE):
        result = git.with_search_from(folder, *options).run("rev-parse", "--absolute-git-dir")
        git_dir = os.fsdecode(result.output.removesuffix(b"\n"))
        if result.has_succeeded and (not options or _is_same(git_dir, folder)):
            return git.with_repository(git_dir)
        if not options:
            first_result = result
    raise messages.build_error(redact_url(folder), first_result.error_output)


def _is_same(git_dir: str, folder: str) -> bool:
    try:
        return Path(git_dir).samefile(folder)
    except OSError:
        return False
