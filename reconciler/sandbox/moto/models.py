"""What moto asks of a backend: a door to the sandbox at hand, holding nothing itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.base_backend import BackendDict, BaseBackend

from reconciler.sandbox.sandbox import Sandbox

_of_moto = Sandbox()
_at_hand = _of_moto


class AppIntegrationsBackend(BaseBackend):
    """One account and Region to moto. The state lives in a `Sandbox`, and moto resets only its own."""

    def reset(self) -> None:
        """Start afresh, as moto does between two uses of a bare `mock_aws`."""
        _of_moto.reset()


appintegrations_backends = BackendDict(
    AppIntegrationsBackend, "appintegrations", use_boto3_regions=False, additional_regions=["us-east-1"]
)
"""moto only resolves URLs by it, and asks for us-east-1 to do so; any other Region works as well."""


def at_hand() -> Sandbox:
    """Give the sandbox that answers in this process."""
    return _at_hand


@contextmanager
def using(sandbox: Sandbox) -> Iterator[None]:
    """Let this sandbox answer in this process meanwhile."""
    global _at_hand  # noqa: PLW0603  # moto's mock is global to the process, and so is what answers it
    before, _at_hand = _at_hand, sandbox
    try:
        yield
    finally:
        _at_hand = before
