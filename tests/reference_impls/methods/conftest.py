"""A small model and its calibration, for methods on single weights; a test that prunes it takes a copy."""

import pytest

from reference_impls.calls.call import Calibration
from reference_impls.testbed.calibration import from_trajectory
from reference_impls.testbed.dit import DiT
from tests.reference_impls.small_models import small


@pytest.fixture(scope="session")
def dit() -> DiT:
    return small("dit", depth=2)


@pytest.fixture(scope="session")
def calibration(dit: DiT) -> Calibration:
    return from_trajectory(dit, n=6, steps=5)
