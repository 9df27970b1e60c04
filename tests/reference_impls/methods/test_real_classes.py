"""Methods that take gradients or train, and depth pruning, on classes of diffusers with recorded forward passes."""

import copy
import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from reference_impls.calls.call import Calibration
from reference_impls.calls.record import denoiser_of, record
from reference_impls.command_line.commands import app
from reference_impls.maths.hooks import checkpointed
from reference_impls.maths.masks import Pattern
from reference_impls.maths.surgery import Group
from reference_impls.methods import diff_pruning, ecodiff, sparsedm, taylor, tinyfusion
from reference_impls.methods.prune import prune
from reference_impls.models import diffusers_folder
from reference_impls.models.load import load
from reference_impls.pipelines import parts
from reference_impls.pruning.layers import prunable
from reference_impls.units.lookup import blocks_of, groups_of
from tests.reference_impls.tiny_pipelines import INPUTS, made

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
Recorded = tuple[nn.Module, Calibration]


@pytest.fixture(scope="module", params=["sd", "sd3"])
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """A U-Net that predicts noise and a transformer that predicts a flow: two runs, of which one step is the same."""
    return _recorded(request.param)


@pytest.fixture(scope="module")
def dit() -> Recorded:
    return _recorded("dit")


def _recorded(name: str) -> Recorded:
    pipeline = made(name)
    prompts = ("1", "5") if name == "dit" else ("a cat", "the red dog")
    calls = record(pipeline, prompts, steps=3, limit=4, inputs=INPUTS.get(name), targets="sample")
    return denoiser_of(pipeline)[1], calls


def products_by_hand(model: nn.Module, calls: Calibration) -> list[dict[str, torch.Tensor]]:
    """W * dL/dw of every parameter at every timestep, the last step first, without checkpoints."""
    names = [name for name, _ in model.named_parameters()]
    found = []
    for step in sorted({call.step for call in calls}, reverse=True):
        losses = []
        for call in calls:
            if call.step == step:
                assert call.target is not None
                assert call.noise_scale is not None
                error = call.run(model)[:, : call.target.shape[1]] - call.target
                losses.append(((call.noise_scale * error) ** 2).mean())
        loss = torch.stack(losses).sum() / len(losses)
        slopes = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True, materialize_grads=True)
        found.append(
            {name: value.detach() * slope for name, value, slope in zip(names, model.parameters(), slopes, strict=True)}
        )
    return found


def scores_by_hand(group: Group, values: dict[str, torch.Tensor]) -> list[float]:
    """Sum over everything that a unit owns."""
    scores = []
    for unit in range(group.units):
        total = 0.0
        for part in group.parts:
            weight, bias = values[f"{part.layer}.weight"], values.get(f"{part.layer}.bias")
            for line in part.index[unit].tolist():
                total += float((weight[line] if part.side == "out" else weight[:, line]).sum())
                total += float(bias[line]) if part.side == "out" and bias is not None else 0.0
        scores.append(total)
    return scores


def lowest(group: Group, scores: list[float]) -> list[int]:
    """The lowest half of each stratum, in order."""
    size = group.units // group.strata
    gone: list[int] = []
    for start in range(0, group.units, size):
        order = sorted(range(start, start + size), key=lambda unit: (scores[unit], -unit))
        gone += order[: min(size // 2 + size % 2, size - 1)]
    return sorted(gone)


def test_taylor_is_that_by_hand(recorded: Recorded) -> None:
    model, calls = recorded
    products = products_by_hand(model, calls)
    expected = {
        name: torch.stack([one[name].square() for one in products]).sum(0) for name, _ in model.named_parameters()
    }
    found = taylor.squares(model, calls)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-12, msg=name)
    report = prune(copy.deepcopy(model), calls, 0.5, method="taylor")
    for group in {group.kind: group for group in groups_of(model)}.values():  # the last one of each kind
        gone = sorted(set(range(group.units)) - set(report.kept[group.name]))
        assert gone == lowest(group, scores_by_hand(group, found)), group.name
    assert bool(torch.isfinite(calls.calls[0].run(model)).all())


def test_diff_pruning_is_that_by_hand(recorded: Recorded) -> None:
    """The sum of the gradients; of a norm the absolute value, and no biases."""
    model, calls = recorded
    products = products_by_hand(model, calls)
    summed = {name: torch.stack([one[name] for one in products]).sum(0) for name, _ in model.named_parameters()}
    found = diff_pruning.summed(model, calls, 0.0)
    for name, value in summed.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-8, msg=name)
    assert not any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


def test_steps_of_a_sampler_are_timesteps(dit: Recorded) -> None:
    """Rising time is falling step; forward passes of one step, of two runs, are one timestep."""
    _, calls = dit
    assert [call.step for call in calls] == [0, 1, 1, 2]
    assert [[call.step for call in same] for same in diff_pruning.by_rising_time(calls)] == [[2], [1, 1], [0]]


