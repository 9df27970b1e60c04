"""Published counts of real models come out again, from no weights, and the registry stays plain data."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch_pruning as tp  # type: ignore[import-untyped]  # has no types
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typer.testing import CliRunner

from reference_impls.architectures import counts, registry
from reference_impls.architectures.ddim_unet import DDIMUNet
from reference_impls.architectures.original_dit import OriginalDiT
from reference_impls.architectures.registry import (
    ARCHITECTURES,
    DDPM_CIFAR,
    WHAT,
    Architecture,
    Count,
    UnitsRemoved,
    chosen,
)
from reference_impls.command_line.commands import app
from reference_impls.maths import macs

# Of diffusers, about its own next release.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

# What the counts are by hand: the house's own check that nobody tunes a value to what the code gives.
EXACT = {
    "ddpm-cifar10": 35_746_307,
    "ddpm-cifar10-ddim": 35_746_307,
    "diff-pruning-cifar10-30": 19_851_157,
    "sd-1.4": 859_520_964,
    "bk-sdm-base": 579_384_964,
    "bk-sdm-small": 482_346_884,
    "bk-sdm-tiny": 323_384_964,
    "sd-2.1": 865_910_724,
    "sdxl": 2_567_463_684,
    "ssd-1b": 1_331_334_404,
    "koala-700m": 782_822_724,
    "dit-xl-2": 675_129_632,
    "tinydit-d14": 340_457_504,
    "tinydit-d7": 173_121_440,
    "dit-xl-2-diffusers": 749_826_464,
    "sd-3-medium": 2_028_328_000,
    "sd-3.5-medium": 2_243_171_520,
    "sd-3.5-large": 8_056_627_520,
    "obs-diff-sd-3.5-large-15": 7_276_526_312,
    "obs-diff-sd-3.5-large-30": 6_541_265_552,
    "flux.1-dev": 11_901_408_320,
    "flux.1-schnell": 11_891_178_560,
    "pixart-alpha": 610_856_096,
}


# MACs as their sources print them, in G.
PRINTED = {
    ("ddpm-cifar10", "MACs by torch-pruning"): "6.064",
    ("diff-pruning-cifar10-30", "MACs by torch-pruning"): "3.3928",
    ("sd-1.4", "MACs"): "338.61",
    ("sd-1.4", "MACs by torch-pruning"): "338.83",
    ("bk-sdm-base", "MACs by torch-pruning"): "223.81",
    ("bk-sdm-small", "MACs by torch-pruning"): "217.78",
    ("bk-sdm-tiny", "MACs by torch-pruning"): "205.09",
    ("dit-xl-2", "MACs with attention"): "119",
    ("dit-xl-2-512", "MACs with attention"): "525",
}
LARGEST_TABLE = 2**20
"""Bytes that may be outside the meta device: lists of the units that stay."""


class Outside(TorchDispatchMode):  # type: ignore[no-untyped-call]  # of torch, in part without types
    """Notes the largest tensor that is not on the meta device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of torch, in part without types
        self.largest = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        result = function(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, torch.Tensor) and value.device.type != "meta":
                self.largest = max(self.largest, value.untyped_storage().nbytes())
        return result


def sized(name: str) -> Any:
    """Many layers take their time, with no weights too."""
    large = any(count.what == "parameters" and count.value > 2_000_000_000 for count in ARCHITECTURES[name].counts)
    return pytest.param(name, marks=[pytest.mark.slow] if large else [])


@pytest.fixture(scope="session")
def counted() -> Callable[[str], dict[str, int]]:
    """What an architecture counts by name; each is built and called once, and puts no weights into memory."""

    @cache
    def of(name: str) -> dict[str, int]:
        architecture = ARCHITECTURES[name]
        with Outside() as outside:
            found = counts.count(architecture, call=any(one.what != "parameters" for one in architecture.counts))
        assert outside.largest < LARGEST_TABLE
        return found

    return of


@pytest.mark.parametrize("name", [sized(name) for name in ARCHITECTURES])
def test_every_count_from_no_weights(name: str, counted: Callable[[str], dict[str, int]]) -> None:
    for count in ARCHITECTURES[name].counts:
        one = counts.Checked(count, counted(name)[count.what])
        assert one.right, f"{one.count.what}: {one.counted:,} is not {one.count.value:,}"
        if name in EXACT and one.count.what == "parameters":
            assert one.counted == EXACT[name]


def test_exact_ones_are_exact_in_the_registry() -> None:
    for name, value in EXACT.items():
        assert any(count.value == value and not count.tolerance for count in ARCHITECTURES[name].counts), name


def test_every_count_has_a_source_and_a_small_tolerance() -> None:
    for architecture in ARCHITECTURES.values():
        for count in architecture.counts:
            assert count.source
            assert 0 <= count.tolerance <= 0.04
            assert count.what in WHAT
            assert count.what == "parameters" or architecture.inputs


