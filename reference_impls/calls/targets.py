"""What a denoiser should predict at a recorded forward pass, from the sample that its pipeline ended with.

Maths   x_t = A x_0 + B e, with the A and B by which the pipeline's own scheduler adds noise, so e = (x_t - A x_0) / B.
        With a and s as A and B, divided by sqrt(A^2 + B^2), the target is e for epsilon, a e - s x_0 for v_prediction
        (Salimans and Ho, 2022, arXiv:2202.00512, appendix D), x_0 for sample, and e - x_0 for a flow (Lipman et al.,
        2022, arXiv:2210.02747, section 4.1). An error of these is one of e times 1, a, A / B and A.

No data set is needed: x_0 is the dense model's own sample. Near the end of a run its prediction is nearly this target,
so the loss there is small.
"""

from __future__ import annotations

import math
from typing import Any

import torch

FLOW = "flow_prediction"
PREDICTIONS = ("epsilon", "v_prediction", "sample", FLOW)


def prediction_of(scheduler: Any) -> str:
    """What the scheduler takes its model to predict, one of ``PREDICTIONS``.

    Raises:
        ValueError: that is not known, or the scheduler runs the model at other samples than those of its steps.
    """
    config = getattr(scheduler, "config", {})
    flows = hasattr(scheduler, "scale_noise")
    kind = FLOW if flows else config.get("prediction_type", "none") if hasattr(scheduler, "add_noise") else "none"
    scaled = "sigma_data" in config or config.get("invert_sigmas", False)
    if kind not in PREDICTIONS or scaled or getattr(scheduler, "order", 1) != 1:
        raise ValueError(
            f"what a denoiser should predict is not known for {type(scheduler).__name__}; choose a method without "
            "gradients or training, or a pipeline with a first-order scheduler, such as DDIMScheduler or "
            "FlowMatchEulerDiscreteScheduler"
        )
    return str(kind)


def levels_of(scheduler: Any, timestep: Any) -> tuple[float, float]:
    """A and B at a timestep that the scheduler is about to step from."""
    add = getattr(scheduler, "scale_noise", None)
    time = torch.as_tensor(timestep).reshape(-1)[:1]
    none, one = torch.zeros(1), torch.ones(1)
    if add is not None:
        return float(add(one, time, none)), float(add(none, time, one))
    return float(scheduler.add_noise(one, none, time)), float(scheduler.add_noise(none, one, time))


def target_of(
    prediction: str, noised: torch.Tensor, clean: torch.Tensor, levels: tuple[float, float]
) -> tuple[torch.Tensor, float]:
    """The target, shaped as the samples, and the factor that turns an error of it into one of the noise.

    Args:
        prediction: one of ``PREDICTIONS``.
        noised: x_t.
        clean: x_0.
        levels: A and B.
    """
    big_a, big_b = levels
    noise = (noised - big_a * clean) / big_b
    if prediction == "epsilon":
        return noise, 1.0
    if prediction == "sample":
        return clean, big_a / big_b
    if prediction == FLOW:
        return noise - clean, big_a
    size = math.hypot(big_a, big_b)
    return (big_a * noise - big_b * clean) / size, big_a / size


def fitted(target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """The target of each sample of an output: with classifier-free guidance that of an image, again for each half.

    Raises:
        ValueError: the output has another shape; one that has twice the channels also predicts a variance.
    """
    copies = max(len(output) // len(target), 1)
    whole = target.repeat(copies, *[1] * (target.dim() - 1))
    if tuple(whole.shape) not in (tuple(output.shape), (len(output), output.shape[1] // 2, *output.shape[2:])):
        raise ValueError(
            f"the scheduler steps on samples of shape {tuple(target.shape)}, and the denoiser gives "
            f"{tuple(output.shape)}; choose a method without gradients or training"
        )
    return whole
