"""Manifests in a revision of a git repository, read by the git program without a checkout."""

from reconciler.edge.git.given import shown
from reconciler.edge.git.read import read

__all__ = ["read", "shown"]
