"""Every structured method: exact shares, choices by hand, and mutations that break those."""

import copy
import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths import obs
from reference_impls.maths.surgery import Group, Part, remove
from reference_impls.methods import obs_diff
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning import chosen, remove_units
from reference_impls.pruning.contract import Request
from reference_impls.pruning.observers import alike
from reference_impls.pruning.remove_units import best_units, owned
from reference_impls.testbed.calibration import from_images, from_trajectory
from reference_impls.testbed.data import load
from reference_impls.testbed.models import Denoiser
from reference_impls.units.lookup import groups_of
from tests.reference_impls.by_hand import STEPS, error, inputs_of
from tests.reference_impls.small_models import small

ALL = sorted(name for name, method in METHODS.items() if method.kind == "structured")
MODELS: dict[str, Denoiser] = {"dit": small("dit"), "unet": small("unet")}
TRAIN, _ = load("digits")


def calls(name: str, method: str) -> Calibration:
    """As ``calibration_for`` makes them, but few."""
    if METHODS[method].needs in ("gradients", "training"):
        return from_images(TRAIN, batches=3, size=8, by_time=True)
    return from_trajectory(MODELS[name], n=6, steps=5)


def pruned(name: str, method: str, share: float, *, seed: int = 0) -> nn.Module:
    model = copy.deepcopy(MODELS[name])
    prune(model, calls(name, method), share, method=method, seed=seed)
    return model


@pytest.mark.parametrize("method", sorted({*ALL} - {"ecodiff"}))  # ecodiff ranks over groups
def test_shares_are_exact_in_every_group(method: str) -> None:
    model = copy.deepcopy(MODELS["dit"])
    report = prune(model, calls("dit", method), 0.5, method=method)
    assert set(report.achieved.values()) == {0.5}
    assert all(group.units in (2, 32) for group in groups_of(model))
    assert (
        report.after.parameters == sum(value.numel() for value in model.parameters()) < 0.8 * report.before.parameters
    )
    assert report.after.counted()[0] < 0.6 * report.before.counted()[0]
    assert {name: len(units) for name, units in report.kept.items()} == {g.name: g.units for g in groups_of(model)}


@pytest.mark.parametrize("method", ALL)
def test_the_unet_keeps_its_norm_groups(method: str) -> None:
    model = pruned("unet", method, 0.5)
    for module in model.modules():
        if isinstance(module, nn.GroupNorm):
            assert module.num_groups == 8
    x = torch.randn(2, 1, 8, 8)
    assert model(x, torch.rand(2), torch.arange(2)).shape == x.shape


