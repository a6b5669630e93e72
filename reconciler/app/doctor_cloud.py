"""Check data integrations, keys and buckets for `reconcile doctor`, with the credentials of a target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler import redaction
from reconciler.core.doctor import exports, reach
from reconciler.core.doctor.diagnosis import Check, build_skipped_check
from reconciler.core.doctor.exports import Key
from reconciler.core.doctor.guide import Guide, Place
from reconciler.core.doctor.reach import Bucket, Encryption, Export, IntegrationDetails
from reconciler.core.errors import CloudError
from reconciler.core.model import Integration, Manifest
from reconciler.core.plan.integrations import find_integration
from reconciler.edge.aws.probe import Probe

T = TypeVar("T")

_BUCKET_CHECKS = ("bucket-region", "bucket-encryption")
_EXPORT_BUCKET_CHECKS = ("bucket-key", "bucket-policy", "bucket-ownership")
_KEY_CHECKS = ("key", "key-policy")
_SANDBOX_KEY = "key/5eed0000-0000-4000-8000-000000000000"
"""The key that the data integrations of each sandbox name. It exists in no KMS."""


def list_check_names(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Return the names of the checks, for a target whose credentials cannot be used."""
    names = ["list-integrations", *(["integration"] if manifests else []), "list-associations", "create"]
    names += _KEY_CHECKS if manifests else ()
    if reach.find_destination_buckets(manifests):
        names += [*_BUCKET_CHECKS, *_EXPORT_BUCKET_CHECKS]
    return tuple(names)


@dataclass(frozen=True, slots=True)
class _UsedIntegration:
    """Data integration that manifests name, and the identifiers with which they name it."""

    integration: Integration
    details: IntegrationDetails | CloudError
    identifiers: list[str]


