"""How much memory and time pruning takes from folder to folder, by the peak that the operating system reports.

    python tests/benchmarks/bench_stream.py --only magnitude --billions 12   FLUX in bf16 shards; 48 GB of disk
    python tests/benchmarks/bench_stream.py --only magnitude --billions 2    fewer blocks of FLUX; 8 GB
    python tests/benchmarks/bench_stream.py --only 2:4 --billions 2          the same with a pattern
    python tests/benchmarks/bench_stream.py --only wanda                     a U-Net of SD 1.4's size, fp16; 4 GB
    python tests/benchmarks/bench_stream.py --only wanda-pipeline            the pipeline of SD 1.4, with a prompt; 5 GB
    python tests/benchmarks/bench_stream.py --only obs-diff-dit              DiT-XL/2; half an hour, 3 GB
    python tests/benchmarks/bench_stream.py --only obs-diff-sd               a U-Net of SD 1.4's size; hours

Weights are random; they are made in a temporary folder and deleted. Making the model, copying it and pruning it are
processes of their own, on one thread of computation; the peak is that of the pruning one. Where that is a goal, the
same files are copied before and after, with the data on the disk at the end; the faster copy counts. Before each of
these, the system is asked to drop the files from its cache (posix_fadvise), so that all of them read from the disk.
Rows of a command that is repeated are replaced.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from reference_impls.architectures.registry import ARCHITECTURES  # noqa: E402
from reference_impls.bench.records import Goal  # noqa: E402
from reference_impls.calls import store  # noqa: E402
from reference_impls.calls.call import Calibration, Call  # noqa: E402
from reference_impls.models.diffusers_folder import parameters_on_meta  # noqa: E402
from reference_impls.models.diffusers_package import diffusers_package  # noqa: E402
from tests.benchmarks.goal_rows import row_of, write  # noqa: E402

SHARD = 4 << 30
GIB = 1 << 30


@dataclass(frozen=True)
class Model:
    """A random model, and forward passes of it where a method needs them."""

    name: str
    """In ``ARCHITECTURES``."""
    dtype: torch.dtype
    call: Callable[[int, torch.Generator], dict[str, Any]] | None = None
    """Step and generator -> arguments of one of ``CALLS`` forward passes."""
    changes: Mapping[str, int] = field(default_factory=dict)
    """What differs in its configuration."""
    pipeline: bool = False
    """Whether it is in a pipeline of Stable Diffusion 1; forward passes are then recorded by the command."""


@dataclass(frozen=True)
class Run:
    """A method on a model, and what is asked of it."""

    model: Callable[[float], Model]
    """From billions of parameters."""
    method: str
    sparsity: str
    goals: tuple[tuple[str, str, float, float], ...]
    """Measured value, its unit, target, stretch target."""


CALLS = 4
SIDE = 32
"""Of the latents of given forward passes."""
LATENTS = 64
"""Of those that the pipeline has by default."""


def flux(billions: float) -> Model:
    """FLUX.1-dev, which has 12 billion, or the same with fewer blocks."""
    part = billions / 12
    layers = {"num_layers": max(1, round(19 * part)), "num_single_layers": max(1, round(38 * part))}
    return Model("flux.1-dev", torch.bfloat16, changes=layers)


def sd(_billions: float) -> Model:
    """The U-Net of SD 1.4."""

    def call(step: int, generator: torch.Generator) -> dict[str, Any]:
        return {
            "sample": torch.randn(2, 4, SIDE, SIDE, generator=generator),
            "timestep": torch.tensor(951 - 250 * step),
            "encoder_hidden_states": torch.randn(2, 77, 768, generator=generator),
            "return_dict": False,
        }

    return Model("sd-1.4", torch.float16, call)


def sd_pipeline(_billions: float) -> Model:
    """SD 1.4 as a whole: U-Net, text encoder and autoencoder."""
    return Model("sd-1.4", torch.float16, pipeline=True)


def dit(_billions: float) -> Model:
    """DiT-XL/2 at 256 x 256."""

    def call(step: int, generator: torch.Generator) -> dict[str, Any]:
        return {
            "hidden_states": torch.randn(2, 4, SIDE, SIDE, generator=generator),
            "timestep": torch.tensor([951 - 250 * step] * 2),
            "class_labels": torch.tensor([step, 1000]),
            "return_dict": False,
        }

    return Model("dit-xl-2-diffusers", torch.float16, call)


COPYING = "speed relative to copying"
FILES = (("peak memory", "GiB", 3, 2), (COPYING, "", 1 / 3, 1 / 2))
PIPELINE = ROOT / "reference_impls" / "pipelines" / "miniature-sd"
RUNS = {
    "magnitude": Run(flux, "magnitude", "50%", FILES),
    "2:4": Run(flux, "magnitude", "2:4", FILES),
    "random": Run(flux, "random", "50%", FILES),
    "wanda": Run(sd, "wanda", "50%", (("peak memory", "GiB", 5, 4),)),
    "wanda-pipeline": Run(sd_pipeline, "wanda", "50%", (("peak memory", "GiB", 8, 6),)),
    "obs-diff-dit": Run(dit, "obs-diff", "50%", (("peak memory", "GiB", 5, 2.5), ("CPU time", "minutes", 30, 15))),
    "obs-diff-sd": Run(sd, "obs-diff", "50%", (("peak memory", "GiB", 8, 4), ("CPU time", "minutes", 120, 60))),
}


def make(folder: Path, model: Model) -> None:
    """Write it, and its number of parameters beside it."""
    if model.pipeline:
        make_pipeline(folder, model.dtype)
        shutil.rmtree(folder / "unet")
    make_denoiser(folder / "unet" if model.pipeline else folder, folder.parent, model)


def make_pipeline(folder: Path, dtype: torch.dtype) -> None:
    """Write the other parts of SD 1.4, in its configuration but for the tokenizer, and a small denoiser."""
    diffusers = diffusers_package()
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    widths = (128, 256, 512, 512)
    autoencoder = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=widths,
        layers_per_block=2,
        sample_size=512,
    )
    width: dict[str, Any] = {"hidden_size": 768, "intermediate_size": 3072, "projection_dim": 768}
    text = CLIPTextConfig(**width, num_hidden_layers=12, num_attention_heads=12)
    tokenizer: Any = CLIPTokenizer.from_pretrained(PIPELINE / "tokenizer")
    tokenizer.model_max_length = 77
    diffusers.StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=diffusers.UNet2DConditionModel(block_out_channels=(32, 32, 32, 32), cross_attention_dim=768),
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(dtype).save_pretrained(folder)


def make_denoiser(folder: Path, beside: Path, model: Model) -> None:
    """Write it in shards, one tensor after the other; forward passes of it and its number of parameters ``beside``."""
    with parameters_on_meta():
        known = ARCHITECTURES[model.name]
        empty = getattr(diffusers_package(), known.build)(**{**known.config, **model.changes})
    folder.mkdir()
    empty.save_config(folder)
    state = {name: value for name, value in empty.state_dict().items() if value.device.type == "meta"}
    shards: list[list[str]] = [[]]
    size = 0
    for name, value in state.items():
        size += value.numel() * model.dtype.itemsize
        if size > SHARD:
            shards.append([])
            size = value.numel() * model.dtype.itemsize
        shards[-1].append(name)
    places: dict[str, str] = {}
    for number, names in enumerate(shards, start=1):
        middle = f"-{number:05}-of-{len(shards):05}" if len(shards) > 1 else ""
        file = folder / f"diffusion_pytorch_model{middle}.safetensors"
        made = {name: torch.empty(state[name].shape, dtype=model.dtype).normal_(std=0.02) for name in names}
        save_file(made, file, {"format": "pt"})
        places |= dict.fromkeys(names, file.name)
        del made
    if len(shards) > 1:
        index = {"metadata": {"total_size": 0}, "weight_map": places}
        (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    parameters = sum(value.numel() for value in empty.parameters())
    (beside / "parameters").write_text(str(parameters), encoding="utf-8")
    if model.call is not None:
        generator = torch.Generator().manual_seed(0)
        calls = tuple(Call(model.call(step, generator), step, CALLS, batch=2) for step in range(CALLS))
        store.write(beside / "calls", Calibration(calls, {"source": "random"}))


COPY = """
import os, sys
from pathlib import Path
source, out = map(Path, sys.argv[1:])
out.mkdir()
for file in source.iterdir():
    with file.open("rb") as one, (out / file.name).open("wb") as other:
        while piece := one.read(1 << 26):
            other.write(piece)
        other.flush()
        os.fsync(other.fileno())
