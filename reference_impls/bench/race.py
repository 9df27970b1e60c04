"""Times that can be compared: rivals take turns, and the smallest of many counts."""

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

Call = Callable[[], object]
LEAST_SECONDS = 1.0
"""A race of fast calls goes on for so long."""


def race(calls: Mapping[str, Call], *, least: int = 20) -> dict[str, float]:
    """The smallest of at least ``least`` times of each, in seconds, taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    started, repeats = time.perf_counter(), 0
    while repeats < least or time.perf_counter() - started < LEAST_SECONDS:
        for name, call in calls.items():
            before = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - before)
        repeats += 1
    return best


@contextmanager
def cores(threads: int) -> Iterator[None]:
    """Give every library of the process as many cores and threads, whatever it would take by itself."""
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
    """Operations a second that the cores can do, measured: the best of ten, times the threads."""
    library = build.library("peak")
    library.peak_operations.restype = ctypes.c_int64
    rounds = ctypes.c_int64(2_000_000)
    best = min(race({"peak": lambda: library.peak(rounds)}, least=10).values())
    return float(library.peak_operations(rounds)) / best * threads


def two_threads_over_one(least: int) -> float | None:
    """How much faster the CSR kernel is with two threads, at 90 %; None on a machine with one core."""
    if (os.cpu_count() or 1) < 2:
        return None
    weight = csr_spmm.pack(masked((QKV.outputs, QKV.inputs), "unstructured", 0.9))
    x = np.ones((QKV.tokens, QKV.inputs), np.float32)
    with cores(2):
        calls: dict[str, Call] = {str(n): partial(csr_spmm.multiply, weight, x, threads=n) for n in (1, 2)}
        seconds = race(calls, least=least)
    return seconds["1"] / seconds["2"]
