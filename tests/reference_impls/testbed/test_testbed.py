"""Data, process, samplers, metrics, and what the shipped models reach and say of themselves."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from reference_impls.testbed import classifier, data, metrics, models, train
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
    with pytest.raises(ValueError, match="unknown data set 'cifar'; choose one of digits, mnist16"):
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
def test_samplers_reach_the_exact_solution(sampler: Callable[..., torch.Tensor]) -> None:
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
    exact = ddim(OfGaussian(0.2), noise, label, 500)
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


def gaussian(n: int, d: int, seed: int) -> torch.Tensor:
    """Correlated features (n, d) with means of their own."""
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(n, d, generator=generator) @ torch.randn(d, d, generator=generator)
    return (mixed + torch.randn(d, generator=generator)).double()


@pytest.mark.parametrize("d", [1, 2, 7, 64])
def test_frechet_distance_by_the_eigenvalues_of_the_product(d: int) -> None:
    """The textbook's way: the trace of the root of C1 C2, whose eigenvalues are real and positive."""
    first, second = gaussian(200, d, 0), gaussian(300, d, 1)
    one, other = (features.T.cov().reshape(d, d) for features in (first, second))
    cross = torch.linalg.eigvals(one @ other).sqrt().real.sum()
    expected = (first.mean(0) - second.mean(0)).square().sum() + one.trace() + other.trace() - 2 * cross
    assert metrics.frechet_distance(first, second) == pytest.approx(float(expected), rel=1e-9)


def test_frechet_distance_of_one_feature_in_closed_form() -> None:
    first, second = gaussian(50, 1, 0), 3 * gaussian(70, 1, 1) + 2
    expected = (first.mean() - second.mean()) ** 2 + (first.std() - second.std()) ** 2
    assert metrics.frechet_distance(first, second) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("rank", [0, 1, 3])
@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-8])
def test_frechet_distance_of_singular_covariances(rank: int, noise: float) -> None:
    generator = torch.Generator().manual_seed(0)
    low = torch.randn(40, rank, generator=generator) @ torch.randn(rank, 16, generator=generator) + 3
    one = low.double() + noise * torch.randn(40, 16, generator=generator)
    scale = float(one.square().sum(1).mean())
    assert metrics.frechet_distance(one, one) == pytest.approx(0, abs=1e-12 * scale)
    assert metrics.frechet_distance(one, one.flip(0)) == pytest.approx(0, abs=1e-12 * scale)
    variance = float((one - one.mean(0)).square().sum()) / 39
    wider = one + (one - one.mean(0))  # twice as wide about the same mean: C2 = 4 C1
    assert metrics.frechet_distance(one, wider) == pytest.approx(variance, rel=1e-9, abs=1e-12 * scale)
    assert metrics.frechet_distance(one, one + 1) == pytest.approx(16, rel=1e-9)


def test_frechet_distance_of_fewer_samples_than_features() -> None:
    first, second = gaussian(5, 16, 0), gaussian(6, 16, 1)
    ours = metrics.frechet_distance(first, second)
    assert ours == pytest.approx(metrics.frechet_distance(second, first), rel=1e-12)
    padded = [torch.cat([one, torch.zeros(len(one), 3, dtype=one.dtype)], 1) for one in (first, second)]
    assert ours == pytest.approx(metrics.frechet_distance(*padded), rel=1e-12)


def test_frechet_distance_of_features_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match=r"^features of shape \(5, 3\) holds NaN"):
        metrics.frechet_distance(torch.zeros(5, 3), torch.full((5, 3), torch.nan))


def test_frechet_distance_of_nothing() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        metrics.frechet_distance(torch.zeros(1, 3), torch.zeros(5, 3))


@pytest.mark.parametrize("name", ["digits", "mnist16"])
def test_classifiers_know_the_digits(name: str) -> None:
    _, held_out = data.load(name)
    assert classifier.accuracy(classifier.pretrained(name), held_out) >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("dit", 0.97), pytest.param("unet", 0.95, marks=pytest.mark.nightly)])
def test_samples_are_digits(name: str, least: float) -> None:
    some = data.load(models.DATA_OF[name])[1].first(10)  # the loss has a test of its own
    quality = metrics.measure(models.pretrained(name), models.DATA_OF[name], n=400, held_out=some)
    assert quality.class_accuracy >= least


