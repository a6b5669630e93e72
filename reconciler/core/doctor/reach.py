"""Judge data integrations and buckets for `reconcile doctor`: whether a run can reach and use them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.doctor.diagnosis import Check, CheckResult, build_failed_check, build_skipped_check
from reconciler.core.errors import AccessDenied, CloudError
from reconciler.core.model import Integration, Json, Manifest
from reconciler.core.plan.integrations import find_integration
from reconciler.core.plan.live_warnings import find_source_warning
from reconciler.core.plan.source_kind import SourceKind, get_source_kind
from reconciler.core.suggestions import find_closest, format_suggestion
from reconciler.core.text import format_count

_CUSTOMER_PROFILES = "CustomerProfiles"
_KMS_ALGORITHMS = frozenset(("aws:kms", "aws:kms:dsse"))


@dataclass(frozen=True, slots=True)
class Encryption:
    """Default encryption of a bucket. `key` is None for the key that AWS manages."""

    algorithm: str
    key: str | None

    @property
    def is_kms(self) -> bool:
        """True for SSE-KMS."""
        return self.algorithm in _KMS_ALGORITHMS


@dataclass(frozen=True, slots=True)
class IntegrationDetails:
    """Members of a data integration from GetDataIntegration. An unknown key is None, and an unknown source is ""."""

    key: str | None
    objects: Mapping[str, Any]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """Bulk export to S3: a data integration, and the bucket and prefix to which manifests export."""

    integration: Integration
    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """Bucket that manifests export to. `is_bulk_export` tells whether one of them is a bulk export."""

    name: str
    is_bulk_export: bool

    def build_arn(self, partition: str) -> str:
        """Return the ARN of the bucket, for a permission."""
        return f"arn:{partition}:s3:::{self.name}"


def check_integrations_listing(answer: Sequence[Integration] | CloudError) -> Check:
    """Judge whether AppIntegrations can be reached, and whether data integrations may be listed."""
    if isinstance(answer, CloudError):
        return build_failed_check("list-integrations", answer, "app-integrations:ListDataIntegrations on *")
    return Check(
        "list-integrations",
        CheckResult.OK,
        f"ListDataIntegrations shows {format_count(len(answer), 'data integration')}",
    )


def check_integration(
    identifier: str,
    manifests: Sequence[Manifest],
    integrations: Sequence[Integration],
    details: IntegrationDetails | CloudError | None = None,
    example_objects: Json = None,
) -> Check:
    """Judge whether a data integration of manifests exists, and whether its manifests suit its source.

    A bulk export needs an ObjectConfiguration, and for some sources AWS documents another use. `details` are None if
    they were not read. `example_objects` are the ObjectConfiguration of AWS's guide.
    """
    if match := find_integration(identifier, integrations):
        check = _check_objects(identifier, match, select_without_objects(manifests), details)
        check = replace(check, paste=example_objects) if check.result is CheckResult.FAILED else check
        return _warn_of_source(check, manifests, match) if check.result is CheckResult.OK else check
    suggestion = find_closest(identifier, (each.name for each in integrations))
    first = manifests[0].origin
    fix = f"create the data integration, or correct DataIntegrationIdentifier in {first}"
    fix = f"{format_suggestion(repr(suggestion))} {fix}" if suggestion else fix
    message = f"data integration {identifier!r} does not exist in this account and Region"
    return Check("integration", CheckResult.FAILED, message, fix, identifier)


def select_without_objects(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return the manifests without an ObjectConfiguration. They use that of their data integration."""
    return tuple(each for each in manifests if not each.spec.get("ObjectConfiguration"))


def is_bulk_export(integration: Integration, details: IntegrationDetails | CloudError | None) -> bool:
    """Tell whether associations of a data integration are bulk exports of Customer Profiles.

    In the sample of AWS, only the data integration has the objects, not the association (Amazon Connect administrator
    guide, "Set up bulk export").
    """
    if isinstance(details, IntegrationDetails):
        integration = replace(integration, source=integration.source or details.source)
        if _CUSTOMER_PROFILES in details.objects:
            return True
    return get_source_kind(integration) is SourceKind.BULK_EXPORT


def is_unclear(integration: Integration, details: IntegrationDetails | CloudError) -> bool:
    """Tell whether a data integration may be a bulk export, because nothing shows what it is."""
    return isinstance(details, CloudError) and get_source_kind(integration).may_be_bulk_export


