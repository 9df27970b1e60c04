"""The page *Prune your own model*, walked: its commands and its Python, as they stand, on the miniature pipeline.

The folder that the page calls `stable-diffusion-v1-4` is the miniature pipeline, too, which has the same classes.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

import reference_impls
from reference_impls.command_line.commands import app
from reference_impls.command_line.usage import PROGRAM
from reference_impls.pipelines import parts
from reference_impls.pipelines.scenes import look
from reference_impls.testbed import classifier
from tests.reference_impls.without_this_package import sampled
from tests.work import without_a_clock

pytestmark = [  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "prune-your-model.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for kind, block in BLOCKS if kind == "console" for line in block.splitlines()]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which everything was run, in the order of the page; each command ends with exit code 0."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "reference_impls").symlink_to(ROOT / "reference_impls")
    (folder / "stable-diffusion-v1-4").symlink_to(parts.FOLDER)
    with pytest.MonkeyPatch.context() as patch:
        without_a_clock(patch)
        patch.chdir(folder)
        for command in COMMANDS:
            if command.startswith(PROGRAM):
                done = CliRunner().invoke(app, shlex.split(command.removeprefix(PROGRAM)))
                assert done.exit_code == 0, (command, done.output)
            else:
                subprocess.run(["bash", "-ec", command], check=True)
        for block in PYTHON:
            exec(compile(block, "prune-your-model.md", "exec"), {})
        yield folder


def test_every_command_names_a_folder_or_file_that_it_writes(walked: Path) -> None:
    written = [name for command in COMMANDS for name in re.findall(r"(?:--out|--images|>) (\S+)", command)]
    assert len(written) >= 3
    for name in (*written, *re.findall(r'"(build/[\w.-]+)"', PYTHON[0])):
        assert (walked / name).exists(), name


def test_the_pruned_pipeline_keeps_its_precision_and_names_what_was_done(walked: Path) -> None:
    unet = walked / "build" / "pruned" / "unet"
    weights, dense = (load_file(folder / WEIGHTS) for folder in (unet, parts.FOLDER / "unet"))
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert weights.keys() == dense.keys()
    (step,) = json.loads((unet / "pruning.json").read_text())["steps"]
    assert step["prune"]["method"] == "wanda"
    assert step["prune"]["calibration"]["prompts_file"] == "prompts.txt"
    layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight"
    assert float((weights[layer] == 0).float().mean()) == 0.5


def test_the_recovered_pipeline_is_nearer_to_the_dense_one_and_keeps_its_zeros(walked: Path) -> None:
    pruned, recovered = (walked / "build" / name / "unet" for name in ("pruned", "recovered"))
    how = json.loads((recovered / "pruning.json").read_text())["steps"][-1]["recover"]
    assert how["after"] < how["before"]
    before, after = (load_file(folder / WEIGHTS) for folder in (pruned, recovered))
    for name, value in before.items():
        if value.dim() > 1:
            assert bool((after[name][value == 0] == 0).all()), name


def test_a_packed_folder_is_smaller_and_load_opens_it(walked: Path) -> None:
    packed, unpacked = (walked / "build" / name / "unet" for name in ("packed", "unpacked"))
    weights = load_file(unpacked / WEIGHTS)
    assert sum(file.stat().st_size for file in packed.iterdir()) < 0.7 * (unpacked / WEIGHTS).stat().st_size
    opened = reference_impls.load(packed).state_dict()
    assert all(torch.equal(opened[name], value.float()) for name, value in weights.items())
    assert 0.4 < sum(int((one == 0).sum()) for one in weights.values()) / sum(map(torch.numel, weights.values())) < 0.5


def test_the_python_does_what_the_command_does(walked: Path) -> None:
    """Neither `record` nor the command is given a seed: both calibrate on the same forward passes."""
    command, python = (load_file(walked / "build" / name / "unet" / WEIGHTS) for name in ("pruned", "from-python"))
    same = {name: torch.equal(command[name] == 0, python[name].half() == 0) for name in command}
    assert all(same.values()), [name for name, equal in same.items() if not equal]


def test_from_pretrained_opens_it_without_this_package(walked: Path, tmp_path: Path) -> None:
    """Images differ from the dense pipeline's, from the same noise, and show the same digits."""
    prompts = ["a large three in the middle", "a large seven in the middle"]
    folders = [walked / "build" / name for name in ("pruned", "from-python", "sd-pruned", "recovered")]
    dense, *others = sampled(tmp_path, prompts, parts.FOLDER, *folders)
    for made in others:
        error, between = float((made - dense).square().mean()), float((dense[0] - dense[1]).square().mean())
        assert 0 < error < between / 2
        assert classifier.pretrained("mnist16")(look(made).crops).argmax(1).tolist() == [3, 7]
