"""Block by block: the same as layer by layer where a block is a layer, two passes a block, any model, no trace left."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import diffusers
import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.noise import noise_calls
from reference_impls.maths.masks import keep_all_but
from reference_impls.maths.obs import Hessian, sweep
from reference_impls.methods.prune import prune
from reference_impls.pruning.blockwise import (
    BlockCall,
    Pass,
    Rule,
    blocks_of_layers,
    forget,
    prune_block,
    prune_blocks,
    prune_next,
)
from reference_impls.pruning.layers import Layer, as_matrix, prunable, set_matrix
from reference_impls.pruning.observers import Norms, hessian_of, norms_of, observe
from reference_impls.testbed.calibration import from_trajectory
from tests.reference_impls.by_hand import inputs_of
from tests.reference_impls.small_models import small
from tests.work import calls_in


def half(_name: str, layer: Layer, hessian: Hessian) -> tuple[torch.Tensor, torch.Tensor]:
    """The column sweep, which changes all weights: an input that differs in one bit shows in the result."""
    return sweep(as_matrix(layer), hessian.mean(), lambda scores: keep_all_but(scores, scores.numel() // 2))


def pruned(model: nn.Module, calibration: Calibration) -> nn.Module:
    after = copy.deepcopy(model)
    prune_blocks(after, calibration, prunable(after), Rule(hessian_of, half))
    return after


def one_after_the_other(model: nn.Module, calibration: Calibration, blocks: list[list[str]]) -> nn.Module:
    """The slow way: the whole model is run for each layer, with all blocks before the layer's pruned."""
    after = copy.deepcopy(model)
    for names in blocks:
        layers = {name: after.get_submodule(name) for name in names}
        matrices = {}
        for name, layer in layers.items():
            observed = observe(after, calibration, {name: layer}, hessian_of)  # type: ignore[dict-item]
            matrices[name], _ = half(name, layer, observed[name])  # type: ignore[arg-type]
        for name, matrix in matrices.items():
            set_matrix(layers[name], matrix)  # type: ignore[arg-type]
    return after


def assert_same(one: nn.Module, other: nn.Module) -> None:
    values = zip(one.state_dict().items(), other.state_dict().values(), strict=True)
    assert [name for (name, value), twin in values if not torch.equal(value, twin)] == []


