"""Pushes of a soak test: the same manifests with new windows, and sometimes an invalid file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from support.program import EXPORT, TARGET
from support.repository import GIT, create_repository

from reconciler.core.manifests.warnings import REGIONS

ACCOUNT, OTHER = "123456789012", "210987654321"
_SPEC = "spec: {{Region: {region}, AccountId: '{account}', RequestsPerSecond: 1000, Burst: 100{role}}}\n"
_ROLE = f", RoleArn: 'arn:aws:iam::{OTHER}:role/reconciler'"
_END = "EndTime: 2026-11-01T00:00:00Z"
_FIRST = datetime(2026, 10, 2, tzinfo=UTC)


class RemoteRepository:
    """A bare repository with targets in several Regions. Half of them need a role in another account."""

    def __init__(self, folder: Path, targets: int) -> None:
        self.accounts = {f"target-{number:02}": _choose_account(number) for number in range(targets)}
        self.url = f"file://{folder / 'bare.git'}"
        self._clone = create_repository(folder / "clone", GIT)
        self._clone.run_git("init", "--quiet", "--bare", "--initial-branch=main", "../bare.git")
        for name, (account, region) in self.accounts.items():
            spec = _SPEC.format(region=region, account=account, role="" if account == ACCOUNT else _ROLE)
            self._write_file(name, TARGET.replace("NAME", name) + spec)
            for export in ("a", "b", "c"):
                self._write_file(f"{name}-{export}", self._build_export(name, export, 0))
        self._push()

    def push_change(self, number: int) -> None:
        """Push a new window for an export. Every third time, also remove another export or restore it."""
        name = list(self.accounts)[number % len(self.accounts)]
        self._get_path("nonsense").unlink(missing_ok=True)
        self._write_file(f"{name}-a", self._build_export(name, "a", number))
        if number % 3 == 0 and self._get_path(f"{name}-c").exists():
            self._get_path(f"{name}-c").unlink()
        elif number % 3 == 0:
            self._write_file(f"{name}-c", self._build_export(name, "c", 0))
        self._push()

    def push_invalid(self) -> None:
        """Push an invalid manifest."""
        self._write_file("nonsense", "kind: [")
        self._push()

    def _build_export(self, target: str, name: str, minutes: int) -> str:
        end = _FIRST + timedelta(minutes=minutes)
        text = EXPORT.replace(_END, f"EndTime: {end:%Y-%m-%dT%H:%M:%SZ}").replace("NAME", f"{target}-{name}")
        return f"{text}target: {target}\npolicy: {{mode: create-and-update}}\n"

    def _get_path(self, name: str) -> Path:
        return self._clone.folder / "manifests" / f"{name}.yaml"

    def _write_file(self, name: str, text: str) -> None:
        self._get_path(name).parent.mkdir(exist_ok=True)
        self._get_path(name).write_text(text)

    def _push(self) -> None:
        self._clone.run_git("add", "--all")
        self._clone.commit_index()
        self._clone.run_git("push", "--quiet", "../bare.git", "HEAD:refs/heads/main")


def _choose_account(number: int) -> tuple[str, str]:
    """Return an account and a Region for a number. No two numbers have the same."""
    account = (ACCOUNT, OTHER)[(number + number // len(REGIONS)) % 2]
    return account, sorted(REGIONS)[number % len(REGIONS)]
