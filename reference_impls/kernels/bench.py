"""The kernels against the libraries that pip can install, side by side.

    python -m reference_impls bench --quick
    python -m reference_impls bench --out reference_impls/results/kernels.json

Protocol: every rival computes the same product of the same numbers in the same process with as many threads; each
result is checked against float64 to 1e-5 before anything is timed; rivals take turns, so that a busy moment hits all of
them; the smallest of at least twenty times counts. Speed-up is over the fastest dense rival of the same row. All
arrays are numpy's, which asks the system for huge pages: a dense convolution gains a fifth from them.
"""

from __future__ import annotations

import copy
import ctypes
import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from reference_impls.kernels import build, conv3x3, csr_spmm, rowblock_conv3x3, rowblock_spmm
from reference_impls.kernels.modules import sparsify
from reference_impls.layers import as_matrix, prunable, set_matrix
from reference_impls.maths.masks import Pattern, Tile, keep_best, keep_pattern
from reference_impls.testbed import dit, unet

SPARSITIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
LEAST_REPEATS, MOST_SECONDS = 20, 4.0
"""Times of each rival; more while a row has taken less time than this."""
TOLERANCE = 1e-5
Call = Callable[[], object]


@dataclass(frozen=True)
class Linear:
    """A linear layer at its real size."""

    name: str
    tokens: int
    inputs: int
    outputs: int

    @property
    def operations(self) -> int:
        """Of the dense product; a multiplication and an addition are two."""
        return 2 * self.tokens * self.inputs * self.outputs


@dataclass(frozen=True)
class Conv:
    """A 3x3 convolution at its real size, stride 1, padding 1, one picture."""

    name: str
    channels: int
    side: int

    @property
    def operations(self) -> int:
        """Of the dense convolution."""
        return 2 * 9 * self.channels**2 * self.side**2


SHAPES: Mapping[str, tuple[Linear | Conv, ...]] = {
    "dit": (
        Linear("DiT-XL/2 qkv", 256, 1152, 3456),
        Linear("DiT-XL/2 feed-forward up", 256, 1152, 4608),
        Linear("DiT-XL/2 feed-forward down", 256, 4608, 1152),
    ),
    "sd": (
        Linear("SD 1.4 feed-forward up, 64x64", 4096, 320, 2560),
        Linear("SD 1.4 feed-forward down, 16x16", 256, 5120, 1280),
    ),
    "unet": (Linear("testbed DiT feed-forward up", 1600, 96, 384), Conv("testbed U-Net", 64, 16)),
    "conv": (
        Conv("320 channels, 64x64", 320, 64),
        Conv("640 channels, 32x32", 640, 32),
        Conv("1280 channels, 16x16", 1280, 16),
    ),
}
QUICK = (SHAPES["dit"][0], SHAPES["conv"][2])
QUICK_SPARSITIES = (0.5, 0.7, 0.9, 0.95)


@dataclass(frozen=True)
class Row:
    """One rival on one layer."""

    shape: str
    pattern: str
    """unstructured, 2:4, or which tiles go together."""
    sparsity: float
    library: str
    dense: bool
    seconds: float
    speed_up: float
    """Over the fastest dense rival of the row."""
    share_of_peak: float
    """Of the multiply-adds that are needed, zeros not counted, of what the threads could do at most."""
    threads: int


@dataclass(frozen=True)
class Goal:
    """A ratio to be reached."""

    name: str
    must: float
    aim: float
    measured: float | None
    """None: not part of this run."""

    @property
    def verdict(self) -> str:
        """In one word; as KERNELS asks, with 15 % slack."""
        if self.measured is None:
            return "not run"
        return "aim met" if self.measured >= self.aim else "met" if self.measured >= 0.85 * self.must else "MISSED"


@dataclass(frozen=True)
class EndToEnd:
    """A whole model or block, dense and sparse."""

    name: str
    pattern: str
    sparsity: float
    dense_seconds: float
    sparse_seconds: float
    largest_difference: float
    layers: Mapping[str, int]
    """How many layers became what."""

    @property
    def speed_up(self) -> float:
        """Dense over sparse."""
        return self.dense_seconds / self.sparse_seconds


