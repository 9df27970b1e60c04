"""End-to-end time of models and blocks, dense and with sparse layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import nn

from reference_impls.bench.forward_pass import counted, sparse_copy
from reference_impls.bench.records import WholeModel
from reference_impls.bench.sd_block import TransformerBlock
from reference_impls.bench.timing import Call, interleaved
from reference_impls.maths.masks import Tile, keep_best
from reference_impls.pruning.layers import as_matrix, prunable, set_matrix
from reference_impls.testbed import dit, unet
from reference_impls.testbed.models import pretrained

SPARSITY = 0.9
PATTERNS: Mapping[str, Tile] = {"unstructured": Tile(), "4x1": Tile(4, 1)}
MODELS = 5


def models() -> Iterator[tuple[str, nn.Module, Callable[[nn.Module], torch.Tensor]]]:
    """Each with its forward pass; models of full size have random weights."""
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    for key, name, n in (("dit", "DiT", 100), ("unet", "U-Net", 20)):
        model = pretrained(key)
        side = model.side
        given = noise(n, 1, side, side), torch.rand(n, generator=generator), torch.arange(n) % 10
        yield f"testbed {name}, {n} samples", model, _with(*given)
    tokens = noise(1, 256, 1152), noise(1, 1152)
    yield "DiT-XL/2 block", _filled(dit.Block(1152, 16, 4608), generator), _with(*tokens)
    features = noise(1, 320, 64, 64), noise(1, 1280)
    resnet = _filled(unet.ResBlock(320, 320, 1280), generator)
    yield "SD 1.4 ResBlock, 320 at 64×64", resnet, _with(*features)
    latents = noise(1, 1024, 640), noise(1, 77, 768)
    block = _filled(TransformerBlock(640), generator)
    yield "SD 1.4 transformer block, 640 at 32×32", block, _with(*latents)


def _with(*given: torch.Tensor) -> Callable[[nn.Module], torch.Tensor]:
    return lambda model: model(*given)


def _filled(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """Random weights everywhere: some layers start at zero, and would be sparse by themselves."""
    with torch.no_grad():
        for value in model.parameters():
            if value.dim() > 1:
                value.copy_(torch.randn(value.shape, generator=generator) / value[0].numel() ** 0.5)
    return model.eval()


@torch.no_grad()
def end_to_end(least: int) -> Iterator[WholeModel]:
    """Each model pruned by magnitude, then timed with dense and with sparse layers.

    Raises:
        RuntimeError: outputs differ by more than rounding.
    """
    for name, model, call in models():
        calls: dict[str, Call] = {}
        differences, layers = {}, {}
        for pattern, tile in PATTERNS.items():
            pruned = copy.deepcopy(model)
            for layer in prunable(pruned).values():
                scores = as_matrix(layer).abs()
                set_matrix(layer, as_matrix(layer) * keep_best(scores, SPARSITY, tile))
            sparse, choices, differences[pattern] = sparse_copy(pruned, call)
            layers[pattern] = counted(choices)
            calls["dense"], calls[pattern] = partial(call, pruned), partial(call, sparse)
        seconds = interleaved(calls, least=least)
        for pattern in PATTERNS:
            yield WholeModel(
                name, pattern, SPARSITY, seconds["dense"], seconds[pattern], differences[pattern], layers[pattern]
            )
