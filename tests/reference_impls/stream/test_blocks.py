"""Block by block from a folder: the weights of ``prune`` in memory to the last bit, stopped or not, alone or shared."""

import errno
import math
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from typer.testing import CliRunner

from reference_impls.calls import store
from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.noise import noise_calls
from reference_impls.command_line.commands import app
from reference_impls.files import layout
from reference_impls.maths.masks import Pattern
from reference_impls.maths.obs import UNSEEN
from reference_impls.methods.prune import prune
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.pruning.blockwise import Block, Pass
from reference_impls.stream import shards
from reference_impls.stream.onload import Onload
from reference_impls.stream.run import prune_folder
from reference_impls.stream.states import States
from tests.reference_impls.tiny_pipelines import UNET

diffusers = diffusers_package()
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
FILE = "diffusion_pytorch_model.safetensors"
HEADS = {"num_attention_heads": 2, "attention_head_dim": 8}
STREAMS = {**HEADS, "joint_attention_dim": 16, "pooled_projection_dim": 16, "in_channels": 4, "num_layers": 2}
MODELS: dict[str, dict[str, Any]] = {
    "DiTTransformer2DModel": {
        **HEADS,
        "in_channels": 4,
        "out_channels": 8,
        "num_layers": 2,
        "sample_size": 8,
        "num_embeds_ada_norm": 10,
    },
    "UNet2DConditionModel": {**UNET, "cross_attention_dim": 16},
    "SD3Transformer2DModel": {**STREAMS, "sample_size": 8, "caption_projection_dim": 16, "pos_embed_max_size": 8},
    "FluxTransformer2DModel": {**STREAMS, "num_single_layers": 2, "axes_dims_rope": (2, 2, 4)},
}
DIT = "DiTTransformer2DModel"
HALF: dict[str, Any] = {"method": "wanda", "sparsity": 0.5}


def saved(name: str, folder: Path, dtype: torch.dtype = torch.float32) -> tuple[Any, Calibration]:
    """A random model, written to a folder, and calls of it."""
    torch.manual_seed(0)
    model = getattr(diffusers, name)(**MODELS[name]).eval()
    for value in model.parameters():
        if value.dim() > 1:
            nn.init.normal_(value, std=0.1)
    model.to(dtype).save_pretrained(folder, max_shard_size="60KB")
    return model.float(), noise_calls(model, batches=3, n=2)


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()}


def read(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.safetensors")}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "asked",
    [
        {**HALF, "recover_blocks": 2},
        {"method": "obs-diff", "sparsity": 0.5},
        {"method": "sparsegpt", "pattern": Pattern(2, 4)},
    ],
    ids=str,
)
def test_the_same_as_in_memory(tmp_path: Path, name: str, asked: dict[str, Any], device: str) -> None:
    model, calibration = saved(name, tmp_path / "dense")
    report = prune_folder(tmp_path / "dense", tmp_path / "out", calibration, device=device, **asked)
    whole = prune(model, calibration, **asked)
    state = model.state_dict()
    found = tensors(tmp_path / "out")
    if device == "cpu":
        assert [one for one, value in found.items() if not torch.equal(value, state[one])] == []
    else:  # sums are rounded otherwise, and scores that are nearly equal change places
        zeros = [((value == 0) == (state[one] == 0)).double().mean() for one, value in found.items()]
        assert min(zeros) > 0.95
    assert list(report.achieved) == list(whole.achieved)
    assert report.recover_blocks == whole.recover_blocks
    assert (report.after.parameters, report.after.nonzero) == (whole.after.parameters, whole.after.nonzero)
    assert report.calibration == calibration.about
    getattr(diffusers, name).from_pretrained(tmp_path / "out")


def test_one_block_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, calibration = saved(DIT, tmp_path / "dense")
    sizes = {name: value.numel() for name, value in model.named_parameters()}
    block = sum(size for name, size in sizes.items() if name.startswith("transformer_blocks.0."))
    outside = sum(size for name, size in sizes.items() if not name.startswith("transformer_blocks."))
    most = 0
    load = Onload._load

    def counting(self: Onload, owned: Any) -> Any:
        nonlocal most
        loaded = load(self, owned)
        most = max(most, sum(value.numel() for value in self.model.parameters() if value.device.type != "meta"))
        return loaded

    monkeypatch.setattr(Onload, "_load", counting)
    prune_folder(tmp_path / "dense", tmp_path / "out", calibration, **HALF)
    assert block < most <= block + outside < sum(sizes.values())


