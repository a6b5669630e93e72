"""Manifests of a revision: files, documents, validation, and the desired state."""