def test_held_out_loss_by_hand() -> None:
    """Each image at the middle of every part of the time, with noise that is the same for all models."""
    images = data.load("digits")[1].first(7)
    seen: list[float] = []

    def silent(x: torch.Tensor, t: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        seen.extend(t.tolist())
        return torch.zeros_like(x)

    generator, errors = torch.Generator().manual_seed(1234), []
    for part in range(10):
        noise = torch.randn(images.pixels.shape, generator=generator)
        angle = (part + 0.5) / 10 * math.pi / 2
        errors.append((math.cos(angle) * noise - math.sin(angle) * images.pixels).square().mean())
    assert metrics.held_out_loss(silent, images) == pytest.approx(float(sum(errors) / 10), rel=1e-5)
    assert seen == pytest.approx([(part + 0.5) / 10 for part in range(10) for _ in range(7)])


def test_unknown_model() -> None:
    with pytest.raises(ValueError, match="unknown model 'sdxl'; choose one of dit, unet"):
        models.pretrained("sdxl")


def card(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text("utf-8"))  # type: ignore[no-any-return]  # JSON has no types


def keys(value: object) -> object:
    """The keys of a card, and of what is in it."""
    return {name: keys(inner) for name, inner in value.items()} if isinstance(value, dict) else None


def test_training_writes_the_card_that_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SAMPLES", 20)
    monkeypatch.setattr(metrics, "held_out_loss", lambda *args, **options: 1.25)
    monkeypatch.setattr("sys.argv", ["train", "dit", "--out", str(tmp_path), "--steps", "2"])
    train.main()
    made = card(tmp_path / "dit.json")
    assert made["training"]["recipe"]["steps"] == 2
    assert made["quality"]["samples"] == 20
    assert made["quality"]["held_out_loss"] == 1.25
    for name in models.BUILDERS:
        shipped = card(data.ASSETS / f"{name}.json")
        assert keys(shipped) == keys(made)
        assert shipped["data"]["name"] == models.DATA_OF[name]
        assert shipped["training"]["recipe"] == vars(train.RECIPES[name])
        assert shipped["parameters"] == sum(value.numel() for value in models.pretrained(name).parameters())
    monkeypatch.setattr("sys.argv", ["train", "dit", "--out", str(tmp_path), "--measure"])
    weights = (tmp_path / "dit.safetensors").read_bytes()
    train.main()
    assert (tmp_path / "dit.safetensors").read_bytes() == weights
    assert card(tmp_path / "dit.json")["training"] == made["training"]


def test_training_writes_the_classifiers_cards_that_are_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "EPOCHS", 0)
    monkeypatch.setattr("sys.argv", ["classifier", "--out", str(tmp_path)])
    classifier.main()
    for name in data.TRAIN_IMAGES:
        file = f"classifier-{name}.json"
        assert keys(card(data.ASSETS / file)) == keys(card(tmp_path / file))


@pytest.mark.slow
@pytest.mark.nightly  # the loss is held by test_held_out_loss_by_hand
@pytest.mark.parametrize("name", ["dit", "unet"])
def test_the_card_tells_the_loss_of_the_weights(name: str) -> None:
    measured = metrics.held_out_loss(models.pretrained(name), data.load(models.DATA_OF[name])[1])
    assert measured == pytest.approx(card(data.ASSETS / f"{name}.json")["quality"]["held_out_loss"], abs=2e-4)


def test_every_weight_file_stands_in_the_readme_as_its_card_has_it() -> None:
    readme = (data.ASSETS / "README.md").read_text("utf-8")
    for file in sorted(data.ASSETS.glob("*.safetensors")):
        told = card(file.with_suffix(".json"))
        row = next(line for line in readme.splitlines() if line.startswith(f"| `{file.name}`"))
        quality = told.get("quality", {"class_accuracy": told.get("held_out_accuracy")})
        numbers = [
            f"{told['parameters']:,}",
            f"`{told['data']['name']}.npz`",
            f"{quality['held_out_loss']:.5f}" if "held_out_loss" in quality else "–",
            f"{quality['class_accuracy']:.4f}",
            f"{quality['frechet_distance']:.3f}" if "frechet_distance" in quality else "–",
        ]
        assert [cell.strip() for cell in row.split("|")][3:-1] == numbers
        assert f"`{told['data']['name']}.npz`: {told['data']['licence']}" in readme
        assert f"Weights: {told['licence']}," in readme
