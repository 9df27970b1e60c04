"""Configurations that say what was removed: from_pretrained, without this package, gives the pruned model's output."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from reference_impls.maths.surgery import remove, skip
from reference_impls.models import diffusers_folder
from reference_impls.models.class_config import number_after, number_before, said
from reference_impls.models.diffusers_folder import parameters_on_meta
from reference_impls.models.load import load
from reference_impls.pruning.contract import Changes
from reference_impls.units.lookup import blocks_of, groups_of
from tests.reference_impls.tiny_transformers import tiny

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release

SAID: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("sd3", ("transformer_blocks.1",), {"num_layers": 2, "dual_attention_layers": [0]}),
    ("sd3", ("transformer_blocks.0",), {"num_layers": 2, "dual_attention_layers": []}),
    ("flux", ("transformer_blocks.0", "single_transformer_blocks.1"), {"num_layers": 1, "num_single_layers": 1}),
    ("auraflow", ("joint_transformer_blocks.1",), {"num_mmdit_layers": 1, "num_single_dit_layers": 2}),
    ("auraflow", ("single_transformer_blocks.0",), {"num_mmdit_layers": 2, "num_single_dit_layers": 1}),
    ("hunyuan-video", ("context_embedder.token_refiner.refiner_blocks.0",), {"num_refiner_layers": 0}),
    ("dit", ("transformer_blocks.1",), {"num_layers": 2}),
]
NOT_SAID = [
    ("sd3", "transformer_blocks.2"),  # the last one gives no text
    ("chroma", "single_transformer_blocks.0"),  # modulations are cut by the number of the block
    ("hunyuan-dit", "blocks.1"),  # the second half takes skip connections of the first
    ("latte", "transformer_blocks.1"),  # spatial and temporal blocks go in pairs
    ("lumina2", "noise_refiner.0"),  # one number for two lists
]
OPENS = """
import json, sys, torch, diffusers
torch.set_num_threads(1)
for name in json.loads(sys.argv[1]):
    kind, inputs, expected = torch.load(f"{name}.pt", weights_only=False)
    model = getattr(diffusers, kind).from_pretrained(name).double().eval()
    with torch.no_grad():
        assert torch.equal(model(**inputs)[0], expected), name