@dataclass(slots=True)
class CloudChecks:
    """The checks of one target."""

    probe: Probe
    manifests: Sequence[Manifest]
    place: Place
    guide: Guide
    is_sandbox: bool
    _used: dict[str, _UsedIntegration] = field(default_factory=dict, init=False)
    """The data integrations of manifests, by ARN."""
    _keys: dict[str, str] = field(default_factory=dict, init=False)
    """The keys of bulk exports, by the ARN of the data integration."""

    def check_all(self) -> Iterator[Check]:
        """Yield every check."""
        yield from self._check_integrations()
        yield from self._check_keys()
        for destination in reach.list_other_destinations(self.manifests):
            yield build_skipped_check("bucket-region", "the destination is not in S3", subject=destination)
        yield from self._check_buckets()

    def _check_integrations(self) -> Iterator[Check]:
        integrations = call_or_return_error(self.probe.list_integrations)
        yield reach.check_integrations_listing(integrations)
        manifests_by_identifier: dict[str, list[Manifest]] = {}
        for manifest in self.manifests:
            manifests_by_identifier.setdefault(manifest.integration, []).append(manifest)
        if isinstance(integrations, CloudError):
            names = ("integration", "list-associations", *_KEY_CHECKS) if self.manifests else ("list-associations",)
            yield from (build_skipped_check(name, "the check 'list-integrations' failed") for name in names)
        else:
            for identifier, integration_manifests in manifests_by_identifier.items():
                used = self._use_integration(find_integration(identifier, integrations), identifier)
                details = used.details if used else None
                yield reach.check_integration(
                    identifier, integration_manifests, integrations, details, self.guide.build_objects()
                )
            listable_integrations = tuple(each.integration for each in self._used.values()) or integrations[:1]
            for each in listable_integrations:
                error = call_or_return_error(lambda arn=each.arn: self.probe.check_associations_access(arn))  # type: ignore[misc]
                yield reach.check_associations_listing(each, error)
            if not listable_integrations:
                yield build_skipped_check("list-associations", "there is no data integration")
        yield reach.describe_create_permission(
            tuple(each.integration for each in self._used.values()), self.place.all_integrations_arn
        )

    def _use_integration(self, integration: Integration | None, identifier: str) -> _UsedIntegration | None:
        """Return a data integration with its details, which are read once. None stands for one that does not exist."""
        if integration is None:
            return None
        if integration.arn not in self._used:
            details = call_or_return_error(lambda: self.probe.get_integration(integration.arn))
            self._used[integration.arn] = _UsedIntegration(integration, details, [])
        self._used[integration.arn].identifiers.append(identifier)
        return self._used[integration.arn]

    @property
    def _bulk_identifiers(self) -> frozenset[str]:
        """The identifiers of bulk exports in manifests."""
        bulk_exports = (each for each in self._used.values() if reach.is_bulk_export(each.integration, each.details))
        return frozenset(identifier for each in bulk_exports for identifier in each.identifiers)

    def _check_keys(self) -> Iterator[Check]:
        """Yield the checks of the key of each data integration that is a bulk export, or may be one."""
        bulk_identifiers = self._bulk_identifiers
        for used in self._used.values():
            manifests = [each for each in self.manifests if each.integration in used.identifiers]
            is_bulk_export = any(reach.is_bulk_manifest(each, bulk_identifiers) for each in manifests)
            if not is_bulk_export and not reach.is_unclear(used.integration, used.details):
                continue
            if self.is_sandbox:
                yield from _skip(_KEY_CHECKS, "--sandbox has no keys", used.integration.name)
            elif _has_sandbox_key(used.details):
                yield from _skip(_KEY_CHECKS, "its key is an example of the sandbox", used.integration.name)
            elif isinstance(used.details, CloudError):
                yield exports.check_unread_key(used.integration, used.details)
                yield from _skip(_KEY_CHECKS[1:], "the key is not known", used.integration.name)
            elif used.details.key is None:
                yield from _skip(_KEY_CHECKS, "GetDataIntegration returned no KmsKey", used.integration.name)
            else:
                yield from self._check_key(used.integration, used.details.key)

    def _check_key(self, integration: Integration, written_key: str) -> Iterator[Check]:
        key = call_or_return_error(lambda: self.probe.find_key(written_key))
        self._keys[integration.arn] = key.arn if isinstance(key, Key) else written_key
        yield exports.check_key(integration, written_key, key)
        if key is None:
            yield from _skip(_KEY_CHECKS[1:], "the key does not exist", integration.name)
        elif isinstance(key, Key) and key.is_managed_by_aws:
            yield from _skip(_KEY_CHECKS[1:], "AWS manages the key", integration.name)
        elif "alias/" in self._keys[integration.arn]:  # GetKeyPolicy accepts no alias
            yield from _skip(_KEY_CHECKS[1:], "the ARN of the key is not known", integration.name)
        else:
            key_arn = self._keys[integration.arn]
            policy = call_or_return_error(lambda: self.probe.get_key_policy(key_arn))
            yield exports.check_key_policy(integration, key_arn, policy, self.guide, self.place)

    def _check_buckets(self) -> Iterator[Check]:
        integrations = {name: used.integration for used in self._used.values() for name in used.identifiers}
        all_exports = reach.find_exports(self.manifests, integrations, self._bulk_identifiers)
        for bucket in reach.find_destination_buckets(self.manifests, self._bulk_identifiers):
            bucket_exports = [each for each in all_exports if each.bucket == bucket.name]
            names = (*_BUCKET_CHECKS, *(_EXPORT_BUCKET_CHECKS if bucket_exports else ()))
            if self.is_sandbox:
                yield from _skip(names, "--sandbox has no buckets", bucket.name)
                continue
            bucket_region = call_or_return_error(lambda name=bucket.name: self.probe.find_bucket_region(name))  # type: ignore[misc]
            yield reach.check_bucket_region(bucket, self.place.region, bucket_region, self.place.partition)
            if bucket_region is None:
                yield from _skip(names[1:], f"there is no bucket {bucket.name}", bucket.name)
                continue
            encryption = call_or_return_error(lambda name=bucket.name: self.probe.find_bucket_encryption(name))  # type: ignore[misc]
            yield reach.check_bucket_encryption(bucket, encryption, self.place.partition)
            if bucket_exports:
                yield from self._check_export_bucket(bucket, bucket_exports, encryption)

    def _check_export_bucket(
        self, bucket: Bucket, bucket_exports: Sequence[Export], encryption: Encryption | CloudError | None
    ) -> Iterator[Check]:
        """Yield the checks of a bucket of bulk exports. Equal checks of several exports are one check."""
        keys = {each.integration: self._keys.get(each.integration.arn) for each in bucket_exports}
        yield from _remove_duplicates(
            exports.check_bucket_key(bucket, encryption, integration, key) for integration, key in keys.items()
        )
        policy = call_or_return_error(lambda: self.probe.find_bucket_policy(bucket.name))
        yield from _remove_duplicates(
            exports.check_bucket_policy(each, policy, self.guide, self.place) for each in bucket_exports
        )
        ownership = call_or_return_error(lambda: self.probe.find_bucket_ownership(bucket.name))
        yield exports.check_bucket_ownership(bucket, ownership, self.guide, self.place)


def call_or_return_error(call: Callable[[], T]) -> T | CloudError:
    """Return the result of a call, or the error that it raised."""
    try:
        return call()
    except CloudError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an unreadable answer must not prevent the other checks
        return CloudError(f"the answer cannot be read: {type(error).__name__}: {redaction.describe_error(error)}")


def _has_sandbox_key(details: IntegrationDetails | CloudError) -> bool:
    return isinstance(details, IntegrationDetails) and (details.key or "").endswith(_SANDBOX_KEY)


def _skip(names: Sequence[str], reason: str, subject: str) -> Iterator[Check]:
    return (build_skipped_check(name, reason, subject=subject) for name in names)


def _remove_duplicates(checks: Iterator[Check]) -> Iterator[Check]:
    seen: list[Check] = []  # a check cannot be hashed, because its JSON cannot
    for check in checks:
        if check not in seen:
            seen.append(check)
            yield check
