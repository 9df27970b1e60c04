"""A pruned model on disk: weights as safetensors, the report and the measurement as JSON, samples as a picture."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from reference_impls.contract import Report
from reference_impls.testbed.metrics import Quality
from reference_impls.testbed.models import BUILDERS

WEIGHTS, CONFIG, GRID = "model.safetensors", "config.json", "samples.png"
ZOOM = 4


def save(folder: Path, name: str, model: nn.Module, report: Report, quality: Quality, samples: torch.Tensor) -> None:
    """Write everything into a new folder, or nothing.

    Args:
        folder: must not exist yet.
        name: the model's name in the testbed.
        model: the pruned model.
        report: what was done to it.
        quality: what was measured.
        samples: (n, 1, side, side) in [-1, 1]; the first hundred become the picture.

    Raises:
        FileExistsError: the folder is there.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; choose another --out or delete it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, fresh / WEIGHTS)
        card = {"model": name, "report": json.loads(report.to_json()), "quality": asdict(quality)}
        (fresh / CONFIG).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        grid(samples[:100]).save(fresh / GRID)
        fresh.chmod(0o755)  # mkdtemp makes it private
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def load(folder: Path) -> tuple[str, nn.Module]:
    """Name and model of a folder that ``save`` wrote.

    Raises:
        ValueError: a file is missing, the model is unknown, or the weights are not those of the model or not finite;
            the file is named.
    """
    config, weights = folder / CONFIG, folder / WEIGHTS
    for file in (config, weights):
        if not file.is_file():
            raise ValueError(f"{file} is not there; give a folder that `prune --out` wrote")
    try:
        name = json.loads(config.read_text(encoding="utf-8"))["model"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{config} does not name a model") from error
    if name not in BUILDERS:
        raise ValueError(f"{config}: model {name!r} is not one of {', '.join(BUILDERS)}")
    model = BUILDERS[name]()
    try:
        state = load_file(weights)
        model.load_state_dict(state)
    except Exception as error:  # safetensors and torch raise their own kinds for files that are not theirs
        raise ValueError(f"{weights} does not hold the weights of {name}: {str(error).splitlines()[0]}") from error
    for key, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise ValueError(f"{weights}: {key} of shape {tuple(value.shape)} holds NaN or infinite values")
    return name, model.eval()


def grid(samples: torch.Tensor) -> Image.Image:
    """Samples (n, 1, side, side) in [-1, 1], ten a row, as a grey picture."""
    n, _, side, _ = samples.shape
    rows = -(-n // 10)
    canvas = torch.full((rows * 10, side, side), -1.0)
    canvas[:n] = samples[:, 0]
    picture = canvas.view(rows, 10, side, side).permute(0, 2, 1, 3).reshape(rows * side, 10 * side)
    levels = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    return Image.fromarray(levels).resize((10 * side * ZOOM, rows * side * ZOOM), Image.Resampling.NEAREST)
