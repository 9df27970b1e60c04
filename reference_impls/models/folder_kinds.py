"""What is at a path that was given as a model: a pipeline or a model of diffusers, or something else, with the cure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from reference_impls.models import diffusers_folder
from reference_impls.models.weight_files import CONFIG

Kind = Literal["pipeline", "denoiser", "other"]
SINGLE_FILES = (".safetensors", ".ckpt", ".bin", ".pt", ".pth")
HUB_ID = re.compile(r"(https?:/+huggingface\.co/|hf:/+)?([\w-][\w.-]*/[\w.-]*[\w-])(/.*)?")


def kind_of(given: str) -> Kind:
    """Whether a whole pipeline of diffusers is there, one model of it, or something that is not of diffusers.

    Raises:
        ValueError: a single file, weights of transformers, or a name, an address or a cache of the Hugging Face hub.
    """
    path = Path(given)
    if path.is_file():
        _refuse_file(path)
    hub = HUB_ID.fullmatch(given)
    if not path.exists() and hub and (hub[1] or not hub[3]):
        raise ValueError(
            f"there is no folder {given}; if it is a model of the Hugging Face hub, download it first: "
            f"hf download {hub[2]} --local-dir FOLDER"
        )
    if snapshots := sorted(path.glob("snapshots/*/")):
        raise ValueError(f"{path} is a cache of the Hugging Face hub; give its snapshot: {snapshots[-1]}")
    if (path / diffusers_folder.PIPELINE).is_file():
        return "pipeline"
    if diffusers_folder.is_folder(path):
        return "denoiser"
    config = _json(path / CONFIG)
    if "architectures" in config or "model_type" in config:
        name = (config.get("architectures") or [config.get("model_type")])[0]
        raise ValueError(
            f"{path} holds a {name} of transformers, which is not pruned here; give the pipeline, or its folder unet "
            "or transformer"
        )
    return "other"


def _refuse_file(path: Path) -> None:
    if path.suffix == ".gguf":
        raise ValueError(f"{path} is quantized; prune the model that it was made of, and quantize the result")
    if path.suffix in SINGLE_FILES:
        raise ValueError(
            f"{path} is a single file; make a folder of it first, in Python: "
            "diffusers.StableDiffusionPipeline.from_single_file(FILE).save_pretrained(FOLDER), with the class of its "
            "pipeline"
        )
    raise ValueError(f"{path} is a file; give a folder")


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
