"""What people reported about pruning diffusion models elsewhere: each report is a test of what is right here."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.sparse._semi_structured_conversions import (
    sparse_semi_structured_from_dense_cutlass,
    sparse_semi_structured_to_dense_cutlass,
)
from torch.utils._pytree import tree_map
from typer.testing import CliRunner

import reference_impls
from reference_impls.calls.call import Calibration, Call
from reference_impls.calls.noise import noise_calls
from reference_impls.command_line.commands import app
from reference_impls.maths.masks import Pattern
from reference_impls.maths.surgery import remove
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning.layers import prunable
from reference_impls.stream.run import prune_folder
from reference_impls.units.lookup import groups_of
from tests.reference_impls.tiny_pipelines import INPUTS, UNET, diffusers, made
from tests.reference_impls.tiny_transformers import tiny

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
WEIGHTS = "diffusion_pytorch_model.safetensors"
HALF = ("--method", "magnitude", "--sparsity", "0.5")
ON_U_NETS = [
    name
    for name, method in METHODS.items()
    if method.needs not in ("gradients", "training") and method.kind != "depth" and name != "obs-diff-units"
]
"""Methods that take any U-Net; OBS-Diff's of units, which is slow, is tried with other tests."""


def run(source: Path, out: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["prune", str(source), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def refused(source: Path, out: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["prune", str(source), "--out", str(out), *words])
    assert done.exit_code == 2, done.output
    assert not out.exists()
    return done.stderr.removeprefix("error: ").rstrip()


def randomised(model: Any) -> Any:
    """The model; none of its layers is zero, as some are before any training."""
    generator = torch.Generator().manual_seed(0)
    for value in model.eval().parameters():
        if value.dim() > 1:
            nn.init.normal_(value, std=0.1, generator=generator)
    return model


def on(device: str, calibration: Calibration) -> Calibration:
    """The calibration with its tensors on a device."""

    def moved(value: Any) -> Any:
        return value.to(device) if isinstance(value, torch.Tensor) else value

    return Calibration(tuple(replace(call, arguments=tree_map(moved, dict(call.arguments))) for call in calibration))


def sd_2_1() -> Any:
    """Stable Diffusion 2.1 in small: linear projections around attention, and other numbers of heads on each level."""
    return randomised(
        diffusers.UNet2DConditionModel(
            **{**UNET, "block_out_channels": (16, 32), "attention_head_dim": (2, 4)},
            cross_attention_dim=16,
            use_linear_projection=True,
            upcast_attention=True,
        )
    )


@pytest.mark.parametrize("method", ON_U_NETS)
def test_stable_diffusion_2_1(method: str, device: str) -> None:
    """VainF/Diff-Pruning#1: its scripts took no U-Net of diffusers, and on a latent model a norm kept channels
    that were gone. Here the U-Net loses half, every norm fits, and it still runs."""
    model = sd_2_1()
    calls = on(device, noise_calls(model, batches=1, n=1))
    report = prune(model.to(device), calls, 0.5, method=method)
    assert {value.device.type for value in model.parameters()} == {device}
    assert report.after.nonzero < 0.8 * report.before.nonzero
    assert bool(torch.isfinite(calls.calls[0].run(model)).all())


def test_heads_leave_every_projection() -> None:
    """VainF/Diff-Pruning#4: with the attention of torch 2, the widths of q, k and v differed after pruning. Here they
    agree, whichever processor computes the attention."""
    processors = diffusers.models.attention_processor
    blocks = {"down_block_types": ("DownBlock2D", "AttnDownBlock2D"), "up_block_types": ("AttnUpBlock2D", "UpBlock2D")}
    model = randomised(diffusers.UNet2DModel(**{**UNET, **blocks}))
    prune(model, sparsity=0.5, method="magnitude-units")
    attentions = [part for part in model.modules() if type(part).__name__ == "Attention"]
    assert len(attentions) > 2
    for part in attentions:
        assert {part.to_q.out_features, part.to_k.out_features, part.to_v.out_features} == {part.to_out[0].in_features}
    call = noise_calls(model, batches=1, n=1).calls[0]
    outputs = []
    for processor in (processors.AttnProcessor2_0, processors.AttnProcessor):
        for part in attentions:
            part.set_processor(processor())
        outputs.append(call.run(model))
    torch.testing.assert_close(*outputs)


@pytest.mark.parametrize("method", ["wanda", "magnitude-units"])
def test_gradient_checkpointing_hides_no_layer(method: str) -> None:
    """VainF/Diff-Pruning#8: layers inside a checkpointed block were not found, and the rest was cut without them. Here
    checkpointing changes nothing."""
    plain = sd_2_1()
    wrapped = copy.deepcopy(plain)
    wrapped.enable_gradient_checkpointing()
    wrapped.train()
    calls = noise_calls(plain, batches=1, n=1)
    reports = [prune(model, calls, 0.5, method=method) for model in (plain, wrapped)]
    assert reports[0].achieved == reports[1].achieved
    assert any("transformer_blocks" in name for name in reports[0].achieved)
    assert all(torch.equal(value, wrapped.state_dict()[name]) for name, value in plain.state_dict().items())


def wide_vae() -> Any:
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    return randomised(diffusers.AutoencoderKL(block_out_channels=(16, 16), norm_num_groups=8, **blocks))


@pytest.mark.parametrize("method", ["magnitude", "magnitude-units"])
def test_an_autoencoder_in_half_precision(tmp_path: Path, method: str) -> None:
    """VainF/Torch-Pruning#449: tracing AutoencoderKL in fp16 failed. Here its folder is pruned without being run, stays
    in fp16, and encodes and decodes."""
    wide_vae().half().save_pretrained(tmp_path / "vae")
    run(tmp_path / "vae", tmp_path / "out", "--method", method, "--sparsity", "0.5")
    assert {value.dtype for value in load_file(tmp_path / "out" / WEIGHTS).values()} == {torch.float16}
    image = torch.zeros(1, 3, 16, 16)
    with torch.no_grad():
        made = reference_impls.load(tmp_path / "out")(image).sample
    assert made.shape == image.shape
    assert bool(torch.isfinite(made).all())


def test_the_autoencoder_of_a_pipeline(tmp_path: Path) -> None:
    """huggingface/diffusers#10555: the autoencoder, too, should become smaller. Here its own folder is pruned by
    methods without data; one that looks at inputs is refused, since a pipeline records those of its denoiser."""
    wide_vae().save_pretrained(tmp_path / "pipeline/vae")
    run(tmp_path / "pipeline/vae", tmp_path / "vae", *HALF)
    again = diffusers.AutoencoderKL.from_pretrained(tmp_path / "vae")
    assert all(int((layer.weight == 0).sum()) == layer.weight.numel() // 2 for layer in prunable(again).values())
    assert refused(tmp_path / "pipeline/vae", tmp_path / "no", "--method", "wanda", "--sparsity", "0.5") == (
        "AutoencoderKL denoises nothing, so no inputs are recorded for it; choose a data-free method"
    )


def test_cogvideox() -> None:
    """VainF/Torch-Pruning#456: the dependency graph of CogVideoX never ended in its adaptive norms. Here nothing is
    traced: its heads and neurons are known from the modules."""
    model, inputs = tiny("cogvideox")
    report = prune(model, sparsity=0.5, method="magnitude-units")
    assert {name.rpartition(".")[2] for name in report.kept} == {"attn1", "ff"}
    assert report.after.parameters < 0.9 * report.before.parameters
    with torch.no_grad():
        assert bool(torch.isfinite(model(**inputs)[0]).all())


def peak() -> int:
    """The most memory that this process has had since the last question, in bytes, as the system counts it."""
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    Path("/proc/self/clear_refs").write_text("5")
    return int(status["VmHWM"].split()[0]) << 10


def test_no_list_of_all_weights(tmp_path: Path) -> None:
    """openvinotoolkit/nncf#1930: magnitude pruning of Stable Diffusion sorted all weights at once and ran out of
    memory. Here a threshold over all layers is found from file to file, in less memory than half of them."""
    diffusers.DiTTransformer2DModel(
        num_attention_heads=8, attention_head_dim=48, in_channels=4, out_channels=8, num_layers=12, sample_size=8
    ).save_pretrained(tmp_path / "dense")
    asked: dict[str, Any] = {"method": "magnitude", "sparsity": 0.5, "scope": "global"}
    made("dit").transformer.save_pretrained(tmp_path / "small")
    prune_folder(tmp_path / "small", tmp_path / "first", **asked)  # what every run needs once
    peak()
    before = peak()
    report = prune_folder(tmp_path / "dense", tmp_path / "out", **asked)
    assert peak() - before < report.before.parameters * 4 / 2
    assert abs(report.difference) < 1e-6


def test_zeros_take_room_unless_packed(tmp_path: Path) -> None:
    """locuslab/wanda#29 and #65: the pruned model was as large on disk as before, and nobody had said so. Here it is
    said when it is written, and `--pack` makes it smaller."""
    made("dit").save_pretrained(tmp_path / "dense")
    said = run(tmp_path / "dense", tmp_path / "out", *HALF)
    assert "the file is smaller only if it is packed" in said
    said = run(tmp_path / "dense", tmp_path / "packed", *HALF, "--pack")
    assert "Packed: " in said
    dense, pruned, packed = (
        sum(file.stat().st_size for file in (tmp_path / name / "transformer").glob("*.safetensors"))
        for name in ("dense", "out", "packed")
    )
    assert packed < 0.9 * pruned  # embeddings stay dense
    assert pruned == dense


def test_zeros_bring_no_time_and_kernels_do(tmp_path: Path) -> None:
    """pytorch/tutorials#905: after pruning, a model was as slow and as large as before. Here that is said, with what
    does bring time; it gives the same output."""
    model = randomised(diffusers.DiTTransformer2DModel(**dict(made("dit").transformer.config)))
    model.save_pretrained(tmp_path / "dense")
    said = run(tmp_path / "dense", tmp_path / "out", "--method", "magnitude", "--sparsity", "0.9")
    assert "Unstructured zeros do not speed up dense kernels" in said
    assert f"Time it with sparse kernels python -m reference_impls bench {tmp_path / 'out'}" in said
    pruned = reference_impls.load(tmp_path / "out")
    call = noise_calls(pruned, batches=1, n=1).calls[0]
    with torch.no_grad():
        before = call.run(pruned)
        assert reference_impls.sparsify(pruned, call.run)
        torch.testing.assert_close(call.run(pruned), before, rtol=1e-4, atol=1e-5)


def test_2_4_of_flux(tmp_path: Path, device: str) -> None:
    """pytorch/ao#1460: a FLUX with 2:4 layers could not be saved, and what runs it was not clear. Here the folder is an
    ordinary one, which diffusers opens, in the layout that torch's sparse layers take, and that is said."""
    model = randomised(
        diffusers.FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=32,
            num_attention_heads=2,
            joint_attention_dim=64,
            pooled_projection_dim=64,
            axes_dims_rope=(8, 8, 16),
        )
    )
    model.to(torch.bfloat16).save_pretrained(tmp_path / "dense")
    said = run(tmp_path / "dense", tmp_path / "out", "--method", "magnitude", "--pattern", "2:4")
    assert "2:4 zeros do not speed up dense kernels" in said
    assert "torch.sparse.to_sparse_semi_structured takes the linear layers" in said
    pruned = diffusers.FluxTransformer2DModel.from_pretrained(tmp_path / "out", torch_dtype=torch.bfloat16)
    linear = {name: layer for name, layer in prunable(pruned).items() if min(layer.weight.shape) >= 64}
    assert len(linear) > 20
    for layer in linear.values():
        fits(layer.weight, device)


def fits(weight: torch.Tensor, device: str) -> None:
    """The weight is what sparse tensor cores multiply with: of four inputs in a row, two are kept.

    Where there is a GPU, it multiplies as the dense weight does. Without one, the layout is packed and unpacked.
    """
    dense = weight.detach().to(device)
    if device == "cpu":
        packed, places = sparse_semi_structured_from_dense_cutlass(dense)  # type: ignore[no-untyped-call]
        assert packed.numel() == dense.numel() // 2
        unpacked = sparse_semi_structured_to_dense_cutlass(packed, places)  # type: ignore[no-untyped-call]
        assert torch.equal(unpacked, dense)
        return
    sparse = torch.sparse.to_sparse_semi_structured(dense)
    inputs = torch.randn(64, dense.shape[1], device=device, dtype=dense.dtype)
    made, wanted = nn.functional.linear(inputs, sparse), nn.functional.linear(inputs, dense)
    torch.testing.assert_close(made, wanted, rtol=2e-2, atol=2e-2)


def convolution(method: str, axis: str) -> torch.Tensor:
    """The weight of a convolution, (32, 64, 3, 3), at 2:4 along an axis."""
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 32, 3)
    call = Call({"input": torch.randn(4, 64, 4, 4)}, target=torch.randn(4, 32, 2, 2))
    pattern = Pattern(2, 4, axis=axis)
    report = prune(nn.Sequential(layer), Calibration((call,)), method=method, pattern=pattern)
    assert (report.pattern, report.pattern_axis, dict(report.achieved)) == ("2:4", axis, {"0": 0.5})
    return layer.weight.detach()


def fits_at_each_position(weight: torch.Tensor, device: str) -> None:
    for matrix in weight.flatten(2).unbind(2):
        fits(matrix.contiguous().half(), device)


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.kind == "unstructured"])
def test_2_4_of_a_convolution(method: str, device: str) -> None:
    """A neighbour of pytorch/ao#1460: kernels with channels last read the input channels at each position in turn,
    so groups along the kernel, as SparseGPT's code makes them, do not fit."""
    fits_at_each_position(convolution(method, "channels"), device)
    other = convolution(method, "kernel")
    assert bool(((other != 0).view(-1, 4).sum(1) == 2).all())
    with pytest.raises(AssertionError):
        fits_at_each_position(other, "cpu")


