"""Models of diffusers: units leave exactly, folders come back, from_pretrained opens what has zeros."""

import copy
import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from reference_impls.calls.noise import noise_calls
from reference_impls.command_line.commands import app
from reference_impls.maths.surgery import Group, remove, zero
from reference_impls.methods import obs_diff, sparsegpt
from reference_impls.methods.prune import prune
from reference_impls.models import diffusers_folder
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.units.lookup import groups_of

diffusers = diffusers_package()
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release

CROSS = ("DownBlock2D", "CrossAttnDownBlock2D"), ("CrossAttnUpBlock2D", "UpBlock2D")
SMALL: dict[str, Any] = {"sample_size": 16, "layers_per_block": 1, "block_out_channels": (32, 64), "norm_num_groups": 8}
CONFIGS: dict[str, dict[str, Any]] = {
    "UNet2DModel": {
        **SMALL,
        "attention_head_dim": 8,
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    },
    "UNet2DConditionModel": {
        **SMALL,
        "attention_head_dim": 4,
        "cross_attention_dim": 24,
        "down_block_types": CROSS[0],
        "up_block_types": CROSS[1],
    },
    "DiTTransformer2DModel": {
        "num_attention_heads": 4,
        "attention_head_dim": 8,
        "in_channels": 4,
        "out_channels": 8,
        "num_layers": 2,
        "sample_size": 8,
        "num_embeds_ada_norm": 10,
    },
    "SD3Transformer2DModel": {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "num_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "joint_attention_dim": 24,
        "caption_projection_dim": 32,
        "pooled_projection_dim": 16,
        "pos_embed_max_size": 16,
        "dual_attention_layers": (0,),
        "qk_norm": "rms_norm",
    },
    "FluxTransformer2DModel": {
        "in_channels": 4,
        "num_layers": 1,
        "num_single_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "joint_attention_dim": 24,
        "pooled_projection_dim": 16,
        "axes_dims_rope": (2, 2, 4),
        "guidance_embeds": True,
    },
}


CLASSES = tuple(CONFIGS)


def config_of(model: nn.Module) -> dict[str, Any]:
    """What diffusers keeps beside the weights."""
    config: Any = model.config
    return dict(config)


def write(model: Any, folder: Path) -> None:
    model.save_pretrained(folder)


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = getattr(diffusers, name)(**CONFIGS[name]).eval()
    for value in model.parameters():  # layers that start at zero would hide every mistake behind them
        if value.dim() > 1:
            nn.init.normal_(value, std=0.1)
    return model


