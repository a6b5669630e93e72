"""Judges what `reconcile doctor` saw of data integrations and buckets: whether a run can reach and use them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.doctor.diagnosis import Check, CheckResult, build_failed_check, build_skipped_check
from reconciler.core.errors import AccessDenied, CloudError
from reconciler.core.model import Integration, Manifest
from reconciler.core.plan.integrations import find_integration
from reconciler.core.suggestions import find_closest
from reconciler.core.text import plural

_BULK_EXPORT_SOURCE, _CUSTOMER_PROFILES = "amazonconnect://", "CustomerProfiles"
_KMS_ALGORITHMS = frozenset(("aws:kms", "aws:kms:dsse"))


@dataclass(frozen=True, slots=True)
class Encryption:
    """The default encryption of a bucket; `key` is None for the key that AWS manages."""

    algorithm: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that manifests export to. `bulk` where one of them is a bulk export of Customer Profiles."""

    name: str
    is_bulk_export: bool

    def build_arn(self, partition: str) -> str:
        """Return what a permission on it names."""
        return f"arn:{partition}:s3:::{self.name}"


def check_integrations_listing(answer: Sequence[Integration] | CloudError) -> Check:
    """Judge the reach of AppIntegrations, and the permission to list data integrations."""
    if isinstance(answer, CloudError):
        return build_failed_check("list-integrations", answer, "app-integrations:ListDataIntegrations on *")
    return Check(
        "list-integrations", CheckResult.OK, f"ListDataIntegrations shows {plural(len(answer), 'data integration')}"
    )


def check_integration(
    identifier: str,
    manifests: Sequence[Manifest],
    integrations: Sequence[Integration],
    objects: Sequence[str] | CloudError | None = None,
) -> Check:
    """Judge whether a data integration that manifests name is there, and whether a bulk export says what to export.

    `objects` are the keys of the data integration's own ObjectConfiguration, None where it was not asked for.
    """
    if match := find_integration(identifier, integrations):
        return _check_objects(identifier, match, select_without_objects(manifests), objects)
    suggestion = find_closest(identifier, (each.name for each in integrations))
    first = manifests[0].origin
    fix = f"create it, or correct DataIntegrationIdentifier in {first}"
    fix = f"did you mean {suggestion!r}? {fix}" if suggestion else fix
    message = f"data integration {identifier!r} does not exist in this account and Region"
    return Check("integration", CheckResult.FAILED, message, fix, identifier)


def select_without_objects(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return the manifests that leave it to their data integration to say what to export."""
    return tuple(each for each in manifests if not each.spec.get("ObjectConfiguration"))


def is_bulk_export(integration: Integration, objects: Sequence[str] | CloudError | None) -> bool:
    """Tell whether associations of a data integration are bulk exports of Customer Profiles.

    AWS's sample has the objects on the data integration, and nothing of them on the association (Amazon Connect
    administrator guide, "Set up bulk export").
    """
    object_names = () if objects is None or isinstance(objects, CloudError) else objects
    return integration.source.lower().startswith(_BULK_EXPORT_SOURCE) or _CUSTOMER_PROFILES in object_names


def _check_objects(
    identifier: str, integration: Integration, manifests: Sequence[Manifest], objects: Sequence[str] | CloudError | None
) -> Check:
    name, message = "integration", f"{identifier!r} is {integration.arn}"
    if not manifests or objects is None or not is_bulk_export(integration, objects):
        return Check(name, CheckResult.OK, message, subject=identifier)
    if isinstance(objects, CloudError):
        fix = (
            f"allow app-integrations:GetDataIntegration on {integration.arn}"
            if isinstance(objects, AccessDenied)
            else None
        )
        fix = fix or build_failed_check(name, objects, "").fix
        return Check(name, CheckResult.WARNING, f"{message}; what it exports is not known: {objects}", fix, identifier)
    if objects:
        return Check(name, CheckResult.OK, f"{message}, and has an ObjectConfiguration", subject=identifier)
    origin = manifests[0].origin
    message += f", a bulk export; neither it nor {manifests[0].name!r} ({origin}) has an ObjectConfiguration"
    return Check(
        name, CheckResult.FAILED, message, "say what to export: give one of them an ObjectConfiguration", identifier
    )


def check_associations_listing(integration: Integration, error: CloudError | None) -> Check:
    """Judge the permission to list the associations of one data integration."""
    if error:
        permission = "app-integrations:ListDataIntegrationAssociations on *"
        return build_failed_check("list-associations", error, permission, integration.name)
    message = f"ListDataIntegrationAssociations of {integration.name!r} is allowed"
    return Check("list-associations", CheckResult.OK, message, subject=integration.name)


def describe_create_permission(integrations: Sequence[Integration], fallback_resource: str) -> Check:
    """Tell which permission cannot be tried, and on which ARNs it is needed."""
    resources = ", ".join(each.arn for each in integrations) or fallback_resource
    fix = f"see to it that app-integrations:CreateDataIntegrationAssociation is allowed on {resources}"
    return build_skipped_check("create", "a Create cannot be tried without exporting", fix)


def find_destination_buckets(manifests: Iterable[Manifest], bulk_exports: Collection[str] = ()) -> tuple[Bucket, ...]:
    """Return the buckets that manifests export to, each once; `bulk_exports` are data integrations as they say them."""
    bulk_by_name: dict[str, bool] = {}
    for manifest in manifests:
        scheme, rest = _split_destination(manifest)
        if scheme != "s3":
            continue
        objects = manifest.spec.get("ObjectConfiguration")
        is_bulk = (
            isinstance(objects, Mapping) and _CUSTOMER_PROFILES in objects
        ) or manifest.integration in bulk_exports
        name = rest.partition("/")[0]
        bulk_by_name[name] = bulk_by_name.get(name, False) or is_bulk
    return tuple(Bucket(name, exports) for name, exports in sorted(bulk_by_name.items()))


def list_other_destinations(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Return the destinations that are not in S3, each once."""
    uris = {str(each.spec.get("DestinationURI")) for each in manifests if _split_destination(each)[0] not in {"", "s3"}}
    return tuple(sorted(uris))