def test_papers_are_entries() -> None:
    papers = {file.stem for file in Path("data/papers").glob("*/*.yaml")}
    assert {one.paper for one in ARCHITECTURES.values() if one.paper} <= papers


def test_the_registry_needs_neither_torch_nor_diffusers() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['diffusers'] = None\n"
        "import reference_impls.architectures.registry as r, reference_impls.methods.registry as m\n"
        "print(len(r.ARCHITECTURES), len(m.METHODS))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[0]) == len(ARCHITECTURES)


def test_a_wrong_count_is_wrong() -> None:
    assert not counts.Checked(Count("parameters", 100, "nowhere"), 101).right
    assert counts.Checked(Count("parameters", 100, "nowhere", 0.01), 101).right
    assert not counts.Checked(Count("parameters", 100, "nowhere", 0.01), 102).right


@pytest.mark.parametrize(("name", "what"), PRINTED)
def test_macs_to_the_last_printed_digit(name: str, what: str, counted: Callable[[str], dict[str, int]]) -> None:
    printed = PRINTED[name, what]
    digits = len(printed.partition(".")[2])
    assert f"{counted(name)[what] / 1e9:.{digits}f}" == printed


SMALL_DIT = Architecture(
    "OriginalDiT",
    {"width": 24, "depth": 2, "heads": 3, "side": 8},
    (),
    inputs={"sample": (1, 4, 8, 8), "frequencies": (1, 256), "label": (1,)},
)


@pytest.mark.parametrize(
    "architecture",
    [ARCHITECTURES["ddpm-cifar10"], ARCHITECTURES["ddpm-cifar10-ddim"], SMALL_DIT],
    ids=lambda one: one.build,
)
def test_macs_by_torch_pruning_are_what_it_counts(architecture: Architecture) -> None:
    shapes = architecture.inputs.items()
    given = {key: torch.zeros(shape, device="meta") for key, shape in shapes if isinstance(shape, tuple)}
    theirs = tp.utils.count_ops_and_params(counts.build(architecture), given)
    ours = counts.count(architecture)
    assert (ours["MACs by torch-pruning"], ours["parameters"]) == theirs


def test_a_norm_without_weights_counts_once_and_a_layer_without_bias_not_at_all() -> None:
    layers = nn.Sequential(nn.Conv2d(2, 4, 1, bias=False), nn.GroupNorm(2, 4, affine=False), nn.Linear(5, 3))
    with counts.biases_and_norms(layers) as beside:
        layers(torch.zeros(1, 2, 5, 5))
    assert beside() == 4 * 5 * 5 + 3


def test_the_unet_of_ddim_is_that_of_diffusers(counted: Callable[[str], dict[str, int]]) -> None:
    ours, theirs = counted("ddpm-cifar10-ddim"), counted("ddpm-cifar10")
    for what in ("parameters", "MACs", "MACs with attention"):
        assert ours[what] == theirs[what], what
    # six blocks of attention, four projections, 256 channels; torch-pruning counts the biases of a linear layer once
    positions = 5 * 16 * 16 + 4 * 4
    assert ours["MACs by torch-pruning"] - theirs["MACs by torch-pruning"] == 4 * 256 * (positions - 6)


