"""Fixtures: the web application of a controller over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.sites import Site, serve_site


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Serve the application. The parameter of the fixture, if any, is the template of links to manifests."""
    with serve_site(getattr(request, "param", None)) as site:
        yield site
