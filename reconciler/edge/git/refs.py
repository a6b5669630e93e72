"""Find the commit that a branch, a tag or an id stands for, locally or on a server, and suggest similar names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reconciler.core.errors import GitError
from reconciler.core.suggestions import close
from reconciler.core.text import harmless
from reconciler.edge.git import arguments, messages
from reconciler.edge.git.access import Access
from reconciler.edge.git.command import Git
from reconciler.edge.git.local_repository import located
from reconciler.edge.git.url import Address

# Git takes NAME-gID, as git describe writes it, for the commit ID, even where nothing has that name.
_DESCRIPTION = re.compile("-g[0-9a-fA-F]+$")
# https://git-scm.com/docs/gitrevisions, <refname>
_RULES = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")


def resolve_local(git: Git, where: str, asked: str, ref: str) -> str:
    """Return the full id of the commit that a ref stands for; `asked` is what a person calls it. Raises GitError."""
    name = _existing(git, ref) if _DESCRIPTION.search(ref) else ref
    answer = git.run("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    if answer.well:
        return answer.output.decode().strip()
    if messages.no_commit(answer.complaint):
        raise GitError(f"repository '{where}': '{harmless(asked)}' is no commit: name a branch, a tag or a commit")
    if not messages.no_such_ref(answer.complaint):
        raise messages.error(where, answer.complaint)
    names = _refs(git)
    shallow = git.run("rev-parse", "--is-shallow-repository").output == b"true\n"
    raise unknown_ref(where, asked, names, shallow=shallow)


def _existing(git: Git, ref: str) -> str:
    """Return the full name of a ref that there is, "" where there is none."""
    names = [rule.format(ref) for rule in _RULES]
    existing = _refs(git, *names) or ()
    return next((name for name in names if name in existing), "")


def _refs(git: Git, *names: str) -> Sequence[str] | None:
    """Return the full names of all refs, or of those at and below some; None where git cannot tell."""
    listed = git.run("for-each-ref", "--format=%(refname)", *names)
    return listed.output.decode(errors="surrogateescape").splitlines() if listed.well else None


def unknown_ref(where: str, ref: str, names: Sequence[str] | None, *, shallow: bool = False) -> GitError:
    """Return the error for a name that is none of those there are (None: nobody knows), full names all."""
    if names is not None and not names and not shallow:
        return GitError(f"repository '{where}': is empty, it has no commit yet: push one first")
    short = {name.removeprefix("refs/").partition("/")[2]: name for name in names or ()}
    near = close(ref, short, 3)
    hint = ""
    if near:
        hint = ": did you mean " + " or ".join(f"'{harmless(name)}'" for name in near) + "?"
    elif shallow:
        hint = ": it is a shallow clone, so fetch the revision first"
    elif re.fullmatch("[0-9a-f]{4,39}", ref):
        hint = ": is it the beginning of an id? A URL needs the whole of it"
    return GitError(f"repository '{where}': has no branch, tag or commit '{harmless(ref)}'{hint}")


def resolve_remote(access: Access) -> str:
    """Return the id of what a ref stands for now: a commit, or a tag with a message of its own.

    An id stands for itself, and nobody is asked. Raises GitError (Misnamed for what is wrong whatever there is), and
    Stopped.
    """
    address, ref = access.address(), access.ref
    git = access.git()
    if address is None:
        return resolve_local(located(git, access.url), arguments.shown(access.url), ref, ref)
    if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", ref):
        return ref
    network = git.nowhere().on_the_network(address.environment(git.given))
    answer = network.run("ls-remote", "--quiet", "--", address.url, ref)
    if not answer.well:
        raise messages.error(address.where, answer.complaint)
    listed = _listed(answer.output)
    for rule in _RULES:
        if found := listed.get(rule.format(ref)):
            return found
    raise unknown_remote_ref(network, address, ref)


def _listed(output: bytes) -> Mapping[str, str]:
    """Return the ids of refs by their full names."""
    lines = (line.partition("\t") for line in output.decode(errors="surrogateescape").splitlines())
    return {name: oid for oid, _, name in lines}


def unknown_remote_ref(git: Git, address: Address, ref: str) -> GitError:
    """Return the error for a ref that a repository behind a URL does not have, with what is close to it."""
    listed = git.run("ls-remote", "--quiet", "--refs", "--", address.url)
    return unknown_ref(address.where, ref, list(_listed(listed.output)) if listed.well else None)
