"""Manifests in a revision of a git repository, read by the git program without a checkout."""

from reconciler.edge.git.access import Access
from reconciler.edge.git.credentials import Credentials
from reconciler.edge.git.given import shown
from reconciler.edge.git.keys import Keys
from reconciler.edge.git.read import read
from reconciler.edge.git.temporary import sweep
from reconciler.edge.git.tip import tip

__all__ = ["Access", "Credentials", "Keys", "read", "shown", "sweep", "tip"]
