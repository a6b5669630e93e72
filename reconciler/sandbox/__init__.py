"""A local Amazon AppIntegrations, inside the process or over HTTP, with switches for unknown behaviour of AWS.

Importing this package is cheap: moto and botocore are imported at first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.clock import ManualClock

if TYPE_CHECKING:
    from reconciler.sandbox.process_sandbox import open_process_sandbox
    from reconciler.sandbox.sandbox import Sandbox
    from reconciler.sandbox.server import SandboxServer, serve
    from reconciler.sandbox.store import DataFileError, DataFileInUse

__all__ = [
    "Behaviour",
    "DataFileError",
    "DataFileInUse",
    "ManualClock",
    "Sandbox",
    "SandboxServer",
    "open_process_sandbox",
    "serve",
]

_MODULES = {
    "DataFileError": "store",
    "DataFileInUse": "store",
    "Sandbox": "sandbox",
    "SandboxServer": "server",
    "open_process_sandbox": "process_sandbox",
    "serve": "server",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