"""
PRUNE = """
import sys
from pathlib import Path
import torch
from reference_impls.calls import store
from reference_impls.maths.masks import Pattern
from reference_impls.stream.run import prune_folder
torch.set_num_threads(1)
source, out, calls, method, sparsity = sys.argv[1:]
asked = {"pattern": Pattern.parse(sparsity)} if ":" in sparsity else {"sparsity": float(sparsity.rstrip("%")) / 100}
calibration = store.read(Path(calls)) if Path(calls).exists() else None
prune_folder(Path(source), Path(out), calibration, method=method, **asked)
"""


PROMPT = "a small three on the left"


def pruning(run: Run, model: Model, folder: Path, out: Path) -> list[object]:
    """The command line of the process that prunes; of a pipeline, the one that a user types."""
    if not model.pipeline:
        return ["-c", PRUNE, folder, out, folder.with_name("calls"), run.method, run.sparsity]
    prompts = folder.with_name("prompts.txt")
    prompts.write_text(PROMPT, encoding="utf-8")
    asked = ["--prompts", prompts, "--steps", CALLS, "--samples", CALLS]
    amount = ["--method", run.method, "--sparsity", float(run.sparsity.rstrip("%")) / 100]
    return ["-m", "reference_impls", "prune", folder, *asked, *amount, "--out", out]


@dataclass(frozen=True)
class Used:
    """What a process needed."""

    seconds: float
    processor_seconds: float
    peak: float
    """GiB."""


def child(*command: object) -> Used:
    """Run Python with a command line."""
    started = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, *map(str, command)], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {command[-1]}")
    return Used(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / GIB)


def cold(folder: Path) -> None:
    """Ask the system to drop the files of a folder from its cache."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def on_cold_files(source: Path, out: Path, *command: object) -> Used:
    """Run a command that makes a folder from another; the new one is removed."""
    cold(source)
    used = child(*command)
    shutil.rmtree(out)
    return used


