"""Models of diffusers on disk: opened, called with noise, saved so that ``from_pretrained`` opens them again.

A folder is one model's (``config.json`` with ``_class_name`` and ``*.safetensors``), such as the ``unet`` or
``transformer`` of a pipeline. There are no prompts and no images here: activation-based methods are calibrated on
noise with random conditions, which says little about a trained model. For real use, make a ``Calibration`` of ``Call``
batches recorded from a pipeline.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.files.outputs import new_folder
from reference_impls.files.weights import check_shapes, load_weights
from reference_impls.maths.surgery import remove
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.near_names import unknown
from reference_impls.pruning.classes import CLASSES
from reference_impls.pruning.contract import Changes
from reference_impls.pruning.diffusers_units import groups_of

REPORT = "pruning.json"
TOKENS = 8
"""Length of the random prompt."""
UNBATCHED = frozenset({"img_ids", "txt_ids"})


def is_folder(path: Path) -> bool:
    """Whether a folder holds a model of diffusers."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "_class_name" in config


def refuse_folder(path: Path) -> None:
    """For what the testbed alone can do: sampling, measuring, training.

    Raises:
        ValueError: the folder holds a model of diffusers; the message says what it is and what opens it.
    """
    if is_folder(path):
        name = _class_of(path)
        how, opens = ("", f"diffusers.{name}.from_pretrained")
        if _kept(path):
            how, opens = ("structurally pruned ", f"{__name__}.load")
        raise ValueError(
            f"{path} holds a {how}{name} of diffusers, which only `prune` takes: there are no data, sampler and "
            f"metrics for it here; open it with {opens} and measure or train it in your own pipeline"
        )


def load(folder: Path) -> tuple[nn.Module, Changes]:
    """A model as it was saved, by diffusers or by ``save``, and what it lacks against its class.

    Raises:
        ValueError: diffusers is not installed, the class is not one of ``CLASSES``, there are no safetensors, or
            they are not those of the model.
    """
    diffusers = diffusers_package()
    name = _class_of(folder)
    if name not in CLASSES:
        raise ValueError(f"{folder}: {unknown('class', name, CLASSES)}")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ValueError(f"{folder} holds no safetensors; pickled weights are not opened")
    kind, kept = getattr(diffusers, name), _kept(folder)
    try:
        with _quiet(diffusers.logging):
            if not kept:
                return _whole(kind, folder, files), Changes()
            model = kind.from_config(kind.load_config(folder))
        groups = {group.name: group for group in groups_of(model)}
        remove(model, *((groups[group], units) for group, units in kept.items()))
        load_weights(model, *files)
    except Exception as error:  # a configuration that cannot be fails in each class in its own way
        what = str(error).partition("\n")[0]
        raise ValueError(f"{folder} does not hold a {name}: {what}") from error
    return model.eval(), Changes(kept)


def _whole(kind: Any, folder: Path, files: list[Path]) -> nn.Module:
    """By ``from_pretrained``, which also knows names of the past; it would leave a missing tensor to chance."""
    with torch.device("meta"):
        check_shapes(kind.from_config(kind.load_config(folder)), *files)
    model, loading = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True)
    for key, what in (("missing_keys", "is missing"), ("unexpected_keys", "is no tensor of it")):
        if loading[key]:
            raise ValueError(f"{min(loading[key])} {what}")
    return model.eval()


@contextmanager
def _quiet(log: Any) -> Iterator[None]:  # a module
    """Nothing of diffusers on stderr: what is wrong is raised."""
    level = log.get_verbosity()
    log.set_verbosity(CRITICAL)
    try:
        with warnings.catch_warnings():  # of parts that will move
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        log.set_verbosity(level)


