"""TinyFusion against its rule, written anew from the paper: the gradient of a training step, and the authors' loop."""

import copy
from collections.abc import Sequence

import pytest
import torch

from reference_impls.calls.call import Calibration
from reference_impls.maths.gates import one_of
from reference_impls.methods import tinyfusion
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.paper_rules import tinyfusion as rule
from tests.reference_impls.small_models import small

TRAIN, _ = load("digits")


def test_the_gradient_of_the_logits_in_a_training_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """SGD in place of Adam shows it; the low-rank updates start at zero, so the first step sees the dense blocks."""
    gumbels: list[torch.Tensor] = []

    def watched(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
        twin = torch.Generator()
        twin.set_state(generator.get_state())
        gumbels.append(-torch.rand(logits.shape, generator=twin).clamp(1e-9, 1 - 1e-7).log().neg().log())
        return one_of(logits, temperature, generator)

    monkeypatch.setattr(tinyfusion, "one_of", watched)
    monkeypatch.setattr(torch.optim, "Adam", torch.optim.SGD)
    model, batch = small("dit", depth=4), from_images(TRAIN, batches=1, size=4)
    (ways,) = tinyfusion.all_ways(4, 2)
    (after,) = tinyfusion.learn(model, blocks_of(model), [ways], batch, 0)
    exact, call = copy.deepcopy(model).double(), batch.calls[0]

    def loss(mask: Sequence[float]) -> float:
        with torch.no_grad(), tinyfusion.gated(exact, blocks_of(exact), torch.tensor(mask, dtype=torch.float64)):
            inputs = (call.arguments["x"].double(), call.arguments["t"], call.arguments["label"])
            return float((exact(*inputs) - call.target).square().mean())

    options = [[float(block in way) for block in range(4)] for way in ways]
    _, gradient = rule.slope_of_logits([0.0] * 6, gumbels[0].tolist(), tinyfusion.HOT, options, loss)
    assert max(map(abs, gradient)) > 1e-4
    assert (-after / tinyfusion.RATE_OF_GATES).tolist() == pytest.approx(gradient, rel=1e-2, abs=1e-6)


def test_both_loops_keep_the_blocks_that_do_something() -> None:
    """Two of four blocks are the identity: whoever learns finds them, and leaves the weights alone."""
    model = small("dit", depth=4)
    with torch.no_grad():
        for number in (1, 2):
            for value in model.blocks[number].parameters():
                value.zero_()
    batches = from_images(TRAIN, batches=30, size=8)
    before = [value.clone() for value in model.parameters()]
    (ways,) = tinyfusion.all_ways(4, 2)
    (ours,) = tinyfusion.learn(model, blocks_of(model), [ways], as_dense(model, batches), 0)
    options = [torch.tensor([[float(block in way) for block in range(4)] for way in ways])]
    names = [block.name for block in blocks_of(model)]
    (theirs,) = rule.learned_options(model, names, options, as_dense(model, batches).calls, 0)
    assert ways[int(ours.argmax())] == ways[theirs] == (0, 3)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), before, strict=True))


def as_dense(model: torch.nn.Module, batches: Calibration) -> Calibration:
    """The same inputs with the model's own predictions as targets, so that every block in use matters."""
    with torch.no_grad():
        return Calibration(
            tuple(
                type(call)(call.arguments, call.step, call.steps, call.run(model), call.noise_scale) for call in batches
            )
        )
