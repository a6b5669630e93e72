"""Check what a run needs, one thing after the other. A failed check does not stop the checks after it."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from reconciler import __version__, redaction
from reconciler.app.calls import create_call_queue, open_pace
from reconciler.app.config import RunConfig
from reconciler.app.doctor_cloud import CloudChecks, call_or_return_error, list_check_names
from reconciler.app.state import Journals, build_connection_settings, build_document_name
from reconciler.core.doctor import checks
from reconciler.core.doctor.checks import Identity
from reconciler.core.doctor.diagnosis import Check, TargetChecks, build_skipped_check
from reconciler.core.doctor.guide import Place
from reconciler.core.errors import CloudError, StateError
from reconciler.core.journal.records import Journal
from reconciler.core.model import Manifest, Target
from reconciler.edge.aws import SharedClients, SharedModels, TargetSession, probe
from reconciler.edge.aws.connection import resolve_region
from reconciler.edge.guide import parse_guide
from reconciler.edge.state import list_url_patterns
from reconciler.edge.templates import read_template

_GUIDE = "deploy/cloudformation/export.yaml"
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
            versions, has_create_operation=call_or_return_error(probe.has_create_operation) is True
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
        region = call_or_return_error(lambda: resolve_region(target, self._connection_settings, self._models))
        session = self._open_session(target, sts_listener) if isinstance(region, str) else region
        region_name = region if isinstance(region, str) else target.region
        account = session.account if isinstance(session, TargetSession) else target.account
        skip_reason = _NO_SESSION if region_name else _NO_REGION
        target_checks = (
            self._check_region(region),
            self._check_credentials(target, session, sts_listener.identity),
            self._check_clock(sts_listener, region_name),
            *self._check_cloud(target, session, active_manifests, sts_listener.identity, skip_reason),
            *self._check_journal(target, account, region_name, skip_reason),
        )
        return TargetChecks(target.name, account, region_name, target_checks)

    def _open_session(self, target: Target, sts_listener: probe.StsListener) -> TargetSession | CloudError:
        clients = SharedClients(self._connection_settings, self._models, self._clock.monotonic)  # each has its listener
        return call_or_return_error(lambda: TargetSession(target, clients, sts_listener))

    def _check_region(self, region: str | CloudError | None) -> Check:
        if isinstance(region, CloudError):
            return build_skipped_check("region", _NO_SESSION)
        is_listed = call_or_return_error(lambda: probe.has_appintegrations(region)) is True if region else False
        return checks.check_region(region, is_listed=None if self._config.is_simulated else is_listed)

    def _check_clock(self, sts_listener: probe.StsListener, region: str | None) -> Check:
        """Return the check of the clock. STS inside the process has another clock than the sandbox."""
        if self._config.sandbox:
            return build_skipped_check("clock", "the sandbox uses the clock of this run")
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

    def _create_probe(self, target: Target, session: TargetSession) -> probe.Probe | CloudError:
        pace = open_pace(create_call_queue(self._clock), session, target)
        return call_or_return_error(lambda: session.create_probe(pace))

    def _check_cloud(
        self,
        target: Target,
        session: TargetSession | CloudError | None,
        manifests: Sequence[Manifest],
        identity: Identity | None,
        skip_reason: str,
    ) -> Iterator[Check]:
        """Yield the checks of AppIntegrations and S3, which use the credentials of the target."""
        aws_probe = self._create_probe(target, session) if isinstance(session, TargetSession) else None
        if not isinstance(session, TargetSession) or not isinstance(aws_probe, probe.Probe):
            yield from (build_skipped_check(name, skip_reason) for name in list_check_names(manifests))
            return
        partition = identity.arn.split(":")[1] if identity and identity.arn.count(":") else "aws"
        place = Place(partition, session.region, session.account)
        is_sandbox = bool(self._config.sandbox)
        guide = parse_guide(read_template(_GUIDE))
        yield from CloudChecks(aws_probe, manifests, place, guide, is_sandbox=is_sandbox).check_all()

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
