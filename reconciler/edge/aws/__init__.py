"""Amazon AppIntegrations, STS and S3 through boto3: a client that only reads, and one that writes once."""

from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.session import Aws, Connection, Models, ambient_client
from reconciler.edge.aws.writer import Writer

__all__ = ["Aws", "Connection", "Models", "Reader", "Writer", "ambient_client"]
