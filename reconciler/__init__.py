"""GitOps for the data-integration associations of Amazon AppIntegrations."""

__version__ = "0.1.0"
