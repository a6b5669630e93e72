"""Manifests on disk: from files to desired state, or to the complete list of what is wrong with them."""

from reconciler.edge.manifests.files import find
from reconciler.edge.manifests.load import read

__all__ = ["find", "read"]