def rows_of(run: Run, model: Model, folder: Path) -> Iterator[dict[str, Any]]:
    """Measure; one row a goal."""
    parameters = int(folder.with_name("parameters").read_text(encoding="utf-8"))
    about = {
        "method": run.method,
        "sparsity": run.sparsity,
        "model": model.name,
        "changes": model.changes,
        "parameters": parameters,
        "dtype": str(model.dtype).removeprefix("torch."),
        "forward_passes": 0 if model.call is None and not model.pipeline else CALLS,
    }
    calls = f", {CALLS} forward passes" if about["forward_passes"] else ""
    if model.pipeline:
        calls += f" recorded from the whole pipeline at {8 * LATENTS} × {8 * LATENTS}"
    words = f"{run.method}, {run.sparsity}: {model.name}, {parameters / 1e9:.2f} billion parameters in {about['dtype']}"
    words += calls
    out = folder.with_name("out")
    copy = partial(on_cold_files, folder, out, "-c", COPY, folder, out)
    compared = run.goals == FILES
    copies = [copy().seconds] if compared else []
    pruned = on_cold_files(folder, out, *pruning(run, model, folder, out))
    about |= {"seconds": round(pruned.seconds, 1), "processor_seconds": round(pruned.processor_seconds, 1)}
    values = {"peak memory": pruned.peak, "CPU time": pruned.processor_seconds / 60}
    if compared:
        copied = min(*copies, copy().seconds)
        about["copy_seconds"] = round(copied, 1)
        values[COPYING] = copied / pruned.seconds
    for what, unit, must, aim in run.goals:
        goal = Goal(what, must, aim, values[what], at_most=what != COPYING)
        yield row_of(words, goal, unit, **about)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=RUNS, required=True)
    parser.add_argument("--billions", type=float, default=12, help="of FLUX; default: 12")
    parser.add_argument("--folder", type=Path, help="where the model is made; default: the temporary folder")
    parser.add_argument("--make", type=Path, help="make the model there, and measure nothing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    run = RUNS[asked.only]
    model = run.model(asked.billions)
    if asked.make is not None:
        make(asked.make, model)
        return
    size = ["--billions", f"{asked.billions:g}"] if run.model is flux else []
    command = " ".join(["python tests/benchmarks/bench_stream.py --only", asked.only, *size])
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        folder = Path(scratch) / "dense"
        child(__file__, "--only", asked.only, "--billions", asked.billions, "--make", folder)
        write(command, load, list(rows_of(run, model, folder)))


if __name__ == "__main__":
    main()
