"""A pruned block learns to give what the dense one gave: the same steps by hand, the optimum, never worse, no trace."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.methods.prune import prune, request_for
from reference_impls.pruning import recover_block as module
from reference_impls.pruning.blockwise import BlockCall, Rule, blocks_of_layers, prune_block
from reference_impls.pruning.layers import prunable
from reference_impls.pruning.observers import Norms, norms_of
from reference_impls.pruning.recover_block import RATE, recover_block, relative_error
from tests.reference_impls.pruning.test_blockwise import Chain, Odd, random_calls, traces


class Block(nn.Module):
    """Two layers, one of them with a norm, and two outputs; a third layer is not pruned."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.other = (nn.Linear(16, 16) for _ in range(3))
        self.norm = nn.LayerNorm(16)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        inner = self.norm(self.first(x)).relu()
        return self.second(inner), {"other": self.other(inner) + x}


def half_of(layers: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Zero a random half of each layer."""
    masks = {}
    for name, layer in layers.items():
        masks[name] = torch.rand(layer.weight.shape) < 0.5
        with torch.no_grad():
            layer.weight.mul_(masks[name])
    return masks


def pruned_block() -> tuple[Block, list[BlockCall], list[Any], dict[str, Any], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    block = Block()
    calls = [BlockCall((torch.randn(24, 16),), {}, weight) for weight in (1.2, 0.8)]
    with torch.no_grad():
        dense = [call.run(block) for call in calls]
    layers = {"first": block.first, "second": block.second}
    return block, calls, dense, layers, half_of(layers)


@torch.no_grad()
def error(block: nn.Module, calls: list[BlockCall], dense: list[Any]) -> float:
    return sum(
        call.weight * float(relative_error(call.run(block), one)) for call, one in zip(calls, dense, strict=True)
    )


def test_step_by_step() -> None:
    """Adam as its paper writes it, on one linear layer, whose gradient has a closed form."""
    torch.manual_seed(0)
    layer = nn.Linear(16, 16)
    x = [torch.randn(30, 16) for _ in range(2)]
    calls = [BlockCall((one,), {}, weight) for one, weight in zip(x, (1.2, 0.8), strict=True)]
    dense = [layer(one).detach() for one in x]
    masks = half_of({"": layer})
    weight, bias, mask = layer.weight.detach().double(), layer.bias.detach().double(), masks[""].double()
    rate = RATE * math.sqrt(float(weight.square().sum() / mask.sum()))
    moment, square = torch.zeros_like(weight), torch.zeros_like(weight)
    for step in range(3):
        gradient = torch.zeros_like(weight)
        for call, one, wanted in zip(calls, x, dense, strict=True):
            distance = one.double() @ weight.T + bias - wanted.double()
            gradient += call.weight * 2 * distance.T @ one.double() / wanted.double().square().sum()
        moment = 0.9 * moment + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        now = rate * (1 + math.cos(math.pi * step / 3)) / 2
        move = moment / (1 - 0.9 ** (step + 1)) / ((square / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
        weight = (weight - now * move) * mask
    recover_block(layer, calls, dense, {"": layer}, masks, 3)
    torch.testing.assert_close(layer.weight.detach().double(), weight, rtol=1e-4, atol=1e-6)


def test_of_one_layer_it_comes_to_the_least_squares() -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(16, 16), torch.randn(64, 16)
    calls, dense = [BlockCall((x,), {}, 1.0)], [layer(x).detach()]
    masks = half_of({"": layer})
    best = torch.zeros_like(layer.weight)
    for row, mask in enumerate(masks[""]):
        wanted = dense[0][:, row] - layer.bias[row].detach()
        best[row, mask] = torch.linalg.lstsq(x[:, mask], wanted).solution
    before = error(layer, calls, dense)
    recover_block(layer, calls, dense, {"": layer}, masks, 200)
    after = error(layer, calls, dense)
    with torch.no_grad():
        layer.weight.copy_(best)
    assert error(layer, calls, dense) <= after < 1.01 * error(layer, calls, dense) < 0.9 * before


@pytest.mark.parametrize("rate", [RATE, 30.0])
def test_the_error_never_rises_and_only_remaining_weights_change(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    monkeypatch.setattr(module, "RATE", rate)
    block, calls, dense, layers, masks = pruned_block()
    before, kept = error(block, calls, dense), copy.deepcopy(block.state_dict())
    recover_block(block, calls, dense, layers, masks, 8)
    after = error(block, calls, dense)
    assert after < 0.95 * before if rate == RATE else after == before  # each of its steps is too large
    for name, value in block.state_dict().items():
        mask = masks.get(name.removesuffix(".weight"), torch.zeros(1).bool())
        assert torch.equal(value[~mask.expand_as(value)], kept[name][~mask.expand_as(value)]), name
    assert all(value.requires_grad and value.grad is None for value in block.parameters())
    assert traces(block) == []


def test_the_gradients_of_all_processes_count() -> None:
    """Two of them with the same call, against one with that call twice."""
    both, one = pruned_block(), pruned_block()
    recover_block(both[0], both[1][:1] * 2, both[2][:1] * 2, *both[3:], 2)
    recover_block(one[0], one[1][:1], one[2][:1], *one[3:], 2, lambda value: 2 * value)
    for name, value in one[0].state_dict().items():
        torch.testing.assert_close(value, both[0].state_dict()[name])


def test_an_error_that_is_not_finite_is_refused() -> None:
    block, calls, dense, layers, masks = pruned_block()
    dense[0][0][0, 0] = torch.inf
    with pytest.raises(ValueError, match=r"^error of Block of shape \(\) holds NaN or infinite values$"):
        recover_block(block, calls, dense, layers, masks, 1)


def test_a_block_is_recovered_before_its_outputs_are_passed_on() -> None:
    block, calls, dense, layers, _ = pruned_block()

    def decide(name: str, layer: Any, _norms: Norms) -> tuple[torch.Tensor, torch.Tensor]:
        return layer.weight.detach(), layer.weight.detach() != 0

    outputs, masks = prune_block(block, calls, layers, Rule(norms_of, decide, recover=3))
    assert all(bool((layers[name].weight[~mask] == 0).all()) for name, mask in masks.items())
    for call, output in zip(calls, outputs, strict=True):
        assert torch.equal(call.run(block)[0], output[0])
    assert not torch.equal(outputs[0][0], dense[0][0])


@pytest.mark.parametrize("method", ["wanda", "sparsegpt", "obs-diff"])
def test_a_whole_model(method: str) -> None:
    torch.manual_seed(0)
    dense, calibration = Chain(), random_calls()
    errors, zeros = [], []
    for steps in (0, 20):
        model = copy.deepcopy(dense)
        report = prune(model, calibration, 0.5, method=method, recover_blocks=steps)
        assert report.recover_blocks == steps
        with torch.no_grad():
            errors.append(sum(float((call.run(model) - call.run(dense)).square().sum()) for call in calibration))
        zeros.append({name: int((layer.weight == 0).sum()) for name, layer in prunable(model).items()})
    assert errors[1] < (0.9 if method == "wanda" else 0.98) * errors[0]  # SparseGPT has updated the weights itself
    assert zeros[1] == zeros[0]


def test_a_block_that_is_called_twice_stays_as_it_was_pruned() -> None:
    """Its later inputs depend on its own outputs, so that it has no inputs of the dense block."""
    torch.manual_seed(0)
    dense, calibration = Odd(), random_calls()
    models = []
    for steps in (0, 3):
        models.append(copy.deepcopy(dense))
        prune(models[-1], calibration, 0.5, method="wanda", recover_blocks=steps)
    block = blocks_of_layers(dense, calibration.calls[0], prunable(dense))[0]
    assert (block.name, block.called_once) == ("twice.0", False)
    trained = prunable(models[1])
    for name, layer in prunable(models[0]).items():
        assert torch.equal(layer.weight, trained[name].weight) == (name in block.layers), name


@pytest.mark.parametrize(
    ("method", "steps", "asked", "told"),
    [
        (
            "magnitude",
            1,
            {},
            "magnitude does not prune block by block; --recover-blocks is for wanda, sparsegpt, obs-diff",
        ),
        (
            "shortgpt",
            1,
            {},
            "shortgpt does not prune block by block; --recover-blocks is for wanda, sparsegpt, obs-diff",
        ),
        ("wanda", -1, {}, "steps -1 to recover a block are negative; give 0 or more"),
        (
            "wanda",
            1,
            {"scope": "global"},
            "with scope global no block is pruned before another; leave --recover-blocks",
        ),
    ],
)
def test_what_cannot_be(method: str, steps: int, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}"):
        request_for(method, 0.5, recover_blocks=steps, **asked)
    with pytest.raises(ValueError, match=f"^{told}"):
        prune(Chain(), Calibration(random_calls().calls), 0.5, method=method, recover_blocks=steps, **asked)