def test_calibration_over_time_and_prompts() -> None:
    """intel/neural-compressor#925: calibration looked at the timesteps of a single image. Here the passes are spread
    over all prompts, and over the whole of the sampler's time."""
    prompts = ("a cat", "the red dog", "a small hill", "a dog on the hill")
    calls = reference_impls.record(made("sd"), prompts, steps=4, limit=8, inputs=INPUTS["sd"])
    words = {tuple(call.arguments["encoder_hidden_states"].flatten().tolist()) for call in calls}
    assert len(words) == len(prompts)
    times = [call.step for call in calls]
    assert {step: times.count(step) for step in times} == {0: 2, 1: 2, 2: 2, 3: 2}
    assert (calls.about["prompts"], calls.about["steps"]) == (4, 4)


class Convolutions(nn.Module):
    """Layers of every number of dimensions; the last three are of kinds that no method prunes."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv1d(16, 16, 3), nn.Conv2d(16, 16, 3), nn.Conv3d(16, 16, 3)
        self.grouped, self.back = nn.Conv2d(16, 16, 3, groups=4), nn.ConvTranspose2d(16, 16, 3)
        self.narrow = nn.Linear(4, 4)

    def forward(self, line: torch.Tensor, image: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self.back(self.grouped(self.two(image)))
        line, video = self.one(line), self.three(video)
        return line.sum() + images.sum() + video.sum()


@pytest.mark.parametrize("method", ["sparsegpt", "obs-diff", "wanda"])
def test_convolutions_of_every_dimension(method: str) -> None:
    """IST-DASLab/sparsegpt#22: convolutions needed code of one's own, and those of video stayed dense without a word.
    Here all are pruned, and the report names each layer that is not, with the reason."""
    torch.manual_seed(0)
    model = Convolutions()
    given = {"line": torch.randn(2, 16, 8), "image": torch.randn(2, 16, 6, 6), "video": torch.randn(2, 16, 4, 4, 4)}
    report = prune(model, Calibration((Call(given),)), 0.5, method=method)
    assert dict(report.achieved) == {"one": 0.5, "two": 0.5, "three": 0.5}
    assert dict(report.left_out) == {
        "grouped": "a convolution in groups",
        "back": "a transposed convolution",
        "narrow": "a layer with fewer than 16 inputs or outputs",
    }
    for layer in (model.one, model.two, model.three):
        assert int((layer.weight == 0).sum()) == layer.weight.numel() // 2


def test_what_stays_dense_is_said(tmp_path: Path) -> None:
    """A neighbour of IST-DASLab/sparsegpt#22, in the words of the command."""
    model = diffusers.UNet3DConditionModel(
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=8,
        cross_attention_dim=16,
    )
    randomised(model).save_pretrained(tmp_path / "dense")
    said = run(tmp_path / "dense", tmp_path / "out", *HALF)
    assert "Left dense: 2 layers, each a layer with fewer than 16 inputs or outputs." in said
    after = diffusers.UNet3DConditionModel.from_pretrained(tmp_path / "out")
    videos = [layer for layer in after.modules() if isinstance(layer, nn.Conv3d)]
    assert videos
    assert all(int((layer.weight == 0).sum()) == layer.weight.numel() // 2 for layer in videos)


def test_a_smaller_model_is_opened_again(tmp_path: Path) -> None:
    """huggingface/transformers#4490: a model without some of its heads could be saved, and not opened. Here the folder
    knows what is gone; `load` opens it as it was in memory."""
    sd_2_1().save_pretrained(tmp_path / "dense")
    said = run(tmp_path / "dense", tmp_path / "out", "--method", "magnitude-units", "--sparsity", "0.5")
    assert "Open it with reference_impls.load" in said
    small = reference_impls.load(tmp_path / "dense")
    prune(small, sparsity=0.5, method="magnitude-units")
    calls = noise_calls(small, batches=1, n=1)
    call = calls.calls[0]
    with torch.no_grad():
        torch.testing.assert_close(call.run(reference_impls.load(tmp_path / "out")), call.run(small))


def test_an_adapter_on_a_pruned_wan() -> None:
    """kijai/ComfyUI-WanVideoWrapper#866: would a LoRA of the dense Wan still fit the pruned one? Here zeros leave every
    shape as it was; and where neurons are gone, the report says which rows and columns of the adapter belong to those
    that are left."""
    dense, inputs = tiny("wan")
    generator = torch.Generator().manual_seed(1)
    layers = prunable(dense)
    adapter = {
        name: 0.1
        * torch.randn(len(layer.weight), 2, generator=generator).double()
        @ torch.randn(2, layer.weight[0].numel(), generator=generator).double()
        for name, layer in layers.items()
        if isinstance(layer, nn.Linear)
    }
    sparse = copy.deepcopy(dense)
    prune(sparse, sparsity=0.5, method="magnitude")
    shapes = {name: value.shape for name, value in dense.state_dict().items()}
    assert {name: value.shape for name, value in sparse.state_dict().items()} == shapes
    merge(sparse, adapter)
    assert all(not bool((sparse.get_parameter(f"{name}.weight") == 0).any()) for name in adapter)  # nor sparse any more

    small, whole = copy.deepcopy(dense), copy.deepcopy(dense)
    kept = prune(small, sparsity=0.5, method="magnitude-units").kept
    assert list(kept) == ["blocks.0.ffn", "blocks.1.ffn"]  # a norm over all heads keeps those of Wan together
    cut = dict(adapter)
    for group, units in kept.items():
        cut[f"{group}.net.0.proj"] = adapter[f"{group}.net.0.proj"][list(units)]
        cut[f"{group}.net.2"] = adapter[f"{group}.net.2"][:, list(units)]
    merge(small, cut)
    merge(whole, adapter)
    groups = {group.name: group for group in groups_of(whole)}
    remove(whole, *((groups[name], units) for name, units in kept.items()))
    with torch.no_grad():
        torch.testing.assert_close(small(**inputs)[0], whole(**inputs)[0], rtol=0, atol=1e-12)


@torch.no_grad()
def merge(model: nn.Module, adapter: dict[str, torch.Tensor]) -> None:
    for name, change in adapter.items():
        model.get_submodule(name).weight += change  # type: ignore[operator]
