"""Call Amazon AppIntegrations, STS and S3 with boto3. The reader is read-only; the writer sends each call once."""

from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.session import ConnectionSettings, SharedModels, TargetSession, create_ambient_client
from reconciler.edge.aws.writer import Writer

__all__ = ["ConnectionSettings", "Reader", "SharedModels", "TargetSession", "Writer", "create_ambient_client"]
