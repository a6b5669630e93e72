"""A local Amazon AppIntegrations: in the process or over HTTP, with switches for what AWS leaves unknown.

Importing this package is cheap: moto, and botocore, are imported when they are first needed.
"""

import importlib
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.clock import ManualClock

if TYPE_CHECKING:
    from reconciler.sandbox.accounts import Sandbox
    from reconciler.sandbox.process import in_process
    from reconciler.sandbox.server import SandboxServer, serve
    from reconciler.sandbox.store import DataFileError

__all__ = ["Behaviour", "DataFileError", "ManualClock", "Sandbox", "SandboxServer", "in_process", "serve"]

_HOMES = {
    "DataFileError": "store",
    "Sandbox": "accounts",
    "SandboxServer": "server",
    "in_process": "process",
    "serve": "server",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