def _split_destination(manifest: Manifest) -> tuple[str, str]:
    """Return the scheme of a destination, of which the case does not count (RFC 3986, 3.1), and what is behind it."""
    scheme, _, rest = str(manifest.spec.get("DestinationURI", "")).partition("://")
    return scheme.lower(), rest


def check_bucket_region(bucket: Bucket, target_region: str, answer: str | CloudError | None, partition: str) -> Check:
    """Judge where a bucket is; None is no such bucket."""
    name = "bucket-region"
    if isinstance(answer, CloudError):
        alternative = ", or look with the credentials of the bucket's account"
        return _build_bucket_failure(
            name, bucket, answer, f"s3:GetBucketLocation on {bucket.build_arn(partition)}", alternative
        )
    if answer is None:
        fix = f"make it in {target_region}, or correct DestinationURI"
        return Check(name, CheckResult.FAILED, f"there is no bucket {bucket.name}", fix, bucket.name)
    if answer != target_region:
        message = f"bucket {bucket.name} is in {answer}, and the target in {target_region}"
        fix = f"export to a bucket in {target_region}: AppIntegrations wants it in the same Region"
        return Check(name, CheckResult.FAILED, message, fix, bucket.name)
    return Check(name, CheckResult.OK, f"bucket {bucket.name} is in {answer}", subject=bucket.name)


def check_bucket_encryption(bucket: Bucket, answer: Encryption | CloudError | None, partition: str) -> Check:
    """Judge the default encryption of a bucket; None is none."""
    name = "bucket-encryption"
    if isinstance(answer, CloudError):
        return _build_bucket_failure(
            name, bucket, answer, f"s3:GetEncryptionConfiguration on {bucket.build_arn(partition)}"
        )
    fix = f"make SSE-KMS with the data integration's key the default of {bucket.name}: a bulk export needs it"
    if answer is None or answer.algorithm not in _KMS_ALGORITHMS:
        message = f"bucket {bucket.name} is encrypted by {answer.algorithm if answer else 'nothing'}, not by SSE-KMS"
        return Check(
            name, CheckResult.FAILED if bucket.is_bulk_export else CheckResult.WARNING, message, fix, bucket.name
        )
    if answer.key is None:
        message = f"bucket {bucket.name} is encrypted by {answer.algorithm} with the key that AWS manages"
        return Check(name, CheckResult.WARNING, message, fix, bucket.name)
    message = f"bucket {bucket.name} is encrypted by {answer.algorithm} with {answer.key}"
    return Check(name, CheckResult.OK, message, subject=bucket.name)


def _build_bucket_failure(
    name: str, bucket: Bucket, error: CloudError, permission: str, alternative: str = ""
) -> Check:
    if not isinstance(error, AccessDenied):
        return build_failed_check(name, error, permission, bucket.name)
    action = permission.partition(" ")[0]
    reason = f"{action} is not allowed on bucket {bucket.name}, which may be another account's: {error}"
    return build_skipped_check(name, reason, f"allow {permission}{alternative}", bucket.name)
