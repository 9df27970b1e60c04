"""What a denoiser should predict: by hand for each parametrisation and sampler, and of runs of real pipelines."""

import math
import re
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.record import _Run, denoiser_of, record
from reference_impls.calls.targets import FLOW, PREDICTIONS, fitted, levels_of, prediction_of, target_of
from tests.reference_impls.tiny_pipelines import INPUTS, diffusers, made

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("levels", [(0.8, 0.6), (1.0, 3.0), (0.3, 0.7)], ids=["preserving", "exploding", "flow"])
def test_target_and_scale_by_hand(prediction: str, levels: tuple[float, float]) -> None:
    """An error of the prediction, times the scale, is that of the noise which the prediction means."""
    generator = torch.Generator().manual_seed(0)
    clean, noise, error = (torch.randn(2, 3, generator=generator).double() for _ in range(3))
    big_a, big_b = levels
    if prediction == FLOW and big_a + big_b != 1:
        return
    noised = big_a * clean + big_b * noise
    target, scale = target_of(prediction, noised, clean, levels)
    size = math.hypot(big_a, big_b)
    a, s, x = big_a / size, big_b / size, noised / size

    def meant(made: torch.Tensor) -> torch.Tensor:
        """The noise, as each parametrisation defines it."""
        return {
            "epsilon": made,
            "v_prediction": s * x + a * made,
            "sample": (noised - big_a * made) / big_b,
            FLOW: noised + big_a * made,
        }[prediction]

    torch.testing.assert_close(meant(target), noise)
    torch.testing.assert_close((meant(target + error) - noise).abs(), (scale * error).abs())


@pytest.mark.parametrize(
    ("kind", "prediction"),
    [("DDIMScheduler", "epsilon"), ("EulerDiscreteScheduler", "epsilon"), ("FlowMatchEulerDiscreteScheduler", FLOW)],
)
def test_levels_are_those_of_the_scheduler(kind: str, prediction: str) -> None:
    scheduler = getattr(diffusers, kind)()
    scheduler.set_timesteps(4)
    assert prediction_of(scheduler) == prediction
    for number, time in enumerate(scheduler.timesteps):
        if kind == "DDIMScheduler":
            kept = float(scheduler.alphas_cumprod[time])
            expected = (kept**0.5, (1 - kept) ** 0.5)
        else:
            sigma = float(scheduler.sigmas[number])
            expected = (1.0 if kind == "EulerDiscreteScheduler" else 1 - sigma, sigma)
        assert levels_of(scheduler, time) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["sd", "dit", "sd3"])
def test_a_run_leads_to_its_own_sample(name: str) -> None:
    """Both halves of guidance, a predicted variance, a flow: x_t and the target give the sample of the run."""
    pipeline, prompt = made(name), "1" if name == "dit" else "a cat"
    words: dict[str, Any] = {
        "num_inference_steps": 3,
        "guidance_scale": 2.0,
        "output_type": "latent",
        **INPUTS.get(name, {}),
    }
    words |= {"class_labels": [1]} if name == "dit" else {"prompt": prompt}
    calls = record(pipeline, [prompt], steps=3, limit=3, guidance=2.0, inputs=INPUTS.get(name), targets="sample")
    assert calls.about["targets"] == "sample"
    pipeline.set_progress_bar_config(disable=True)
    if name == "dit":  # which gives no latents out
        pipeline.vae.config.scaling_factor = 1.0
        pipeline.vae.decode = lambda latents: type("Decoded", (), {"sample": latents})
        words["output_type"] = "np"
    with torch.no_grad():
        images = pipeline(**words, generator=torch.Generator().manual_seed(0)).images
    sample = torch.from_numpy(images).permute(0, 3, 1, 2) if name == "dit" else images
    _, model = denoiser_of(pipeline)
    for call in calls:
        noised = call.positional[0] if call.positional else call.arguments["hidden_states"]
        assert call.target is not None
        assert len(call.target) == 2
        time = pipeline.scheduler.timesteps[call.step]
        if name == "sd3":
            made_of = noised - float(time) / 1000 * call.target
        else:
            kept = float(pipeline.scheduler.alphas_cumprod[int(time)])
            made_of = (noised - (1 - kept) ** 0.5 * call.target) / kept**0.5
        if name == "dit":
            made_of = (made_of / 2 + 0.5).clamp(0, 1)
        torch.testing.assert_close(made_of[:1], sample, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(made_of[:1], made_of[1:], rtol=1e-3, atol=1e-3)
        assert call.error(model).shape == call.target.shape


@pytest.mark.parametrize(
    "kind", ["HeunDiscreteScheduler", "EDMEulerScheduler", "FlowMatchHeunDiscreteScheduler", "IPNDMScheduler"]
)
def test_a_scheduler_whose_target_is_not_known(kind: str) -> None:
    told = (
        f"what a denoiser should predict is not known for {kind}; choose a method without gradients or training, or a "
        "pipeline with a first-order scheduler, such as DDIMScheduler or FlowMatchEulerDiscreteScheduler"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        prediction_of(getattr(diffusers, kind)())


def test_flows_that_run_from_the_image_to_noise_are_refused() -> None:
    """Mochi's."""
    with pytest.raises(ValueError, match=r"^what a denoiser should predict is not known"):
        prediction_of(diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True))


def test_outputs_of_another_shape_than_the_samples() -> None:
    told = (
        "the scheduler steps on samples of shape (2, 4), and the denoiser gives (2, 3, 4); choose a method without "
        "gradients or training"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        fitted(torch.zeros(2, 4), torch.zeros(2, 3, 4))


def test_a_pipeline_that_negates_the_prediction() -> None:
    """As that of Lumina 2 does: its scheduler is given the negative of what the denoiser gives."""
    scheduler, model, run = diffusers.FlowMatchEulerDiscreteScheduler(), nn.Linear(3, 3), _Run(True, FLOW)
    scheduler.set_timesteps(3)
    x = torch.randn(1, 3, generator=torch.Generator().manual_seed(0))
    noised = []
    with run.listening(model, scheduler), torch.no_grad():
        for time in scheduler.timesteps:
            noised.append(x)
            x = scheduler.step(-model(x), time, x).prev_sample
    for call, before, sigma in zip(run.spread(3, 0.5), noised, scheduler.sigmas, strict=False):
        assert call.target is not None
        torch.testing.assert_close(call.target, -(before - x) / sigma, rtol=1e-4, atol=1e-4)