def _check_objects(
    identifier: str,
    integration: Integration,
    manifests: Sequence[Manifest],
    details: IntegrationDetails | CloudError | None,
) -> Check:
    name, message = "integration", f"{identifier!r} exists"
    message += f": {integration.arn}" if integration.arn != identifier else ""
    if not manifests or details is None or not is_bulk_export(integration, details):
        return Check(name, CheckResult.OK, message, subject=identifier)
    if isinstance(details, CloudError):
        fix = (
            f"allow app-integrations:GetDataIntegration on {integration.arn}"
            if isinstance(details, AccessDenied)
            else None
        )
        fix = fix or build_failed_check(name, details, "").fix
        message += f"; its ObjectConfiguration could not be read: {details}"
        return Check(name, CheckResult.WARNING, message, fix, identifier)
    if flaw := _find_objects_flaw(details.objects):
        fix = "use a data integration with one domain and one object type: a bulk export has one of each"
        return Check(name, CheckResult.WARNING, f"{message}; its ObjectConfiguration {flaw}", fix, identifier)
    if details.objects:
        return Check(name, CheckResult.OK, f"{message}; it has an ObjectConfiguration", subject=identifier)
    manifest = f"{manifests[0].name!r} ({manifests[0].origin})"
    message += f"; it is a bulk export, and neither the data integration nor {manifest} has an ObjectConfiguration"
    return Check(name, CheckResult.FAILED, message, "add an ObjectConfiguration to one of them", identifier)


def _find_objects_flaw(objects: Mapping[str, Any]) -> str | None:
    """Return how an ObjectConfiguration differs from that of AWS's guide. A missing one has no flaw."""
    if not objects:
        return None
    profiles = objects.get(_CUSTOMER_PROFILES)
    if not isinstance(profiles, Mapping):
        return f"has no {_CUSTOMER_PROFILES}"
    for member in ("domainName", "objectType"):
        values = profiles.get(member)
        if not isinstance(values, list) or len(values) != 1:
            return f"does not have exactly one {member}"
    return None


def _warn_of_source(check: Check, manifests: Iterable[Manifest], integration: Integration) -> Check:
    """Return the check as a warning if AWS documents another use of the source."""
    for manifest in manifests:
        if warning := find_source_warning(manifest, integration):
            message = f"{check.message}; {warning.reason} (manifest {manifest.name!r}, {manifest.origin})"
            return Check(check.name, CheckResult.WARNING, message, warning.remedy, check.subject)
    return check


def check_associations_listing(integration: Integration, error: CloudError | None) -> Check:
    """Judge whether the associations of one data integration may be listed."""
    if error:
        permission = "app-integrations:ListDataIntegrationAssociations on *"
        return build_failed_check("list-associations", error, permission, integration.name)
    message = f"ListDataIntegrationAssociations of {integration.name!r} is allowed"
    return Check("list-associations", CheckResult.OK, message, subject=integration.name)


def describe_create_permission(integrations: Sequence[Integration], fallback_resource: str) -> Check:
    """Return a skipped check that names the permission for a Create, and the ARNs that need it."""
    resources = ", ".join(each.arn for each in integrations) or fallback_resource
    fix = f"make sure that app-integrations:CreateDataIntegrationAssociation is allowed on {resources}"
    return build_skipped_check("create", "a Create cannot be tested without starting an export", fix)


def find_destination_buckets(manifests: Iterable[Manifest], bulk_exports: Collection[str] = ()) -> tuple[Bucket, ...]:
    """Return the buckets that manifests export to, each once.

    `bulk_exports` are data integrations of bulk exports, as manifests name them.
    """
    bulk_by_name: dict[str, bool] = {}
    for manifest in manifests:
        scheme, rest = _split_destination(manifest)
        if scheme != "s3":
            continue
        name = rest.partition("/")[0]
        bulk_by_name[name] = bulk_by_name.get(name, False) or is_bulk_manifest(manifest, bulk_exports)
    return tuple(Bucket(name, exports) for name, exports in sorted(bulk_by_name.items()))


