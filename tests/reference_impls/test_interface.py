"""Four names, imported when they are first used: what needs no torch does not wait for it."""

import subprocess
import sys
from pathlib import Path

import pytest

import reference_impls
from reference_impls.calls.record import record
from reference_impls.kernels.modules import sparsify
from reference_impls.methods.prune import prune
from reference_impls.models.load import load

ROOT = Path(__file__).parents[2]


def test_the_four_names() -> None:
    names = {"load": load, "prune": prune, "record": record, "sparsify": sparsify}
    assert {name: getattr(reference_impls, name) for name in reference_impls.__all__} == names
    with pytest.raises(AttributeError, match="module 'reference_impls' has no attribute 'unprune'"):
        reference_impls.unprune  # noqa: B018


def test_the_package_imports_without_torch() -> None:
    code = (
        "import sys, reference_impls; print([name for name in ('torch', 'numpy', 'diffusers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
