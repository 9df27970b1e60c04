"""Times that can be compared: calls are timed alternately, and the minimum of many runs is taken."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from reference_impls.bench.layers import QKV, masked
from reference_impls.kernels import build, csr_spmm
from reference_impls.kernels.modules import clock

Call = Callable[[], object]
LEAST_SECONDS = 1.0
"""Fast calls are repeated for at least so long."""


def interleaved(calls: Mapping[str, Call], *, least: int = 20) -> dict[str, float]:
    """The minimum of at least ``least`` runs of each call, in seconds of ``clock``; the calls are timed alternately."""
    best, now = dict.fromkeys(calls, float("inf")), clock()
    started, repeats = time.perf_counter(), 0
    while repeats < least or time.perf_counter() - started < LEAST_SECONDS:
        for name, call in calls.items():
            before = now()
            call()
            best[name] = min(best[name], now() - before)
        repeats += 1
    return best


@contextmanager
def cores(threads: int) -> Iterator[None]:
    """Limit every library of the process to that many cores and threads."""
    before, affinity = torch.get_num_threads(), None
    if hasattr(os, "sched_setaffinity"):
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(affinity)[:threads])
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)
        if affinity is not None:
            os.sched_setaffinity(0, affinity)


def fma_peak(threads: int) -> float:
    """Measured peak of the cores in floating-point operations per second: the best of ten runs, times the threads."""
    library = build.library("peak")
    library.peak_operations.restype = ctypes.c_int64
    rounds = ctypes.c_int64(2_000_000)
    best = min(interleaved({"peak": lambda: library.peak(rounds)}, least=10).values())
    return float(library.peak_operations(rounds)) / best * threads


def two_threads_over_one(least: int) -> float | None:
    """Speed-up of the CSR kernel with two threads at 90% sparsity; None on a machine with one core."""
    if (os.cpu_count() or 1) < 2:
        return None
    weight = csr_spmm.pack(masked((QKV.outputs, QKV.inputs), "unstructured", 0.9))
    x = np.ones((QKV.tokens, QKV.inputs), np.float32)
    with cores(2):
        calls: dict[str, Call] = {str(n): partial(csr_spmm.multiply, weight, x, threads=n) for n in (1, 2)}
        seconds = interleaved(calls, least=least)
    return seconds["1"] / seconds["2"]