LEARNT: dict[str, tuple[ModuleType, Callable[[nn.Module, Calibration], list[torch.Tensor]]]] = {
    "ecodiff": (ecodiff, lambda model, calls: list(ecodiff.learn(model, groups_of(model), calls, 0).values())),
    "tinyfusion": (
        tinyfusion,
        lambda model, calls: tinyfusion.learn(model, blocks_of(model), [[(0,), (1,)]], calls, 0),
    ),
    "sparsedm": (sparsedm, lambda model, calls: _trained(model, calls)),
}


def _trained(model: nn.Module, calls: Calibration) -> list[torch.Tensor]:
    own = copy.deepcopy(model)
    sparsedm.train(own, calls, 1e-3)
    return [value.detach() for value in own.parameters()]


@pytest.mark.parametrize("method", LEARNT)
def test_checkpoints_change_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is learnt with blocks that run again in the backward pass, gates and all, is learnt without."""
    model, calls = _recorded("sd3")
    module, learn = LEARNT[method]
    ran: list[str] = []
    block = model.get_submodule("transformer_blocks.0")
    block.register_forward_pre_hook(lambda *_: ran.append("again"))  # a pass that runs again stops before its end
    found = learn(model, calls)
    often = len(ran)
    monkeypatch.setattr(module, "checkpointed", lambda _model: nullcontext())
    for one, other in zip(found, learn(model, calls), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)
    if method != "sparsedm":  # which trains a copy
        assert often > len(ran) - often > 0


def test_checkpoints_that_are_on_stay_on(dit: Recorded) -> None:
    model: Any = copy.deepcopy(dit[0])
    model.enable_gradient_checkpointing()
    with checkpointed(model):
        pass
    assert model.is_gradient_checkpointing
    with checkpointed(nn.Linear(1, 1)):
        pass


@pytest.mark.parametrize("method", ["ecodiff", "sparsedm", "tinyfusion", "shortgpt", "laptop-diff"])
def test_methods_run_on_a_recorded_transformer(dit: Recorded, method: str) -> None:
    model, calls = copy.deepcopy(dit[0]), dit[1]
    asked: dict[str, Any] = {"pattern": Pattern(2, 4)} if method == "sparsedm" else {"sparsity": 0.5}
    report = prune(model, calls, method=method, **asked)
    assert report.calibration["targets"] == "sample"
    if report.kind == "unstructured":
        assert all(float((layer.weight == 0).float().mean()) >= 0.5 for layer in prunable(model).values())
    else:
        assert report.after.parameters < report.before.parameters
    assert bool(torch.isfinite(calls.calls[0].run(model)).all())


def run(*words: object) -> str:
    done = CliRunner().invoke(app, ["prune", *map(str, words)])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def refused(*words: object) -> str:
    done = CliRunner().invoke(app, ["prune", *map(str, words)])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return done.stderr.removeprefix("error: ").rstrip()


FEW = ("--steps", "2", "--samples", "2")


def test_the_command_takes_gradients_of_the_trained_miniature(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a seven\na small three on the left\n")
    words = ("--prompts", tmp_path / "prompts.txt", *FEW, "--method", "taylor", "--sparsity", "0.25")
    said = run(parts.FOLDER, *words, "--out", tmp_path / "out")
    assert "recorded from StableDiffusionPipeline, whose own samples are what it should predict, with 2 prompts" in said
    (step,) = json.loads((tmp_path / "out/unet/pruning.json").read_text())["steps"]
    assert step["prune"]["calibration"]["targets"] == "sample"
    pruned, dense = load(tmp_path / "out").unet, load(parts.FOLDER).unet
    assert pruned.num_parameters() < 0.9 * dense.num_parameters()
    calls = record(load(tmp_path / "out"), ["a seven"], steps=1, limit=1)
    assert bool(torch.isfinite(calls.calls[0].run(pruned)).all())


def test_the_command_without_a_pipeline_says_that_images_are_noise(tmp_path: Path) -> None:
    made("dit").transformer.save_pretrained(tmp_path / "dense")
    asked = ("--samples", "2", "--method", "diff-pruning", "--sparsity", "0.5")
    said = run(tmp_path / "dense", *asked, "--out", tmp_path / "out")
    assert "Calibrated on 2 forward passes with noise and random conditions, which says little" in said


def test_what_cannot_be_is_refused_before_weights_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline: Any = made("dit")
    pipeline.save_pretrained(tmp_path / "dit")
    place = tmp_path / "dit/scheduler/scheduler_config.json"
    index = tmp_path / "dit/model_index.json"
    for file in (place, index):
        file.write_text(file.read_text().replace("DDIMScheduler", "HeunDiscreteScheduler"))

    def opened(*_: object) -> None:
        raise AssertionError("weights are opened")

    monkeypatch.setattr(diffusers_folder, "load", opened)
    asked = (tmp_path / "dit", "--out", tmp_path / "out", "--sparsity", "0.5")
    told = "what a denoiser should predict is not known for HeunDiscreteScheduler; choose a method without gradients"
    assert refused(*asked, "--method", "taylor").startswith(told)
    told = "--include 'blocks.*' matches no block; did you mean transformer_blocks.1?"
    assert refused(*asked, "--method", "shortgpt", "--include", "blocks.*") == told
    assert not (tmp_path / "out").exists()