def left(channels: int, ratio: float, of_each: int = 1, *, up: bool = False) -> int:
    """Channels that torch-pruning leaves: the same number goes from each group, rounded."""
    going = channels - int(channels * (1 - ratio))
    return channels - (-(-going // of_each) if up else going // of_each) * of_each


@pytest.mark.parametrize(
    ("name", "dense", "up"),
    [
        ("diff-pruning-cifar10-30", (128, 256, 256, 256), False),
        ("diff-pruning-cifar10-30-rounded-up", (128, 256, 256, 256), True),
        ("diff-pruning-lsun-30", (128, 128, 256, 256, 512, 512), False),
    ],
)
def test_pruned_widths_follow_the_rule(name: str, dense: tuple[int, ...], up: bool) -> None:
    config = ARCHITECTURES[name].config
    assert config["widths"] == tuple(left(width, 0.3, 32, up=up) for width in dense)
    assert config["unnormed"] == tuple(left(width, 0.3) for width in dense)
    assert config["time"] == left(512, 0.3)


def test_torch_pruning_prunes_the_channels_that_the_class_names() -> None:
    pruned = DDIMUNet((128, 256), 512, attention=(), blocks=1)
    call = {"sample": torch.zeros(1, 3, 8, 8), "timestep": torch.ones(1)}
    importance = tp.importance.MagnitudeImportance()
    tp.pruner.BasePruner(pruned, call, importance, pruning_ratio=0.3, ignored_layers=[pruned.last]).step()
    named = DDIMUNet((64, 160), 358, attention=(), unnormed=(89, 179), blocks=1)
    assert {key: value.shape for key, value in pruned.state_dict().items()} == {
        key: value.shape for key, value in named.state_dict().items()
    }
    assert pruned(**call).shape == named(**call).shape == (1, 3, 8, 8)


def test_macs_of_a_dit_by_hand() -> None:
    width, tokens = 24, 16
    with torch.device("meta"):
        model = OriginalDiT(width, 1, heads=3, side=8)
        call = (torch.zeros(1, 4, 8, 8), torch.zeros(1, 256), torch.zeros(1))
    assert model(*call).shape == (1, tokens, 2 * 2 * 2 * 4)
    found = macs.count(model, lambda model: model(*call))
    block = tokens * (3 + 1 + 4 + 4) * width**2 + 6 * width**2
    ends = 256 * width + width**2 + 2 * width**2 + tokens * width * 32
    assert found.linear == block + ends
    assert found.convolution == tokens * width * 2 * 2 * 4
    assert found.attention == 2 * tokens**2 * width


def test_the_page_shows_what_is_counted(counted: Callable[[str], dict[str, int]]) -> None:
    page = Path("docs/architectures.md").read_text(encoding="utf-8")
    columns = [counted(name) for name in ("ddpm-cifar10", "sd-1.4", "dit-xl-2")]
    for what in ("MACs", "MACs by torch-pruning", "MACs with attention"):
        digits = (3, 2, 2)
        row = " | ".join(f"{column[what] / 1e9:.{n}f} G" for column, n in zip(columns, digits, strict=True))
        assert f"| {row} |" in page, row


def test_parameters_need_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most architectures are checked by them alone, and a call takes most of the time."""
    monkeypatch.delattr(OriginalDiT, "forward")
    assert counts.check(ARCHITECTURES["tinydit-d7"])[0].right


def test_a_new_architecture_is_data_only(monkeypatch: pytest.MonkeyPatch) -> None:
    celeba = Architecture(
        "DDIMUNet",
        {"widths": (128, 256, 256, 256, 512), "time": 512, "attention": (2,)},  # celeba.yml of Diff-Pruning
        (Count("parameters", 78_700_803, "test"), Count("MACs with attention", 24_000_000_000, "test", 0.003)),
        inputs={"sample": (1, 3, 64, 64), "timestep": (1,)},
    )
    monkeypatch.setattr(registry, "ARCHITECTURES", {**ARCHITECTURES, "ddpm-celeba": celeba})
    done = CliRunner().invoke(app, ["arch", "ddpm-celeba", "--check"])
    assert done.exit_code == 0, done.output
    assert "78,700,803" in done.output


def test_mistakes_in_an_entry() -> None:
    with pytest.raises(ValueError, match=r"^OriginalDiT: 'flops' of 'nowhere' cannot be counted; it must be one of"):
        counts.check(Architecture("OriginalDiT", {"width": 32, "depth": 1}, (Count("flops", 1, "nowhere"),)))
    with pytest.raises(ValueError, match=r"^OriginalDiT: 'MACs' of 'nowhere' .* need the shapes of `inputs`$"):
        counts.check(Architecture("OriginalDiT", {"width": 32, "depth": 1}, (Count("MACs", 1, "nowhere"),)))
    with pytest.raises(ValueError, match=r"^build 'UNet9D' is neither a class of diffusers .* nor one of OriginalDiT"):
        counts.build(Architecture("UNet9D", {}, ()))
    with pytest.raises(ValueError, match=r"^no layer with units fits 'blocks\.\*'; the names begin 'down_blocks\.0"):
        counts.build(Architecture("UNet2DModel", DDPM_CIFAR, (), removed=UnitsRemoved(0.5, ("blocks.*",))))


def test_diffusers_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ValueError, match=r"^diffusers is not installed; install it with this package"):
        counts.build(ARCHITECTURES["sd-1.4"])


def test_inputs_in_words() -> None:
    assert ARCHITECTURES["sdxl"].inputs_in_words == "1x4x128x128, 1, 1x77x2048, 1x1280, 1x6"
    assert ARCHITECTURES["mochi-1"].inputs_in_words == "weights only"


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"unknown architecture 'sd-9'; did you mean sd-1\.4\?"):
        chosen("sd-9")


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    assert "TinyFusion" in runner.invoke(app, ["arch", "dit-xl-2"]).output.replace("\n", " ")
    good = runner.invoke(app, ["arch", "tinydit-d7", "--check"])
    assert good.exit_code == 0
    assert "173,121,440" in good.output
    monkeypatch.setattr(counts.Checked, "right", False)
    assert runner.invoke(app, ["arch", "tinydit-d7", "--check"]).exit_code == 1
    assert runner.invoke(app, ["arch", "sd-9"]).exit_code == 2
