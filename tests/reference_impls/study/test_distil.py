"""Recovery of models of diffusers from the dense one: step by step, zeros and widths stay, folders and refusals."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

from reference_impls.calls.call import Calibration
from reference_impls.calls.record import denoiser_of, record
from reference_impls.command_line import recover as command
from reference_impls.command_line.commands import app
from reference_impls.methods.prune import prune
from reference_impls.models.load import load
from reference_impls.pruning.layers import prunable
from reference_impls.study.recover import distil
from reference_impls.units.lookup import feature_places
from tests.reference_impls.by_hand import descend
from tests.reference_impls.tiny_pipelines import INPUTS, diffusers, made

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
Recorded = tuple[nn.Module, Calibration]


def recorded(name: str) -> Recorded:
    pipeline = made(name)
    prompts = ("1", "5") if name == "dit" else ("a cat", "the red dog")
    calls = record(pipeline, prompts, steps=2, limit=3, inputs=INPUTS.get(name), targets="output")
    return denoiser_of(pipeline)[1], calls


@pytest.fixture(scope="module")
def dit() -> Recorded:
    return recorded("dit")


@torch.no_grad()
def error(model: nn.Module, calls: Calibration) -> float:
    return sum(call.loss(model).item() for call in calls)


@pytest.mark.parametrize("method", ["magnitude", "magnitude-units", "shortgpt"])
def test_the_loss_falls_and_what_was_pruned_stays_out(dit: Recorded, method: str) -> None:
    dense, calls = dit
    model = copy.deepcopy(dense)
    assert error(dense, calls) == pytest.approx(0, abs=1e-10)
    prune(model, calls, 0.5, method=method)
    before, shapes = error(model, calls), [value.shape for value in model.parameters()]
    zeros = {name: layer.weight == 0 for name, layer in prunable(model).items()}
    done: list[int] = []
    distil(model, calls, steps=12, rate=3e-3, show=done.append)
    assert error(model, calls) < 0.7 * before
    assert [value.shape for value in model.parameters()] == shapes
    for name, layer in prunable(model).items():
        assert bool((layer.weight[zeros[name]] == 0).all()), name
    assert done == list(range(1, 13))


@pytest.mark.parametrize("name", ["sd", "sd3"])
def test_step_by_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By plain steps along the gradient: outputs, and features of both streams or of each stage, no checkpoints."""
    monkeypatch.setattr(torch.optim, "AdamW", lambda values, lr, weight_decay: torch.optim.SGD(values, lr=lr))
    teacher, calls = recorded(name)
    model: Any = copy.deepcopy(teacher)
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(0.9)
    by_hand = copy.deepcopy(model)
    last = distil(model, calls, steps=2, teacher=teacher, features="normalised", rate=0.01, seed=4)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(4)).tolist()
    places = {
        "sd": ("down_blocks.0", "down_blocks.1", "up_blocks.0", "up_blocks.1", "mid_block"),
        "sd3": ("transformer_blocks.0", "transformer_blocks.1"),
    }[name]
    assert feature_places(model) == places
    for rate, number in ((0.01, order[2]), (0.005, order[1])):
        call = calls.calls[number]
        seen: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        handles = [
            one.get_submodule(place).register_forward_hook(
                lambda _m, _i, output, into=into, place=place: into.update({place: output})
            )
            for one, into in zip((by_hand, teacher), seen, strict=True)
            for place in places
        ]
        made_now = call.run(by_hand)
        with torch.no_grad():
            wanted = call.run(teacher)
        for handle in handles:
            handle.remove()
        loss = ((made_now - wanted) ** 2).mean()
        for place in places:
            for mine, theirs in zip(*(_tensors(one[place]) for one in seen), strict=True):
                loss = loss + ((mine - theirs) ** 2).mean() / (theirs**2).mean()
        descend(by_hand, loss, rate)
    assert last == pytest.approx(loss.item(), rel=1e-4)
    for one, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert not any(module._forward_hooks for module in (*model.modules(), *teacher.modules()))
    assert not model.is_gradient_checkpointing


def _tensors(output: Any) -> list[torch.Tensor]:
    return [one for one in (output if isinstance(output, tuple) else (output,)) if isinstance(one, torch.Tensor)]


def test_features_of_blocks_that_both_have() -> None:
    """The pruned transformer's blocks beside those of the dense one that were not removed, and no others."""
    teacher, calls = recorded("sd3")
    model = copy.deepcopy(teacher)
    report = prune(model, calls, 0.5, method="bk-sdm")
    assert report.dropped == ["transformer_blocks.1"]
    distil(model, calls, steps=1, teacher=teacher, features="plain", dropped=report.dropped)
    told = "the pruned model has 1 blocks to compare, and the dense one 2 that were not removed; give the model that it"
    with pytest.raises(ValueError, match=f"^{told}"):
        distil(model, calls, steps=1, teacher=teacher, features="plain")


