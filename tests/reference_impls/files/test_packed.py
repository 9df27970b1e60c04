"""Sizes on disk: what is stored comes back, and zeros are left out where that is smaller."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load
from torch import nn

from reference_impls.files.packed import safetensors_bytes
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.study import int8
from reference_impls.testbed.data import load as load_images
from reference_impls.testbed.models import pretrained


def unpacked(file: bytes, model: nn.Module) -> dict[str, torch.Tensor]:
    """Every tensor of a file as it was before its zeros were left out."""
    held = load(file)
    whole = {}
    for name, value in model.state_dict().items():
        if name in held:
            whole[name] = held[name]
        else:
            bits = np.unpackbits(held[f"{name}.kept"].numpy(), count=value.numel()).astype(bool)
            flat = torch.zeros(value.numel(), dtype=held[f"{name}.values"].dtype)
            flat[torch.from_numpy(bits)] = held[f"{name}.values"]
            whole[name] = flat.view(value.shape)
    return whole


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 1_000), st.booleans())
def test_what_was_stored_comes_back(rows: int, columns: int, share: float, seed: int, zeros: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(columns, rows)
    with torch.no_grad():
        layer.weight.mul_(torch.rand(rows, columns, generator=generator) >= share)
    for name, value in unpacked(safetensors_bytes(layer, zeros=zeros), layer).items():
        assert torch.equal(value, layer.state_dict()[name].half())


def test_zeros_are_left_out_only_where_that_is_smaller() -> None:
    layer = nn.Linear(64, 64, bias=False)
    dense = len(safetensors_bytes(layer, zeros=True))
    assert len(safetensors_bytes(layer, zeros=False)) == dense
    with torch.no_grad():
        layer.weight[:32] = 0
    assert len(safetensors_bytes(layer, zeros=True)) == dense
    spared = 2 * 32 * 64 - 64 * 64 // 8
    header = 120  # it names two tensors
    assert len(safetensors_bytes(layer, zeros=False)) == pytest.approx(dense - spared, abs=header)


def test_int8_takes_a_byte_a_weight() -> None:
    model = pretrained("dit")
    halves = len(safetensors_bytes(model, zeros=True))
    pruned = copy.deepcopy(model)
    images, _ = load_images("digits")
    prune(pruned, calibration_for("magnitude", pruned, images), 0.5, method="magnitude")
    int8.quantize(model)
    int8.quantize(pruned)
    assert 0.5 * halves < len(safetensors_bytes(model, zeros=True)) < 0.53 * halves
    assert len(safetensors_bytes(pruned, zeros=False)) < 0.35 * halves
    for name, value in unpacked(safetensors_bytes(pruned, zeros=False), pruned).items():
        stored = pruned.state_dict()[name]
        assert torch.equal(value, stored.half() if stored.is_floating_point() else stored)
