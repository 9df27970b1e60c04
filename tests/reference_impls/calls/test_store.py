"""Recorded forward passes on disk: the same values in another process, and nothing that was changed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from reference_impls.calls import store
from reference_impls.calls.call import Calibration, Call

SHARED = torch.arange(6, dtype=torch.bfloat16).view(2, 3)
ARGUMENTS: dict[str, Any] = {
    "none": None,
    "flag": False,
    "number": 3,
    "scale": 0.1,
    "infinite": float("-inf"),
    "text": "ünïcode",
    "dtype": torch.float16,
    "zero": torch.tensor(2.5, dtype=torch.float64),
    "labels": torch.tensor([1, 2]),
    "mask": torch.tensor([True, False]),
    "empty": torch.zeros(0, 3),
    "expanded": torch.tensor(2.5).expand(1),  # as Wan and HunyuanVideo pass their timestep
    "nested": {"pair": (SHARED, [None, SHARED.t()]), "dict": {"tensor": "not a tensor"}, "nothing": {}},
}


def calls() -> Calibration:
    return Calibration(
        (
            Call(ARGUMENTS, 0, 2, positional=(SHARED, 7), batch=2),
            Call({"x": SHARED}, 1, 2, target=torch.ones(2), unbatched=frozenset({"y", "x2"})),
        ),
        {"source": "recorded", "seed": 4},
    )


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        pairs = zip(one, other, strict=True)
        return type(one) is type(other) and all(same(*pair) for pair in pairs)
    return type(one) is type(other) and bool(one == other)


def test_everything_comes_back(tmp_path: Path) -> None:
    store.write(tmp_path / "calls", calls())
    again = store.read(tmp_path / "calls")
    assert again.about == calls().about
    for one, other in zip(calls(), again, strict=True):
        assert same(vars(one), vars(other))
    first, second = again
    assert first.positional[0] is second.arguments["x"]  # written once
    assert len(load_file(tmp_path / "calls" / store.TENSORS)) == 8
    assert store.fingerprint(again) == store.fingerprint(calls())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["calls"]


def test_another_process_reads_it(tmp_path: Path) -> None:
    store.write(tmp_path / "calls", calls())
    code = (
        "import sys, pathlib; from reference_impls.calls.store import read; "
        "one, other = read(pathlib.Path(sys.argv[1])); "
        "print(one.positional[0].dtype, one.arguments['zero'].item(), other.step, one.batch)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "calls")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert done.stdout == "torch.bfloat16 2.5 1 2\n"


def test_what_cannot_be_stored(tmp_path: Path) -> None:
    odd = Calibration((Call({"x": torch.ones(1), "more": {"callback": [print]}}),))
    told = (
        r"forward pass 0 cannot be stored: arguments\['more'\]\['callback'\]\[0\] is a builtin_function_or_method; "
        "tensors, numbers, text, None and lists of them can be"
    )
    with pytest.raises(ValueError, match=told):
        store.write(tmp_path / "calls", odd)
    assert list(tmp_path.iterdir()) == []


def test_what_was_changed_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    store.write(folder, calls())
    with pytest.raises(FileExistsError):
        store.write(folder, calls())
    tensors, text = folder / store.TENSORS, (folder / store.CALLS).read_text()
    before = tensors.read_bytes()
    state = load_file(tensors)
    save_file({**state, "t0": state["t0"] + 1}, tensors)
    with pytest.raises(ValueError, match=r"calls\.safetensors has changed since it was written \(its check"):
        store.read(folder)
    tensors.write_bytes(before)
    for changed, told in (
        (text.replace('"seed": 4', '"seed": 5'), r"calls\.json has changed since it was written"),
        (json.dumps({**json.loads(text), "format": 2}), r"has format 2; this version reads 1: record again"),
        ("{}", "does not hold recorded forward passes"),
        ("[1", "does not hold recorded forward passes"),
    ):
        (folder / store.CALLS).write_text(changed)
        with pytest.raises(ValueError, match=told):
            store.read(folder)
    tensors.unlink()
    with pytest.raises(ValueError, match=r"no calls\.safetensors in .*; give a folder of recorded forward passes"):
        store.read(folder)
