"""Manifests on disk: from files to desired state, or to the complete list of what is wrong with them."""

from reconciler.edge.manifests.load import load, read

__all__ = ["load", "read"]
