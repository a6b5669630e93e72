"""Read manifest files into the desired state, or into a list of their problems."""

from reconciler.edge.manifests.files import find_files, is_read_from
from reconciler.edge.manifests.load import load_documents, load_manifests

__all__ = ["find_files", "is_read_from", "load_documents", "load_manifests"]
