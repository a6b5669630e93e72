"""Register AppIntegrations as a service of moto. No other module uses internals of moto's registry.

moto has no public interface for external services. It looks services up in two internal tables. The project
therefore pins moto to a minor version, and `register` fails at once if an upgrade changes these tables.
"""

import re
import sys
from typing import Any, cast

from moto import backend_index, backends

from reconciler.sandbox.moto import models, urls

_NAME = "appintegrations"


def register() -> None:
    """Add AppIntegrations to moto for the rest of the process. A second call changes nothing.

    Raises RuntimeError if this version of moto does not find the service.
    """
    if f"moto.{_NAME}" not in sys.modules:
        # The list is changed in place because moto's mock and server hold references to it.
        backend_index.backend_url_patterns.append((_NAME, re.compile(urls.url_bases[0])))
        # moto imports "moto.<name>" and reads "<name>_backends" from the module.
        sys.modules[f"moto.{_NAME}"] = models
    registered_backends = cast("Any", backends.get_backend)(_NAME)
    if registered_backends is not models.appintegrations_backends:
        raise RuntimeError("This version of moto does not find the sandbox: install moto>=5.2,<5.3")
