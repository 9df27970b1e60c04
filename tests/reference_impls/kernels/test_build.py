"""The compiler's cache: two at once, a folder that cannot be written, a compiler that fails or is not there."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reference_impls.kernels import build, csr_spmm
from tests.work import ENDLESS

CHECK = """
import numpy as np
from reference_impls.kernels import build
g = np.random.default_rng(0)
w = (g.standard_normal((37, 53)) * (g.random((37, 53)) < .3)).astype("f4")
x = g.standard_normal((29, 53)).astype("f4")
for kernel in [one for one in KERNELS if hasattr(one, "multiply")]:
    for threads in (1, 2):
        for activation in (None, "silu", "gelu"):
            y = kernel.multiply(kernel.pack(w), x, threads=threads, activation=activation)
            kernel.multiply(kernel.pack(w), np.ascontiguousarray(x.T), layout="channels_first", threads=threads)
        assert abs(kernel.multiply(kernel.pack(w), x, threads=threads) - x @ w.T).max() < 1e-4
v = (g.standard_normal((7, 5, 3, 3)) * (g.random((7, 5, 3, 3)) < .4)).astype("f4")
for h, k in ((1, 1), (4, 9), (16, 16), (5, 140)):
    p = g.standard_normal((2, 5, h, k)).astype("f4")
    for kernel in [one for one in KERNELS if hasattr(one, "convolve")]:
        for stride in (1, 2):
            fast = kernel.convolve(kernel.pack(v), p, stride=stride, threads=2)
            assert abs(fast - kernel.convolve(kernel.pack(v), p, stride=stride, backend="numpy")).max() < 1e-4
            last = np.ascontiguousarray(p.transpose(0, 2, 3, 1))
            kernel.convolve(kernel.pack(v), last, stride=stride, channels_last=True)
print("right", build.available())
"""
RIGHT = "right True\n"
ONE_OF_EACH_KIND = pytest.mark.parametrize(
    "kernels",
    [
        ("csr_spmm", "conv3x3"),
        pytest.param(("rowblock_spmm", "rowblock_conv3x3"), marks=pytest.mark.nightly),
    ],
    ids="+".join,
)


def check(*kernels: str) -> str:
    """A program that runs these kernels and says whether they are right."""
    names = ", ".join(kernels)
    return f"from reference_impls.kernels import {names}\nKERNELS = [{names}]\n{CHECK}"


def environment_with(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path.cwd()), **variables}


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment_with(**variables), timeout=ENDLESS)


@pytest.mark.slow
def test_two_at_once_with_an_empty_cache(tmp_path: Path) -> None:
    environment = environment_with(XDG_CACHE_HOME=str(tmp_path))
    command = [sys.executable, "-c", check("csr_spmm")]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate(timeout=ENDLESS)[0] for one in both] == [RIGHT] * 2
    left = [file.name.split("-")[0] for file in (tmp_path / "awesome-diffusion-pruning").iterdir()]
    assert left == ["csr_spmm"]


@pytest.mark.slow
def test_a_library_that_was_cut_short_is_built_again(tmp_path: Path) -> None:
    assert run(check("csr_spmm"), XDG_CACHE_HOME=str(tmp_path)).stdout == RIGHT
    for file in (tmp_path / "awesome-diffusion-pruning").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert run(check("csr_spmm"), XDG_CACHE_HOME=str(tmp_path)).stdout == RIGHT


@pytest.mark.slow
def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "not-a-folder"
    file.write_text("")
    assert run(check("csr_spmm"), XDG_CACHE_HOME=str(file)).stdout == RIGHT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "told"),
    [
        ("no-such-compiler", "no compiler: no-such-compiler not found; install g++ or clang++, or set CXX"),
        ("false", "cannot build csr_spmm.cpp"),
    ],
)
def test_without_a_compiler_the_rest_serves(tmp_path: Path, compiler: str, told: str) -> None:
    code = """
