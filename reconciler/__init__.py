"""GitOps for the data-integration associations of Amazon AppIntegrations.

To read the code, begin with docs/explanation/architecture.md, then core/ from the bottom up, then run.py.
"""

__version__ = "0.1.0"
