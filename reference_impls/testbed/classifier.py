"""A small classifier for each data set: it judges the classes of samples and gives the features of the metrics.

    python -m reference_impls.testbed.classifier

trains both and writes them into ``assets/``.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from reference_impls.near_names import unknown
from reference_impls.testbed.data import ASSETS, CLASSES, TRAIN_IMAGES, Images, load
from reference_impls.testbed.make_data import SOURCES
from reference_impls.testbed.models import LICENCE

FEATURES = 64
EPOCHS, BATCH, RATE, SEED = 40, 64, 1e-3, 0


class Classifier(nn.Module):
    """Three convolutions and two linear layers: (n, 1, side, side) -> logits (n, 10)."""

    def __init__(self) -> None:
        """Make the layers; they fit images of any size."""
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 96, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
        )
        self.to_features = nn.Linear(96 * 4, FEATURES)
        self.to_classes = nn.Linear(FEATURES, CLASSES)
        self.dropout = nn.Dropout(0.3)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 1, side, side) -> (n, 64)."""
        return functional.relu(self.to_features(self.convolutions(x)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 1, side, side) -> logits (n, 10)."""
        return self.to_classes(self.dropout(self.features(x)))


def shifted(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each batch moved by at most one pixel: the only augmentation that keeps a digit a digit at this size."""
    down, right = (int(torch.randint(-1, 2, (1,), generator=generator)) for _ in range(2))
    padded = functional.pad(pixels, (1, 1, 1, 1), value=-1.0)
    side = pixels.shape[-1]
    return padded[:, :, 1 + down : 1 + down + side, 1 + right : 1 + right + side]


def train(images: Images) -> Classifier:
    """Train one classifier; deterministic on one machine."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    model = Classifier()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            logits = model(shifted(images.pixels[chosen], generator))
            value = functional.cross_entropy(logits, images.labels[chosen])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: Classifier, images: Images) -> float:
    """Share of images that the classifier gets right."""
    return float((model(images.pixels).argmax(1) == images.labels).float().mean())


def pretrained(data: str) -> Classifier:
    """The shipped classifier of a data set.

    Raises:
        ValueError: ``data`` is not digits or mnist16.
    """
    if data not in TRAIN_IMAGES:
        raise ValueError(unknown("data set", data, TRAIN_IMAGES))
    state = {key: value.float() for key, value in load_file(ASSETS / f"classifier-{data}.safetensors").items()}
    model = Classifier()
    model.load_state_dict(state)
    return model.eval()


def main() -> None:
    """Train both and write checkpoints and cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ASSETS)
    chosen = parser.parse_args()
    for data in TRAIN_IMAGES:
        started = time.monotonic()
        training, held_out = load(data)
        model = train(training)
        card = {
            "licence": LICENCE,
            "parameters": sum(value.numel() for value in model.parameters()),
            "data": {"name": data, **asdict(SOURCES[data])},
            "held_out_accuracy": round(accuracy(model, held_out), 4),
            "recipe": {"epochs": EPOCHS, "batch": BATCH, "rate": RATE, "seed": SEED},
            "seconds": round(time.monotonic() - started),
            "command": "python -m reference_impls.testbed.classifier",
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
        save_file(state, chosen.out / f"classifier-{data}.safetensors")
        (chosen.out / f"classifier-{data}.json").write_text(
            json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        print(card)


if __name__ == "__main__":
    main()
