"""Write the first manifests of a new folder: decide their values and texts."""
