"""What a pipeline gives to its denoiser is kept as it was passed, over prompts and steps, and can be repeated."""

import re
from typing import Any

import pytest
import torch

from reference_impls import prune, record
from reference_impls.calls.call import Call
from reference_impls.calls.record import _Run, denoiser_of, fingerprint
from reference_impls.methods.prune import cost
from tests.reference_impls.forty import model_of
from tests.reference_impls.forty_pipelines import calls_of
from tests.reference_impls.tiny_pipelines import INPUTS, PIPELINES, diffusers, made

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
PROMPTS = ("a cat", "the red dog", "a small hill")


def recorded(name: str, pipeline: Any, **options: Any) -> Any:
    prompts = {"ddpm": (), "dit": ("3", "7", "1")}.get(name, PROMPTS)
    return record(pipeline, prompts, **{"steps": 3, "limit": 4, "inputs": INPUTS.get(name), **options})


@pytest.mark.parametrize("name", PIPELINES)
@torch.no_grad()
def test_the_denoiser_repeats_what_it_did(name: str) -> None:
    pipeline = made(name)
    calls = recorded(name, pipeline, targets="output")
    _, model = denoiser_of(pipeline)
    assert len(calls.calls) == 4
    for call in calls:
        assert call.target is not None
        torch.testing.assert_close(call.run(model), call.target, rtol=1e-5, atol=1e-5)
        assert call.samples == len(call.target)
    assert {call.steps for call in calls} == {3}
    assert {call.step for call in calls} == {0, 1, 2}
    assert not model._forward_hooks
    assert not model._forward_pre_hooks
    assert "step" not in vars(pipeline.scheduler)
    assert "_progress_bar_config" not in vars(pipeline)


@pytest.mark.parametrize("name", ["ddpm", "dit", "sd", "sdxl", "sd3", "flux", "pixart"])
def test_methods_take_recorded_calls(name: str) -> None:
    pipeline = made(name)
    _, model = denoiser_of(pipeline)
    method = {"ddpm": "wanda", "sd": "sparsegpt", "sdxl": "wanda"}.get(name, "obs-diff")
    calls = recorded(name, pipeline, limit=2)
    report = prune(model, calls, 0.5, method=method)
    assert report.calibration["source"] == "recorded"
    assert report.calibration["forward passes"] == 2
    assert report.after.nonzero < 0.85 * report.before.nonzero
    assert bool(torch.isfinite(calls.calls[0].run(model)).all())


def test_arguments_are_kept_exactly() -> None:
    """Positional and by name, None, booleans, numbers, nested; a tensor that is passed twice is copied once."""
    run = _Run()
    shared, changing = torch.ones(3), torch.zeros(2, 4)
    given = {
        "none": None,
        "yes": True,
        "number": 7,
        "zero": torch.tensor(0.5),
        "nested": {"list": [shared, 1.5], "pair": (None, shared)},
        "text": "x",
    }

    class Takes(torch.nn.Module):
        def forward(self, x: torch.Tensor, t: int, **_: Any) -> tuple[torch.Tensor, str]:
            return x + t, "more"

    model = Takes()
    with run.listening(model, None):
        for step in range(2):
            model(changing, step, **given)
            changing += 1
    first, second = run.calls
    assert first.positional[1:] == (0,)
    assert torch.equal(first.positional[0], torch.zeros(2, 4))
    assert torch.equal(second.positional[0], torch.ones(2, 4))
    assert {name: first.arguments[name] for name in ("none", "yes", "number", "text")} == {
        "none": None,
        "yes": True,
        "number": 7,
        "text": "x",
    }
    assert first.arguments["zero"].shape == ()
    assert first.arguments["nested"]["list"][0] is second.arguments["nested"]["pair"][1]
    assert first.arguments["nested"]["list"][0] is not shared
    assert isinstance(first.arguments["nested"]["pair"], tuple)
    assert first.batch == first.samples == 2
    assert torch.equal(first.run(model), torch.zeros(2, 4))


def test_the_first_sample_of_a_recorded_call_is_the_whole_call() -> None:
    """Which of its tensors have the samples in front is not known; MACs are those of one sample all the same."""
    pipeline = made("sd")
    guided = recorded("sd", pipeline, guidance=5.0)
    alone = recorded("sd", pipeline, guidance=0.0)
    assert [call.samples for call in (guided.calls[0], alone.calls[0])] == [2, 1]
    assert guided.calls[0].first().positional is guided.calls[0].positional
    assert guided.calls[0].first().target is None
    costs = [cost(pipeline.unet, calls).macs for calls in (guided, alone)]
    assert costs[0] is not None
    assert costs[0] == costs[1]


