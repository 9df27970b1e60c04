"""SparseDM: gradients of SR-STE by hand, training step by step, the pattern at the end, and mutations of those."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern
from reference_impls.methods import sparsedm
from reference_impls.methods.prune import prune
from reference_impls.pruning.layers import as_matrix, prunable
from reference_impls.testbed.calibration import from_images, from_trajectory, image_call
from reference_impls.testbed.data import load
from tests.reference_impls.by_hand import descend
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")
DIT = small("dit", depth=8)


def test_sr_ste_by_hand() -> None:
    """The gradient passes whole; what is masked is pulled by decay * w besides."""
    weight = torch.tensor([[1.0, -2.0, 0.5, 3.0]], requires_grad=True)
    seen = sparsedm.Sparse(Pattern(2, 4), 0.1)(weight)
    assert seen.tolist() == [[0.0, -2.0, 0.0, 3.0]]
    torch.autograd.backward((seen * torch.tensor([[1.0, 2.0, 3.0, 4.0]])).sum())
    torch.testing.assert_close(weight.grad, torch.tensor([[1.0 + 0.1, 2.0, 3.0 + 0.05, 4.0]]))


def test_sparsedm_ends_in_the_pattern() -> None:
    model = copy.deepcopy(DIT)
    prune(model, from_images(TRAIN, batches=3, size=16), method="sparsedm", pattern=Pattern(2, 4))
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
    """By plain steps along the gradient in place of AdamW: each batch its own, at the same rate."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda values, lr, **_: torch.optim.SGD(values, lr=lr))
    model, by_hand = small("dit"), small("dit")
    batches = from_images(TRAIN, batches=2, size=4)
    sparsedm.train(model, batches, 0.1)
    for batch in batches:
        descend(by_hand, batch.loss(by_hand), 0.1)
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_rate_of_sparsedm_is_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []
    monkeypatch.setattr(sparsedm, "train", lambda model, calibration, rate: used.append(rate))
    both: tuple[dict[str, Any], ...] = ({}, {"rate": 0.25})
    for options in both:
        calibration = from_images(TRAIN, batches=1, size=2)
        prune(small("dit"), calibration, method="sparsedm", pattern=Pattern(2, 4), **options)
    assert used == [2e-4, 0.25]


def test_the_whole_weights_are_left_by_the_masks() -> None:
    dense, model = small("dit"), small("dit")
    layers = prunable(model)  # inside, their weights are computed
    with sparsedm.sparse(layers, Pattern(1, 4), 0.1):
        assert all(int((layer.weight != 0).sum()) * 4 == layer.weight.numel() for layer in layers.values())
    assert all(torch.equal(model.state_dict()[name], value) for name, value in dense.state_dict().items())


def test_sparsedm_keeps_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a step of training it is magnitude."""
    monkeypatch.setattr(sparsedm, "train", lambda *args: None)
    one, other, batches = small("dit"), small("dit"), from_images(TRAIN, batches=1, size=2)
    for model, method in ((one, "sparsedm"), (other, "magnitude")):
        prune(model, batches, method=method, pattern=Pattern(2, 4))
    assert all(torch.equal(one.state_dict()[name], value) for name, value in other.state_dict().items())


def test_mutation_no_mask_in_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SparseDM that trains the dense weights and cuts at the end must fail the test of the gradient by hand."""
    monkeypatch.setattr(sparsedm.Sparse, "forward", lambda self, weight: weight)
    with pytest.raises(AssertionError):
        test_sr_ste_by_hand()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sparsity": 0.5}, "sparsedm makes n:m patterns only; give a pattern, such as 2:4"),
        (
            {"pattern": Pattern(2, 4), "scope": "global"},
            "a pattern compares scores in groups of m weights; with --pattern, leave --scope out",
        ),
        ({"pattern": Pattern(2, 500)}, "pattern 2:500 does not fit the "),
    ],
)
def test_bad_requests_change_nothing(asked: dict[str, Any], told: str) -> None:
    model = copy.deepcopy(DIT)
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, from_images(TRAIN, batches=1, size=4), method="sparsedm", **asked)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), DIT.parameters(), strict=True))


def test_a_training_without_targets_leaves_the_model_whole() -> None:
    model = copy.deepcopy(DIT)
    with pytest.raises(ValueError, match="this calibration has no targets"):
        prune(model, from_trajectory(DIT, n=2, steps=2), method="sparsedm", pattern=Pattern(2, 4))
    before, after = DIT.state_dict(), model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_sparsedm_says_that_float16_diverges() -> None:
    model, time = small("dit").half(), torch.zeros(8).half()
    before = copy.deepcopy(model.state_dict())
    batches = []
    for batch in from_images(TRAIN, batches=3, size=8):
        assert batch.target is not None
        x, label = batch.arguments["x"].half(), batch.arguments["label"]
        batches.append(image_call(x, time, label, target=batch.target.half()))
    with pytest.raises(ValueError, match="holds NaN or infinite values"):
        prune(model, Calibration(tuple(batches)), method="sparsedm", pattern=Pattern(2, 4))
    after = model.state_dict()
    assert list(after) == list(before)  # no mask is left over a weight
    assert all(torch.equal(before[name], after[name]) for name in before)
