"""Published counts of real models come out again, and the registry stays plain data."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from reference_impls.architectures import counts
from reference_impls.architectures.registry import ARCHITECTURES, Count, chosen
from reference_impls.cli import app

# What the counts are by hand: the house's own check that nobody tunes a value to what the code gives.
EXACT = {
    "ddpm-cifar10": 35_746_307,
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


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_count(name: str) -> None:
    for one in counts.check(ARCHITECTURES[name]):
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
            assert count.what in ("parameters", "macs")


def test_papers_are_entries() -> None:
    papers = {file.stem for file in Path("data/papers").glob("*/*.yaml")}
    assert {one.paper for one in ARCHITECTURES.values() if one.paper} <= papers


def test_the_registry_needs_neither_torch_nor_diffusers() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['diffusers'] = None\n"
        "import reference_impls.architectures.registry as r, reference_impls.registry as m\n"
        "print(len(r.ARCHITECTURES), len(m.METHODS))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[0]) == len(ARCHITECTURES)


def test_a_wrong_count_is_wrong() -> None:
    assert not counts.Checked(Count("parameters", 100, "nowhere"), 101).right
    assert counts.Checked(Count("parameters", 100, "nowhere", 0.01), 101).right
    assert not counts.Checked(Count("parameters", 100, "nowhere", 0.01), 102).right


def test_nothing_is_allocated() -> None:
    model = counts.build(ARCHITECTURES["flux.1-dev"])
    assert {value.device for value in model.parameters()} == {torch.device("meta")}


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"architecture 'sd-9' is not one of ddpm-cifar10, "):
        chosen("sd-9")


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    assert "TinyFusion" in runner.invoke(app, ["arch", "dit-xl-2"]).output.replace("\n", " ")
    good = runner.invoke(app, ["arch", "dit-xl-2", "--check"])
    assert good.exit_code == 0
    assert "675,129,632" in good.output
    monkeypatch.setattr(counts.Checked, "right", False)
    assert runner.invoke(app, ["arch", "dit-xl-2", "--check"]).exit_code == 1
    assert runner.invoke(app, ["arch", "sd-9"]).exit_code == 2
