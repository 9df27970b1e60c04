"""Recovery, what pruning is combined with, and SparseDM: zeros stay, losses fall, integers by hand."""

import copy
import re

import pytest
import torch
from torch import nn

from reference_impls.combine import int8, ratio_search
from reference_impls.contract import from_images
from reference_impls.layers import as_matrix, prunable
from reference_impls.maths.masks import Pattern
from reference_impls.methods import sparsedm
from reference_impls.prune import calibration_for, prune
from reference_impls.recover import feature_loss, recover, shared_blocks
from reference_impls.testbed.data import load
from reference_impls.testbed.diffusion import ddim, dpm_solver
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.models import pretrained

DIT = pretrained("dit")
TRAIN, HELD_OUT = load("digits")


def pruned(method: str, share: float | None = None, pattern: Pattern | None = None, steps: int = 2) -> nn.Module:
    model = copy.deepcopy(DIT)
    prune(model, calibration_for(method, DIT, TRAIN, steps=steps), share, method=method, pattern=pattern)
    return model


@pytest.mark.parametrize("features", ["none", "plain", "normalised"])
def test_zeros_stay_and_blocks_stay_out(features: str) -> None:
    model = pruned("shortgpt", 0.25)
    prune(model, calibration_for("magnitude", DIT, TRAIN), 0.5, method="magnitude")
    before = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    recover(model, TRAIN, steps=3, teacher=DIT, features=features)  # type: ignore[arg-type]
    after = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert len(shared_blocks(model, DIT)) == 6
    assert not any(module._forward_hooks for module in (*model.modules(), *DIT.modules()))


def test_no_steps_change_nothing() -> None:
    model = copy.deepcopy(DIT)
    recover(model, TRAIN, steps=0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))


def test_feature_loss_by_hand() -> None:
    mine, wanted = {"a": torch.tensor([1.0, 3.0])}, {"a": torch.tensor([2.0, 2.0])}
    assert feature_loss(mine, wanted, "plain").item() == 1.0
    assert feature_loss(mine, wanted, "normalised").item() == 0.25
    assert feature_loss({}, {}, "plain").item() == 0.0


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"steps": -1}, "steps -1 is negative"), ({"steps": 1, "features": "plain"}, "features 'plain' need a teacher")],
)
def test_what_cannot_be(asked: dict, told: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=re.escape(told)):
        recover(copy.deepcopy(DIT), TRAIN, **asked)


@pytest.mark.slow
def test_a_short_recovery_helps() -> None:
    """Half of the blocks gone: forty steps win back most of the loss."""
    model = pruned("shortgpt", 0.5)
    lost = held_out_loss(model, HELD_OUT)
    recover(model, TRAIN, steps=40, teacher=DIT)
    assert held_out_loss(model, HELD_OUT) < lost - 0.04


def test_int8_by_hand() -> None:
    """Weights are multiples of 1/127 of the row's largest, inputs of the call's largest."""
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.27, -0.634]]))
        layer.bias.fill_(0.5)
    quantized = int8.Int8(layer)
    assert quantized.levels.tolist() == [[127, -63]]
    x = torch.tensor([[2.54, 1.0]])
    assert quantized(x).item() == pytest.approx((127 * 127 - 63 * 50) * 0.01 * 0.02 + 0.5, rel=1e-5)


@pytest.mark.parametrize("name", ["dit", "unet"])
def test_int8_keeps_zeros_and_hardly_changes_the_output(name: str) -> None:
    dense = pretrained(name)
    images, _ = load({"dit": "digits", "unet": "mnist16"}[name])
    model = copy.deepcopy(dense)
    prune(model, calibration_for("magnitude", model, images), 0.5, method="magnitude")
    zeros = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    batch = from_images(images, batches=1, size=8).batches[0]
    with torch.no_grad():
        before = batch.run(model)
        assert int8.quantize(model) == len(zeros)
        error = (batch.run(model) - before).square().mean() / before.square().mean()
    assert 0 < float(error) < 0.01
    for layer_name, mask in zeros.items():
        assert not model.get_submodule(layer_name).levels[mask].any()