class Chain(nn.Module):
    """Each block a layer, with a skip around all of them and a change in place between them."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(16, 16)
        self.blocks = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        self.last = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = self.first(x)
        now = start.relu()
        for block in self.blocks:
            now = block(now)
            now.relu_().add_(0.1)
        out: torch.Tensor = self.last(now + start)
        return out


def random_calls(*, number: int = 3, rows: int = 40) -> Calibration:
    generator = torch.Generator().manual_seed(0)
    return Calibration(tuple(Call({"x": torch.randn(rows, 16, generator=generator)}) for _ in range(number)))


def test_one_layer_a_block_is_layer_by_layer_to_the_last_bit() -> None:
    torch.manual_seed(0)
    model, calibration = Chain(), random_calls()
    assert_same(
        pruned(model, calibration), one_after_the_other(model, calibration, [[name] for name in prunable(model)])
    )


def executed(model: nn.Module, calibration: Calibration) -> list[list[str]]:
    """Blocks of the small U-Net, as its ``forward`` calls them; it defines the middle after the way up."""
    layers = list(prunable(model))
    own = [[name] for name in layers if name.split(".")[0] == "condition"]
    for part in ("down", "middle", "up"):
        for number in range(len(model.get_submodule(part))):  # type: ignore[arg-type]
            own.append([name for name in layers if name.startswith(f"{part}.{number}.")])
            own[-1] += [name for name in layers if name == f"{part}.{number}"]
    return [names for names in own if names]


@pytest.mark.slow
def test_a_unet_with_skips() -> None:
    model = small("unet")
    calibration = from_trajectory(model, n=3, steps=2)
    order = executed(model, calibration)
    assert {name for names in order for name in names} == set(prunable(model))
    assert_same(pruned(model, calibration), one_after_the_other(model, calibration, order))


STREAMS = {"num_attention_heads": 4, "attention_head_dim": 8, "joint_attention_dim": 24, "pooled_projection_dim": 16}
DIFFUSERS = {
    "FluxTransformer2DModel": {
        **STREAMS,
        "in_channels": 4,
        "num_layers": 2,
        "num_single_layers": 2,
        "axes_dims_rope": (2, 2, 4),
    },
    "UNet2DModel": {
        "sample_size": 8,
        "layers_per_block": 1,
        "block_out_channels": (16, 32),
        "norm_num_groups": 8,
        "attention_head_dim": 8,
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    },
}


@pytest.fixture(scope="module", params=DIFFUSERS)
def of_diffusers(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return getattr(diffusers, request.param)(**DIFFUSERS[request.param]).eval()  # type: ignore[no-any-return]


@pytest.mark.slow
def test_two_streams_and_skips_of_diffusers(of_diffusers: nn.Module) -> None:
    calibration = noise_calls(of_diffusers, batches=2)
    layers = prunable(of_diffusers)
    blocks = [list(block.layers) for block in blocks_of_layers(of_diffusers, calibration.calls[0], layers)]
    assert sorted(name for names in blocks for name in names) == sorted(layers)
    assert_same(pruned(of_diffusers, calibration), one_after_the_other(of_diffusers, calibration, blocks))


def test_blocks_follow_in_the_order_of_their_calls() -> None:
    model: Any = diffusers.UNet2DModel(**DIFFUSERS["UNet2DModel"])  # type: ignore[no-untyped-call]  # diffusers has no types
    model.eval()
    blocks = blocks_of_layers(model, noise_calls(model).calls[0], prunable(model))
    names = {module: name for name, module in model.named_modules()}
    assert [names[block.module] for block in blocks] == [
        "time_embedding.linear_1",
        "time_embedding.linear_2",
        "down_blocks.0",
        "down_blocks.1",
        "mid_block.resnets.0",
        "mid_block.attentions.0",
        "mid_block.resnets.1",
        "up_blocks.0",
        "up_blocks.1",
    ]
    assert all(block.called_once for block in blocks)


@contextmanager
def counted(modules: Mapping[str, nn.Module]) -> Iterator[Counter[str]]:
    """Inside, how often each module computes something; what returns a recorded output or stops is not counted."""
    counts: Counter[str] = Counter()
    real = {name: module.forward for name, module in modules.items()}

    def counting(name: str, *args: object, **options: object) -> object:
        counts[name] += 1
        return real[name](*args, **options)

    for name, module in modules.items():
        module.forward = lambda *args, name=name, **options: counting(name, *args, **options)
    yield counts
    for module in modules.values():
        del module.forward


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_two_passes_a_block_and_one_of_one_sample_to_see_their_order(name: str) -> None:
    model = small(name)
    calibration = from_trajectory(model, n=3, steps=4)
    blocks = blocks_of_layers(model, calibration.calls[0], prunable(model))
    with counted({str(number): block.module for number, block in enumerate(blocks)}) as counts:
        prune_blocks(model, calibration, prunable(model), Rule(hessian_of, half))
    assert len(counts) == len(blocks) > 3
    assert set(counts.values()) == {2 * len(calibration.calls) + 1}


def test_work_grows_with_the_depth_and_not_with_its_square() -> None:
    def work(depth: int) -> int:
        model = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        model.forward = lambda x: [x := layer(x) for layer in model][-1]
        return calls_in(lambda: prune_blocks(model, random_calls(number=1), prunable(model), Rule(norms_of, as_it_is)))

    def as_it_is(_name: str, layer: Layer, _norms: Norms) -> tuple[torch.Tensor, torch.Tensor]:
        return as_matrix(layer), torch.ones_like(layer.weight).bool()

    assert work(16) < 3 * work(8)


def traces(model: nn.Module) -> list[str]:
    return [
        name
        for name, part in model.named_modules()
        if part._forward_hooks or part._forward_pre_hooks or "forward" in vars(part)
    ]


def test_no_hook_and_no_replaced_forward_stays() -> None:
    model, calibration = Chain(), random_calls()
    prune_blocks(model, calibration, prunable(model), Rule(hessian_of, half))
    assert traces(model) == []


@pytest.mark.parametrize("number", [1, 3, 6])
def test_nothing_stays_after_a_failure(number: int) -> None:
    model, calibration = Chain(), random_calls()
    left = iter(range(number - 1))

    def decide(name: str, layer: Layer, hessian: Hessian) -> tuple[torch.Tensor, torch.Tensor]:
        if next(left, None) is None:
            raise ValueError("no")
        return half(name, layer, hessian)

    with pytest.raises(ValueError, match=rf"^{list(prunable(model))[number - 1]}: no$"):
        prune_blocks(model, calibration, prunable(model), Rule(hessian_of, decide))
    assert traces(model) == []


class Odd(nn.Module):
    """A block that is called twice, one whose parts are called without it, lists of lists, and one that some calls
    do without."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.ModuleList([nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))])
        self.parts = nn.ModuleList([nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))])
        self.nested = nn.ModuleList([nn.ModuleList([nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))])])
        self.sometimes = nn.ModuleList([nn.Linear(16, 16)])
        self.last = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor, often: bool = True) -> torch.Tensor:
        x = self.twice[0](self.twice[0](x) + x)
        x = self.parts[0][1](self.parts[0][0](x).relu())  # type: ignore[index]
        x = self.nested[0][0](x)  # type: ignore[index]
        out: torch.Tensor = self.last(self.sometimes[0](x) if often else x)
        return out


