"""Shared service models: a session finds the same services as without them."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError

from reconciler.edge.aws.service_models import SharedModels


def test_models_of_other_services_are_found_and_unknown_ones_are_rejected() -> None:
    """A shared model loader finds every service of botocore, and rejects an unknown name as botocore does."""
    session = botocore.session.Session()
    SharedModels().share_with(session)
    loader = session.get_component("data_loader")
    assert loader.load_service_model("ec2", "service-2")["metadata"]["serviceId"] == "EC2"
    with pytest.raises(UnknownServiceError, match=r"'nothing'.*appintegrations.*sts"):
        loader.load_service_model("nothing", "service-2")