def save(folder: Path, model: nn.Module, steps: Sequence[Mapping[str, object]], changes: Changes) -> None:
    """Write the model and all that was done to it into a new folder, or nothing; ``steps`` as in ``testbed_folder``.

    A model with zeros is opened again by ``from_pretrained``; one that lost units by ``load``, because its class knows
    one width for all blocks.

    Raises:
        FileExistsError: the folder is there.
        ValueError: it cannot be written.
    """
    with new_folder(folder) as fresh:
        model.save_pretrained(fresh, safe_serialization=True)  # type: ignore[operator]  # each of CLASSES has it
        card = {"kept": changes.kept, "steps": list(steps)}
        (fresh / REPORT).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def noise_calls(model: nn.Module, *, batches: int = 4, n: int = 2, seed: int = 0) -> Calibration:
    """Calls with noise at falling times and random conditions.

    Raises:
        ValueError: the class is not one of ``CLASSES``.
    """
    generator = torch.Generator().manual_seed(seed)
    calls = []
    for index in range(batches):
        t = 1 - (index + 0.5) / batches
        arguments = _arguments(model, n, t, generator)
        given = {**arguments, "return_dict": False}
        calls.append(Call(given, index, batches, unbatched=UNBATCHED))
    return Calibration(tuple(calls))


def _arguments(model: nn.Module, n: int, t: float, generator: torch.Generator) -> dict[str, Any]:
    """What one call needs, from the model's own configuration."""
    config: Any = model.config
    kind = type(model).__name__

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    time = torch.full((n,), t * 999)
    if kind == "FluxTransformer2DModel":
        side = 4
        arguments: dict[str, Any] = {
            "hidden_states": noise(n, side * side, config.in_channels),
            "encoder_hidden_states": noise(n, TOKENS, config.joint_attention_dim),
            "pooled_projections": noise(n, config.pooled_projection_dim),
            "timestep": torch.full((n,), t),
            "img_ids": torch.cartesian_prod(torch.zeros(1), torch.arange(side).float(), torch.arange(side).float()),
            "txt_ids": torch.zeros(TOKENS, 3),
        }
        return {**arguments, "guidance": torch.full((n,), 3.5)} if config.guidance_embeds else arguments
    side = config.sample_size if isinstance(config.sample_size, int) else config.sample_size[0]
    picture = noise(n, config.in_channels, side, side)
    if kind == "SD3Transformer2DModel":
        return {
            "hidden_states": picture,
            "encoder_hidden_states": noise(n, TOKENS, config.joint_attention_dim),
            "pooled_projections": noise(n, config.pooled_projection_dim),
            "timestep": time,
        }
    if kind == "DiTTransformer2DModel":
        labels = torch.randint(config.num_embeds_ada_norm, (n,), generator=generator)
        return {"hidden_states": picture, "timestep": time.long(), "class_labels": labels}
    if kind == "UNet2DModel":
        return {"sample": picture, "timestep": time.long()}
    if kind == "UNet2DConditionModel":
        arguments = {
            "sample": picture,
            "timestep": time.long(),
            "encoder_hidden_states": noise(n, TOKENS, config.cross_attention_dim),
        }
        if config.addition_embed_type == "text_time":  # SDXL
            times = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
            arguments["added_cond_kwargs"] = {"text_embeds": noise(n, times), "time_ids": torch.ones(n, 6)}
        return arguments
    raise ValueError(f"no inputs are known for {kind}; there are for {', '.join(CLASSES)}")


def _class_of(folder: Path) -> str:
    return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"])


def steps_of(folder: Path) -> tuple[Mapping[str, object], ...]:
    """All that this package did to the model of a folder, in order; nothing where it was never pruned here.

    Raises:
        ValueError: what stands there is not a report of this package.
    """
    return _card(folder)[1]


def _kept(folder: Path) -> dict[str, list[int]]:
    return _card(folder)[0]


def _card(folder: Path) -> tuple[dict[str, list[int]], tuple[Mapping[str, object], ...]]:
    """The units that stay, and what was done."""
    file = folder / REPORT
    if not file.is_file():
        return {}, ()
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        return dict(card["kept"]), tuple(dict(step) for step in card["steps"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not a report of this package") from error