def test_blocks_that_are_not_called_once() -> None:
    torch.manual_seed(0)
    model = Odd()
    first, second = random_calls(number=2)
    calibration = Calibration((first, Call({**second.arguments, "often": False})))
    blocks = [["twice.0.0", "twice.0.2"], ["parts.0.0"], ["parts.0.1"], ["nested.0.0.0", "nested.0.0.1"]]
    blocks += [["sometimes.0"], ["last"]]
    assert [list(block.layers) for block in blocks_of_layers(model, first, prunable(model))] == blocks
    assert_same(pruned(model, calibration), one_after_the_other(model, calibration, blocks))


def test_a_layer_that_no_call_reaches_is_refused() -> None:
    model = Chain()
    model.unused = nn.Linear(16, 16)
    with pytest.raises(
        ValueError,
        match=r"^unused: it was given no inputs; leave the layer out with --exclude",
    ):
        pruned(model, random_calls())


def test_a_block_alone_gives_what_the_next_one_receives() -> None:
    """As a stream of blocks uses it: no model around it."""

    class Mixing(nn.Module):
        """Works in place on what it receives."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)

        def forward(self, x: torch.Tensor, *, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.layer(x.mul_(scale)), x

    block, x, scale = Mixing(), torch.randn(30, 16), torch.tensor(2.0)
    calls = [BlockCall((x,), {"scale": scale}, weight) for weight in (1.0, 0.5)]
    kept, plain = x.clone(), copy.deepcopy(block.layer)
    outputs, masks = prune_block(block, calls, {"layer": block.layer}, Rule(hessian_of, half))
    assert torch.equal(x, kept)
    hessian = Hessian(16)
    for weight in (1.0, 0.5):
        hessian.add(2 * x, weight)
    matrix, mask = half("layer", plain, hessian)
    assert torch.equal(as_matrix(block.layer), matrix)
    assert torch.equal(masks["layer"], mask)
    for output, second in outputs:
        torch.testing.assert_close(output, nn.functional.linear(2 * x, matrix, block.layer.bias))
        assert torch.equal(second, 2 * x)


def test_norms_are_those_of_all_rows() -> None:
    model = small("dit", depth=1)
    calibration = from_trajectory(model, n=3, steps=2)
    observed = observe(model, calibration, prunable(model), norms_of)
    for name, norms in observed.items():
        rows = torch.cat([x.flatten(0, -2) for x in inputs_of(model, calibration, name)])
        torch.testing.assert_close(norms.norms(), rows.norm(dim=0))


def test_the_report_keeps_the_order_of_the_model() -> None:
    model = small("unet")
    report = prune(model, from_trajectory(model, n=2, steps=2), 0.5, method="sparsegpt")
    assert list(report.achieved) == list(prunable(model))


def held(outputs: Mapping[nn.Module, Any]) -> list[nn.Module]:
    return [module for module, output in outputs.items() if isinstance(output, torch.Tensor)]


def test_outputs_are_kept_until_they_are_read_for_the_last_time() -> None:
    model, calibration = Chain(), random_calls(number=1)
    one = Pass(calibration.calls[0], 1.0)
    for block in blocks_of_layers(model, calibration.calls[0], prunable(model)):
        prune_next(model, block, [one], Rule(hessian_of, half))
        forget(block, [one])
        own = [] if block.module is model.last else [block.module]
        skipped = [] if block.module in (model.first, model.last) else [model.first]  # the last layer reads it
        assert held(one.outputs) == skipped + own


class Twice(nn.Module):
    """A layer is called twice; its second input comes from the first block, past the second one."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(16, 16) for _ in range(3))
        self.shared = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.blocks[0](self.shared(x))
        second = self.blocks[1](first)
        out: torch.Tensor = self.blocks[2](second + self.shared(first[:, :]))
        return out


def test_what_is_read_through_a_layer_that_is_called_twice() -> None:
    model, calibration = Twice(), random_calls(number=1)
    blocks = blocks_of_layers(model, calibration.calls[0], prunable(model))
    first, second, third = model.blocks
    assert [block.last_reads for block in blocks] == [(), (), (), (first, second, third)]
    assert [block.called_once for block in blocks] == [False, True, True, True]
    assert all(bool(value.isfinite().all()) for value in pruned(model, calibration).parameters())
