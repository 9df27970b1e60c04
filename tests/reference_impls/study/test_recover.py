"""Recovery, what pruning is combined with, and SparseDM: zeros stay, losses fall, integers by hand."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.methods import sparsedm
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.methods.registry import Features
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.study import int8, ratio_search
from reference_impls.study.recover import feature_loss, recover, shared_blocks
from reference_impls.testbed.calibration import from_images, image_call
from reference_impls.testbed.data import load
from reference_impls.testbed.diffusion import ddim, dpm_solver, noised, stratified_times
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.models import Denoiser, pretrained
from tests.reference_impls.small_models import small

DIT = small("dit", depth=8)
TRAIN, HELD_OUT = load("digits")


def pruned(
    method: str,
    share: float | None = None,
    pattern: Pattern | None = None,
    steps: int = 2,
    *,
    dense: Denoiser = DIT,
) -> nn.Module:
    model = copy.deepcopy(dense)
    prune(model, calibration_for(method, dense, TRAIN, steps=steps), share, method=method, pattern=pattern)
    return model


@pytest.mark.parametrize("features", ["none", "plain", "normalised"])
def test_zeros_stay_and_blocks_stay_out(features: Features) -> None:
    model = pruned("shortgpt", 0.25)
    prune(model, calibration_for("magnitude", DIT, TRAIN), 0.5, method="magnitude")
    before = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    recover(model, TRAIN, steps=3, teacher=DIT, features=features, batch=8)
    after = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert len(shared_blocks(model, DIT)) == 6
    assert not any(module._forward_hooks for module in (*model.modules(), *DIT.modules()))


def test_no_steps_change_nothing() -> None:
    model = copy.deepcopy(DIT)
    recover(model, TRAIN, steps=0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))


def test_feature_loss_by_hand() -> None:
    mine = {"a": torch.tensor([3.0, 3.0]), "b": torch.tensor([5.0])}
    wanted = {"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([2.0])}
    assert feature_loss(mine, wanted, "plain").item() == pytest.approx((2.0 + 9.0) / 2)
    assert feature_loss(mine, wanted, "normalised").item() == pytest.approx((2.0 / 5 + 9.0 / 4) / 2)
    assert feature_loss({}, {}, "plain").item() == 0.0


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"steps": -1}, "steps -1 is negative"), ({"steps": 1, "features": "plain"}, "features 'plain' need a teacher")],
)
def test_what_cannot_be(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        recover(copy.deepcopy(DIT), TRAIN, **asked)


def descend(model: nn.Module, loss: torch.Tensor, rate: float) -> None:
    """A plain step along the gradient, in place."""
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for value, gradient in zip(model.parameters(), gradients, strict=True):
            value.sub_(rate * gradient)


def test_recovery_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """By plain steps along the gradient in place of AdamW: the task's loss and the teacher's, alike; half a cosine."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda values, lr, weight_decay: torch.optim.SGD(values, lr=lr))
    model, teacher = small("dit"), small("dit")
    with torch.no_grad():
        model.head.weight.mul_(0.5)
    by_hand = copy.deepcopy(model)
    last = recover(model, TRAIN, steps=2, teacher=teacher, rate=0.1, batch=4, seed=7)
    generator = torch.Generator().manual_seed(7)
    for rate in (0.1, 0.05):
        chosen = torch.randint(len(TRAIN), (4,), generator=generator)
        t = stratified_times(4, generator)
        noise = torch.randn(4, 1, 8, 8, generator=generator)
        x, v = noised(TRAIN.pixels[chosen], noise, t)
        made, told = (one(x, t, TRAIN.labels[chosen]) for one in (by_hand, teacher))
        loss = ((made - v) ** 2).mean() + ((made - told.detach()) ** 2).mean()
        descend(by_hand, loss, rate)
    assert last == pytest.approx(loss.item())
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
@pytest.mark.nightly  # each step is held by test_recovery_step_by_step
def test_a_short_recovery_helps() -> None:
    """Half of the blocks gone: forty steps win back most of the loss."""
    trained, some = pretrained("dit"), HELD_OUT.first(100)
    model = pruned("shortgpt", 0.5, dense=trained)
    lost = held_out_loss(model, some)
    recover(model, TRAIN, steps=40, teacher=trained)
    assert held_out_loss(model, some) < lost - 0.04


def test_int8_by_hand() -> None:
    """Weights are multiples of 1/127 of the row's largest, inputs of the call's largest."""
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.27, -0.636]]))
        layer.bias.fill_(0.5)
    quantized = int8.Int8(layer)
    assert quantized.levels.tolist() == [[127, -64]]
    x = torch.tensor([[2.54, 1.0]])
    assert quantized(x).item() == pytest.approx((127 * 127 - 64 * 50) * 0.01 * 0.02 + 0.5, rel=1e-5)


