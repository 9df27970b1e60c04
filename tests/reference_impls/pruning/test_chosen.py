"""Globs choose what is pruned, for every method and kind; the rest stays, bit by bit."""

import copy
import re

import pytest
import torch

from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning.chosen import blocks_to_prune, groups_to_prune, layers_to_prune, names_chosen
from reference_impls.pruning.contract import Request
from reference_impls.pruning.layers import prunable
from reference_impls.testbed.data import Images
from reference_impls.units.lookup import blocks_of
from tests.reference_impls.small_models import small

NAMES = ("blocks.0.up", "blocks.1.up", "blocks.10.up", "blocks.10.down", "out")


def chosen(*, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> set[str]:
    return names_chosen(NAMES, Request(0.5, include=include, exclude=exclude), "layer")


def test_all_where_nothing_is_asked() -> None:
    assert chosen() == set(NAMES)


def test_includes_add_up_and_excludes_take_away() -> None:
    assert chosen(include=("blocks.?.*", "out")) == {"blocks.0.up", "blocks.1.up", "out"}
    assert chosen(include=("*.up",), exclude=("blocks.10.*",)) == {"blocks.0.up", "blocks.1.up"}
    assert chosen(exclude=("blocks.[01].*",)) == {"blocks.10.up", "blocks.10.down", "out"}


def test_a_name_is_matched_as_a_whole_and_by_case() -> None:
    with pytest.raises(ValueError, match=r"^--include 'blocks\.10' matches no layer; did you mean blocks\.10\.\*\?$"):
        chosen(include=("blocks.10",))
    with pytest.raises(ValueError, match=r"^--exclude 'OUT' matches no layer; did you mean out\?$"):
        chosen(exclude=("OUT",))


def test_a_glob_that_matches_nothing_is_refused_also_beside_one_that_does() -> None:
    with pytest.raises(ValueError, match=r"^--include 'blocks\.1\.upp' matches no layer; did you mean blocks\.1\.up"):
        chosen(include=("out", "blocks.1.upp"))
    with pytest.raises(ValueError, match=r"^--exclude 'zzz' matches no layer; names are such as blocks\.0\.up$"):
        chosen(exclude=("zzz",))


def test_nothing_chosen_is_refused() -> None:
    message = "--include and --exclude choose none of the 5 layers; exclude fewer"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        chosen(include=("out",), exclude=("*",))


IMAGES = Images(torch.rand(64, 1, 8, 8) * 2 - 1, torch.arange(64) % 10)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_leaves_what_is_excluded(method: str) -> None:
    """OBS-Diff's own setting is of this form: a pattern on the layers of some blocks."""
    kind = METHODS[method].kind
    dense = small("dit", depth=4)
    model = copy.deepcopy(dense)
    calibration = calibration_for(method, model, IMAGES, steps=2)
    amount = {"pattern": Pattern.parse("2:4")} if kind == "unstructured" else {"sparsity": 0.5}
    include = ("blocks.[12]",) if kind == "depth" else ("blocks.[12].*",)
    exclude = {"depth": (), "structured": ("blocks.2.feed_forward",)}.get(kind, ("*.modulation", "*.2.feed_forward.*"))
    report = prune(model, calibration, method=method, include=include, exclude=exclude, **amount)
    request = Request(0.5, include=include, exclude=exclude)
    names = {
        "unstructured": lambda: list(layers_to_prune(dense, request)),
        "structured": lambda: [group.name for group in groups_to_prune(dense, request)],
        "depth": lambda: [block.name for block in blocks_to_prune(dense, request)],
    }[kind]()
    assert report.chosen == names
    assert (report.include, report.exclude) == (list(include), list(exclude))
    assert set(report.achieved) == ({"blocks"} if kind == "depth" else set(names))
    before, after = dict(dense.named_parameters()), dict(model.named_parameters())
    touched = {name for name, value in before.items() if name not in after or not torch.equal(value, after[name])}
    assert touched
    if method != "sparsedm":  # it trains the whole model
        assert all(name.startswith(("blocks.1.", "blocks.2.")) for name in touched)
        assert not any("modulation" in name or "2.feed_forward" in name for name in touched if kind != "depth")
    else:
        sparse = {name for name, layer in prunable(model).items() if int((layer.weight == 0).sum())}
        assert sparse == set(names)


def test_the_order_of_bk_sdm_is_that_of_the_whole_model() -> None:
    """Without its first block a path has another first one only if blocks were counted anew."""
    model = small("unet")
    names = [block.name for block in blocks_of(model)]
    rest = [name for name in names if not name.startswith("middle")]
    report = prune(model, None, 1.0, method="bk-sdm", exclude=("middle*",))
    assert sorted(report.dropped) == sorted(rest)
    assert report.achieved == {"blocks": 1.0}


def test_sparsities_of_single_layers_are_for_chosen_ones() -> None:
    model = small("dit")
    name = "blocks.0.attention.qkv"
    with pytest.raises(ValueError, match=r"unknown layer or group 'blocks\.0\.attention\.qkv'"):
        prune(model, None, 0.5, method="magnitude", include=("blocks.1.*",), shares={name: 0.2})