def test_seed_prompts_and_limit() -> None:
    pipeline = made("sd")

    def latents(**options: Any) -> list[torch.Tensor]:
        return [call.positional[0] for call in recorded("sd", pipeline, **options)]

    one, again, other = latents(seed=1), latents(seed=1), latents(seed=2)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], other[0])
    calls = recorded("sd", pipeline, limit=2, seed=3)
    assert [call.step for call in calls] == [1, 2]  # one each of two of the prompts, at different times
    assert calls.about == {
        "source": "recorded",
        "pipeline": "StableDiffusionPipeline",
        "denoiser": "unet",
        "scheduler": "DDIMScheduler",
        "prompts": 2,
        "prompts_sha256": fingerprint(PROMPTS),
        "steps": 3,
        "guidance": None,
        "seed": 3,
        "forward passes": 2,
    }
    assert len(recorded("sd", pipeline, limit=100).calls) == 9  # all that there are


def test_a_step_is_one_of_the_scheduler() -> None:
    """Heun's method calls the denoiser twice a step; the second call belongs to the same noise level as the next."""
    pipeline = made("sd")
    pipeline.scheduler = diffusers.HeunDiscreteScheduler.from_config(pipeline.scheduler.config)
    calls = recorded("sd", pipeline, limit=100)
    assert sorted({call.step for call in calls}) == list(range(5))
    assert {call.steps for call in calls} == {5}


def test_a_damaged_part_is_named_by_what_it_gives() -> None:
    """Scores of a layer would be blamed otherwise."""
    pipeline = made("sd")
    pipeline.text_encoder.get_input_embeddings().weight.data.fill_(torch.nan)
    told = r"^StableDiffusionPipeline passes NaN to its unet \(encoder_hidden_states at step [0-2]\); one of its parts"
    with pytest.raises(ValueError, match=told):
        recorded("sd", pipeline)


def test_images_and_latents_are_passed_on() -> None:
    pipeline = made("sd")
    start = torch.full((1, 4, 8, 8), 0.25)
    calls = recorded("sd", pipeline, inputs={**INPUTS["sd"], "latents": start})
    first = next(call for call in calls if call.step == 0)
    assert torch.equal(first.positional[0][:1], start)
    image = diffusers.StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    calls = record(image, PROMPTS, steps=4, limit=2, inputs={"image": torch.zeros(1, 3, 16, 16), "strength": 0.5})
    assert {call.steps for call in calls} == {2}


def test_what_cannot_be_recorded() -> None:
    sd, ddpm, dit = made("sd"), made("ddpm"), made("dit")
    for pipeline, options, told in (
        (sd, {"prompts": ()}, "StableDiffusionPipeline needs prompts; give some"),
        (dit, {"prompts": ()}, "DiTPipeline needs class numbers as prompts; give some"),
        (dit, {"prompts": ("a cat",)}, "DiTPipeline takes numbers of classes as prompts, not 'a cat'"),
        (ddpm, {"prompts": PROMPTS}, "DDPMPipeline takes no prompts; leave them out"),
        (ddpm, {"guidance": 2.0}, "DDPMPipeline has no guidance; leave it out"),
        (ddpm, {"steps": 0}, "steps must be at least 1, not 0"),
        (ddpm, {"limit": 0}, "limit must be at least 1, not 0"),
        (ddpm, {"denoiser": "transformer"}, "DDPMPipeline has no 'transformer'; its modules are unet"),
        (
            sd,
            {"prompts": PROMPTS, "denoiser": "vae"},
            "StableDiffusionPipeline never called its vae; name the denoiser",
        ),
        (
            sd,
            {"prompts": PROMPTS, "inputs": {"hight": 8}},
            "StableDiffusionPipeline takes no 'hight'; it takes prompt, ",
        ),
        (
            sd,
            {"prompts": PROMPTS, "inputs": {"prompt_embeds": torch.zeros(1, 8, 16)}},
            "StableDiffusionPipeline fails for prompt 'a cat': Cannot forward both `prompt`",
        ),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
            record(pipeline, **{"steps": 2, **options})  # type: ignore[arg-type]
        assert "step" not in vars(pipeline.scheduler)


def test_an_interrupt_leaves_the_pipeline_as_it_was() -> None:
    pipeline = made("ddpm")

    def stop(done: int, of: int) -> None:
        assert of == 4
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(pipeline, steps=2, show=stop)
    assert "_progress_bar_config" not in vars(pipeline)


def test_a_call_without_samples_is_none() -> None:
    assert Call({"x": torch.tensor(1.0)}).samples == 0


@pytest.mark.parametrize("name", ["unCLIP", "ControlNet"])
def test_other_denoisers_have_their_steps_and_samples(name: str) -> None:
    """UnCLIP has three samplers, and a ControlNet gives a tuple of outputs in a tuple."""
    _, calls = calls_of(name, model_of(name))
    assert [(call.step, call.steps, call.batch) for call in calls] == [(0, 2, 2), (1, 2, 2)]
