"""Read the manifests of a git revision through the git program, without a checkout."""

from reconciler.edge.git.access import RepositoryAccess
from reconciler.edge.git.arguments import redact_url
from reconciler.edge.git.credentials import Credentials
from reconciler.edge.git.read import read_described_revision, read_revision
from reconciler.edge.git.refs import resolve_remote
from reconciler.edge.git.signing_keys import SigningKeys
from reconciler.edge.git.temporary_folders import sweep
from reconciler.edge.git.tree import CommitDescription

__all__ = [
    "CommitDescription",
    "Credentials",
    "RepositoryAccess",
    "SigningKeys",
    "read_described_revision",
    "read_revision",
    "redact_url",
    "resolve_remote",
    "sweep",
]
