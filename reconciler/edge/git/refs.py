"""Resolve a branch, a tag or an id to a commit, locally or on a server, and suggest similar names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reconciler.core.errors import GitError
from reconciler.core.suggestions import find_similar, format_suggestion
from reconciler.core.text import sanitize
from reconciler.edge.git import arguments, messages
from reconciler.edge.git.access import RepositoryAccess
from reconciler.edge.git.command import GitCommand
from reconciler.edge.git.local_repository import locate_repository
from reconciler.edge.git.url import RepositoryUrl

# Git resolves NAME-gID, the format of git describe, to the commit ID, even if NAME does not exist.
_DESCRIPTION = re.compile("-g[0-9a-fA-F]+$")
# https://git-scm.com/docs/gitrevisions, <refname>
_NAME_RULES = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")


def resolve_local(git: GitCommand, repository_name: str, requested: str, ref: str) -> str:
    """Return the full id of the commit that a ref stands for. Messages show it as `requested`. Raises GitError."""
    name = _find_full_name(git, ref) if _DESCRIPTION.search(ref) else ref
    result = git.run("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    if result.has_succeeded:
        return result.output.decode().strip()
    if messages.is_no_commit(result.error_output):
        raise GitError(
            f"repository '{repository_name}': --git-ref '{sanitize(requested)}' is not a commit: use a branch, a tag "
            "or a commit"
        )
    if not messages.is_unknown_ref(result.error_output):
        raise messages.build_error(repository_name, result.error_output)
    names = _list_refs(git)
    is_shallow = git.run("rev-parse", "--is-shallow-repository").output == b"true\n"
    raise build_unknown_ref_error(repository_name, requested, names, is_shallow=is_shallow)


def _find_full_name(git: GitCommand, ref: str) -> str:
    """Return the full name of a ref, or "" if it does not exist."""
    names = [rule.format(ref) for rule in _NAME_RULES]
    existing = _list_refs(git, *names) or ()
    return next((name for name in names if name in existing), "")


def _list_refs(git: GitCommand, *names: str) -> Sequence[str] | None:
    """Return the full names of refs, optionally only those at or below `names`, or None if git cannot list them."""
    result = git.run("for-each-ref", "--format=%(refname)", *names)
    return result.output.decode(errors="surrogateescape").splitlines() if result.has_succeeded else None


def build_unknown_ref_error(
    repository_name: str,
    ref: str,
    names: Sequence[str] | None,
    *,
    is_shallow: bool = False,
    is_remote: bool = False,
) -> GitError:
    """Return the error for an unknown ref. `names` are the full names of all refs, or None if git cannot list them."""
    if names is not None and not names and not is_shallow:
        return GitError(f"the repository '{repository_name}' is empty: push a commit first")
    full_names = {name.removeprefix("refs/").partition("/")[2]: name for name in names or ()}
    similar_names = find_similar(ref, full_names, 3)
    hint = ": correct --git-ref"
    if similar_names:
        choices = (f"'{sanitize(name)}'" for name in similar_names)
        hint = f": {format_suggestion(*choices)}"
    elif is_shallow:
        hint = " in this shallow clone: fetch the revision first"
    elif is_remote and re.fullmatch("[0-9a-f]{4,39}", ref):
        hint = ": correct --git-ref, and if it is an abbreviated commit id, write the full id, because a URL needs it"
    return GitError(f"the repository '{repository_name}' has no branch, tag or commit '{sanitize(ref)}'{hint}")


def resolve_remote(access: RepositoryAccess) -> str:
    """Return the current id of a ref: the id of a commit or, from a URL, the id of an annotated tag.

    A full id is returned without calling the server. Raises InvalidReference if the URL or ref is malformed, GitError
    if the ref cannot be resolved, and StopRequested.
    """
    address, ref = access.parse_address(), access.ref
    git = access.find_git()
    if address is None:
        return resolve_local(locate_repository(git, access.url), arguments.redact_url(access.url), ref, ref)
    if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", ref):
        return ref
    network = git.without_repository().with_network(address.build_environment(git.caller_environment))
    result = network.run("ls-remote", "--quiet", "--", address.url, ref)
    if not result.has_succeeded:
        raise messages.build_error(address.repository_name, result.error_output)
    ids_by_name = _parse_refs(result.output)
    for rule in _NAME_RULES:
        if object_id := ids_by_name.get(rule.format(ref)):
            return object_id
    raise build_unknown_remote_ref_error(network, address, ref)


def _parse_refs(output: bytes) -> Mapping[str, str]:
    """Return the ids of refs by full name."""
    lines = (line.partition("\t") for line in output.decode(errors="surrogateescape").splitlines())
    return {name: oid for oid, _, name in lines}


def build_unknown_remote_ref_error(git: GitCommand, address: RepositoryUrl, ref: str) -> GitError:
    """Return the error for a ref that a remote repository does not have, with similar names."""
    result = git.run("ls-remote", "--quiet", "--refs", "--", address.url)
    return build_unknown_ref_error(
        address.repository_name,
        ref,
        list(_parse_refs(result.output)) if result.has_succeeded else None,
        is_remote=True,
    )
