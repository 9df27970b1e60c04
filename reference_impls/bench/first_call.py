"""Time of the first call of a kernel: after installation, when it is compiled, and later."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

SCRIPT = """
import time
import numpy as np
from reference_impls.kernels import csr_spmm
weight, x = np.eye(64, dtype="float32"), np.ones((64, 64), "float32")
started = time.perf_counter()
csr_spmm.multiply(csr_spmm.pack(weight), x)
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class FirstCall:
    """Seconds of one product in a process of its own, imports not counted."""

    after_installation: float
    later: float


def first_call() -> FirstCall:
    """Two processes one after the other, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        one, two = (
            subprocess.run(  # noqa: S603  our own Python and script
                [sys.executable, "-c", SCRIPT],
                env={**os.environ, "XDG_CACHE_HOME": cache, "PYTHONPATH": os.pathsep.join(sys.path)},
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(2)
        )
    return FirstCall(float(one.stdout), float(two.stdout))
