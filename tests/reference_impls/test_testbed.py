"""Data, process, samplers, metrics, and what the shipped models reach."""

import math

import pytest
import torch

from reference_impls.testbed import classifier, data, metrics, models
from reference_impls.testbed.diffusion import ddim, dpm_solver, noised, sampling_times, scales, stratified_times


@pytest.mark.parametrize(("name", "sizes", "side"), [("digits", (1300, 497), 8), ("mnist16", (4000, 1000), 16)])
def test_data(name: str, sizes: tuple[int, int], side: int) -> None:
    training, held_out = data.load(name)
    assert (len(training), len(held_out)) == sizes
    assert training.pixels.shape[1:] == (1, side, side)
    assert training.pixels.min() == -1
    assert training.pixels.max() == 1
    assert sorted(set(held_out.labels.tolist())) == list(range(10))
    known = {row.numpy().tobytes() for row in training.pixels}
    shared = sum(row.numpy().tobytes() in known for row in held_out.pixels)
    assert shared == 0


def test_unknown_data() -> None:
    with pytest.raises(ValueError, match="data set 'cifar' is not one of digits, mnist16"):
        data.load("cifar")


def test_v_gives_back_image_and_noise() -> None:
    x0, noise, t = torch.randn(4, 1, 3, 3), torch.randn(4, 1, 3, 3), torch.rand(4)
    x, v = noised(x0, noise, t)
    a, s = scales(t)
    torch.testing.assert_close(a * x - s * v, x0)
    torch.testing.assert_close(s * x + a * v, noise)


def test_times_are_stratified() -> None:
    t = stratified_times(50, torch.Generator().manual_seed(0)).sort().values
    assert torch.equal((t * 50).floor(), torch.arange(50.0))


class OfGaussian:
    """The exact v where the data are N(0, sigma^2): E[x0 | x] = a sigma^2 x / (a^2 sigma^2 + s^2)."""

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def __call__(self, x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        a, s = scales(t)
        variance = a**2 * self.sigma**2 + s**2
        x0 = a * self.sigma**2 * x / variance
        return a * (s * x / variance) - s * x0


@pytest.mark.parametrize("sampler", [ddim, dpm_solver])
def test_samplers_reach_the_exact_solution(sampler) -> None:  # type: ignore[no-untyped-def]
    sigma = 0.2
    noise = torch.randn(64, 1, 2, 2, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    made = sampler(OfGaussian(sigma), noise, torch.zeros(64, dtype=torch.long), 200)
    first, last = sampling_times(1)
    angles = [t * math.pi / 2 for t in (first, last)]
    spread = [math.hypot(math.cos(angle) * sigma, math.sin(angle)) for angle in angles]
    torch.testing.assert_close(made, noise * spread[1] / spread[0], rtol=2e-2, atol=2e-3)


def test_the_second_order_solver_is_nearer_in_few_steps() -> None:
    noise = torch.randn(64, 1, 2, 2, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    label = torch.zeros(64, dtype=torch.long)
    exact = ddim(OfGaussian(0.2), noise, label, 2000)
    made = [sampler(OfGaussian(0.2), noise, label, 20) for sampler in (ddim, dpm_solver)]
    errors = [float((one - exact).abs().mean()) for one in made]
    assert errors[1] < errors[0]


def test_no_steps() -> None:
    with pytest.raises(ValueError, match="steps 0 is not positive"):
        sampling_times(0)


def test_frechet_distance_in_closed_form() -> None:
    generator = torch.Generator().manual_seed(0)
    white = torch.randn(20_000, 3, generator=generator, dtype=torch.float64)
    white = (white - white.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(white.T.cov())).T  # exactly N(0, I)
    shift, scale = torch.tensor([[1, 2, 0], [1, 2, 3]], dtype=torch.float64)
    assert metrics.frechet_distance(white, white) == pytest.approx(0, abs=1e-9)
    closed = 5 + (1 - 2) ** 2 + (1 - 3) ** 2
    assert metrics.frechet_distance(white, white * scale + shift) == pytest.approx(closed, rel=1e-9)


def test_frechet_distance_of_nothing() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        metrics.frechet_distance(torch.zeros(1, 3), torch.zeros(5, 3))


@pytest.mark.parametrize("name", ["digits", "mnist16"])
def test_classifiers_know_the_digits(name: str) -> None:
    _, held_out = data.load(name)
    assert classifier.accuracy(classifier.pretrained(name), held_out) >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("dit", 0.97), ("unet", 0.95)])
def test_samples_are_digits(name: str, least: float) -> None:
    quality = metrics.measure(models.pretrained(name), models.DATA_OF[name], n=400)
    assert quality.class_accuracy >= least


def test_unknown_model() -> None:
    with pytest.raises(ValueError, match="model 'sdxl' is not one of dit, unet"):
        models.pretrained("sdxl")