import warnings
import numpy as np
from reference_impls.kernels import csr_spmm, conv3x3, modules
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    w, x = np.eye(3, dtype="f4"), np.ones((2, 3), "f4")
    assert (csr_spmm.multiply(csr_spmm.pack(w), x) == x).all()
    assert (csr_spmm.multiply(csr_spmm.pack(w), x) == x).all()
    v = np.ones((1, 1, 3, 3), "f4")
    assert conv3x3.convolve(conv3x3.pack(v), np.ones((1, 1, 3, 3), "f4"))[0, 0, 1, 1] == 9
mine = [str(one.message) for one in said if "kernels run without" in str(one.message)]
print(len(mine), mine[0])
"""
    done = run(code, CXX=compiler, XDG_CACHE_HOME=str(tmp_path))
    assert done.stdout.startswith("1 kernels run without their C++ form: "), done.stderr
    assert told in done.stdout
    assert len(done.stdout.splitlines()) == 1


def flagged(tmp_path: Path, kernels: tuple[str, ...], flags: tuple[str, ...], **variables: str) -> str:
    """Run the check with these kernels built by these flags."""
    patch = f"from reference_impls.kernels import build\nbuild.library.__wrapped__.__defaults__ = ({flags!r},)\n"
    done = run(patch + check(*kernels), XDG_CACHE_HOME=str(tmp_path), **variables)
    assert done.stdout == RIGHT, done.stderr[-3_000:]
    return done.stderr


@pytest.mark.slow
@ONE_OF_EACH_KIND
def test_without_any_extension_of_the_processor(tmp_path: Path, kernels: tuple[str, ...]) -> None:
    """Vectors of four: what a machine without AVX runs."""
    baseline = tuple("-march=x86-64" if flag == "-march=native" else flag for flag in build.FLAGS)
    flagged(tmp_path, kernels, baseline)


@pytest.mark.slow
@ONE_OF_EACH_KIND
def test_no_access_out_of_bounds(tmp_path: Path, kernels: tuple[str, ...]) -> None:
    """AddressSanitizer and UBSan watch the kernels; numpy's own leaks are not looked at."""
    compiler = build.find_compiler()
    asan = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    flags = (
        *build.FLAGS,
        "-O1",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize=alignment",
        "-fno-sanitize-recover",
    )
    stdcxx = subprocess.run(
        [compiler, "-print-file-name=libstdc++.so.6"], capture_output=True, text=True, check=True
    ).stdout.strip()
    said = flagged(tmp_path, kernels, flags, LD_PRELOAD=f"{asan} {stdcxx}", ASAN_OPTIONS="detect_leaks=0")
    assert "runtime error" not in said


def test_the_name_of_a_library_follows_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = build.find_compiler()
    before = build.fingerprint("csr_spmm", compiler, build.FLAGS)
    assert build.fingerprint("csr_spmm", compiler, (*build.FLAGS, "-g")) != before
    for file in build.FOLDER.glob("*.[ch]*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    assert build.fingerprint("csr_spmm", compiler, build.FLAGS) == before
    (tmp_path / "tile.h").write_text((tmp_path / "tile.h").read_text() + "\n")
    assert build.fingerprint("csr_spmm", compiler, build.FLAGS) != before


def test_the_peak_is_a_number() -> None:
    library = build.library("peak")
    assert library.peak_operations(10) % 12 == 0
    assert np.isfinite(library.peak(10))


def test_threads_are_those_of_the_process() -> None:
    """A kernel asks the OpenMP library that is loaded for its threads; one of ours counts how often."""
    body_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    asked: list[int] = []

    @ctypes.CFUNCTYPE(None, body_type, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)  # type: ignore[untyped-decorator]  # of ctypes
    def team(body: Callable[[int], None], data: int, threads: int, flags: int) -> None:
        asked.append(threads)
        for _ in range(threads):
            body(data)

    library = build.library("csr_spmm")
    weight, x = np.eye(1_200, dtype=np.float32), np.ones((7, 1_200), np.float32)
    packed = csr_spmm.pack(weight)
    library.use_team(team)
    try:
        assert (csr_spmm.multiply(packed, x, threads=3) == x).all()
        assert (csr_spmm.multiply(packed, x, threads=1) == x).all()
    finally:
        library.use_team(None)
        build._with_team(library)
    assert asked == [3]