assert "reference_impls" not in sys.modules
"""


def saved(name: str, folder: Path, dropped: tuple[str, ...] = (), neurons: int | None = None) -> nn.Module:
    """A pruned model in memory, in double precision, and its folder in single."""
    model: Any = tiny(name)[0].float()
    model.save_pretrained(folder.with_name(f"{folder.name}-dense"))
    opened = diffusers_folder.load(folder.with_name(f"{folder.name}-dense"))
    skip(opened.model, [block for block in blocks_of(opened.model) if block.name in dropped])
    groups = [group for group in groups_of(opened.model) if group.kind == "neuron"] if neurons else []
    kept = {group.name: list(range(neurons or 0)) for group in groups}
    remove(opened.model, *((group, kept[group.name]) for group in groups))
    diffusers_folder.save(folder, replace(opened, changes=Changes(kept, dropped)), [])
    return opened.model.double()


@torch.no_grad()
def test_a_process_without_this_package_opens_what_a_configuration_says(tmp_path: Path) -> None:
    cases: list[tuple[str, tuple[str, ...], dict[str, object]]] = [
        *SAID,
        ("sana", (), {"mlp_ratio": 1.25, "num_layers": 2}),
    ]
    for number, (name, dropped, config) in enumerate(cases):
        model, inputs = saved(name, tmp_path / str(number), dropped, None if dropped else 40), tiny(name)[1]
        written = json.loads((tmp_path / str(number) / "config.json").read_text())
        assert {key: written[key] for key in config} == config
        card = json.loads((tmp_path / str(number) / "pruning.json").read_text())
        kind = type(model).__name__
        assert (card["opened by"], card["kept"]) == (f"diffusers.{kind}.from_pretrained", {})
        assert (card["dropped"], card["removed"]) == ([], list(dropped))
        expected = model(**inputs)[0]
        torch.testing.assert_close(load(tmp_path / str(number)).double()(**inputs)[0], expected, rtol=0, atol=0)
        torch.save((kind, inputs, expected), tmp_path / f"{number}.pt")
    names = json.dumps([str(number) for number in range(len(cases))])
    command = [sys.executable, "-I", "-W", "ignore", "-c", OPENS, names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "block"), NOT_SAID)
def test_what_a_configuration_cannot_say(name: str, block: str) -> None:
    model = tiny(name)[0]
    skip(model, [one for one in blocks_of(model) if one.name == block])
    with parameters_on_meta():
        assert said(model, Changes(dropped=(block,))) is None


@torch.no_grad()
def test_what_no_configuration_says_is_opened_by_load(tmp_path: Path) -> None:
    model, inputs = saved("hunyuan-dit", tmp_path / "out", ("blocks.1",)), tiny("hunyuan-dit")[1]
    card = json.loads((tmp_path / "out/pruning.json").read_text())
    assert (card["opened by"], card["dropped"]) == ("reference_impls.load", ["blocks.1"])
    torch.testing.assert_close(load(tmp_path / "out").double()(**inputs)[0], model(**inputs)[0], rtol=0, atol=0)


def test_blocks_are_named_as_in_the_dense_model(tmp_path: Path) -> None:
    """A model that lost blocks twice, against the dense one and against that between them."""
    model: Any = tiny("wan")[0].float()
    model.save_pretrained(tmp_path / "dense")
    for source, out, dropped in (("dense", "one", "blocks.0"), ("one", "two", "blocks.0")):
        opened = diffusers_folder.load(tmp_path / source)
        skip(opened.model, [block for block in blocks_of(opened.model) if block.name == dropped])
        diffusers_folder.save(tmp_path / out, replace(opened, changes=Changes(dropped=(dropped,))), [])
    folders = {name: tmp_path / name for name in ("dense", "one", "two")}
    assert diffusers_folder.lost_against(folders["one"], folders["dense"]) == ["blocks.0"]
    assert diffusers_folder.lost_against(folders["two"], folders["dense"]) == ["blocks.0", "blocks.1"]
    assert diffusers_folder.lost_against(folders["two"], folders["one"]) == ["blocks.0"]


@given(st.sets(st.integers(0, 9), max_size=6), st.integers(0, 9))
def test_numbers_before_and_after(gone: set[int], number: int) -> None:
    removed = [f"blocks.{each}" for each in gone]
    stays = [each for each in range(30) if each not in gone]
    assert number_before(f"blocks.{number}", removed) == f"blocks.{stays[number]}"
    assert number_after(f"blocks.{stays[number]}", removed) == f"blocks.{number}"


def test_one_width_is_said_of_all_blocks_together() -> None:
    """Wan has one number for the neurons of all blocks."""
    model = tiny("wan")[0]
    first, second = [group for group in groups_of(model) if group.kind == "neuron"]
    remove(model, (first, [0, 1, 2]))
    with parameters_on_meta():
        assert said(model, Changes(kept={first.name: [0, 1, 2]})) is None
        remove(model, (second, [0, 2, 5]))
        both = said(model, Changes(kept={first.name: [0, 1, 2], second.name: [0, 2, 5]}))
    assert both is not None
    assert (both.config, both.names) == ({"ffn_dim": 3}, {})


def test_shards_get_the_new_names(tmp_path: Path) -> None:
    model: Any = tiny("flux")[0].float()
    model.save_pretrained(tmp_path / "dense", max_shard_size="20KB")
    opened = diffusers_folder.load(tmp_path / "dense")
    skip(opened.model, [block for block in blocks_of(opened.model) if block.name == "single_transformer_blocks.0"])
    changes = Changes(dropped=("single_transformer_blocks.0",))
    diffusers_folder.save(tmp_path / "out", replace(opened, changes=changes), [])
    again = diffusers_folder.load(tmp_path / "out")
    assert len(again.weights.files) == len(opened.weights.files) > 1
    for name, value in again.model.state_dict().items():
        old = name.replace("single_transformer_blocks.0.", "single_transformer_blocks.1.")
        assert torch.equal(value, opened.model.state_dict()[old]), name