def test_half_precision_is_rounded_once(tmp_path: Path) -> None:
    name = "SD3Transformer2DModel"
    model, calibration = saved(name, tmp_path / "dense", torch.bfloat16)
    asked: dict[str, Any] = {"method": "sparsegpt", "sparsity": 0.5, "recover_blocks": 2}
    report = prune_folder(tmp_path / "dense", tmp_path / "out", calibration, **asked)
    assert report.after.nonzero == prune(model, calibration, **asked).after.nonzero
    for one, value in tensors(tmp_path / "out").items():
        assert value.dtype == torch.bfloat16
        assert torch.equal(value, model.state_dict()[one].bfloat16()), one


def refused(folder: Path, calibration: Calibration, **asked: Any) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the caller looks at it
        prune_folder(folder, folder.with_name("out"), calibration, **(HALF | asked))
    assert not folder.with_name("out").exists()
    return str(caught.value)


def test_a_layer_without_inputs_is_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = {**MODELS["UNet2DConditionModel"], "time_cond_proj_dim": 16}  # of an input that the calls lack
    model = diffusers.UNet2DConditionModel(**options).eval()
    model.save_pretrained(tmp_path / "dense")
    told = refused(tmp_path / "dense", noise_calls(model, batches=1, n=1))
    assert told == f"time_embedding.cond_proj: {UNSEEN}"
    assert not (tmp_path / "out.partial").exists()


def test_a_weight_that_is_not_finite_is_named(tmp_path: Path) -> None:
    _, calibration = saved(DIT, tmp_path / "dense")
    name = "transformer_blocks.1.attn1.to_q.weight"
    file = next(file for file in (tmp_path / "dense").glob("*.safetensors") if name in load_file(file))
    value = load_file(file)
    value[name][0, 0] = math.nan
    save_file(value, file, {"format": "pt"})
    assert refused(tmp_path / "dense", calibration) == f"{name} of shape (16, 16) holds NaN or infinite values"
    assert not (tmp_path / "out.partial").exists()


def test_an_output_that_cannot_be_stored() -> None:
    """A resumed run would give another one than the block."""
    block = Block("blocks.0", nn.Identity(), {}, called_once=True)
    one = Pass(Call({}), 1.0, {block.module: (torch.ones(1), {"x": object()})})
    with pytest.raises(ValueError, match=r"^blocks.0 gives a object, which cannot be stored; the model cannot be"):
        States(Path(), 0, torch.device("cpu")).store(0, block, [one])


def test_a_full_disk_and_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, calibration = saved("UNet2DConditionModel", tmp_path / "dense")
    write, left = shards.write, iter(range(30))

    def full(folder: Path, place: layout.Place, value: torch.Tensor) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(folder, place, value)

    monkeypatch.setattr(shards, "write", full)
    told = refused(tmp_path / "dense", calibration, method="sparsegpt")
    assert "cannot be written: No space left on device; run the same command again to resume in" in told
    monkeypatch.setattr(shards, "write", write)
    fewer = Calibration(calibration.calls[:2])
    told = refused(tmp_path / "dense", calibration, method="sparsegpt", recover_blocks=1)
    assert "rows of a run with other request;" in told
    assert "rows of a run with other calibration;" in refused(tmp_path / "dense", fewer, method="sparsegpt")
    shown = []
    prune_folder(
        tmp_path / "dense",
        tmp_path / "out",
        calibration,
        method="sparsegpt",
        sparsity=0.5,
        show=lambda *given: shown.append(given),
    )
    prune_folder(tmp_path / "dense", tmp_path / "at once", calibration, method="sparsegpt", sparsity=0.5)
    assert read(tmp_path / "out") == read(tmp_path / "at once")
    assert any("down_blocks.0" in what for _, _, what in shown)


KILLED = """
import os, signal, sys
from pathlib import Path
from reference_impls.calls import store
from reference_impls.pruning.blockwise import Block, Pass
from reference_impls.stream import shards
from reference_impls.stream.run import prune_folder

write, folder = shards.write, Path(sys.argv[1])
calls = store.read(folder.with_name("calls"))
for number, writes in enumerate(map(int, sys.argv[2:])):
    if not os.fork():
        left = iter(range(writes))

        def killing(*given):
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            write(*given)

        shards.write = killing
        prune_folder(folder, folder.with_name(f"out{number}"), calls, method="obs-diff", sparsity=0.5, recover_blocks=1)
        os._exit(0)
    assert os.WTERMSIG(os.wait()[1]) == signal.SIGKILL
"""


