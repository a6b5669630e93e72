"""Manifests on disk: from files to desired state, or to the complete list of what is wrong with them."""

from reconciler.edge.manifests.files import find_files
from reconciler.edge.manifests.load import read_manifests

__all__ = ["find_files", "read_manifests"]
