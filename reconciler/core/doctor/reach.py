"""Judges what `reconcile doctor` saw of data integrations and buckets: whether a run can reach and use them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.doctor.diagnosis import Check, Result, failed, skipped
from reconciler.core.errors import AccessDenied, CloudError
from reconciler.core.model import Integration, Manifest
from reconciler.core.plan.integrations import find_integration
from reconciler.core.suggestions import find_closest
from reconciler.core.text import plural

_BULK, _PROFILES = "amazonconnect://", "CustomerProfiles"
_KMS = frozenset(("aws:kms", "aws:kms:dsse"))


@dataclass(frozen=True, slots=True)
class Encryption:
    """The default encryption of a bucket; `key` is None for the key that AWS manages."""

    algorithm: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that manifests export to. `bulk` where one of them is a bulk export of Customer Profiles."""

    name: str
    bulk: bool

    def arn(self, partition: str) -> str:
        """Return what a permission on it names."""
        return f"arn:{partition}:s3:::{self.name}"


def listing(found: Sequence[Integration] | CloudError) -> Check:
    """Judge the reach of AppIntegrations, and the permission to list data integrations."""
    if isinstance(found, CloudError):
        return failed("list-integrations", found, "app-integrations:ListDataIntegrations on *")
    return Check("list-integrations", Result.OK, f"ListDataIntegrations shows {plural(len(found), 'data integration')}")


def integration(
    identifier: str,
    manifests: Sequence[Manifest],
    found: Sequence[Integration],
    objects: Sequence[str] | CloudError | None = None,
) -> Check:
    """Judge whether a data integration that manifests name is there, and whether a bulk export says what to export.

    `objects` are the keys of the data integration's own ObjectConfiguration, None where it was not asked for.
    """
    if there := find_integration(identifier, found):
        return _objects(identifier, there, silent(manifests), objects)
    near = find_closest(identifier, (each.name for each in found))
    first = manifests[0].origin
    fix = f"create it, or correct DataIntegrationIdentifier in {first}"
    fix = f"did you mean {near!r}? {fix}" if near else fix
    seen = f"data integration {identifier!r} does not exist in this account and Region"
    return Check("integration", Result.FAILED, seen, fix, identifier)


def silent(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return the manifests that leave it to their data integration to say what to export."""
    return tuple(each for each in manifests if not each.spec.get("ObjectConfiguration"))


def is_bulk(there: Integration, objects: Sequence[str] | CloudError | None) -> bool:
    """Tell whether associations of a data integration are bulk exports of Customer Profiles.

    AWS's sample has the objects on the data integration, and nothing of them on the association (Amazon Connect
    administrator guide, "Set up bulk export").
    """
    held = () if objects is None or isinstance(objects, CloudError) else objects
    return there.source.lower().startswith(_BULK) or _PROFILES in held


def _objects(
    identifier: str, there: Integration, without: Sequence[Manifest], objects: Sequence[str] | CloudError | None
) -> Check:
    name, seen = "integration", f"{identifier!r} is {there.arn}"
    if not without or objects is None or not is_bulk(there, objects):
        return Check(name, Result.OK, seen, about=identifier)
    if isinstance(objects, CloudError):
        fix = f"allow app-integrations:GetDataIntegration on {there.arn}" if isinstance(objects, AccessDenied) else None
        fix = fix or failed(name, objects, "").fix
        return Check(name, Result.WARNING, f"{seen}; what it exports is not known: {objects}", fix, identifier)
    if objects:
        return Check(name, Result.OK, f"{seen}, and has an ObjectConfiguration", about=identifier)
    where = without[0].origin
    seen += f", a bulk export; neither it nor {without[0].name!r} ({where}) has an ObjectConfiguration"
    return Check(name, Result.FAILED, seen, "say what to export: give one of them an ObjectConfiguration", identifier)


def associations(listed: Integration, error: CloudError | None) -> Check:
    """Judge the permission to list the associations of one data integration."""
    if error:
        needs = "app-integrations:ListDataIntegrationAssociations on *"
        return failed("list-associations", error, needs, listed.name)
    seen = f"ListDataIntegrationAssociations of {listed.name!r} is allowed"
    return Check("list-associations", Result.OK, seen, about=listed.name)


def create(named: Sequence[Integration], everything: str) -> Check:
    """Tell which permission cannot be tried, and on which ARNs it is needed."""
    resources = ", ".join(each.arn for each in named) or everything
    fix = f"see to it that app-integrations:CreateDataIntegrationAssociation is allowed on {resources}"
    return skipped("create", "a Create cannot be tried without exporting", fix)


def destinations(manifests: Iterable[Manifest], bulk_exports: Collection[str] = ()) -> tuple[Bucket, ...]:
    """Return the buckets that manifests export to, each once; `bulk_exports` are data integrations as they say them."""
    bulk: dict[str, bool] = {}
    for manifest in manifests:
        scheme, rest = _parts(manifest)
        if scheme != "s3":
            continue
        objects = manifest.spec.get("ObjectConfiguration")
        exports = (isinstance(objects, Mapping) and _PROFILES in objects) or manifest.integration in bulk_exports
        name = rest.partition("/")[0]
        bulk[name] = bulk.get(name, False) or exports
    return tuple(Bucket(name, exports) for name, exports in sorted(bulk.items()))


def elsewhere(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Return the destinations that are not in S3, each once."""
    found = {str(each.spec.get("DestinationURI")) for each in manifests if _parts(each)[0] not in {"", "s3"}}
    return tuple(sorted(found))


