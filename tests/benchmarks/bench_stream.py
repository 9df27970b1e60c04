"""How much memory and time pruning takes from folder to folder, by the peak that the operating system reports.

    python tests/benchmarks/bench_stream.py --only magnitude --billions 12   FLUX in bf16 shards; 48 GB of disk
    python tests/benchmarks/bench_stream.py --only magnitude --billions 2    fewer blocks of FLUX; 8 GB
    python tests/benchmarks/bench_stream.py --only wanda                     a U-Net of SD 1.4's size, fp16; 4 GB

Weights are random; they are made in a temporary folder and deleted. Each run is a process of its own, on one thread.
Copying is measured beside it: the same files, read and written in the same pieces, with the data on the disk at the end
of both. Rows of a run that is repeated are replaced.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from reference_impls.calls import store  # noqa: E402
from reference_impls.calls.call import Calibration, Call  # noqa: E402
from reference_impls.files.machine import cpu_name  # noqa: E402
from reference_impls.files.outputs import write_rows  # noqa: E402
from reference_impls.models.diffusers_folder import parameters_on_meta  # noqa: E402
from reference_impls.models.diffusers_package import diffusers_package  # noqa: E402

RESULT = ROOT / "reference_impls" / "results" / "stream.json"
SHARD = 4 << 30
GIB = 1 << 30
GOALS = {"magnitude": "peak at most 3 GiB, at least 1/3 of the speed of copying", "wanda": "peak at most 5 GiB"}
SD = {"cross_attention_dim": 768, "sample_size": 64}
"""What Stable Diffusion 1.4 changes in the default configuration of its class."""


def folder_of(folder: Path, kind: str, options: dict[str, Any], dtype: torch.dtype) -> int:
    """Write a random model in shards, one tensor after the other; its parameters."""
    with parameters_on_meta():
        model = getattr(diffusers_package(), kind)(**options)
    model.save_config(folder)
    state = {name: value for name, value in model.state_dict().items() if value.device.type == "meta"}
    shards: list[list[str]] = [[]]
    size = 0
    for name, value in state.items():
        size += value.numel() * dtype.itemsize
        if size > SHARD:
            shards.append([])
            size = value.numel() * dtype.itemsize
        shards[-1].append(name)
    places: dict[str, str] = {}
    for number, names in enumerate(shards, start=1):
        middle = f"-{number:05}-of-{len(shards):05}" if len(shards) > 1 else ""
        file = folder / f"diffusion_pytorch_model{middle}.safetensors"
        made = {name: torch.empty(state[name].shape, dtype=dtype).normal_(std=0.02) for name in names}
        save_file(made, file, {"format": "pt"})
        places |= dict.fromkeys(names, file.name)
        del made
    if len(shards) > 1:
        index = {"metadata": {"total_size": 0}, "weight_map": places}
        (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    return sum(value.numel() for value in model.parameters())


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
import json, sys
from pathlib import Path
import torch
from reference_impls.calls import store
from reference_impls.stream.run import prune_folder
torch.set_num_threads(1)
source, out, calls, method = sys.argv[1:]
prune_folder(Path(source), Path(out), store.read(Path(calls)) if calls else None, method=method, sparsity=0.5)
"""


def child(code: str, *words: object) -> dict[str, float]:
    """Seconds and peak of a process."""
    started = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, words)], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {code.strip().splitlines()[-1]}")
    seconds = time.perf_counter() - started
    processor = usage.ru_utime + usage.ru_stime
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "peak_gib": round(usage.ru_maxrss * 1024 / GIB, 2),
    }


def magnitude(folder: Path, billions: float) -> dict[str, Any]:
    """FLUX.1-dev with fewer blocks, from file to file, and the copy of the same files."""
    part = billions / 11.9
    options = {
        "num_layers": max(1, round(19 * part)),
        "num_single_layers": max(1, round(38 * part)),
        "guidance_embeds": True,
    }
    parameters = folder_of(folder, "FluxTransformer2DModel", options, torch.bfloat16)
    pruned = child(PRUNE, folder, folder.with_name("out"), "", "magnitude")
    remove(folder.with_name("out"))
    copied = child(COPY, folder, folder.with_name("copy"))
    return {
        "model": "FluxTransformer2DModel",
        **options,
        "parameters": parameters,
        "dtype": "bfloat16",
        **pruned,
        "copy_seconds": copied["seconds"],
        "speed_of_copying": round(copied["seconds"] / pruned["seconds"], 2),
    }


def wanda(folder: Path, _billions: float) -> dict[str, Any]:
    """A U-Net of SD 1.4's size with four forward passes at 32x32 latents, each with guidance."""
    parameters = folder_of(folder, "UNet2DConditionModel", SD, torch.float16)
    generator = torch.Generator().manual_seed(0)
    calls = []
    for step in range(4):
        given = {
            "sample": torch.randn(2, 4, 32, 32, generator=generator),
            "timestep": torch.tensor(951 - 250 * step),
            "encoder_hidden_states": torch.randn(2, 77, 768, generator=generator),
            "return_dict": False,
        }
        calls.append(Call(given, step, 4, batch=2))
    place = folder.with_name("calls")
    store.write(place, Calibration(tuple(calls), {"source": "random"}))
    pruned = child(PRUNE, folder, folder.with_name("out"), place, "wanda")
    return {
        "model": "UNet2DConditionModel",
        "forward_passes": 4,
        "parameters": parameters,
        "dtype": "float16",
        **pruned,
    }


RUNS: dict[str, Callable[[Path, float], dict[str, Any]]] = {"magnitude": magnitude, "wanda": wanda}


def remove(folder: Path) -> None:
    """A folder with its files."""
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=RUNS, required=True)
    parser.add_argument("--billions", type=float, default=12)
    parser.add_argument("--folder", type=Path, help="where the model is made; default: the temporary folder")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    size = f" --billions {asked.billions:g}" if asked.only == "magnitude" else ""
    command = f"python tests/benchmarks/bench_stream.py --only {asked.only}{size}"
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        folder = Path(scratch) / "dense"
        folder.mkdir()
        row = {
            "command": command,
            "method": asked.only,
            "goal": GOALS[asked.only],
            **RUNS[asked.only](folder, asked.billions),
            "load_average": round(os.getloadavg()[0], 1),
            "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": 1},
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "diffusers": diffusers_package().__version__,
            },
        }
    before = json.loads(RESULT.read_text(encoding="utf-8"))["rows"] if RESULT.is_file() else []
    rows = [one for one in before if one["command"] != command]
    write_rows({"rows": sorted([*rows, row], key=lambda one: one["command"])}, RESULT)


if __name__ == "__main__":
    main()
