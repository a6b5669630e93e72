"""Looks at what a run would need, one thing after the other, and goes on where something is wrong."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

from reconciler import __version__, redaction, settings
from reconciler.app.config import RunConfig
from reconciler.app.state import StateBackend, connection_of, document_name
from reconciler.core.doctor import checks, reach
from reconciler.core.doctor.checks import Identity
from reconciler.core.doctor.diagnosis import Check, TargetChecks, build_skipped_check
from reconciler.core.doctor.reach import Bucket
from reconciler.core.errors import CloudError, StateError
from reconciler.core.journal.records import Journal
from reconciler.core.model import Integration, Manifest, Target
from reconciler.core.plan.integrations import find_integration
from reconciler.edge.aws import SharedModels, TargetSession, probe
from reconciler.edge.aws.session import resolve_region
from reconciler.edge.clock import SystemClock
from reconciler.edge.rate_limit import RateLimiter

T = TypeVar("T")

_NO_REGION, _NO_SESSION = "the check 'region' failed", "the check 'credentials' failed"


class DoctorRun:
    """Makes the checks of the program and of each target, through reads alone."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._clock, self._models = SystemClock(), SharedModels()
        self._connection = connection_of(config)

    def versions(self) -> Check:
        """Return what is installed here."""
        found = {
            "reconciler": __version__,
            "Python": platform.python_version(),
            **probe.get_library_versions(),
            "git": _git(),
        }
        return checks.check_versions(found, has_create_operation=_asked(probe.has_create_operation) is True)

    def state(self) -> Check:
        """Return whether the journals can be written, as far as that shows without writing."""
        config = self._config
        location = self._state_backend().location
        if unchecked := location.unchecked_write:
            return build_skipped_check("state-write", unchecked.reason, unchecked.remedy)
        vanishes = settings.read().is_ci and not config.state and not config.sandbox
        return checks.check_state_folder(location.name, location.find_obstacle(), is_ephemeral=vanishes)

    def target(self, target: Target, manifests: Sequence[Manifest]) -> TargetChecks:
        """Return all checks of one target."""
        ear = probe.StsListener(self._clock)
        region = _asked(lambda: resolve_region(target, self._connection, self._models))
        session = self._session(target, ear) if isinstance(region, str) else region
        name = region if isinstance(region, str) else target.region
        account = session.account if isinstance(session, TargetSession) else target.account
        broken = _NO_SESSION if name else _NO_REGION
        found = (
            self._region(region),
            self._credentials(target, session, ear.identity),
            checks.check_clock(ear.answer, "STS did not answer" if name else _NO_REGION),
            *self._cloud(session, manifests, ear.identity, broken),
            *self._journal(target, account, name, broken),
        )
        return TargetChecks(target.name, account, name, found)

    def _session(self, target: Target, ear: probe.StsListener) -> TargetSession | CloudError:
        pace = RateLimiter(target.requests_per_second, target.burst, self._clock)
        return _asked(lambda: TargetSession(target, self._connection, pace, self._models, ear))

    def _region(self, region: str | CloudError | None) -> Check:
        if isinstance(region, CloudError):
            return build_skipped_check("region", _NO_SESSION)
        known = _asked(lambda: probe.has_appintegrations(region)) is True if region else False
        return checks.check_region(region, is_listed=None if self._config.is_simulated else known)

    @staticmethod
    def _credentials(target: Target, session: TargetSession | CloudError | None, said: Identity | None) -> Check:
        if session is None:
            return build_skipped_check("credentials", _NO_REGION)
        if isinstance(session, CloudError):
            return checks.check_credentials(target, session, said.arn if said else None)
        return checks.check_credentials(target, said or Identity("somebody", session.account))

    def _cloud(
        self,
        session: TargetSession | CloudError | None,
        manifests: Sequence[Manifest],
        said: Identity | None,
        broken: str,
    ) -> Iterator[Check]:
        """Yield what is seen of AppIntegrations and S3, with the target's own credentials."""
        reads = _asked(session.create_probe) if isinstance(session, TargetSession) else None
        if not isinstance(session, TargetSession) or not isinstance(reads, probe.Probe):
            names = ["list-integrations", "integration", "list-associations", "create"]
            names += ["bucket-region", "bucket-encryption"] if reach.list_buckets(manifests) else []
            yield from (build_skipped_check(name, broken) for name in names if manifests or name != "integration")
            return
        partition = said.arn.split(":")[1] if said and said.arn.count(":") else "aws"
        everything = f"arn:{partition}:app-integrations:{session.region}:{session.account}:data-integration/*"
        bulk = yield from self._integrations(reads, manifests, everything)
        for destination in reach.list_other_destinations(manifests):
            yield build_skipped_check("bucket-region", "it is not in S3", subject=destination)
        yield from self._buckets(reads, reach.list_buckets(manifests, bulk), session.region, partition)

    @staticmethod
    def _integrations(
        reads: probe.Probe, manifests: Sequence[Manifest], everything: str
    ) -> Generator[Check, None, frozenset[str]]:
        """Yield what is seen of data integrations; return those of bulk exports, as manifests say them."""
        bulk: set[str] = set()
        found = _asked(reads.list_integrations)
        yield reach.check_integrations_listing(found)
        wanted: dict[str, list[Manifest]] = {}
        for manifest in manifests:
            wanted.setdefault(manifest.integration, []).append(manifest)
        named: dict[str, Integration] = {}
        if isinstance(found, CloudError):
            names = ("integration", "list-associations") if wanted else ("list-associations",)
            yield from (build_skipped_check(name, "the check 'list-integrations' failed") for name in names)
        else:
            for identifier, whose in wanted.items():
                there = find_integration(identifier, found)
                objects: tuple[str, ...] | CloudError | None = None
                if there:
                    named[there.arn] = there
                    if reach.select_without_objects(whose):
                        objects = _asked(lambda arn=there.arn: reads.list_object_keys(arn))  # type: ignore[misc]
                    bulk |= {identifier} if reach.is_bulk_export(there, objects) else set()
                yield reach.check_integration(identifier, whose, found, objects)
            tried = tuple(named.values()) or found[:1]
            for each in tried:
                failed = _asked(lambda arn=each.arn: reads.check_associations_access(arn))  # type: ignore[misc]
                yield reach.check_associations_listing(each, failed)
            if not tried:
                yield build_skipped_check("list-associations", "there is no data integration")
        yield reach.describe_create_permission(tuple(named.values()), everything)
        return frozenset(bulk)

    def _buckets(self, reads: probe.Probe, buckets: Sequence[Bucket], region: str, partition: str) -> Iterator[Check]:
        for bucket in buckets:
            if self._config.sandbox:
                names = ("bucket-region", "bucket-encryption")
                yield from (
                    build_skipped_check(name, "the sandbox has no buckets", subject=bucket.name) for name in names
                )
                continue
            place = _asked(lambda name=bucket.name: reads.find_bucket_region(name))  # type: ignore[misc]
            yield reach.check_bucket_region(bucket, region, place, partition)
            if place is None:
                yield build_skipped_check("bucket-encryption", f"there is no bucket {bucket.name}", subject=bucket.name)
                continue
            found = _asked(lambda name=bucket.name: reads.find_bucket_encryption(name))  # type: ignore[misc]
            yield reach.check_bucket_encryption(bucket, found, partition)

    def _journal(self, target: Target, account: str | None, region: str | None, broken: str) -> Iterator[Check]:
        if not account or not region:
            yield from (build_skipped_check(name, broken) for name in ("journal", "journal-write", "lease"))
            return
        try:
            state = self._state_backend()
        except CloudError as error:
            yield checks.check_journal(None, error)
            yield from (build_skipped_check(name, "the check 'journal' failed") for name in ("journal-write", "lease"))
            return
        place, found = _read(state, account, region)
        yield checks.check_journal(place, found, None if self._config.may_begin(target.name) else state.refusal)
        if unchecked := state.location.unchecked_write:
            yield build_skipped_check("journal-write", unchecked.reason)
        else:
            yield checks.check_journal_files(place, state.location.find_file_obstacle(document_name(account, region)))
        if isinstance(found, Journal):
            yield checks.check_lease(target.name, found, self._clock.now())
        else:
            yield build_skipped_check("lease", "the check 'journal' failed")

    def _state_backend(self) -> StateBackend:
        return StateBackend(self._config, self._connection, self._models, self._clock)


def _read(state: StateBackend, account: str, region: str) -> tuple[str, Journal | StateError | CloudError]:
    reader = state.reader(account, region)
    try:
        return reader.place, reader.read()
    except (StateError, CloudError) as error:
        return reader.place, error


def _asked(call: Callable[[], T]) -> T | CloudError:
    """Return an answer, or why there is none."""
    try:
        return call()
    except CloudError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an answer that nobody can read must not hide the other checks
        return CloudError(f"the answer cannot be read: {type(error).__name__}: {redaction.describe_error(error)}")


def _git() -> str | None:
    """Return the version of the git program, None where there is none."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "--version"]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the user's own path, and nothing of others in its arguments
            asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return redaction.redact(done.stdout).strip().removeprefix("git version ") or None