def test_mutations_of_shares_keep_the_total() -> None:
    sizes = {"a": 100, "b": 1_000, "c": 10}
    shares = dict.fromkeys(sizes, 0.5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        shares = ratio_search.mutated(shares, sizes, generator)
        assert all(0 <= share <= 1 for share in shares.values())
        assert sum(shares[name] * size for name, size in sizes.items()) == pytest.approx(555)


@pytest.mark.slow
def test_the_search_finds_better_shares() -> None:
    calibration = from_images(TRAIN, batches=2, size=48)
    even = ratio_search.loss_of(DIT, calibration, 0.7, {}, "magnitude")
    shares = ratio_search.search(DIT, calibration, 0.7, generations=12)
    assert ratio_search.loss_of(DIT, calibration, 0.7, shares, "magnitude") < 0.97 * even
    model = copy.deepcopy(DIT)
    prune(model, calibration, 0.7, method="magnitude", shares=shares)
    gone = sum(int((layer.weight == 0).sum()) for layer in prunable(model).values())
    assert gone / sum(layer.weight.numel() for layer in prunable(model).values()) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.slow
def test_pruning_and_faster_samplers_compose() -> None:
    """Ten steps of either sampler end near where sixty of DDIM end, pruned or not; the second order ends nearer."""
    for model in (DIT, pruned("obs-diff-units", 0.25)):
        noise = torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        label = torch.arange(60) % 10
        target = ddim(model, noise, label, 60)
        first, second = ((sampler(model, noise, label, 10) - target).square().mean() for sampler in (ddim, dpm_solver))
        assert float(second) < float(first) < 0.02


def test_sr_ste_by_hand() -> None:
    """The gradient passes whole; what is masked is pulled by decay * w besides."""
    weight = torch.tensor([[1.0, -2.0, 0.5, 3.0]], requires_grad=True)
    seen = sparsedm.Sparse(Pattern(2, 4), 0.1)(weight)
    assert seen.tolist() == [[0.0, -2.0, 0.0, 3.0]]
    (seen * torch.tensor([[1.0, 2.0, 3.0, 4.0]])).sum().backward()
    torch.testing.assert_close(weight.grad, torch.tensor([[1.0 + 0.1, 2.0, 3.0 + 0.05, 4.0]]))


def test_sparsedm_ends_in_the_pattern() -> None:
    model = pruned("sparsedm", pattern=Pattern(2, 4), steps=3)
    for layer in prunable(model).values():
        assert int((as_matrix(layer).view(-1, 4) != 0).sum(1).max()) == 2
        assert type(layer) in (nn.Linear, nn.Conv2d)
    assert set(model.state_dict()) == set(DIT.state_dict())


@pytest.mark.slow
def test_sparsedm_beats_one_shot_magnitude() -> None:
    one_shot = held_out_loss(pruned("magnitude", pattern=Pattern(2, 4)), HELD_OUT)
    trained = held_out_loss(pruned("sparsedm", pattern=Pattern(2, 4), steps=60), HELD_OUT)
    assert trained < one_shot - 0.02


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
def test_bad_requests_change_nothing(asked: dict, told: str) -> None:  # type: ignore[type-arg]
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


def test_a_teacher_is_listened_to() -> None:
    """The same batches with and without: other weights come out."""
    images, _ = load("digits")
    dense = pretrained("dit")
    alone, taught = (copy.deepcopy(dense) for _ in range(2))
    for model, teacher in ((alone, None), (taught, dense)):
        with torch.no_grad():
            model.head.weight.mul_(0.5)  # type: ignore[union-attr,operator]
        recover(model, images, steps=2, teacher=teacher)
    assert any(not torch.equal(a, b) for a, b in zip(alone.parameters(), taught.parameters(), strict=True))
