"""Asks where a branch or a tag is, without fetching anything."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.core.errors import GitError
from reconciler.edge.git import complaint, given, revision
from reconciler.edge.git.access import Access
from reconciler.edge.git.address import Address
from reconciler.edge.git.place import located
from reconciler.edge.git.program import Git

# In this order git takes a name for one of them (https://git-scm.com/docs/gitrevisions).
_RULES = ("{}", "refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")


def tip(access: Access) -> str:
    """Return the id of what a ref stands for now: a commit, or a tag with a message of its own.

    An id stands for itself, and nobody is asked. Raises GitError (Misnamed for what is wrong whatever there is), and
    Stopped.
    """
    address, ref = access.address(), access.ref
    git = access.git()
    if address is None:
        return revision.commit(located(git, access.url), given.shown(access.url), ref, ref)
    if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", ref):
        return ref
    network = git.nowhere().on_the_network(address.environment(git.given))
    answer = network.run("ls-remote", "--quiet", "--", address.url, ref)
    if not answer.well:
        raise complaint.error(address.where, answer.complaint)
    listed = _listed(answer.output)
    for rule in _RULES:
        if found := listed.get(rule.format(ref)):
            return found
    raise missing(network, address, ref)


def _listed(output: bytes) -> Mapping[str, str]:
    """Return the ids of refs by their full names."""
    lines = (line.partition("\t") for line in output.decode(errors="surrogateescape").splitlines())
    return {name: oid for oid, _, name in lines}


def missing(git: Git, address: Address, ref: str) -> GitError:
    """Return the error for a ref that a repository behind a URL does not have, with what is close to it."""
    listed = git.run("ls-remote", "--quiet", "--refs", "--", address.url)
    return revision.missing(address.where, ref, list(_listed(listed.output)) if listed.well else None)
