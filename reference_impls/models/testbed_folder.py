"""A pruned model on disk: weights, removed structure, report and metrics as JSON, an image of samples.

A structurally pruned model is stored as its difference to the dense one (kept units, removed blocks) and its weights
as safetensors, never as a pickled module. A folder that does not name the removed blocks whose shortcuts were kept
was written when all were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from reference_impls.files.outputs import new_folder
from reference_impls.files.weights import load_weights, write_weights
from reference_impls.maths.surgery import remove, skip
from reference_impls.near_names import unknown
from reference_impls.pruning.contract import Changes
from reference_impls.testbed.metrics import Quality
from reference_impls.testbed.models import BUILDERS, Denoiser
from reference_impls.units.lookup import blocks_of, groups_of

WEIGHTS, CONFIG, GRID = "model.safetensors", "config.json", "samples.png"
ZOOM = 4


@dataclass(frozen=True)
class Saved:
    """Content of a folder."""

    name: str
    """The model's name in the testbed."""
    model: Denoiser
    changes: Changes
    """Against the dense model."""
    steps: tuple[Mapping[str, object], ...] = ()
    """All that was done to the dense model, in order: {"prune": a ``Report``} or {"recover": how}."""


def save(
    folder: Path,
    name: str,
    model: nn.Module,
    steps: Sequence[Mapping[str, object]],
    quality: Quality,
    samples: torch.Tensor,
    changes: Changes,
) -> None:
    """Write everything into a new folder, or nothing.

    Args:
        folder: must not exist yet.
        name: the model's name in the testbed.
        model: the pruned model.
        steps: see ``Saved``.
        quality: what was measured.
        samples: (n, 1, side, side) in [-1, 1]; the first hundred are shown in the image.
        changes: what it lacks against the dense model.

    Raises:
        FileExistsError: the folder is there.
        ValueError: it cannot be written.
    """
    with new_folder(folder) as fresh:
        write_weights(fresh / WEIGHTS, model.state_dict())
        card = {"model": name, "changes": asdict(changes), "steps": list(steps), "quality": asdict(quality)}
        (fresh / CONFIG).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        grid(samples[:100]).save(fresh / GRID)


def load(folder: Path) -> Saved:
    """What ``save`` wrote.

    Raises:
        ValueError: a file is missing, the model is unknown, the report names units or blocks that it does not have,
            or ``load_weights`` refuses the weights; the file is named.
    """
    config, weights = folder / CONFIG, folder / WEIGHTS
    for file in (config, weights):
        if not file.is_file():
            raise ValueError(f"no {file.name} in {folder}; give a folder written by `prune --out`")
    try:
        card = json.loads(config.read_text(encoding="utf-8"))
        name, steps = card["model"], tuple(dict(step) for step in card["steps"])
        changed = card["changes"]
        dropped = tuple(changed["dropped"])
        changes = Changes(dict(changed["kept"]), dropped, tuple(changed.get("shortcuts", dropped)))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{config} does not name a model and what was done to it") from error
    if not isinstance(name, str) or name not in BUILDERS:
        raise ValueError(f"{config}: {unknown('model', name, BUILDERS)}")
    model = BUILDERS[name]()
    try:
        change(model, changes)
    except ValueError as error:
        raise ValueError(f"{config}: {error}") from error
    load_weights(model, weights)
    return Saved(name, model.eval(), changes, steps)


def change(model: nn.Module, changes: Changes) -> None:
    """Remove the units and blocks of ``changes`` from a dense model, in place.

    Raises:
        ValueError: a group or a block of that name is not there, or a group has no such units.
    """
    groups = {group.name: group for group in groups_of(model)}
    for name, units in changes.kept.items():
        if name not in groups:
            raise ValueError(f"{name!r} is not a group of units of this model")
        if not isinstance(units, list) or not all(type(unit) is int for unit in units):
            raise ValueError(f"{name}: the kept units are not a list of whole numbers")
    remove(model, *((groups[name], units) for name, units in changes.kept.items()))
    blocks = {block.name: block for block in blocks_of(model)}
    if strange := [name for name in changes.dropped if name not in blocks]:
        raise ValueError(f"{strange[0]!r} is not a block of this model")
    if strange := [name for name in changes.shortcuts if name not in changes.dropped]:
        raise ValueError(f"{strange[0]!r} has a kept shortcut, but is not one of the removed blocks")
    for name in changes.dropped:
        skip(model, [blocks[name]], keep_shortcuts=name in changes.shortcuts)


def grid(samples: torch.Tensor) -> Image.Image:
    """Samples (n, 1, side, side) in [-1, 1], ten a row, as a grey image."""
    n, _, side, _ = samples.shape
    rows = -(-n // 10)
    canvas = torch.full((rows * 10, side, side), -1.0)
    canvas[:n] = samples[:, 0]
    picture = canvas.view(rows, 10, side, side).permute(0, 2, 1, 3).reshape(rows * side, 10 * side)
    levels = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    return Image.fromarray(levels).resize((10 * side * ZOOM, rows * side * ZOOM), Image.Resampling.NEAREST)
