"""Multiply-accumulates: by hand, against torch's own counter, on the meta device."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from reference_impls.maths.macs import Macs, count
from reference_impls.testbed.dit import DiT
from reference_impls.testbed.models import BUILDERS


def of(model: nn.Module, *shape: int, nonzero: bool = False) -> Macs:
    return count(model, lambda model: model(torch.randn(*shape)), nonzero=nonzero)


def test_linear_by_hand() -> None:
    assert of(nn.Linear(5, 7), 3, 4, 5) == Macs(3 * 4 * 5 * 7, 0, 0)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), 2 * 8 * 8 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, padding=1, stride=2), 2 * 4 * 4 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3), 2 * 6 * 6 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 1, groups=2), 2 * 8 * 8 * 6 * 2),
    ],
)
def test_convolution_by_hand(layer: nn.Module, expected: int) -> None:
    assert of(layer, 2, 4, 8, 8) == Macs(0, expected, 0)


def test_attention_by_hand() -> None:
    class Attend(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x[:, :, :3], x[:, :, :3])

    assert of(Attend(), 2, 4, 7, 5) == Macs(0, 0, 2 * (2 * 4 * 7 * 3 * 5))


@pytest.mark.parametrize("product", [torch.matmul, torch.bmm, lambda a, b: a @ b])
def test_other_products_of_activations(product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    class Multiply(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return product(x, x.transpose(1, 2))

    assert of(Multiply(), 2, 7, 5) == Macs(0, 0, 2 * 7 * 7 * 5)


def test_zeros_can_be_left_out() -> None:
    layer = nn.Linear(4, 4)
    with torch.no_grad():
        layer.weight[:3] = 0
    assert of(layer, 2, 4, nonzero=True) == Macs(2 * 4, 0, 0)
    assert of(layer, 2, 4) == Macs(2 * 16, 0, 0)


def test_a_layer_without_outputs_costs_nothing() -> None:
    with pytest.warns(UserWarning, match="Initializing zero-element tensors"):
        layer = nn.Linear(4, 0)
    assert of(layer, 2, 4) == Macs(0, 0, 0)


@pytest.mark.parametrize("name", BUILDERS)
def test_against_the_counter_of_torch(name: str) -> None:
    model = BUILDERS[name]()
    inputs = torch.randn(2, 1, model.side, model.side), torch.rand(2), torch.arange(2)
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as oracle,
    ):  # a fused kernel is not counted
        model(*inputs)
    counted = count(model, lambda model: model(*inputs))
    assert 2 * counted.total(attention=True) == oracle.get_total_flops()
    assert counted.total() < counted.total(attention=True)


def test_on_the_meta_device() -> None:
    with torch.device("meta"):
        model = DiT(side=64, width=1024, depth=4, heads=16, hidden=4096)
        inputs = torch.randn(1, 1, 64, 64), torch.rand(1), torch.zeros(1).long()
        assert count(model, lambda model: model(*inputs)).linear > 4 * 1024 * 12 * 1024 * 1024


def test_hooks_are_taken_off_even_after_a_failure() -> None:
    layer = nn.Linear(4, 4)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        of(layer, 2, 5)
    assert not layer._forward_hooks