def race(calls: Mapping[str, Call], *, least: int = LEAST_REPEATS) -> dict[str, float]:
    """The smallest of at least ``least`` times of each, taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    started, repeats = time.perf_counter(), 0
    while repeats < least or time.perf_counter() - started < MOST_SECONDS / 4:
        for name, call in calls.items():
            before = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - before)
        repeats += 1
    return best


def fma_peak(threads: int) -> float:
    """Operations a second that the cores can do, measured: the best of ten, times the threads."""
    library = build.library("peak")
    library.peak_operations.restype = ctypes.c_int64
    rounds = ctypes.c_int64(2_000_000)
    best = min(race({"peak": lambda: library.peak(rounds)}, least=10).values())
    return float(library.peak_operations(rounds)) / best * threads


def masked(shape: tuple[int, int], pattern: str, sparsity: float, seed: int = 0) -> np.ndarray:
    """A random matrix with zeros in the pattern."""
    generator = torch.Generator().manual_seed(seed)
    weight, scores = (torch.randn(shape, generator=generator) for _ in range(2))
    if pattern == "unstructured":
        mask = keep_best(scores, sparsity)
    elif ":" in pattern:
        nm = Pattern.parse(pattern)
        together = Tile(nm.rows, 1)
        mask = together.spread(keep_pattern(together.pool(scores), nm), scores.shape)
    else:
        tile = Tile.parse(pattern)
        mask = tile.spread(keep_best(tile.pool(scores), sparsity), scores.shape)
    return np.array((weight * mask).numpy())  # in memory of numpy


def linear_rivals(layer: Linear, pattern: str, sparsity: float, threads: int) -> tuple[dict[str, Call], set[str]]:
    """Every way to compute the product, and which of them are dense."""
    weight = masked((layer.outputs, layer.inputs), pattern, sparsity)
    x = torch.randn(layer.tokens, layer.inputs, generator=torch.Generator().manual_seed(1))
    w, xn, an = torch.from_numpy(weight), np.array(x.numpy()), np.array(x.t().numpy(), order="C")
    x, across = torch.from_numpy(xn), torch.from_numpy(an)
    csr = csr_spmm.pack(weight)
    calls: dict[str, Call] = {
        "torch linear": lambda: nn.functional.linear(x, w),
        "torch matmul, channels first": lambda: w @ across,
        "numpy": lambda: xn @ weight.T,
        "ours, csr": lambda: csr_spmm.multiply(csr, xn, threads=threads),
        "ours, csr, channels first": lambda: csr_spmm.multiply(csr, an, layout="channels_first", threads=threads),
    }
    if pattern != "unstructured":
        shared = rowblock_spmm.pack(weight)
        calls["ours, shared"] = lambda: rowblock_spmm.multiply(shared, xn, threads=threads)
        calls["ours, shared, channels first"] = lambda: rowblock_spmm.multiply(
            shared, an, layout="channels_first", threads=threads
        )
    calls |= library_rivals(w, across, pattern, threads)
    expected = x.double() @ w.double().t()
    scale = float(expected.abs().max()) or 1.0
    for name, call in calls.items():
        got = torch.as_tensor(np.asarray(call()))
        got = got if got.shape == expected.shape else got.t()
        error = float((got.double() - expected).abs().max()) / scale
        if error > TOLERANCE:
            raise RuntimeError(f"{name} on {layer.name} is off by {error:.1e}; it is not timed")
    return calls, {"torch linear", "torch matmul, channels first", "numpy"}


def library_rivals(w: torch.Tensor, across: torch.Tensor, pattern: str, threads: int) -> dict[str, Call]:
    """Sparse libraries that are installed here: torch always, scipy, sparse_dot_mkl and jax where they are."""
    with warnings.catch_warnings():  # torch calls its sparse layouts beta
        warnings.simplefilter("ignore", UserWarning)
        by_row = w.to_sparse_csr()
        calls: dict[str, Call] = {"torch CSR": lambda: by_row @ across}
        if pattern == "4x4":
            by_block = w.to_sparse_bsr((4, 4))
            calls["torch BSR 4x4"] = lambda: by_block @ across
    try:
        from scipy.sparse import csr_matrix
    except ImportError:
        return calls
    matrix, an = csr_matrix(w.numpy()), across.numpy()
    if threads == 1:  # it has no threads
        calls["scipy CSR"] = lambda: matrix @ an
    try:
        from sparse_dot_mkl import dot_product_mkl
    except ImportError:
        return calls
    calls["sparse_dot_mkl"] = lambda: dot_product_mkl(matrix, an)
    return calls


def conv_rivals(layer: Conv, pattern: str, sparsity: float, threads: int) -> tuple[dict[str, Call], set[str]]:
    """OneDNN in both layouts, and our kernels."""
    weight = masked((layer.channels, 9 * layer.channels), pattern, sparsity).reshape(
        layer.channels, layer.channels, 3, 3
    )
    x = torch.randn(1, layer.channels, layer.side, layer.side, generator=torch.Generator().manual_seed(1))
    w, xn = torch.from_numpy(weight), x.numpy()
    last, w_last = (tensor.to(memory_format=torch.channels_last) for tensor in (x, w))
    single = conv3x3.pack(weight)
    calls: dict[str, Call] = {
        "torch conv2d": lambda: torch.conv2d(x, w, padding=1),
        "torch conv2d, channels last": lambda: torch.conv2d(last, w_last, padding=1),
        "ours, csr": lambda: conv3x3.convolve(single, xn, threads=threads),
    }
    if pattern != "unstructured":
        shared = rowblock_conv3x3.pack(weight)
        calls["ours, shared"] = lambda: rowblock_conv3x3.convolve(shared, xn, threads=threads)
    expected = torch.conv2d(x.double(), w.double(), padding=1)
    for name, call in calls.items():
        error = float((torch.as_tensor(np.asarray(call())).double() - expected).abs().max() / expected.abs().max())
        if error > TOLERANCE:
            raise RuntimeError(f"{name} on {layer.name} is off by {error:.1e}; it is not timed")
    return calls, {"torch conv2d", "torch conv2d, channels last"}


def patterns_of(sparsity: float) -> Iterator[str]:
    """What is measured at a sparsity."""
    yield "unstructured"
    yield "4x1"
    if sparsity == 0.5:
        yield from ("2:4", "2:4x4")
    if sparsity == 0.9:
        yield from ("4x4", "16x16")


@torch.no_grad()
def measure(layer: Linear | Conv, sparsity: float, pattern: str, threads: int, peak: float) -> list[Row]:
    """All rivals on one layer."""
    rivals = linear_rivals if isinstance(layer, Linear) else conv_rivals
    calls, dense = rivals(layer, pattern, sparsity, threads)  # type: ignore[arg-type]
    seconds = race(calls)
    fastest = min(seconds[name] for name in dense)
    needed = layer.operations * (1 - sparsity)
    return [
        Row(
            layer.name,
            pattern,
            sparsity,
            name,
            name in dense,
            took,
            fastest / took,
            (layer.operations if name in dense else needed) / took / peak,
            threads,
        )
        for name, took in seconds.items()
    ]


def goals(rows: Sequence[Row], ends: Sequence[EndToEnd], scaling: float | None) -> list[Goal]:
    """The goals of the project, each with what this run says."""

    def best(shape: str, pattern: str, sparsity: float, library: str) -> float | None:
        found = [
            row.speed_up
            for row in rows
            if (row.shape, row.pattern, row.sparsity) == (shape, pattern, sparsity) and row.library.startswith(library)
        ]
        return max(found, default=None)

    def over(shape: str, pattern: str, sparsity: float, ours: str, theirs: tuple[str, ...]) -> float | None:
        mine = best(shape, pattern, sparsity, ours)
        others = [found for one in theirs if (found := best(shape, pattern, sparsity, one)) is not None]
        return mine / max(others) if mine is not None and others else None

    qkv = "DiT-XL/2 qkv"
    libraries = ("torch CSR", "scipy", "sparse_dot_mkl", "jax")
    made = [
        Goal(f"CSR SpMM over dense, {sparsity:.0%}", must, aim, best(qkv, "unstructured", sparsity, "ours, csr"))
        for sparsity, must, aim in ((0.5, 1.3, 1.6), (0.7, 2, 2.7), (0.9, 5, 6.5), (0.95, 8, 12))
    ]
    made += [
        Goal(
            "CSR SpMM over the fastest sparse library, 90%",
            2.5,
            3.5,
            over(qkv, "unstructured", 0.9, "ours, csr", libraries),
        ),
        Goal("shared by 4 rows over dense, 2:4", 1.5, 1.8, best(qkv, "2:4x4", 0.5, "ours, shared")),
        Goal("shared by 4 rows over dense, 90%", 7, 9, best(qkv, "4x1", 0.9, "ours, shared")),
        Goal(
            "shared by 4 rows over torch BSR 4x4, 90%",
            3,
            3.6,
            over(qkv, "4x4", 0.9, "ours, shared", ("torch BSR 4x4",)),
        ),
    ]
    for conv, must, aim in zip(SHAPES["conv"], (4.5, 5, 8), (6, 6.5, 10), strict=True):
        made.append(
            Goal(f"3x3 over oneDNN, 90%, {conv.name}", must, aim, best(conv.name, "unstructured", 0.9, "ours, csr"))
        )
    for conv in SHAPES["conv"]:
        made.append(
            Goal(f"3x3 over oneDNN, 50%, {conv.name}", 1.1, 1.3, best(conv.name, "unstructured", 0.5, "ours, csr"))
        )
    made.append(Goal("two threads over one", 1.8, 1.95, scaling))
    made += [Goal(f"end to end at {one.sparsity:.0%}, {one.pattern}: {one.name}", 2, 3, one.speed_up) for one in ends]
    return made


def whole_models() -> Iterator[tuple[str, nn.Module, Callable[[nn.Module], object]]]:
    """Models and blocks whose time is measured end to end, with a call; random weights where they are full-sized."""
    from reference_impls.testbed.models import pretrained

    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    for name, n in (("dit", 100), ("unet", 20)):
        model = pretrained(name)
        side = int(model.side)  # type: ignore[arg-type]
        given = noise(n, 1, side, side), torch.rand(n, generator=generator), torch.arange(n) % 10
        yield f"testbed {name}, {n} samples", model, lambda model, given=given: model(*given)
    block = _filled(dit.Block(1152, 16, 4608), generator)
    tokens = noise(1, 256, 1152), noise(1, 1152)
    yield "DiT-XL/2 block", block, lambda model: model(*tokens)
    resnet = _filled(unet.ResBlock(320, 320, 1280), generator)
    picture = noise(1, 320, 64, 64), noise(1, 1280)
    yield "SD 1.4 ResBlock, 320 at 64x64", resnet, lambda model: model(*picture)
    sd = _filled(dit.Block(640, 8, 2560), generator)
    latents = noise(1, 1024, 640), noise(1, 640)
    yield "transformer block of SD's size, 640 at 32x32", sd, lambda model: model(*latents)


def _filled(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """Random weights everywhere: some layers start at zero, and would be sparse by themselves."""
    with torch.no_grad():
        for value in model.parameters():
            if value.dim() > 1:
                value.copy_(torch.randn(value.shape, generator=generator) / value[0].numel() ** 0.5)
    return model.eval()


@torch.no_grad()
def end_to_end(sparsity: float, patterns: Sequence[str] = ("unstructured", "4x1")) -> Iterator[EndToEnd]:
    """Each model pruned by magnitude in each pattern, then as it is and with sparse layers."""
    for name, model, call in whole_models():
        for pattern in patterns:
            pruned = copy.deepcopy(model)
            tile = Tile() if pattern == "unstructured" else Tile.parse(pattern)
            for layer in prunable(pruned).values():
                scores = as_matrix(layer).abs()
                mask = tile.spread(keep_best(tile.pool(scores), sparsity), scores.shape)
                set_matrix(layer, as_matrix(layer) * mask)
            sparse = copy.deepcopy(pruned)
            choices = sparsify(sparse, call)
            expected, got = call(pruned), call(sparse)
            difference = float((got - expected).abs().max() / expected.abs().max())  # type: ignore[operator,union-attr]
            seconds = race(
                {
                    "dense": lambda pruned=pruned, call=call: call(pruned),
                    "sparse": lambda sparse=sparse, call=call: call(sparse),
                }
            )  # type: ignore[misc]
            names = [choice.chosen for choice in choices.values()]
            layers = {kind: names.count(kind) for kind in sorted(set(names))}
            yield EndToEnd(name, pattern, sparsity, seconds["dense"], seconds["sparse"], difference, layers)


def scaling() -> float | None:
    """How much faster two threads are than one, on the CSR kernel at 90 %."""
    if (os.cpu_count() or 1) < 2:
        return None
    layer = SHAPES["dit"][0]
    weight = csr_spmm.pack(masked((layer.outputs, layer.inputs), "unstructured", 0.9))  # type: ignore[union-attr]
    x = np.ones((layer.tokens, layer.inputs), np.float32)  # type: ignore[union-attr]
    calls: dict[str, Call] = {str(n): lambda n=n: csr_spmm.multiply(weight, x, threads=n) for n in (1, 2)}  # type: ignore[misc]
    seconds = race(calls)
    return seconds["1"] / seconds["2"]


def run(
    shapes: Sequence[Linear | Conv],
    sparsities: Sequence[float],
    threads: int,
    *,
    whole: bool,
    tell: Callable[[int, int, str], None],
) -> tuple[list[Row], list[EndToEnd], list[Goal], float]:
    """Everything that a run measures; ``tell`` hears what comes next."""
    torch.set_num_threads(threads)
    with threadpool_limits(threads):  # numpy's
        return _run(shapes, sparsities, threads, whole, tell)


def _run(
    shapes: Sequence[Linear | Conv],
    sparsities: Sequence[float],
    threads: int,
    whole: bool,
    tell: Callable[[int, int, str], None],
) -> tuple[list[Row], list[EndToEnd], list[Goal], float]:
    peak = fma_peak(threads)
    cases = [(shape, s, pattern) for shape in shapes for s in sparsities for pattern in patterns_of(s)]
    rows: list[Row] = []
    for number, (shape, sparsity, pattern) in enumerate(cases):
        tell(number, len(cases) + 10 * whole, f"{shape.name} {pattern} {sparsity:.0%}")
        rows += measure(shape, sparsity, pattern, threads, peak)
    ends: list[EndToEnd] = []
    for number, one in enumerate(end_to_end(0.9) if whole else ()):
        tell(len(cases) + number, len(cases) + 10, one.name)
        ends.append(one)
    return rows, ends, goals(rows, ends, scaling()), peak


def record(
    command: str, threads: int, rows: Sequence[Row], ends: Sequence[EndToEnd], reached: Sequence[Goal], peak: float
) -> dict[str, object]:
    """What is committed: one JSON document."""
    return {
        "command": command,
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count(),
            "threads": threads,
            "peak_gflops": round(peak / 1e9, 1),
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "goals": [{**asdict(goal), "verdict": goal.verdict} for goal in reached],
        "end_to_end": [{**asdict(one), "speed_up": round(one.speed_up, 3)} for one in ends],
        "rows": [asdict(row) for row in rows],
    }


PACKAGES = ("torch", "numpy", "scipy", "numba", "sparse-dot-mkl", "jax")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def cpu_name() -> str:
    """As the system calls it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    wide = (
        "AVX-512"
        if any("avx512f" in line for line in lines)
        else "AVX2"
        if any("avx2" in line for line in lines)
        else ""
    )
    return f"{names[0] if names else platform.processor() or platform.machine()} {wide}".strip()


def write(document: Mapping[str, object], file: Path) -> None:
    """One row a line, whole or not at all."""
    text = json.dumps({**document, "rows": []}, indent=1)
    lines = ",\n".join("  " + json.dumps(row) for row in document["rows"])  # type: ignore[attr-defined]
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(text.replace('"rows": []', f'"rows": [\n{lines}\n ]') + "\n", encoding="utf-8")
    fresh.replace(file)
