"""Multiply-accumulates: by hand, against torch's own counter, on the meta device."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from reference_impls.kernels.modules import SparseConv2d, SparseLinear
from reference_impls.maths.macs import Macs, count
from reference_impls.study.int8 import quantize
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


class By(nn.Module):
    """A weight that a function uses, not a layer."""

    def __init__(self, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *shape: int) -> None:
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.randn(*shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, self.weight)


@pytest.mark.parametrize(
    ("function", "weight", "shape"),
    [
        (nn.functional.linear, (7, 5), (3, 4, 5)),
        (lambda x, w: nn.functional.linear(x, w, torch.zeros(7)), (7, 5), (12, 5)),
        (lambda x, w: x @ w, (5, 7), (3, 4, 5)),
        (lambda x, w: x.mm(w), (5, 7), (12, 5)),
        (lambda x, w: w @ x, (7, 5), (5, 12)),
        (lambda x, w: torch.einsum("bti,io->bto", x, w), (5, 7), (3, 4, 5)),
        (lambda x, w: torch.addmm(torch.zeros(7), x, w), (5, 7), (12, 5)),
        (lambda x, w: nn.functional.linear(x, w.double().float()), (7, 5), (12, 5)),
    ],
)
def test_products_with_a_weight_by_hand(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], weight: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    model = By(function, *weight)
    assert of(model, *shape) == Macs(12 * 5 * 7, 0, 0)
    with torch.no_grad():
        model.weight.view(-1)[:10] = 0
    assert of(model, *shape, nonzero=True) == Macs(12 * 25, 0, 0)


def test_a_weight_for_each_of_a_batch() -> None:
    model = By(lambda x, w: torch.baddbmm(torch.zeros(3, 4, 7), x, w), 3, 5, 7)
    with torch.no_grad():
        model.weight[0] = 0
    assert of(model, 3, 4, 5) == Macs(3 * 4 * 5 * 7, 0, 0)
    assert of(model, 3, 4, 5, nonzero=True) == Macs(2 * 4 * 5 * 7, 0, 0)


def test_what_a_product_gives_is_no_weight() -> None:
    model = By(lambda x, w: x @ (w @ w), 5, 5)
    assert of(model, 4, 5) == Macs(5 * 5 * 5, 0, 4 * 5 * 5)


def test_a_vector_times_a_weight() -> None:
    assert of(By(lambda x, w: w.mv(x), 7, 5), 5) == Macs(35, 0, 0)
    assert of(By(lambda x, w: torch.addmv(torch.zeros(7), w, x), 7, 5), 5) == Macs(35, 0, 0)
    assert of(By(torch.dot, 5), 5) == Macs(5, 0, 0)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1), (2, 4, 5, 8), 2 * 5 * 8 * 4 * 6 * 9),
        (nn.ConvTranspose1d(4, 6, 3, groups=2), (2, 4, 5), 2 * 5 * 4 * 3 * 3),
        (nn.Conv1d(4, 6, 3), (2, 4, 5), 2 * 3 * 6 * 4 * 3),
        (nn.Conv3d(4, 6, 3, padding=1), (4, 5, 6, 7), 5 * 6 * 7 * 6 * 4 * 27),
        (nn.Conv2d(4, 6, 3, padding="same", padding_mode="circular"), (1, 4, 5, 5), 25 * 6 * 4 * 9),
    ],
)
def test_every_convolution_by_hand_and_by_the_counter_of_torch(
    layer: nn.Module, shape: tuple[int, ...], expected: int
) -> None:
    assert of(layer, *shape) == Macs(0, expected, 0)
    with FlopCounterMode(display=False) as oracle:
        layer(torch.randn(*shape))
    assert oracle.get_total_flops() == 2 * expected


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("training", [True, False])
def test_multihead_attention_by_hand(mode: Callable[[], AbstractContextManager[None]], training: bool) -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True).train(training)
    queries, keys = torch.randn(3, 5, 8), torch.randn(3, 7, 8)
    with mode():
        counted = count(layer, lambda model: model(queries, keys, keys))
    assert counted == Macs(3 * (2 * 5 + 2 * 7) * 8 * 8, 0, 3 * 2 * 5 * 7 * 8)
    whole = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).train(training)
    assert of(whole, 3, 5, 8) == Macs(3 * 5 * (4 * 64 + 2 * 8 * 16), 0, 3 * 2 * 5 * 5 * 8)
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize(("kind", "part"), [(nn.Linear(16, 16), "linear"), (nn.Conv2d(16, 16, 3), "convolution")])
def test_sparse_and_int8_layers_cost_what_their_dense_layers_cost(kind: nn.Linear | nn.Conv2d, part: str) -> None:
    x = torch.randn(2, 16) if part == "linear" else torch.randn(2, 16, 5, 5)
    dense = nn.Sequential(kind)
    with torch.no_grad():
        kind.weight.fill_(0.5)[:4] = 0  # of one size, so that int8 rounds none to zero
    sparse, rounded = copy.deepcopy(dense), copy.deepcopy(dense)
    sparse[0] = SparseLinear.from_dense(kind) if isinstance(kind, nn.Linear) else SparseConv2d.from_dense(kind)
    quantize(rounded)
    for nonzero in (False, True):
        expected = count(dense, lambda model: model(x), nonzero=nonzero)
        assert getattr(expected, part) == expected.total() > 0
        for model in (sparse, rounded):
            assert count(model, lambda model: model(x), nonzero=nonzero) == expected


class Opaque(nn.Linear):
    """A kernel that torch does not see."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(x.detach().numpy() @ self.weight.detach().t().numpy())


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ((Opaque(4, 4), nn.Linear(4, 4), Opaque(4, 4)), ("2 Opaque",)),
        ((By(lambda x, w: torch.cdist(x, w), 4, 4),), ("1 By",)),
        ((nn.Linear(4, 4), By(lambda x, w: x * torch.fft.rfft(x).real.sum() * w.sum(), 4, 4)), ("1 By",)),
    ],
)
def test_what_is_not_counted_is_named(layers: tuple[nn.Module, ...], named: tuple[str, ...]) -> None:
    counted = of(nn.Sequential(*layers), 2, 4)
    assert counted.not_counted == named
    assert counted.linear == 2 * 16 * sum(type(layer) is nn.Linear for layer in layers)


def test_a_recurrent_layer_is_named_or_counted() -> None:
    assert of(nn.LSTM(4, 8), 3, 2, 4).not_counted == ("1 LSTM",)
    assert of(nn.GRU(4, 8), 3, 2, 4) == Macs(3 * 2 * (4 + 8) * 3 * 8, 0, 0)


def test_an_operator_of_a_large_module_is_named_itself() -> None:
    class Large(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small = nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cdist(x, self.small(x))

    assert of(Large(), 2, 4).not_counted == ("1 _cdist_forward",)


def test_a_sparse_product_is_named() -> None:
    weight = torch.eye(4).to_sparse()
    assert of(By(lambda x, w: weight @ x, 1), 4, 2).not_counted == ("1 sparse product",)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Embedding(5, 4),
        nn.LayerNorm((3, 4)),
        By(lambda x, w: torch.lgamma(x) + w, 3, 4),
        By(lambda x, w: nn.functional.interpolate(x[None, None], scale_factor=2.0, mode="bilinear") + w.norm(), 3, 4),
    ],
)
def test_what_multiplies_no_matrices_is_not_named(layer: nn.Module) -> None:
    x = torch.ones(3, 4, dtype=torch.long) if isinstance(layer, nn.Embedding) else torch.ones(3, 4)
    assert count(layer, lambda model: model(x)) == Macs(0, 0, 0)


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
