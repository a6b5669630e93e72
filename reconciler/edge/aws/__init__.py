"""Amazon AppIntegrations and STS through boto3: a client that only reads, and one that writes once."""

from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.session import Aws, Connection, shared_loader
from reconciler.edge.aws.writer import Writer

__all__ = ["Aws", "Connection", "Reader", "Writer", "shared_loader"]
