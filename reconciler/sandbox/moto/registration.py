"""The one place that reaches into moto: makes AppIntegrations one of its services.

moto has no way in for services from outside. It finds one by two tables of its own, which are no public
interface; so moto is pinned to its minor version, and an upgrade that moves them fails here at once.
"""

import re
import sys
from typing import Any, cast

from moto import backend_index, backends

from reconciler.sandbox.moto import models, urls

_NAME = "appintegrations"


def register() -> None:
    """Add AppIntegrations to moto, for the rest of the process; a second time changes nothing."""
    if f"moto.{_NAME}" not in sys.modules:
        # In place: moto's mock and its server hold references to this very list.
        backend_index.backend_url_patterns.append((_NAME, re.compile(urls.url_bases[0])))
        # moto imports "moto.<name>" and takes "<name>_backends" from it.
        sys.modules[f"moto.{_NAME}"] = models
    registered_backends = cast("Any", backends.get_backend)(_NAME)
    if registered_backends is not models.appintegrations_backends:
        raise RuntimeError("This moto does not find the sandbox; a version >=5.2,<5.3 is needed.")
