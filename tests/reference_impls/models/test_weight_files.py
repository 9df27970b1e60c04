"""Folders of diffusers come back as they were: precision, shards, variant, and nothing where something fails."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from typer.testing import CliRunner

from reference_impls.command_line.commands import app
from reference_impls.models import diffusers_folder
from reference_impls.models.diffusers_package import diffusers_package
from tests.reference_impls.models.test_diffusers_folder import made

diffusers = diffusers_package()
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
DIT = "DiTTransformer2DModel"
FILE = "diffusion_pytorch_model.safetensors"
QUERY = "transformer_blocks.0.attn1.to_q.weight"
PRUNED = ["--method", "magnitude", "--sparsity", "0.5"]
WHOLE = ["--method", "wanda", "--sparsity", "0.5", "--scope", "global"]
"""With the whole model in memory."""


def save(model: Any, folder: Path, **options: Any) -> Path:
    model.save_pretrained(folder, **options)
    return folder


def prune(source: Path, out: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["prune", "--model", str(source), "--out", str(out), *(words or PRUNED)])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def refused(source: Path, *words: str, code: int = 2) -> str:
    """The one line of a command that fails; it leaves everything as it was."""
    before = {file: file.read_bytes() for file in source.parent.rglob("*") if file.is_file()}
    out = source.parent / "out"
    done = CliRunner().invoke(app, ["prune", "--model", str(source), "--out", str(out), *(words or PRUNED)])
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert {file: file.read_bytes() for file in source.parent.rglob("*") if file.is_file()} == before
    assert not out.exists()
    return done.stderr.removeprefix("error: ").rstrip()


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(made(DIT), tmp_path / "transformer")


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (torch.float16, {}),
        (torch.bfloat16, {"max_shard_size": "60KB"}),
        (torch.float16, {"max_shard_size": "60KB", "variant": "fp16"}),
        (torch.float64, {}),
    ],
)
def test_precision_shards_and_variant_are_kept(tmp_path: Path, dtype: torch.dtype, options: dict[str, Any]) -> None:
    source = save(made(DIT).to(dtype), tmp_path / "dense", **options)
    prune(source, tmp_path / "out")
    names = sorted(file.name for file in source.iterdir())
    assert len(names) > (3 if "max_shard_size" in options else 1)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted([*names, "pruning.json"])
    before, after = tensors(source), tensors(tmp_path / "out")
    assert {name: value.dtype for name, value in after.items()} == dict.fromkeys(before, dtype)
    for name, value in after.items():
        kept = value != 0
        assert torch.equal(value[kept], before[name][kept]), name  # to the bit
    assert int((after[QUERY] == 0).sum()) == after[QUERY].numel() // 2
    for file in source.glob("*.safetensors"):
        with safe_open(file, "pt") as one, safe_open(tmp_path / "out" / file.name, "pt") as other:
            assert set(one.keys()) == set(other.keys())
        assert (tmp_path / "out" / file.name).stat().st_size == file.stat().st_size
    for index in source.glob("*.index*.json"):
        assert json.loads((tmp_path / "out" / index.name).read_text()) == json.loads(index.read_text())
    again = diffusers.DiTTransformer2DModel.from_pretrained(tmp_path / "out", variant=options.get("variant"))
    assert torch.equal(again.state_dict()[QUERY].to(dtype), after[QUERY])


def test_a_method_computes_in_float32_and_rounds_once(tmp_path: Path) -> None:
    half = made(DIT).half()
    save(half, tmp_path / "half")
    save(half.float(), tmp_path / "single")
    for name in ("half", "single"):
        prune(tmp_path / name, tmp_path / f"{name}-out", "--method", "sparsegpt", "--sparsity", "0.5")
    rounded, exact = tensors(tmp_path / "half-out"), tensors(tmp_path / "single-out")
    for name, value in rounded.items():  # which are mapped into memory, so that sums may round otherwise
        torch.testing.assert_close(value.float(), exact[name], rtol=2e-3, atol=2e-4)
    assert not torch.equal(exact[QUERY], exact[QUERY].half().float())


def test_a_variant_is_chosen(tmp_path: Path) -> None:
    source = save(made(DIT).half(), tmp_path / "dense", variant="fp16")
    save(made(DIT), source, variant="ema")
    assert refused(source) == f"{source} holds the variants ema, fp16; choose one by --variant"
    told = f"{source} has no weights of variant 'bf16'; its variants: ema, fp16"
    assert refused(source, *PRUNED, "--variant", "bf16") == told
    prune(source, tmp_path / "pruned", *PRUNED, "--variant", "fp16")
    (file,) = (tmp_path / "pruned").glob("*.safetensors")
    assert file.name == "diffusion_pytorch_model.fp16.safetensors"


def test_a_weight_that_does_not_fit_its_precision(tmp_path: Path) -> None:
    opened = diffusers_folder.load(save(made(DIT).half(), tmp_path / "dense"))
    with torch.no_grad():
        opened.model.get_parameter(QUERY)[0, 0] = 1e5
    told = f"{QUERY}: 100000 does not fit torch.float16, the precision of the folder; write the model in bfloat16"
    with pytest.raises(ValueError, match=re.escape(told)):
        diffusers_folder.save(tmp_path / "out", opened, [])
    assert [file.name for file in tmp_path.iterdir()] == ["dense"]


def test_seed_and_samples(folder: Path, tmp_path: Path) -> None:
    for method in ("random", "wanda"):
        words = ["--method", method, "--sparsity", "0.5", "--samples", "2"]
        for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
            prune(folder, tmp_path / f"{method}-{name}", *words, "--seed", seed)
        a, b, c = (tensors(tmp_path / f"{method}-{name}")[QUERY] for name in "abc")
        assert torch.equal(a, b)
        assert not torch.equal(a == 0, c == 0)
    (step,) = json.loads((tmp_path / "wanda-c/pruning.json").read_text())["steps"]
    assert step["prune"]["seed"] == 2
    assert step["prune"]["calibration"] == {"source": "noise", "forward passes": 2, "samples": 1, "seed": 2}
    said = prune(folder, tmp_path / "more", "--method", "wanda", "--sparsity", "0.5", "--samples", "3")
    assert "Calibrated on 3 forward passes with noise" in said
    assert "eval" not in said  # which takes no such folder


ANY: dict[str, dict[str, Any]] = {
    "AutoencoderKL": {"block_out_channels": (32, 32), "norm_num_groups": 8},
    "ControlNetModel": {
        "block_out_channels": (32, 32),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "norm_num_groups": 8,
        "cross_attention_dim": 24,
        "attention_head_dim": 4,
        "conditioning_embedding_out_channels": (16, 32),
    },
    "PixArtTransformer2DModel": {
        "num_layers": 1,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "cross_attention_dim": 32,
        "caption_channels": 32,
        "sample_size": 8,
    },
    "UNetSpatioTemporalConditionModel": {
        "block_out_channels": (32, 64),
        "down_block_types": ("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        "up_block_types": ("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        "num_attention_heads": (2, 2),
        "layers_per_block": 1,
        "cross_attention_dim": 32,
    },
    "UNet1DModel": {"block_out_channels": (32, 32, 64), "extra_in_channels": 16},
}


@pytest.mark.parametrize("name", ANY)
def test_data_free_methods_take_any_class(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    dense = getattr(diffusers, name)(**ANY[name])
    for value in dense.parameters():  # some layers of a ControlNet start at zero
        nn.init.normal_(value)
    source = save(dense, tmp_path / "dense")
    prune(source, tmp_path / "pruned")
    model = getattr(diffusers, name).from_pretrained(tmp_path / "pruned")
    layers = [part for part in model.modules() if isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d))]
    large = [part.weight for part in layers if min(part.weight.shape[:2]) >= 16]
    assert large
    assert all(int((weight == 0).sum()) == weight.numel() // 2 for weight in large)
    said = refused(source, "--method", "wanda", "--sparsity", "0.5")
    known = f"no inputs are known for {name}; give the whole pipeline, whose inputs are recorded, or "
    assert said.startswith("AutoencoderKL denoises nothing, so no" if name == "AutoencoderKL" else known)


def test_inputs_that_a_configuration_asks_for_besides(tmp_path: Path) -> None:
    options = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8, "attention_head_dim": 4}
    blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2, "cross_attention_dim": 24}
    model = diffusers.UNet2DConditionModel(**options, **blocks, sample_size=8, class_embed_type="timestep")
    source = save(model, tmp_path / "dense")
    said = refused(source, "--method", "wanda", "--sparsity", "0.5")
    assert said == (
        "noise does not fit this UNet2DConditionModel (class_labels should be provided when num_class_embeds > 0); "
        "give the whole pipeline, whose inputs are recorded"
    )
    prune(source, tmp_path / "pruned")


def config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


class TestRefused:
    def test_pickles(self, folder: Path) -> None:
        (folder / FILE).rename(folder / "diffusion_pytorch_model.bin")
        assert refused(folder) == (
            f"{folder} holds no safetensors; diffusion_pytorch_model.bin is a pickle, which could run anything and is "
            "not opened: in a process that you trust, load it with diffusers and write it again by save_pretrained"
        )
        (folder / "diffusion_pytorch_model.bin").unlink()
        assert refused(folder) == f"{folder} holds no safetensors: {FILE} is missing"

    @pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
    def test_a_single_file(self, tmp_path: Path, suffix: str) -> None:
        file = tmp_path / f"model{suffix}"
        file.write_bytes(b"")
        said = refused(file)
        assert said.startswith(f"{file} is a single file; make a folder of it first, in Python: diffusers.")

    def test_quantized(self, folder: Path) -> None:
        state = {name: value.to(torch.float8_e4m3fn) for name, value in load_file(folder / FILE).items()}
        save_file(state, folder / FILE)
        said = refused(folder)
        assert said.startswith(f"{folder} holds quantized weights: ")
        assert said.endswith(" is F8_E4M3; prune the model, then quantize it")
        config(folder, quantization_config={"quant_method": "bitsandbytes"})
        assert refused(folder) == (
            f"{folder} is quantized by bitsandbytes (quantization_config in config.json); prune the model that it was "
            "made of, and quantize the result"
        )
        gguf = folder.parent / "model.gguf"
        gguf.write_bytes(b"")
        assert refused(gguf).startswith(f"{gguf} is quantized; ")

    def test_a_class_that_diffusers_does_not_have(self, folder: Path) -> None:
        for name in ("FutureTransformer", "DDIMScheduler", "__version__"):
            config(folder, _class_name=name)
            said = refused(folder)
            assert said.startswith(f"{folder}: diffusers 0.42.1 has no model class {name!r}; install the version")

    def test_a_text_encoder(self, folder: Path) -> None:
        (folder / "config.json").write_text('{"architectures": ["CLIPTextModel"], "model_type": "clip_text_model"}')
        assert refused(folder).startswith(f"{folder} holds a CLIPTextModel of transformers, which is not pruned here; ")

    def test_weights_that_are_not_finite(self, folder: Path) -> None:
        state = load_file(folder / FILE)
        state[QUERY][0, 0] = torch.nan
        save_file(state, folder / FILE)
        told = f"{QUERY} of shape (32, 32) holds NaN or infinite values"
        assert refused(folder) == told
        assert refused(folder, "--method", "magnitude-units", "--sparsity", "0.5") == f"{folder}: {told}"

    def test_shards_that_lack_something(self, tmp_path: Path) -> None:
        source = save(made(DIT), tmp_path / "dense", max_shard_size="100KB")
        index = "diffusion_pytorch_model.safetensors.index.json"
        places = json.loads((source / index).read_text())["weight_map"]
        shard = source / places[QUERY]
        state = load_file(shard)
        save_file({name: value for name, value in state.items() if name != QUERY}, shard)
        told = f"{shard}: {QUERY} is missing, which {index} places there; download it again"
        assert refused(source) == told
        shard.unlink()
        assert refused(source) == f"{shard} is missing, which {index} names; download it again"
        (source / index).write_text("no JSON")
        assert refused(source) == f"{source / index} is not the index of a model's shards"
        (source / index).unlink()
        assert re.fullmatch(rf"{source} holds \d+ files of weights and no {index} for them", refused(source))

    def test_an_error_in_the_code_of_a_model(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object) -> None:
            raise RuntimeError("shapes differ\nand a long story")

        monkeypatch.setattr("reference_impls.pruning.drop_weights.set_matrix", fails)
        assert refused(folder, *WHOLE) == f"wanda fails on {folder}: RuntimeError: shapes differ"

    def test_a_source_that_changes_meanwhile(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = diffusers_folder.load(folder)
        shutil.copyfile(folder / FILE, folder / "copy")
        (folder / "copy").replace(folder / FILE)
        with pytest.raises(ValueError, match=f"{folder} has changed since it was opened; start again"):
            diffusers_folder.save(folder.parent / "out", opened, [])
        assert [file.name for file in folder.parent.iterdir()] == ["transformer"]

    @pytest.mark.parametrize(
        ("error", "code", "told"),
        [
            (KeyboardInterrupt(), 130, "interrupted; the command wrote nothing that is not complete"),
            (SafetensorError("I/O error: (os error 28)"), 2, "{out} cannot be written: No space left on device"),
            (SafetensorError("a full shelf"), 2, "{out} cannot be written: a full shelf"),
            (OSError(28, "No space left on device"), 2, "{out} cannot be written: No space left on device"),
        ],
    )
    def test_what_stops_while_it_is_written(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
    ) -> None:
        def half(state: dict[str, torch.Tensor], file: Path, metadata: object) -> None:
            file.write_bytes(b"half")
            raise error

        monkeypatch.setattr("reference_impls.files.weights.save_file", half)
        assert refused(folder, *WHOLE, code=code) == told.format(out=folder.parent / "out")