def half(group: Group) -> list[int]:
    return list(range(group.units // 2)) if group.kind == "channel" else list(range(0, group.units, 2))


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_units_leave_exactly(name: str) -> None:
    model = made(name)
    groups = groups_of(model)
    assert {"head"} < {group.kind for group in groups}
    batch = noise_calls(model).calls[0]
    small, silent = copy.deepcopy(model), copy.deepcopy(model)
    remove(small, *((group, half(group)) for group in groups))
    for group in groups:
        zero(silent, group, set(range(group.units)) - set(half(group)))
    torch.testing.assert_close(batch.run(small), batch.run(silent), rtol=0, atol=1e-5)
    assert float((batch.run(model) - batch.run(silent)).abs().max()) > 0.01
    assert sum(p.numel() for p in small.parameters()) < 0.85 * sum(p.numel() for p in model.parameters())


def interrupted(*args: object, **options: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("method", "name"), list(zip(itertools.cycle(["sparsegpt", "obs-diff-units"]), CLASSES, strict=False))
)
def test_a_method_that_is_stopped_leaves_the_model_as_it_was(
    name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both change some layers before the last; the configuration of diffusers refuses to be changed in place."""
    model = made(name)
    config, repeated = config_of(model), repr(model)
    objects = [id(value) for value in (*model.modules(), *model.parameters())]
    before = copy.deepcopy(model.state_dict())
    handle = next(model.children()).register_forward_hook(lambda module, inputs, output: None)
    module, function = (sparsegpt, "sweep") if method == "sparsegpt" else (obs_diff, "remove")
    real, numbers = getattr(module, function), itertools.count(1)
    monkeypatch.setattr(
        module, function, lambda *args, **options: (interrupted if next(numbers) == 3 else real)(*args, **options)
    )
    with pytest.raises(KeyboardInterrupt):
        prune(model, noise_calls(model), 0.5, method=method)
    assert next(numbers) == 4
    assert config_of(model) == config
    assert repr(model) == repeated
    assert [id(value) for value in (*model.modules(), *model.parameters())] == objects
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], value) for key, value in before.items())
    assert [len(part._forward_pre_hooks) for part in model.modules()] == [0] * len(list(model.modules()))
    handle.remove()
    assert not any(part._forward_hooks for part in model.modules())


@pytest.mark.parametrize("name", CLASSES)
def test_the_error_of_a_method_that_fails_is_its_own(name: str) -> None:
    model = made(name)
    config = config_of(model)
    with pytest.raises(ValueError, match=r"scope 'row' is not supported by SparseGPT and OBS-Diff; use scope layer"):
        prune(model, noise_calls(model), 0.5, method="sparsegpt", scope="row")
    assert config_of(model) == config


@pytest.mark.parametrize("name", CLASSES)
@torch.no_grad()
def test_a_group_alone(name: str) -> None:
    """The last one of each kind, by kind and name; all of them together are in a test of their own."""
    model = made(name)
    batch = noise_calls(model).calls[0]
    for group in {(group.kind, group.name.rpartition(".")[2]): group for group in groups_of(model)}.values():
        small, silent = copy.deepcopy(model), copy.deepcopy(model)
        remove(small, (group, half(group)))
        zero(silent, group, set(range(group.units)) - set(half(group)))
        torch.testing.assert_close(batch.run(small), batch.run(silent), rtol=0, atol=1e-5, msg=group.name)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (method, name)
        for method, names in {
            "magnitude": ("SD3Transformer2DModel", "FluxTransformer2DModel"),
            "wanda": ("UNet2DConditionModel", "FluxTransformer2DModel"),
            "sparsegpt": ("DiTTransformer2DModel", "SD3Transformer2DModel"),
            "magnitude-units": ("UNet2DModel", "DiTTransformer2DModel"),
            "obs-diff-units": CLASSES,
        }.items()
        for name in names
    ],
)
def test_methods_run(name: str, method: str) -> None:
    model = made(name)
    calls = noise_calls(model, batches=1)
    report = prune(model, calls, 0.5, method=method)
    assert report.after.nonzero < 0.85 * report.before.nonzero
    assert bool(torch.isfinite(calls.calls[0].run(model)).all())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("UNet2DModel", "FluxTransformer2DModel") else [pytest.mark.nightly])
        for name in CLASSES
    ],
)
def test_a_folder_pruned_twice(name: str, tmp_path: Path) -> None:
    model = made(name)
    write(model, tmp_path / "dense")
    runner = CliRunner()
    for source, method, out in (("dense", "obs-diff-units", "one"), ("one", "magnitude", "two")):
        words = ["prune", "--model", str(tmp_path / source), "--method", method, "--sparsity", "0.5"]
        done = runner.invoke(app, [*words, "--out", str(tmp_path / out)])
        assert done.exit_code == 0, done.output
    opened = diffusers_folder.load(tmp_path / "two")
    loaded = opened.model
    assert opened.changes.kept
    assert diffusers_folder.steps_of(tmp_path / "dense") == ()
    steps: Any = diffusers_folder.steps_of(tmp_path / "two")
    assert [step["prune"]["method"] for step in steps] == ["obs-diff-units", "magnitude"]
    batch = noise_calls(model).calls[0]
    assert batch.run(loaded).shape == batch.run(model).shape


@pytest.mark.parametrize("name", ["UNet2DModel", "SD3Transformer2DModel"])
@torch.no_grad()
def test_from_pretrained_opens_what_has_zeros(name: str, tmp_path: Path) -> None:
    model = made(name)
    write(model, tmp_path / "dense")
    opened = diffusers_folder.load(tmp_path / "dense")
    model = opened.model
    report = prune(model, noise_calls(model), 0.5, method="magnitude")
    diffusers_folder.save(tmp_path / "out", opened, [{"prune": asdict(report)}])
    again = getattr(diffusers, name).from_pretrained(tmp_path / "out")
    batch = noise_calls(model).calls[0]
    torch.testing.assert_close(batch.run(again), batch.run(model))
    (step,) = json.loads((tmp_path / "out/pruning.json").read_text())["steps"]
    assert step["prune"]["method"] == "magnitude"


def test_sdxl_gets_its_own_conditions() -> None:
    config = {
        **CONFIGS["UNet2DConditionModel"],
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 48 + 32,
    }
    model = diffusers.UNet2DConditionModel(**config).eval()
    batch = noise_calls(model).calls[0]
    assert batch.run(model).shape == batch.arguments["sample"].shape
    assert batch.first().run(model).shape[0] == 1


def test_folders_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"_class_name": "EvilModel"}')
    with pytest.raises(ValueError, match=r"diffusers 0\.42\.1 has no model class 'EvilModel'; install the version"):
        diffusers_folder.load(tmp_path)
    (tmp_path / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    (tmp_path / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(
        ValueError, match=r"holds no safetensors; diffusion_pytorch_model\.bin is a pickle, which could run"
    ):
        diffusers_folder.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(ValueError, match=r"holds model\.safetensors; name the file diffusion_pytorch_model\.safe"):
        diffusers_folder.load(tmp_path)
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(ValueError, match=r"diffusion_pytorch_model\.safetensors is not a file of safetensors"):
        diffusers_folder.load(tmp_path)
    assert not diffusers_folder.is_folder(tmp_path / "nowhere")


def test_a_pruned_folder_without_safetensors_in_it_is_refused(tmp_path: Path) -> None:
    write(made("UNet2DModel"), tmp_path / "dense")
    words = ["prune", "--model", str(tmp_path / "dense"), "--method", "magnitude-units", "--sparsity", "0.5"]
    assert CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")]).exit_code == 0
    for file in (tmp_path / "out").glob("*.safetensors"):
        file.write_bytes(b"\x80\x04K\x01.")  # a pickle
    with pytest.raises(ValueError, match=r"diffusion_pytorch_model\.safetensors is a pickle, which could run anything"):
        diffusers_folder.load(tmp_path / "out")


def test_a_class_without_attention_has_no_units() -> None:
    model = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8,),
        decoder_block_out_channels=(8,),
        num_encoder_blocks=(1,),
        num_decoder_blocks=(1,),
    )
    message = "AutoencoderTiny has no heads, neurons or channels that can be removed exactly"
    with pytest.raises(ValueError, match=f"^{message}: it has no attention and no feed-forward part"):
        groups_of(model)
    message = "AutoencoderTiny denoises nothing, so no inputs are recorded for it; choose a data-free method"
    with pytest.raises(ValueError, match=f"^{message}$"):
        noise_calls(model)