@pytest.mark.parametrize("method", ALL)
def test_nothing_asked_nothing_changed(method: str) -> None:
    model = pruned("dit", method, 0.0)
    for one, other in zip(model.parameters(), MODELS["dit"].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
        assert one.requires_grad


@pytest.mark.parametrize("method", ["random-units", "taylor", "ecodiff"])
def test_everything_asked_leaves_one_unit(method: str) -> None:
    assert {group.units for group in groups_of(pruned("dit", method, 1.0))} == {1}


@pytest.mark.parametrize("method", ["random-units", "obs-diff-units", "ecodiff"])
def test_deterministic(method: str) -> None:
    one, two = (pruned("dit", method, 0.5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_the_seed_decides_the_lots() -> None:
    name = "blocks.0.feed_forward.up.weight"
    one, two = (pruned("dit", "random-units", 0.5, seed=seed).get_parameter(name) for seed in (0, 1))
    assert not torch.equal(one, two)


@settings(max_examples=60)
@given(st.integers(1, 8), st.integers(1, 9), st.floats(0, 1), st.integers(0, 3))
def test_best_units(strata: int, size: int, share: float, seed: int) -> None:
    scores = torch.randint(0, 4, (strata * size,), generator=torch.Generator().manual_seed(seed)).float()
    kept = best_units(scores, share, strata)
    assert kept == sorted(set(kept))
    for stratum in range(strata):
        mine = [unit for unit in kept if unit // size == stratum]
        gone = [unit for unit in range(stratum * size, (stratum + 1) * size) if unit not in mine]
        assert len(mine) == max(1, size - int(share * size + 0.5))
        assert not gone or scores[mine].min() >= scores[gone].max()


def test_owned_by_hand() -> None:
    """Two units of a made-up group: rows 0 and 1 with their biases, columns 0 and 1 of the reader."""
    group = Group(
        "g", "neuron", (Part("a", "out", torch.tensor([[0], [1]])), Part("b", "in", torch.tensor([[0], [1]])))
    )
    values = {
        "a.weight": torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "a.bias": torch.tensor([10.0, 20.0]),
        "b.weight": torch.tensor([[100.0, 200.0], [300.0, 400.0]]),
        "b.bias": torch.tensor([1e6, 1e6]),
    }
    assert owned(group, values).tolist() == [1 + 2 + 10 + 100 + 300, 3 + 4 + 20 + 200 + 400]


def test_columns_removed_at_once_are_least_squares() -> None:
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((60, 8), (3, 8)))
    gone = torch.tensor([1, 4, 6])
    new = obs.remove_columns(w, gone, x.T @ x, damping=0.0)
    kept = [column for column in range(8) if column not in gone.tolist()]
    oracle = torch.linalg.lstsq(x[:, kept], x @ w.T).solution.T
    torch.testing.assert_close(new[:, kept], oracle, rtol=0, atol=1e-9)
    assert not new[:, gone].any()


def test_one_column_costs_what_its_score_says() -> None:
    generator = torch.Generator().manual_seed(1)
    x, w = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((60, 6), (4, 6)))
    scores = obs.column_scores(w, x.T @ x, damping=0.0)
    for column in range(6):
        new = obs.remove_columns(w, torch.tensor([column]), x.T @ x, damping=0.0)
        assert error(w, new, x.T @ x) == pytest.approx(float(scores[column]), rel=1e-9)


def owned_by_hand(values: dict[str, torch.Tensor], group: Group) -> torch.Tensor:
    """The same sums as ``owned``, written out for each kind of group: (units,)."""

    def lines(layer: str) -> torch.Tensor:  # of the rows of a layer, with the bias
        weight = values[f"{group.name}.{layer}.weight"]
        return weight.reshape(len(weight), -1).sum(1) + values[f"{group.name}.{layer}.bias"]

    def columns(layer: str) -> torch.Tensor:
        weight = values[f"{group.name}.{layer}.weight"]
        return weight.sum([axis for axis in range(weight.dim()) if axis != 1])

    if group.kind == "neuron":
        return lines("up") + columns("down")
    if group.kind == "channel":
        return lines("conv1") + lines("condition") + lines("norm2") + columns("conv2")
    return lines("qkv").view(3, group.units, -1).sum((0, 2)) + columns("out").view(group.units, -1).sum(1)


def highest(scores: torch.Tensor, group: Group) -> list[int]:
    """The better half, of each stratum."""
    size = group.units // group.strata
    parts = (range(start, start + size) for start in range(0, group.units, size))
    return sorted(unit for part in parts for unit in sorted(part, key=lambda unit: -float(scores[unit]))[: size // 2])


def by_magnitude(dense: nn.Module, calibration: Calibration, after: nn.Module, kept: Mapping[str, list[int]]) -> None:
    """The rows that make a unit, without what reads it, its biases and its norm."""

    def rows(group: Group, layer: str) -> torch.Tensor:
        weight = dense.get_parameter(f"{group.name}.{layer}.weight").detach().double().abs()
        return weight.reshape(len(weight), -1).sum(1)

    def filters(group: Group) -> torch.Tensor:
        if group.kind == "neuron":
            return rows(group, "up")
        if group.kind == "channel":
            return rows(group, "conv1") + rows(group, "condition")
        return rows(group, "qkv").view(3, group.units, -1).sum((0, 2))

    assert kept == {group.name: highest(filters(group), group) for group in groups_of(dense)}


def by_timestep(dense: nn.Module, calibration: Calibration) -> Iterator[dict[str, torch.Tensor]]:
    """Weight times gradient of the error of the noise, which is a_t times that of v."""
    for batch in calibration:
        error = dense(**batch.arguments) - batch.target
        loss = ((batch.arguments["t"] * math.pi / 2).cos()[:, None, None, None] * error).square().mean()
        gradients = torch.autograd.grad(loss, list(dense.parameters()))
        pairs = zip(dense.named_parameters(), gradients, strict=True)
        yield {name: (value.detach() * gradient).double() for (name, value), gradient in pairs}


def by_summed_gradients(
    dense: nn.Module, calibration: Calibration, after: nn.Module, kept: Mapping[str, list[int]]
) -> None:
    """Products of all timesteps summed, then squared; absolute values for norms, nothing for biases."""
    steps = list(by_timestep(dense, calibration))
    values = {}
    for name in steps[0]:
        total = torch.stack([products[name] for products in steps]).sum(0)
        values[name] = 0 * total if name.endswith(".bias") else total.abs() if total.dim() == 1 else total**2
    assert kept == {group.name: highest(owned_by_hand(values, group), group) for group in groups_of(dense)}


def by_taylor(dense: nn.Module, calibration: Calibration, after: nn.Module, kept: Mapping[str, list[int]]) -> None:
    """Squares of each timestep, summed."""
    squares = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in dense.named_parameters()}
    for products in by_timestep(dense, calibration):
        for name, product in products.items():
            squares[name] += product**2
    assert kept == {group.name: highest(owned_by_hand(squares, group), group) for group in groups_of(dense)}


def by_surgeon(
    dense: nn.Module,
    calibration: Calibration,
    after: nn.Module,
    kept: Mapping[str, list[int]],
    groups: Callable[[nn.Module], Sequence[Group]] = groups_of,
) -> None:
    """Group by group, each on what the ones pruned before it give; what stays is fitted to the old output."""
    model = copy.deepcopy(dense)
    for number in range(len(groups(dense))):
        group = groups(model)[number]
        readers = [part.layer for part in group.parts if part.side == "in"]
        scores, hessians = torch.zeros(group.units), {}
        for reader in readers:
            hessian = hessian_by_hand(model, calibration, reader)
            hessians[reader] = hessian + 0.01 * hessian.diagonal().mean() * torch.eye(len(hessian))
            w = model.get_parameter(f"{reader}.weight").detach().double().flatten(1)
            owned = torch.arange(w.shape[1]).view(group.units, -1)
            if group.kind == "head":  # each in its own block
                for unit, own in enumerate(owned):
                    block = hessian[own][:, own]
                    block = block + 0.01 * block.diagonal().mean() * torch.eye(len(block))
                    scores[unit] += (w[:, own] ** 2 / torch.linalg.inv(block).diagonal()).sum()
            else:
                costs = w**2 / torch.linalg.inv(hessians[reader]).diagonal()
                scores += costs.sum(0)[owned].sum(1)
        assert kept[group.name] == highest(scores, group), group.name
        old = {reader: model.get_parameter(f"{reader}.weight").detach().double().flatten(1) for reader in readers}
        remove(model, (group, kept[group.name]))
        for reader, w in old.items():
            stay = torch.arange(w.shape[1]).view(group.units, -1)[kept[group.name]].flatten()
            h = hessians[reader]
            fitted = torch.linalg.solve(h[stay][:, stay], h[stay] @ w.T).T
            made = after.get_parameter(f"{reader}.weight").detach()
            torch.testing.assert_close(made.double().flatten(1), fitted, rtol=1e-4, atol=1e-5, msg=reader)
            model.get_parameter(f"{reader}.weight").data.copy_(made)


def hessian_by_hand(model: nn.Module, calibration: Calibration, path: str) -> torch.Tensor:
    """Of the inputs of one layer, by the weights of their steps; a 3x3 convolution sees nine pixels at a time."""
    seen = inputs_of(model, calibration, path)
    if isinstance(model.get_submodule(path), nn.Conv2d):
        seen = [nn.functional.unfold(x, 3, padding=1).transpose(1, 2) for x in seen]
    rows = [x.reshape(-1, x.shape[-1]).double() for x in seen]
    weights = STEPS[: len(rows)]
    total = torch.stack([a * x.T @ x for a, x in zip(weights, rows, strict=True)]).sum(0)
    return total / sum(a * len(x) for a, x in zip(weights, rows, strict=True))


class TwoReaders(nn.Module):
    """Sixteen neurons whose output two layers read, each with a view of its own; as in blocks with two streams."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.up, self.one, self.other = (nn.Linear(16, 16) for _ in range(3))
        for value in self.parameters():
            value.data.normal_(generator=generator)

    def forward(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        neurons = self.up(x.flatten(1)[:, :16]).relu()
        made: torch.Tensor = self.one(neurons) + self.other(neurons.flip(0) * torch.linspace(0.1, 3, 16))
        return made


def two_readers(model: nn.Module) -> tuple[Group, ...]:
    each = torch.arange(len(model.get_parameter("up.weight")))[:, None]
    return (Group("g", "neuron", (Part("up", "out", each), Part("one", "in", each), Part("other", "in", each))),)


def test_units_that_two_layers_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have a say in what goes, and both make up for it."""
    dense, calibration = TwoReaders(), calls("dit", "obs-diff-units")
    monkeypatch.setattr(chosen, "groups_of", two_readers)
    model = copy.deepcopy(dense)
    kept = obs_diff.prune_units(model, calibration, Request(0.5)).kept
    by_surgeon(dense, calibration, model, kept, two_readers)


BY_HAND: dict[str, Callable[[nn.Module, Calibration, nn.Module, Mapping[str, list[int]]], None]] = {
    "magnitude-units": by_magnitude,
    "taylor": by_taylor,
    "diff-pruning": by_summed_gradients,
    "obs-diff-units": by_surgeon,
}


@pytest.mark.parametrize("method", BY_HAND)
@pytest.mark.parametrize("name", MODELS)
def test_choices_by_hand(name: str, method: str) -> None:
    """Half of every group, from the formulas, by lines that are not ours. No timestep is negligible here."""
    model, calibration = copy.deepcopy(MODELS[name]), calls(name, method)
    kept = prune(model, calibration, 0.5, method=method).kept
    BY_HAND[method](MODELS[name], calibration, model, dict(kept))


def the_largest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    real = remove_units.best_units
    for module in (remove_units, obs_diff):
        monkeypatch.setattr(module, "best_units", lambda scores, *rest: real(-scores, *rest))


def compensation_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs_diff, "remove_columns", lambda weight, *rest: weight)


def step_weights_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs_diff, "step_weight", lambda batch: STEPS[4 - batch.step])


def every_step_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obs_diff, "step_weight", alike)


