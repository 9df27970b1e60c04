"""Build a kernel with the system's compiler on first use, once for each source, flags and processor.

The library lands in the user's cache folder under the hash of all that it depends on: written beside and renamed, so
that two processes at once both end well. ``CXX`` chooses the compiler.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from functools import cache
from pathlib import Path

from threadpoolctl import threadpool_info

FOLDER = Path(__file__).parent
COMPILERS = ("g++", "clang++", "c++")
FLAGS = ("-O3", "-march=native", "-std=gnu++17", "-shared", "-fPIC", "-pthread")
"""gnu++17 and not c++17: the strict form forbids GCC to fuse a multiplication with an addition."""


class NoCompiler(RuntimeError):
    """There is no compiler, or it cannot build the kernel; slower versions serve."""


@cache
def library(name: str, flags: tuple[str, ...] = FLAGS) -> ctypes.CDLL:
    """The kernel ``<name>.cpp`` of this folder, built or taken from the cache.

    Raises:
        NoCompiler: see there; said once as a warning by ``available``.
    """
    compiler = find_compiler()
    file = cache_folder() / f"{name}-{fingerprint(name, compiler, flags)}.so"
    for last in (False, True):
        if not file.is_file():
            compile_to(file, name, compiler, flags)
        try:
            return _with_team(ctypes.CDLL(str(file)))
        except OSError as error:
            file.unlink(missing_ok=True)  # cut short or of another machine: built once more
            if last:
                raise NoCompiler(f"{file} does not load: {error}") from error
    raise AssertionError("not reached")


def _with_team(kernel: ctypes.CDLL) -> ctypes.CDLL:
    """Give a kernel the threads of the OpenMP library that the process has loaded, torch's before others'."""
    loaded = [library["filepath"] for library in threadpool_info() if library["user_api"] == "openmp"]
    for file in sorted(loaded, key=lambda path: "torch" not in path):
        try:
            kernel.use_team(ctypes.CDLL(file).GOMP_parallel)
        except AttributeError:  # it has no such function
            continue
        break
    return kernel


@cache
def available() -> bool:
    """Whether kernels can be built here; a failure is said once, in one line."""
    try:
        library("csr_spmm")
    except NoCompiler as error:
        warnings.warn(f"kernels run without their C++ form: {error}", RuntimeWarning, stacklevel=2)
        return False
    return True


def find_compiler() -> str:
    """Path of the compiler: that of ``CXX``, or the first of ``COMPILERS``.

    Raises:
        NoCompiler: there is none.
    """
    wanted = os.environ.get("CXX")
    for name in (wanted,) if wanted else COMPILERS:
        path = shutil.which(name)
        if path:
            return path
    raise NoCompiler(f"no compiler: {wanted or ', '.join(COMPILERS)} not found; install g++ or clang++, or set CXX")


def compiler_version() -> str:
    """What the compiler says of itself, in one line.

    Raises:
        NoCompiler: there is none.
    """
    said = subprocess.run([find_compiler(), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return said.stdout.partition("\n")[0]


def cache_folder() -> Path:
    """The user's cache folder, or a private one where that cannot be written."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "awesome-diffusion-pruning"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _private_folder()


@cache
def _private_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="awesome-diffusion-pruning-"))


def fingerprint(name: str, compiler: str, flags: tuple[str, ...]) -> str:
    """Hash of the sources, the compiler and its version, the flags and the processor."""
    digest = hashlib.sha256()
    for file in (FOLDER / f"{name}.cpp", *sorted(FOLDER.glob("*.h"))):
        digest.update(file.read_bytes())
    stat = Path(compiler).resolve().stat()  # a new compiler is a new file; asking it costs more than all else here
    digest.update(repr((compiler, stat.st_size, stat.st_mtime_ns, flags, _processor())).encode())
    return digest.hexdigest()[:20]


@cache
def _processor() -> str:
    """Model and abilities of the processor; a cache folder may be shared by machines."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in info.read_text().splitlines() if line.startswith(wanted)}))


def compile_to(file: Path, name: str, compiler: str, flags: tuple[str, ...]) -> None:
    """Compile beside the file and rename.

    Raises:
        NoCompiler: the compiler fails; the message has its first line.
    """
    handle, fresh = tempfile.mkstemp(dir=file.parent, suffix=".so")
    os.close(handle)
    try:
        command = [compiler, *flags, str(FOLDER / f"{name}.cpp"), "-o", fresh]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)  # noqa: S603  no shell; our files
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise NoCompiler(f"{compiler} cannot build {name}.cpp: {said[0]}")
        Path(fresh).replace(file)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoCompiler(f"{compiler} cannot be run: {error}") from error
    finally:
        Path(fresh).unlink(missing_ok=True)
