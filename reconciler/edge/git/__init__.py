"""Manifests in a revision of a git repository, read by the git program without a checkout."""

from reconciler.edge.git.access import Access
from reconciler.edge.git.arguments import shown
from reconciler.edge.git.credentials import Credentials
from reconciler.edge.git.read import read
from reconciler.edge.git.refs import resolve_remote
from reconciler.edge.git.signing_keys import Keys
from reconciler.edge.git.temporary_folders import sweep

__all__ = ["Access", "Credentials", "Keys", "read", "resolve_remote", "shown", "sweep"]