def test_what_cannot_be(dit: Recorded) -> None:
    model, calls = dit
    with pytest.raises(ValueError, match=r"^steps -1 is negative$"):
        distil(model, calls, steps=-1)
    with pytest.raises(ValueError, match=r"^features 'plain' need a teacher$"):
        distil(model, calls, steps=1, features="plain")
    with pytest.raises(ValueError, match=r"^this calibration has no targets"):
        distil(copy.deepcopy(model), Calibration((calls.calls[0].first(),)), steps=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense transformer in half precision, and what pruning made of it."""
    place = tmp_path_factory.mktemp("folders")
    made("sd3").to(torch.float16).save_pretrained(place / "dense")
    asked = ("--steps", "2", "--samples", "2", "--sparsity", "0.5")
    for method in ("magnitude", "shortgpt"):
        given = ("--sparsity", "0.5") if method == "magnitude" else asked
        run("prune", place / "dense", "--method", method, *given, "--out", place / method)
    return place


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def refused(*words: object, code: int = 2) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("error: ").rstrip()


FILE = "transformer/diffusion_pytorch_model.safetensors"


def test_a_pipeline_is_recovered_and_keeps_its_precision(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("a cat\n")
    words = ("--against", folders / "dense", "--prompts", tmp_path / "prompts.txt", "--samples", "8", "--steps", "8")
    said = run(
        "recover", folders / "magnitude", *words, "--rate", "0.0002", "--guidance", "2", "--out", tmp_path / "out"
    )
    assert "MSE to the dense prediction (held-out)" in said
    assert "7 forward passes to learn from, 1 held out" in said
    assert "the pipeline; its transformer is recovered" in said
    before, after = (load_file(folder / FILE) for folder in (folders / "magnitude", tmp_path / "out"))
    assert {value.dtype for value in after.values()} == {torch.float16}
    changed = 0
    for name, value in before.items():
        assert bool((after[name][value == 0] == 0).all()) or value.dim() == 1, name
        changed += int((after[name] != value).sum())
    assert changed > 100
    first, second = json.loads((tmp_path / "out/transformer/pruning.json").read_text())["steps"]
    assert first["prune"]["method"] == "magnitude"
    how = second["recover"]
    assert (how["steps"], how["rate"], how["features"]) == (8, 2e-4, "none")
    assert how["calibration"]["prompts"] == 2  # two runs of the prompt
    assert how["after"] < how["before"]
    without_t5 = {"text_encoder_3": None, "tokenizer_3": None}
    assert diffusers.StableDiffusion3Pipeline.from_pretrained(tmp_path / "out", **without_t5).transformer is not None


def test_a_model_without_some_blocks_is_recovered_alone(folders: Path, tmp_path: Path) -> None:
    words = ("--against", folders / "dense/transformer", "--samples", "9", "--steps", "2", "--features", "plain")
    said = run("recover", folders / "shortgpt/transformer", *words, "--out", tmp_path / "out")
    assert "8 forward passes to learn from, 1 held out" in said
    assert len(feature_places(load(tmp_path / "out"))) == 1


def test_what_is_refused(folders: Path, tmp_path: Path) -> None:
    made("dit").transformer.save_pretrained(tmp_path / "other")
    pruned, dense, out = folders / "magnitude", folders / "dense", tmp_path / "out"
    for words, told in (
        ((pruned,), f"{pruned} holds a model of diffusers, which learns from the dense one; give the folder that it"),
        ((pruned, "--against", tmp_path), f"--against {tmp_path} is no folder of diffusers; give the one that"),
        ((pruned, "--against", tmp_path / "other"), f"{pruned} holds a SD3Transformer2DModel, and --against"),
        ((pruned, "--against", pruned), f"--against {pruned} is the pruned model itself; give the folder that it"),
        ((pruned, "--against", dense, "--samples", "7"), "--samples 7 is too few to learn from and to measure; give 8"),
        ((pruned, "--against", dense, "--rate", "0"), "--rate 0 is no learning rate; give a positive number, such as"),
        ((pruned, "--against", dense, "--rate", "nan"), "--rate nan is no learning rate; give a positive number, such"),
        ((pruned, "--against", dense, "--no-teacher"), f"without a data set {pruned} learns from the dense model"),
        ((tmp_path, "--against", dense), f"{tmp_path} is no folder of diffusers; --against, --prompts, --guidance and"),
        ((tmp_path, "--samples", "9"), f"--samples 9 is too few for the metrics of {tmp_path}; give 10 or more"),
        (
            (pruned / "transformer", "--against", dense / "transformer", "--guidance", "2"),
            f"--against {dense / 'transformer'} is one model, which takes no prompts and guidance; give its pipeline",
        ),
    ):
        assert refused("recover", *words, "--out", out).startswith(told)
    told = f"{pruned / 'out'} is inside the folder that is read; choose another --out"
    assert refused("recover", pruned, "--against", dense, "--out", pruned / "out") == told
    assert [file.name for file in tmp_path.iterdir()] == ["other"]


def test_an_interrupt_leaves_nothing(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **_more: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "distil", stopped)
    words = ("--against", folders / "dense/transformer", "--samples", "8", "--out", tmp_path / "out")
    assert "interrupted" in refused("recover", folders / "magnitude/transformer", *words, code=130)
    assert list(tmp_path.iterdir()) == []
