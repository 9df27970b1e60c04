"""Quality metrics of the testbed, the most reliable first.

1. denoising loss: mean squared error of v on held-out images, with fixed noise at a grid of timesteps; deterministic;
2. drift: mean squared error between a pruned model's samples and the dense model's samples from the same noise;
3. class accuracy of conditional samples, by the shipped classifier;
4. Fréchet distance between samples and held-out images in the classifier's 64 features (Dowson and Landau, 1982), not
   Inception FID: reported, never a gate, because it is not monotone once a model has collapsed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from reference_impls.maths.masks import check_finite
from reference_impls.testbed import classifier
from reference_impls.testbed.data import CLASSES, Images, load
from reference_impls.testbed.diffusion import Model, ddim, noised

GRID = 10
"""Timesteps of the denoising loss: the middles of this many equal parts of [0, 1]."""
BATCH = 50
"""Images of a batch: larger ones are slower, since the U-Net's feature maps do not fit the cache."""
HELD_OUT_SEED = 1234


@dataclass(frozen=True)
class Quality:
    """Metrics of one model."""

    held_out_loss: float
    drift: float | None
    """Mean squared error to the dense model's samples; None for the dense model itself."""
    class_accuracy: float
    frechet_distance: float
    samples: int
    steps: int


@torch.no_grad()
def held_out_loss(model: Model, images: Images, *, seed: int = HELD_OUT_SEED) -> float:
    """Mean squared error of v over all held-out images, each at every time of the grid, with fixed noise."""
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for part in range(GRID):
        noise = torch.randn(images.pixels.shape, generator=generator)
        t = torch.full((len(images),), (part + 0.5) / GRID)
        x, v = noised(images.pixels, noise, t)
        for start in range(0, len(images), BATCH):
            stop = start + BATCH
            error = model(x[start:stop], t[start:stop], images.labels[start:stop]) - v[start:stop]
            total += float(error.square().sum())
    return total / (GRID * images.pixels.numel())


def balanced_classes(n: int) -> torch.Tensor:
    """Classes (n,) in turn: 0, 1, … 9, 0, and so on."""
    return torch.arange(n) % CLASSES


def start(side: int, n: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """What every sampler begins with: noise (n, 1, side, side) fixed by the seed, and the classes in turn."""
    return torch.randn(n, 1, side, side, generator=torch.Generator().manual_seed(seed)), balanced_classes(n)


@torch.no_grad()
def samples(model: Model, side: int, n: int, *, steps: int = 10, seed: int = 0) -> torch.Tensor:
    """DDIM samples (n, 1, side, side) of the classes in turn, from noise fixed by the seed."""
    noise, labels = start(side, n, seed=seed)
    parts = range(0, n, BATCH)
    return torch.cat([ddim(model, noise[i : i + BATCH], labels[i : i + BATCH], steps) for i in parts])


def frechet_distance(first: torch.Tensor, second: torch.Tensor) -> float:
    """Squared Fréchet distance between the Gaussians fitted to two sets of features, (n, d) and (m, d).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). With C = R^T R from a QR decomposition of the centred features, the
    trace of the root is the sum of the singular values of R1 R2^T: no covariance is inverted or rooted, so that one
    feature and singular covariances are cases like any other.

    Raises:
        ValueError: the widths differ, a set has fewer than two rows, or a feature is not finite.
    """
    if first.shape[1:] != second.shape[1:] or min(len(first), len(second)) < 2:
        raise ValueError(f"features of shape {tuple(first.shape)} and {tuple(second.shape)} cannot be compared")
    first, second = check_finite("features", first.double()), check_finite("features", second.double())
    root, other = _covariance_root(first), _covariance_root(second)
    cross = torch.linalg.svdvals(root @ other.T).sum()
    apart = (first.mean(0) - second.mean(0)).square().sum()
    return max(0.0, float(apart + root.square().sum() + other.square().sum() - 2 * cross))


def _covariance_root(features: torch.Tensor) -> torch.Tensor:
    """R (at most d, d) with R^T R the covariance of features (n, d)."""
    centred = (features - features.mean(0)) / (len(features) - 1) ** 0.5
    return torch.linalg.qr(centred, mode="r").R


@torch.no_grad()
def measure(
    model: Model,
    data: str,
    *,
    n: int = 400,
    steps: int = 10,
    seed: int = 0,
    dense: torch.Tensor | None = None,
    held_out: Images | None = None,
    held_out_seed: int = HELD_OUT_SEED,
) -> Quality:
    """All metrics of one model.

    Args:
        model: the model.
        data: its data set.
        n: number of samples.
        steps: DDIM steps.
        seed: of the samples' noise.
        dense: samples of the dense model with the same n, steps and seed.
        held_out: images of the held-out loss; all of the data set where not given.
        held_out_seed: of the noise of the held-out loss, the same for all models that are compared.
    """
    _, everything = load(data)
    judge = classifier.pretrained(data)
    drawn = samples(model, everything.pixels.shape[-1], n, steps=steps, seed=seed)
    right = judge(drawn).argmax(1) == balanced_classes(n)
    return Quality(
        held_out_loss=held_out_loss(model, held_out or everything, seed=held_out_seed),
        drift=None if dense is None else float((drawn - dense).square().mean()),
        class_accuracy=float(right.float().mean()),
        frechet_distance=frechet_distance(judge.features(drawn), judge.features(everything.pixels)),
        samples=n,
        steps=steps,
    )
