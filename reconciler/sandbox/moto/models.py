"""The backend that moto requires. It keeps no state: requests go to the current sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.base_backend import BackendDict, BaseBackend

from reconciler.sandbox.sandbox import Sandbox

_default_sandbox = Sandbox()
_current_sandbox = _default_sandbox


class AppIntegrationsBackend(BaseBackend):
    """The backend of one account and Region, as moto requires it. It resets only the default sandbox."""

    def reset(self) -> None:
        """Reset the default sandbox, as moto resets its services between two uses of `mock_aws`."""
        _default_sandbox.reset()


appintegrations_backends = BackendDict(
    AppIntegrationsBackend, "appintegrations", use_boto3_regions=False, additional_regions=["us-east-1"]
)
"""moto looks up us-east-1 in this table to resolve URLs. The sandbox also answers in every other Region."""


def get_current_sandbox() -> Sandbox:
    """Return the sandbox that answers requests of this process."""
    return _current_sandbox


@contextmanager
def use_sandbox(sandbox: Sandbox) -> Iterator[None]:
    """Let `sandbox` answer the requests of this process during the `with` block."""
    global _current_sandbox  # noqa: PLW0603 - moto's mock is global to the process, and its sandbox must be too
    previous, _current_sandbox = _current_sandbox, sandbox
    try:
        yield
    finally:
        _current_sandbox = previous
