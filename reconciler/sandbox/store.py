"""Store the state of a sandbox in a JSON file, so that it survives restarts."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.sandbox.service.state import State

FORMAT = "reconciler/sandbox/v1"

AccountRegion = tuple[str, str]
"""Account and Region."""


class DataFileError(ValueError):
    """An unusable data file. The sandbox does not change it."""

    def __init__(self, path: Path, reason: str) -> None:
        """Build the message from the path and the reason."""
        super().__init__(f"{path}: {reason}")
        self.path = path


class DataFileInUse(DataFileError):
    """A data file that another sandbox uses."""

    def __init__(self, path: Path) -> None:
        """Build the message from the path."""
        super().__init__(path, "another sandbox uses this file: stop that sandbox, or choose another file with --data")


class DataFile:
    """The data file of one sandbox. A lock file beside it keeps other sandboxes from using it."""

    def __init__(self, path: Path) -> None:
        """Acquire the file for this sandbox. Raises DataFileError if another sandbox uses it or it is unusable."""
        self._path = path
        try:
            for missing in reversed([each for each in path.parents if not each.exists()]):
                missing.mkdir(mode=0o700, exist_ok=True)  # pathlib would give the parents default permissions
            lock = path.with_name(f"{path.name}.lock")
            self._lock = os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "w", encoding="utf-8")
        except (NotADirectoryError, FileExistsError) as error:
            file = next(each for each in path.parents if os.path.lexists(each))
            raise DataFileError(path, f"{file} is a file: choose the path of a folder") from error
        except OSError as error:
            raise DataFileError(path, f"the file cannot be used: {error.strerror}: choose another path") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise DataFileInUse(path) from None

    def close(self) -> None:
        """Release the file for another sandbox."""
        self._lock.close()

    def load(self) -> dict[AccountRegion, State]:
        """Return the state of each account and Region, or an empty dict if the file does not exist yet.

        Raises DataFileError.
        """
        return load_states(self._path)

    def save(self, states: Mapping[AccountRegion, State]) -> None:
        """Replace the file atomically. The new file is on disk before this method returns."""
        accounts: dict[str, dict[str, Any]] = {}
        for (account, region), state in sorted(states.items()):
            accounts.setdefault(account, {})[region] = state.to_json()
        text = json.dumps({"format": FORMAT, "accounts": accounts}, indent=2, ensure_ascii=False)
        # The temporary name is fixed, so that the file of a killed process is replaced. The lock excludes other
        # sandboxes.
        temporary = self._path.with_name(f".{self._path.name}.new")
        try:
            temporary.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def load_states(path: Path) -> dict[AccountRegion, State]:
    """Return the states of a data file, or an empty dict if it does not exist. The lock is not needed for reading.

    Another sandbox may use the file: it replaces the file atomically. Raises DataFileError if it cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(path, f"the file cannot be read: {error}") from error
    try:
        return _parse_states(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise DataFileError(
            path,
            f"the file is not a valid sandbox data file ({error}): repair it, or move it away to start with an empty "
            "sandbox",
        ) from error


def _parse_states(document: Any) -> dict[AccountRegion, State]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'"format" is not {FORMAT!r}')
    accounts = document.get("accounts")
    if not isinstance(accounts, dict) or not all(isinstance(regions, dict) for regions in accounts.values()):
        raise ValueError('"accounts" is not an object of accounts, each with its Regions')
    return {
        (account, region): State.from_json(state)
        for account, regions in accounts.items()
        for region, state in regions.items()
    }
