"""What moto asks of a backend: a door to the sandbox at hand, holding nothing itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.base_backend import BackendDict, BaseBackend

from reconciler.sandbox.sandbox import Sandbox

_default_sandbox = Sandbox()
_current_sandbox = _default_sandbox


class AppIntegrationsBackend(BaseBackend):
    """One account and Region to moto. The state lives in a `Sandbox`, and moto resets only its own."""

    def reset(self) -> None:
        """Start afresh, as moto does between two uses of a bare `mock_aws`."""
        _default_sandbox.reset()


appintegrations_backends = BackendDict(
    AppIntegrationsBackend, "appintegrations", use_boto3_regions=False, additional_regions=["us-east-1"]
)
"""moto only resolves URLs by it, and asks for us-east-1 to do so; any other Region works as well."""


def get_current_sandbox() -> Sandbox:
    """Give the sandbox that answers in this process."""
    return _current_sandbox


@contextmanager
def use_sandbox(sandbox: Sandbox) -> Iterator[None]:
    """Let this sandbox answer in this process meanwhile."""
    global _current_sandbox  # noqa: PLW0603  # moto's mock is global to the process, and so is what answers it
    previous, _current_sandbox = _current_sandbox, sandbox
    try:
        yield
    finally:
        _current_sandbox = previous