def heads_like_neurons(monkeypatch: pytest.MonkeyPatch) -> None:
    def scores(group: Group, *rest: Any) -> torch.Tensor:
        return real(dataclasses.replace(group, kind="neuron"), *rest)

    real = obs_diff._scores
    monkeypatch.setattr(obs_diff, "_scores", scores)


def gradients_of_v(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Call, "noise_loss", Call.loss)


@pytest.mark.parametrize(
    ("method", "mutation"),
    [
        *((method, the_largest_go) for method in BY_HAND),
        ("obs-diff-units", compensation_dropped),
        ("obs-diff-units", step_weights_reversed),
        ("obs-diff-units", every_step_the_same),
        ("obs-diff-units", heads_like_neurons),
        ("taylor", gradients_of_v),
        ("diff-pruning", gradients_of_v),
    ],
)
def test_mutations_are_seen(
    method: str, mutation: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them fails the test above."""
    mutation(monkeypatch)
    with pytest.raises(AssertionError):
        test_choices_by_hand("dit", method)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sparsity": 0.5, "scope": "row"}, "compares within a group: use scope layer"),
        ({"sparsity": 1.5}, "sparsity must be between 0 and 1, not 1.5"),
    ],
)
@pytest.mark.parametrize("method", ["magnitude-units", "obs-diff-units", "ecodiff"])
def test_bad_requests_change_nothing(method: str, asked: dict[str, Any], told: str) -> None:
    model = copy.deepcopy(MODELS["dit"])
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calls("dit", method), method=method, **asked)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), MODELS["dit"].parameters(), strict=True))


@pytest.mark.parametrize("method", ALL)
def test_shares_of_single_groups(method: str) -> None:
    model = copy.deepcopy(MODELS["dit"])
    prune(model, calls("dit", method), 0.5, method=method, shares={"blocks.0.attention": 0.0})
    kept = [group.units for group in groups_of(model)][:3]
    assert kept[0] == 4
    assert kept == [4, 32, 2] or method == "ecodiff"  # that ranks over groups


@pytest.mark.parametrize("method", ALL)
def test_a_share_of_a_group_that_is_not_there(method: str) -> None:
    model = copy.deepcopy(MODELS["dit"])
    told = "unknown layer or group 'blocks.1.feedforward'; did you mean blocks.1.feed_forward or "
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calls("dit", method), 0.5, method=method, shares={"blocks.1.feedforward": 0.1})
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), MODELS["dit"].parameters(), strict=True))


def test_a_request_of_a_share() -> None:
    assert Request(0.5, shares={"a": 0.1}).share("a") == 0.1
    assert Request(0.5, shares={"a": 0.1}).share("b") == 0.5
    with pytest.raises(ValueError, match=re.escape("sparsity must be between 0 and 1, not 2")):
        Request(0.5, shares={"a": 2})
