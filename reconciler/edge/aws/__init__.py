"""Call Amazon AppIntegrations, STS and S3 with boto3. The reader is read-only; the writer sends each call once."""

from reconciler.edge.aws.clients import STS_CALLS, SharedClients
from reconciler.edge.aws.connection import ConnectionSettings, create_ambient_client
from reconciler.edge.aws.failures import judge_failure
from reconciler.edge.aws.reader import Reader
from reconciler.edge.aws.service_models import SharedModels
from reconciler.edge.aws.session import TargetSession
from reconciler.edge.aws.writer import Writer

__all__ = [
    "STS_CALLS",
    "ConnectionSettings",
    "Reader",
    "SharedClients",
    "SharedModels",
    "TargetSession",
    "Writer",
    "create_ambient_client",
    "judge_failure",
]