def test_killed_and_started_again(tmp_path: Path) -> None:
    _, calibration = saved("SD3Transformer2DModel", tmp_path / "dense")
    store.write(tmp_path / "calls", calibration)
    generator = torch.Generator().manual_seed(0)
    writes = torch.randint(1, len(tensors(tmp_path / "dense")), (3,), generator=generator).tolist()
    command = [sys.executable, "-c", KILLED, str(tmp_path / "dense"), *map(str, writes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    asked: dict[str, Any] = {"method": "obs-diff", "sparsity": 0.5, "recover_blocks": 1}
    prune_folder(tmp_path / "dense", tmp_path / "at once", calibration, **asked)
    for number in range(3):
        assert (tmp_path / f"out{number}.partial").is_dir()
        prune_folder(tmp_path / "dense", tmp_path / f"out{number}", calibration, **asked)
        assert read(tmp_path / f"out{number}") == read(tmp_path / "at once")
    assert not list(tmp_path.glob("*.partial"))


TWO = """
import os, signal, sys
from typer.testing import CliRunner
import reference_impls.stream.run
from reference_impls.command_line.commands import app

port, *words = sys.argv[1:]
other = os.fork()
rank = "0" if other else "1"
where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
os.environ.update({"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", **where})
done = CliRunner().invoke(app, words)
print(done.output, end="", flush=True)
if not other:
    os._exit(done.exit_code)
if done.exit_code:
    os.kill(other, signal.SIGKILL)
sys.exit(done.exit_code or os.waitstatus_to_exitcode(os.wait()[1]))
"""
"""A command in two processes, in the environment that torchrun gives them."""


def test_a_command_of_two_processes(tmp_path: Path) -> None:
    """What one process gives, said once."""
    saved(DIT, tmp_path / "dense")
    words = ["prune", str(tmp_path / "dense"), "--method", "wanda", "--sparsity", "0.5", "--samples", "3", "--out"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        command = [sys.executable, "-W", "ignore", "-c", TWO, str(free.getsockname()[1])]
    together = subprocess.run(
        [*command, *words, str(tmp_path / "together")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert together.returncode == 0, together.stdout + together.stderr
    assert together.stdout.count("Calibrated on 3 forward passes") == 1
    assert CliRunner().invoke(app, [*words, str(tmp_path / "alone")]).exit_code == 0
    alone = tensors(tmp_path / "alone")
    for name, value in tensors(tmp_path / "together").items():
        torch.testing.assert_close(value, alone[name], rtol=1e-5, atol=1e-6)


RANK = """
import sys
from pathlib import Path
from reference_impls.calls import store
from reference_impls.stream.run import prune_folder

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
calls = store.read(folder / "calls")
for method, steps in zip(sys.argv[3::2], sys.argv[4::2]):
    prune_folder(folder / "dense", out / method, calls, method=method, sparsity=0.5, recover_blocks=int(steps))
"""


@pytest.mark.nightly  # some machines refuse connections between the two processes
def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    _, calibration = saved(DIT, tmp_path / "dense")
    store.write(tmp_path / "calls", calibration)
    methods = {"obs-diff": 0, "wanda": 2}
    (tmp_path / "rank.py").write_text(RANK)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    for number in range(5):  # some machines refuse a connection of gloo to itself now and then
        together = tmp_path / f"together{number}"
        words = [str(tmp_path / "rank.py"), str(tmp_path), str(together)]
        words += [word for method, steps in methods.items() for word in (method, str(steps))]
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, env=environment)
        if not done.returncode or "Connection refused" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr
    for method, steps in methods.items():
        asked: dict[str, Any] = {"method": method, "sparsity": 0.5, "recover_blocks": steps}
        prune_folder(tmp_path / "dense", tmp_path / "alone", calibration, **asked)
        alone = tensors(tmp_path / "alone")
        larger = 100 if steps else 1  # Adam divides small gradients by their size, and with them their rounding
        for name, value in tensors(together / method).items():
            torch.testing.assert_close(value, alone[name], rtol=larger * 1e-5, atol=larger * 1e-6)
            assert torch.equal(value == 0, alone[name] == 0), name
        (tmp_path / "alone").rename(tmp_path / f"{method} alone")
