"""Finds the repository that a folder is or lies in, once: all else names it, and leaves git nothing to look for."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.edge.git import messages
from reconciler.edge.git.arguments import shown
from reconciler.edge.git.command import Git

_ANY_BARE = ("-c", "safe.bareRepository=all")


def located(git: Git, folder: str) -> Git:
    """Return git at the repository that a folder is or lies in. Raises GitError.

    Git does the looking, since it also asks whose the repository is. Where safe.bareRepository is `explicit`, or git
    takes it to be, a bare repository counts if it is just this folder: then a person has named it.
    """
    for settings in ((), _ANY_BARE):
        answer = git.looking(folder, *settings).run("rev-parse", "--absolute-git-dir")
        found = os.fsdecode(answer.output.removesuffix(b"\n"))
        if answer.well and (not settings or _is_same(found, folder)):
            return git.at(found)
        if not settings:
            first = answer
    raise messages.error(shown(folder), first.complaint)


def _is_same(found: str, folder: str) -> bool:
    try:
        return Path(found).samefile(folder)
    except OSError:
        return False