def test_int8_refuses_padding_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="padding_mode 'circular' of a convolution is not quantized here, only zeros"):
        int8.Int8(nn.Conv2d(16, 16, 3, padding=1, padding_mode="circular"))


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_int8_keeps_zeros_and_hardly_changes_the_output(name: str) -> None:
    model, batch = small(name), from_images(TRAIN, batches=1, size=8).calls[0]
    prune(model, Calibration((batch,)), 0.5, method="magnitude")
    zeros = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    with torch.no_grad():
        before = batch.run(model)
        assert int8.quantize(model) == len(zeros)
        error = (batch.run(model) - before).square().mean() / before.square().mean()
    assert 0 < float(error) < 0.01
    for layer_name, mask in zeros.items():
        assert not model.get_buffer(f"{layer_name}.levels")[mask].any()


def test_mutations_of_shares_keep_the_total() -> None:
    sizes = {"a": 100, "b": 1_000, "c": 10}
    shares = dict.fromkeys(sizes, 0.5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        shares = ratio_search.mutated(shares, sizes, generator)
        assert all(0 <= share <= 1 for share in shares.values())
        assert sum(shares[name] * size for name, size in sizes.items()) == pytest.approx(555)


def test_the_search_keeps_the_best_of_parent_and_children(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[float, dict[str, float]]] = []

    def of_attention(_model: nn.Module, _calls: Calibration, _share: float, shares: Any, _method: str) -> float:
        tried.append((sum(share for name, share in shares.items() if "attention" in name), dict(shares)))
        return tried[-1][0]

    monkeypatch.setattr(ratio_search, "loss_of", of_attention)
    found = ratio_search.search(DIT, from_images(TRAIN, batches=1, size=2), 0.7, generations=5, children=3)
    assert len(tried) == 1 + 5 * 3
    assert found == min(tried, key=lambda one: one[0])[1] != tried[0][1]


def test_the_loss_of_shares_by_hand() -> None:
    calibration, name = from_images(TRAIN, batches=2, size=4), "blocks.0.feed_forward.up"
    model = copy.deepcopy(DIT)
    prune(model, calibration, 0.7, method="magnitude", shares={name: 0.2})
    losses = [batch.loss(model).item() for batch in calibration]
    assert ratio_search.loss_of(DIT, calibration, 0.7, {name: 0.2}, "magnitude") == pytest.approx(sum(losses) / 2)


@pytest.mark.slow
@pytest.mark.nightly  # its parts are in the three tests before
def test_the_search_finds_better_shares() -> None:
    calibration, trained = from_images(TRAIN, batches=2, size=48), pretrained("dit")
    even = ratio_search.loss_of(trained, calibration, 0.7, {}, "magnitude")
    shares = ratio_search.search(trained, calibration, 0.7, generations=12)
    assert ratio_search.loss_of(trained, calibration, 0.7, shares, "magnitude") < 0.97 * even
    model = copy.deepcopy(trained)
    prune(model, calibration, 0.7, method="magnitude", shares=shares)
    gone = sum(int((layer.weight == 0).sum()) for layer in prunable(model).values())
    assert gone / sum(layer.weight.numel() for layer in prunable(model).values()) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.slow
def test_pruning_and_faster_samplers_compose() -> None:
    """Ten steps of either sampler end near where sixty of DDIM end, pruned or not; the second order ends nearer."""
    trained = pretrained("dit")
    for model in (trained, pruned("obs-diff-units", 0.25, dense=trained)):
        noise = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        label = torch.arange(20) % 10
        target = ddim(model, noise, label, 60)
        first, second = ((sampler(model, noise, label, 10) - target).square().mean() for sampler in (ddim, dpm_solver))
        assert float(second) < float(first) < 0.02


def test_sr_ste_by_hand() -> None:
    """The gradient passes whole; what is masked is pulled by decay * w besides."""
    weight = torch.tensor([[1.0, -2.0, 0.5, 3.0]], requires_grad=True)
    seen = sparsedm.Sparse(Pattern(2, 4), 0.1)(weight)
    assert seen.tolist() == [[0.0, -2.0, 0.0, 3.0]]
    torch.autograd.backward((seen * torch.tensor([[1.0, 2.0, 3.0, 4.0]])).sum())
    torch.testing.assert_close(weight.grad, torch.tensor([[1.0 + 0.1, 2.0, 3.0 + 0.05, 4.0]]))


def test_sparsedm_ends_in_the_pattern() -> None:
    model = pruned("sparsedm", pattern=Pattern(2, 4), steps=3)
    for layer in prunable(model).values():
        assert int((as_matrix(layer).view(-1, 4) != 0).sum(1).max()) == 2
        assert type(layer) in (nn.Linear, nn.Conv2d)
    assert set(model.state_dict()) == set(DIT.state_dict())


@pytest.mark.parametrize("options", [{}, {"decay": 0.3}])
def test_sr_ste_through_prune_by_hand(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What each layer's whole weight is trained by: the gradient at the masked one, and the pull on what is masked."""
    dense = small("dit").double()
    made: dict[str, torch.Tensor | None] = {}
    batch = from_images(TRAIN, batches=1, size=4).calls[0]
    x, t, label = (batch.arguments[name] for name in ("x", "t", "label"))
    assert batch.target is not None
    batch = image_call(x.double(), t.double(), label, target=batch.target.double())

    def one_backward_pass(model: nn.Module, calibration: Calibration, rate: float) -> None:
        torch.autograd.backward(batch.loss(model))
        for name in prunable(dense):
            made[name] = model.get_parameter(f"{name}.parametrizations.weight.original").grad

    monkeypatch.setattr(sparsedm, "train", one_backward_pass)
    prune(copy.deepcopy(dense), Calibration((batch,)), method="sparsedm", pattern=Pattern(2, 4), **options)
    masked, masks = copy.deepcopy(dense), {}
    with torch.no_grad():
        for name, layer in prunable(masked).items():
            fours = layer.weight.view(-1, 4).abs()
            masks[name] = (fours >= fours.sort(dim=1).values[:, 2:3]).view_as(layer.weight)
            layer.weight.mul_(masks[name])
    torch.autograd.backward(batch.loss(masked))
    for name, layer in prunable(masked).items():
        assert layer.weight.grad is not None
        pull = options.get("decay", 2e-4) * torch.where(masks[name], 0.0, prunable(dense)[name].weight.detach())
        torch.testing.assert_close(made[name], layer.weight.grad + pull, rtol=0, atol=1e-8, msg=name)


@pytest.mark.parametrize("options", [{}, {"decay": 0.3}])
def test_mutation_no_pull_inside_prune(options: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A decay that is lost on the way fails the test above, and so does one that pushes."""
    real = sparsedm.Sparse
    for mutant in (lambda decay: 0.0, lambda decay: -decay):
        monkeypatch.setattr(sparsedm, "Sparse", lambda pattern, decay, m=mutant: real(pattern, m(decay)))
        with pytest.raises(AssertionError):
            test_sr_ste_through_prune_by_hand(options, monkeypatch)


def test_sparsedm_trains_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """By plain steps along the gradient in place of Adam: each batch its own, the second at half the rate."""
    monkeypatch.setattr(torch.optim, "Adam", lambda values, lr: torch.optim.SGD(values, lr=lr))
    model, by_hand = small("dit"), small("dit")
    batches = from_images(TRAIN, batches=2, size=4)
    sparsedm.train(model, batches, 0.1)
    for batch, rate in zip(batches, (0.1, 0.05), strict=True):
        descend(by_hand, batch.loss(by_hand), rate)
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_rate_of_sparsedm_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []
    monkeypatch.setattr(sparsedm, "train", lambda model, calibration, rate: used.append(rate))
    both: tuple[dict[str, Any], ...] = ({}, {"rate": 0.25})
    for options in both:
        calibration = from_images(TRAIN, batches=1, size=2)
        prune(small("dit"), calibration, method="sparsedm", pattern=Pattern(2, 4), **options)
    assert used == [5e-4, 0.25]


def test_the_whole_weights_are_left_by_the_masks() -> None:
    dense, model = small("dit"), small("dit")
    with sparsedm.sparse(prunable(model), Pattern(1, 4), 0.1):
        assert all(int((layer.weight != 0).sum()) * 4 == layer.weight.numel() for layer in prunable(model).values())
    assert all(torch.equal(model.state_dict()[name], value) for name, value in dense.state_dict().items())


def test_sparsedm_keeps_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a step of training it is magnitude."""
    monkeypatch.setattr(sparsedm, "train", lambda *args: None)
    one, other = (pruned(method, pattern=Pattern(2, 4)).state_dict() for method in ("sparsedm", "magnitude"))
    assert all(torch.equal(one[name], value) for name, value in other.items())


def test_mutation_no_mask_in_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SparseDM that trains the dense weights and cuts at the end must fail the test of the gradient by hand."""
    monkeypatch.setattr(sparsedm.Sparse, "forward", lambda self, weight: weight)
    with pytest.raises(AssertionError):
        test_sr_ste_by_hand()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sparsity": 0.5}, "sparsedm makes n:m patterns only; give a pattern, such as 2:4"),
        ({"pattern": Pattern(2, 4), "scope": "global"}, "scope 'global': a pattern is compared within its groups only"),
        ({"pattern": Pattern(2, 500)}, "pattern 2:500 does not fit rows of"),
    ],
)
def test_bad_requests_change_nothing(asked: dict[str, Any], told: str) -> None:
    model = copy.deepcopy(DIT)
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calibration_for("sparsedm", DIT, TRAIN, steps=1), method="sparsedm", **asked)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))


def test_a_training_without_targets_leaves_the_model_whole() -> None:
    model = copy.deepcopy(DIT)
    with pytest.raises(ValueError, match="this calibration has no targets"):
        prune(model, calibration_for("wanda", DIT, TRAIN), method="sparsedm", pattern=Pattern(2, 4))
    before, after = DIT.state_dict(), model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