def _parts(manifest: Manifest) -> tuple[str, str]:
    """Return the scheme of a destination, of which the case does not count (RFC 3986, 3.1), and what is behind it."""
    scheme, _, rest = str(manifest.spec.get("DestinationURI", "")).partition("://")
    return scheme.lower(), rest


def bucket_region(bucket: Bucket, wanted: str, found: str | CloudError | None, partition: str) -> Check:
    """Judge where a bucket is; None is no such bucket."""
    name = "bucket-region"
    if isinstance(found, CloudError):
        other = ", or look with the credentials of the bucket's account"
        return _bucket_failed(name, bucket, found, f"s3:GetBucketLocation on {bucket.arn(partition)}", other)
    if found is None:
        fix = f"make it in {wanted}, or correct DestinationURI"
        return Check(name, Result.FAILED, f"there is no bucket {bucket.name}", fix, bucket.name)
    if found != wanted:
        seen = f"bucket {bucket.name} is in {found}, and the target in {wanted}"
        fix = f"export to a bucket in {wanted}: AppIntegrations wants it in the same Region"
        return Check(name, Result.FAILED, seen, fix, bucket.name)
    return Check(name, Result.OK, f"bucket {bucket.name} is in {found}", about=bucket.name)


def bucket_encryption(bucket: Bucket, found: Encryption | CloudError | None, partition: str) -> Check:
    """Judge the default encryption of a bucket; None is none."""
    name = "bucket-encryption"
    if isinstance(found, CloudError):
        return _bucket_failed(name, bucket, found, f"s3:GetEncryptionConfiguration on {bucket.arn(partition)}")
    fix = f"make SSE-KMS with the data integration's key the default of {bucket.name}: a bulk export needs it"
    if found is None or found.algorithm not in _KMS:
        seen = f"bucket {bucket.name} is encrypted by {found.algorithm if found else 'nothing'}, not by SSE-KMS"
        return Check(name, Result.FAILED if bucket.bulk else Result.WARNING, seen, fix, bucket.name)
    if found.key is None:
        seen = f"bucket {bucket.name} is encrypted by {found.algorithm} with the key that AWS manages"
        return Check(name, Result.WARNING, seen, fix, bucket.name)
    seen = f"bucket {bucket.name} is encrypted by {found.algorithm} with {found.key}"
    return Check(name, Result.OK, seen, about=bucket.name)


def _bucket_failed(name: str, bucket: Bucket, error: CloudError, needs: str, other: str = "") -> Check:
    if not isinstance(error, AccessDenied):
        return failed(name, error, needs, bucket.name)
    action = needs.partition(" ")[0]
    because = f"{action} is not allowed on bucket {bucket.name}, which may be another account's: {error}"
    return skipped(name, because, f"allow {needs}{other}", bucket.name)
