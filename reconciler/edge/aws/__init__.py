"""Amazon AppIntegrations, STS and S3 through boto3: a client that only reads, and one that writes once."""

from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.session import ConnectionSettings, SharedModels, TargetSession, create_ambient_client
from reconciler.edge.aws.writer import Writer

__all__ = ["ConnectionSettings", "Reader", "SharedModels", "TargetSession", "Writer", "create_ambient_client"]
