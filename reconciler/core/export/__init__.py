"""Export live associations as manifests, as values that a format renders."""
