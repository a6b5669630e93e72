"""Check what a run needs, one thing after the other. A failed check does not stop the checks after it."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from reconciler import __version__, redaction
from reconciler.app.config import RunConfig
from reconciler.app.state import Journals, build_connection_settings, build_document_name
from reconciler.core.doctor import checks, reach
from reconciler.core.doctor.checks import Identity
from reconciler.core.doctor.diagnosis import Check, TargetChecks, build_skipped_check
from reconciler.core.doctor.reach import Bucket
from reconciler.core.errors import CloudError, StateError
from reconciler.core.journal.records import Journal
from reconciler.core.model import Integration, Manifest, Target
from reconciler.core.plan.integrations import find_integration
from reconciler.edge.aws import SharedModels, TargetSession, probe
from reconciler.edge.aws.connection import resolve_region
from reconciler.edge.rate_limit import RateLimiter
from reconciler.edge.state import list_url_patterns

T = TypeVar("T")

_NO_REGION, _NO_SESSION = "the check 'region' failed", "the check 'credentials' failed"


class DoctorRun:
    """The checks of the program and of each target. Every check only reads."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._clock, self._models = config.create_clock(), SharedModels()
        self._connection_settings = build_connection_settings(config)

    def check_versions(self) -> Check:
        """Return the check of the installed versions."""
        versions = {
            "reconciler": __version__,
            "Python": platform.python_version(),
            **probe.get_library_versions(),
            "git": _find_git_version(),
        }
        return checks.check_versions(
            versions, has_create_operation=_call_or_return_error(probe.has_create_operation) is True
        )

    def check_state(self) -> Check:
        """Return the check of write access to the journals, as far as this is possible without a write."""
        config = self._config
        location = self._open_state().location
        if unchecked_write := location.unchecked_write:
            return build_skipped_check("state-write", unchecked_write.reason, unchecked_write.remedy)
        is_ephemeral = config.settings.is_ci and not config.state and not config.sandbox
        return checks.check_state_folder(
            location.name, location.find_obstacle(), is_ephemeral=is_ephemeral, url_patterns=list_url_patterns()
        )

    def check_target(self, target: Target, manifests: Sequence[Manifest]) -> TargetChecks:
        """Return the checks of one target. Retired manifests need nothing, and are not checked."""
        active_manifests = tuple(each for each in manifests if not each.policy.retired)
        sts_listener = probe.StsListener(self._clock)
        region = _call_or_return_error(lambda: resolve_region(target, self._connection_settings, self._models))
        session = self._open_session(target, sts_listener) if isinstance(region, str) else region
        region_name = region if isinstance(region, str) else target.region
        account = session.account if isinstance(session, TargetSession) else target.account
        skip_reason = _NO_SESSION if region_name else _NO_REGION
        target_checks = (
            self._check_region(region),
            self._check_credentials(target, session, sts_listener.identity),
            self._check_clock(sts_listener, region_name),
            *self._check_cloud(session, active_manifests, sts_listener.identity, skip_reason),
            *self._check_journal(target, account, region_name, skip_reason),
        )
        return TargetChecks(target.name, account, region_name, target_checks)

    def _open_session(self, target: Target, sts_listener: probe.StsListener) -> TargetSession | CloudError:
        rate_limiter = RateLimiter(target.requests_per_second, target.burst, self._clock)
        return _call_or_return_error(
            lambda: TargetSession(target, self._connection_settings, rate_limiter, self._models, sts_listener)
        )

    def _check_region(self, region: str | CloudError | None) -> Check:
        if isinstance(region, CloudError):
            return build_skipped_check("region", _NO_SESSION)
        is_listed = _call_or_return_error(lambda: probe.has_appintegrations(region)) is True if region else False
        return checks.check_region(region, is_listed=None if self._config.is_simulated else is_listed)

    def _check_clock(self, sts_listener: probe.StsListener, region: str | None) -> Check:
        """Return the check of the clock. STS inside the process has another clock than the sandbox."""
        if self._config.sandbox:
            return build_skipped_check("clock", "--sandbox has the clock of this run")
        return checks.check_clock(sts_listener.answer, "STS did not answer" if region else _NO_REGION)

    @staticmethod
    def _check_credentials(
        target: Target, session: TargetSession | CloudError | None, identity: Identity | None
    ) -> Check:
        if session is None:
            return build_skipped_check("credentials", _NO_REGION)
        if isinstance(session, CloudError):
            return checks.check_credentials(target, session, identity.arn if identity else None)
        return checks.check_credentials(target, identity or Identity("an unknown identity", session.account))

    def _check_cloud(
        self,
        session: TargetSession | CloudError | None,
        manifests: Sequence[Manifest],
        identity: Identity | None,
        skip_reason: str,
    ) -> Iterator[Check]:
        """Yield the checks of AppIntegrations and S3, which use the credentials of the target."""
        aws_probe = _call_or_return_error(session.create_probe) if isinstance(session, TargetSession) else None
        if not isinstance(session, TargetSession) or not isinstance(aws_probe, probe.Probe):
            check_names = ["list-integrations", "integration", "list-associations", "create"]
            check_names += ["bucket-region", "bucket-encryption"] if reach.find_destination_buckets(manifests) else []
            yield from (
                build_skipped_check(name, skip_reason) for name in check_names if manifests or name != "integration"
            )
            return
        partition = identity.arn.split(":")[1] if identity and identity.arn.count(":") else "aws"
        all_integrations_arn = f"arn:{partition}:app-integrations:{session.region}:{session.account}:data-integration/*"
        bulk_integrations = yield from self._check_integrations(aws_probe, manifests, all_integrations_arn)
        for destination in reach.list_other_destinations(manifests):
            yield build_skipped_check("bucket-region", "the destination is not in S3", subject=destination)
        yield from self._check_buckets(
            aws_probe, reach.find_destination_buckets(manifests, bulk_integrations), session.region, partition
        )

    @staticmethod
    def _check_integrations(
        aws_probe: probe.Probe, manifests: Sequence[Manifest], all_integrations_arn: str
    ) -> Generator[Check, None, frozenset[str]]:
        """Yield the checks of data integrations. Return the identifiers that manifests of bulk exports contain."""
        bulk_integrations: set[str] = set()
        integrations = _call_or_return_error(aws_probe.list_integrations)
        yield reach.check_integrations_listing(integrations)
        manifests_by_identifier: dict[str, list[Manifest]] = {}
        for manifest in manifests:
            manifests_by_identifier.setdefault(manifest.integration, []).append(manifest)
        integrations_by_arn: dict[str, Integration] = {}
        if isinstance(integrations, CloudError):
            check_names = ("integration", "list-associations") if manifests_by_identifier else ("list-associations",)
            yield from (build_skipped_check(name, "the check 'list-integrations' failed") for name in check_names)
        else:
            for identifier, integration_manifests in manifests_by_identifier.items():
                integration = find_integration(identifier, integrations)
                object_keys: tuple[str, ...] | CloudError | None = None
                if integration:
                    integrations_by_arn[integration.arn] = integration
                    if reach.select_without_objects(integration_manifests):
                        object_keys = _call_or_return_error(lambda arn=integration.arn: aws_probe.list_object_keys(arn))  # type: ignore[misc]
                    bulk_integrations |= {identifier} if reach.is_bulk_export(integration, object_keys) else set()
                yield reach.check_integration(identifier, integration_manifests, integrations, object_keys)
            listable_integrations = tuple(integrations_by_arn.values()) or integrations[:1]
            for each in listable_integrations:
                error = _call_or_return_error(lambda arn=each.arn: aws_probe.check_associations_access(arn))  # type: ignore[misc]
                yield reach.check_associations_listing(each, error)
            if not listable_integrations:
                yield build_skipped_check("list-associations", "there is no data integration")
        yield reach.describe_create_permission(tuple(integrations_by_arn.values()), all_integrations_arn)
        return frozenset(bulk_integrations)

    def _check_buckets(
        self, aws_probe: probe.Probe, buckets: Sequence[Bucket], region: str, partition: str
    ) -> Iterator[Check]:
        for bucket in buckets:
            if self._config.sandbox:
                check_names = ("bucket-region", "bucket-encryption")
                yield from (
                    build_skipped_check(name, "--sandbox has no buckets", subject=bucket.name) for name in check_names
                )
                continue
            bucket_region = _call_or_return_error(lambda name=bucket.name: aws_probe.find_bucket_region(name))  # type: ignore[misc]
            yield reach.check_bucket_region(bucket, region, bucket_region, partition)
            if bucket_region is None:
                yield build_skipped_check("bucket-encryption", f"there is no bucket {bucket.name}", subject=bucket.name)
                continue
            encryption = _call_or_return_error(lambda name=bucket.name: aws_probe.find_bucket_encryption(name))  # type: ignore[misc]
            yield reach.check_bucket_encryption(bucket, encryption, partition)

    def _check_journal(
        self, target: Target, account: str | None, region: str | None, skip_reason: str
    ) -> Iterator[Check]:
        if not account or not region:
            yield from (build_skipped_check(name, skip_reason) for name in ("journal", "journal-write", "lease"))
            return
        try:
            state = self._open_state()
        except CloudError as error:
            yield checks.check_journal(None, error)
            yield from (build_skipped_check(name, "the check 'journal' failed") for name in ("journal-write", "lease"))
            return
        place, journal = _read_journal(state, account, region)
        yield checks.check_journal(
            place, journal, None if self._config.may_create_journal(target.name) else state.missing_journal_remedy
        )
        if unchecked_write := state.location.unchecked_write:
            yield build_skipped_check("journal-write", unchecked_write.reason)
        else:
            yield checks.check_journal_files(
                place, state.location.find_file_obstacle(build_document_name(account, region))
            )
        if isinstance(journal, Journal):
            yield checks.check_lease(target.name, journal, self._clock.now())
        else:
            yield build_skipped_check("lease", "the check 'journal' failed")

    def _open_state(self) -> Journals:
        return Journals(self._config, self._connection_settings, self._models, self._clock)


def _read_journal(state: Journals, account: str, region: str) -> tuple[str, Journal | StateError | CloudError]:
    reader = state.get_reader(account, region)
    try:
        return reader.place, reader.read()
    except (StateError, CloudError) as error:
        return reader.place, error


def _call_or_return_error(call: Callable[[], T]) -> T | CloudError:
    """Return the result of a call, or the error that it raised."""
    try:
        return call()
    except CloudError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an unreadable answer must not prevent the other checks
        return CloudError(f"the answer cannot be read: {type(error).__name__}: {redaction.describe_error(error)}")


def _find_git_version() -> str | None:
    """Return the version of the git program, or None if git is missing or does not answer."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "--version"]
    try:
        result = subprocess.run(  # noqa: S603 - a program on the user's own path, with constant arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return redaction.redact(result.stdout).strip().removeprefix("git version ") or None