def find_exports(
    manifests: Iterable[Manifest], integrations: Mapping[str, Integration], bulk_exports: Collection[str]
) -> tuple[Export, ...]:
    """Return the bulk exports to S3, each once.

    `integrations` are the data integrations that exist, by their identifier in manifests. `bulk_exports` are the
    identifiers of those that are bulk exports.
    """
    exports: dict[Export, None] = {}
    for manifest in manifests:
        scheme, rest = _split_destination(manifest)
        integration = integrations.get(manifest.integration)
        if integration and scheme == "s3" and is_bulk_manifest(manifest, bulk_exports):
            bucket, _, prefix = rest.partition("/")
            exports[Export(integration, bucket, prefix.rstrip("/"))] = None
    return tuple(exports)


def is_bulk_manifest(manifest: Manifest, bulk_exports: Collection[str]) -> bool:
    """Tell whether the association of a manifest is a bulk export of Customer Profiles."""
    objects = manifest.spec.get("ObjectConfiguration")
    has_profiles = isinstance(objects, Mapping) and _CUSTOMER_PROFILES in objects
    return has_profiles or manifest.integration in bulk_exports


def list_other_destinations(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Return the destinations outside S3, each once."""
    uris = {str(each.spec.get("DestinationURI")) for each in manifests if _split_destination(each)[0] not in {"", "s3"}}
    return tuple(sorted(uris))


def _split_destination(manifest: Manifest) -> tuple[str, str]:
    """Return the scheme of a destination in lower case, and the rest. Schemes ignore case (RFC 3986, 3.1)."""
    scheme, _, rest = str(manifest.spec.get("DestinationURI", "")).partition("://")
    return scheme.lower(), rest


def check_bucket_region(bucket: Bucket, target_region: str, answer: str | CloudError | None, partition: str) -> Check:
    """Judge the Region of a bucket. None stands for a bucket that does not exist."""
    name = "bucket-region"
    if isinstance(answer, CloudError):
        alternative = ", or run the doctor with credentials of the bucket's account"
        return _build_bucket_failure(
            name, bucket, answer, f"s3:GetBucketLocation on {bucket.build_arn(partition)}", alternative
        )
    if answer is None:
        fix = f"create the bucket in {target_region}, or correct DestinationURI"
        return Check(name, CheckResult.FAILED, f"there is no bucket {bucket.name}", fix, bucket.name)
    if answer != target_region:
        message = f"bucket {bucket.name} is in {answer}, but the target is in {target_region}"
        fix = f"export to a bucket in {target_region}: AppIntegrations requires the same Region"
        return Check(name, CheckResult.FAILED, message, fix, bucket.name)
    return Check(name, CheckResult.OK, f"bucket {bucket.name} is in {answer}", subject=bucket.name)


def check_bucket_encryption(bucket: Bucket, answer: Encryption | CloudError | None, partition: str) -> Check:
    """Judge the default encryption of a bucket. None stands for a bucket without one."""
    name = "bucket-encryption"
    if isinstance(answer, CloudError):
        return _build_bucket_failure(
            name, bucket, answer, f"s3:GetEncryptionConfiguration on {bucket.build_arn(partition)}"
        )
    fix = "encrypt the bucket by default with SSE-KMS and the key of the data integration: a bulk export needs it"
    default = f"the default encryption of bucket {bucket.name} is"
    if answer is None or not answer.is_kms:
        message = f"{default} {answer.algorithm if answer else 'none'}, not SSE-KMS"
        return Check(
            name, CheckResult.FAILED if bucket.is_bulk_export else CheckResult.WARNING, message, fix, bucket.name
        )
    if answer.key is None:
        message = f"{default} {answer.algorithm} with the key that AWS manages"
        return Check(name, CheckResult.WARNING, message, fix, bucket.name)
    message = f"{default} {answer.algorithm} with {answer.key}"
    return Check(name, CheckResult.OK, message, subject=bucket.name)


def _build_bucket_failure(
    name: str, bucket: Bucket, error: CloudError, permission: str, alternative: str = ""
) -> Check:
    if not isinstance(error, AccessDenied):
        return build_failed_check(name, error, permission, bucket.name)
    action = permission.partition(" ")[0]
    reason = f"{action} is not allowed on bucket {bucket.name}, which may belong to another account: {error}"
    return build_skipped_check(name, reason, f"allow {permission}{alternative}", bucket.name)
