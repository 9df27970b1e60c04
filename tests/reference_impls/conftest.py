"""One thread a test process: tests run side by side, and threads that wait for each other cost more than they bring.

Tests that take a ``device`` run on the processor, and on a CUDA device where torch finds one.
"""

from collections.abc import Callable

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(params=["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def device(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> str:
    """Where the test runs, as torch names it."""
    if not torch.cuda.is_available():
        record_property("not tried", "CUDA, since torch finds no such device here")
    return str(request.param)
