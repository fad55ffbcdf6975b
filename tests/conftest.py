"""Settings of all tests: floating-point accidents are errors."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# loops of numba are compiled while the first examples are made, which says nothing about the strategies
settings.register_profile(
    "twoscale", deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("twoscale")


@pytest.fixture(autouse=True)
def _floating_point_accidents_are_errors() -> Iterator[None]:
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Generated modules of the tests stay out of the user's cache."""
    before = os.environ.get("TWOSCALE_CACHE")
    os.environ.setdefault("TWOSCALE_CACHE", str(tmp_path_factory.mktemp("laws")))
    yield
    if before is None:
        del os.environ["TWOSCALE_CACHE"]
