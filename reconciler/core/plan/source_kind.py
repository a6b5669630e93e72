"""Kind of a data integration, by the scheme of its SourceURI."""

from __future__ import annotations

from enum import Enum, auto

from reconciler.core.model import Integration


class SourceKind(Enum):
    """Kind of the source of a data integration. ListDataIntegrations returns its URI."""

    BULK_EXPORT = auto()
    S3 = auto()
    Q_IN_CONNECT = auto()
    UNKNOWN = auto()

    @property
    def may_be_bulk_export(self) -> bool:
        """True unless the source is known to be another one."""
        return self in {SourceKind.BULK_EXPORT, SourceKind.UNKNOWN}


_KINDS_BY_SCHEME = {
    "amazonconnect": SourceKind.BULK_EXPORT,
    "s3": SourceKind.S3,
    "salesforce": SourceKind.Q_IN_CONNECT,
    "servicenow": SourceKind.Q_IN_CONNECT,
    "sharepoint": SourceKind.Q_IN_CONNECT,
    "zendesk": SourceKind.Q_IN_CONNECT,
}
"""Schemes in the documentation of AWS, in lower case. Amazon Q in Connect reads from the last four."""


def get_scheme(integration: Integration) -> str:
    """Return the scheme of a data integration's source as AWS writes it, or "" if the source was not read."""
    scheme, separator, _ = integration.source.partition("://")
    return scheme if separator else ""


def get_source_kind(integration: Integration) -> SourceKind:
    """Return the kind of a data integration's source. Schemes ignore case (RFC 3986, 3.1)."""
    return _KINDS_BY_SCHEME.get(get_scheme(integration).lower(), SourceKind.UNKNOWN)
