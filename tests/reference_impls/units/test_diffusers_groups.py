"""Units found from the modules: without them a model gives what it gives with them silenced, in every class."""

import copy
from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.command_line import terminal
from reference_impls.maths.surgery import Group, remove, zero
from reference_impls.methods.prune import prune
from reference_impls.pruning.contract import Report
from reference_impls.units.diffusers_groups import find, groups_of
from tests.reference_impls.tiny_transformers import TINY, tiny

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # of diffusers, about its own next release
    pytest.mark.filterwarnings("ignore:In CPU autocast"),  # Mochi asks for it, double precision has none
]


def half(group: Group) -> list[int]:
    """Units of the first norm groups; elsewhere every second unit."""
    if group.strata > 1:
        return list(range(group.strata // 2 * (group.units // group.strata)))
    return list(range(0, group.units, 2))


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_units_leave_exactly(name: str) -> None:
    """In double precision, where only the order of sums makes a difference."""
    model, inputs = tiny(name)
    groups = groups_of(model)
    small, silent = copy.deepcopy(model), copy.deepcopy(model)
    remove(small, *((group, half(group)) for group in groups))
    for group in groups:
        zero(silent, group, set(range(group.units)) - set(half(group)))
    dense, expected = model(**inputs)[0], silent(**inputs)[0]
    torch.testing.assert_close(small(**inputs)[0], expected, rtol=0, atol=1e-10)
    assert float((dense - expected).abs().max()) > 1e-6
    for group in groups_of(small):  # found again, so that it can be pruned again
        assert group.units == len(half(next(one for one in groups if one.name == group.name)))


def said(report: Report) -> str:
    with terminal.console.capture() as captured:
        terminal.say_costs(report)
    return " ".join(captured.get().split())


def kinds(name: str) -> dict[str, int]:
    return dict(Counter(group.kind for group in find(tiny(name)[0]).groups))


def test_every_head_and_neuron_of_the_transformers_is_found() -> None:
    """Two blocks of each kind unless the class has others: an attention or two, and a feed-forward part or two."""
    assert kinds("pixart") == kinds("sana") == {"head": 4, "neuron": 2}
    assert kinds("qwen-image") == {"head": 2, "neuron": 4}
    assert kinds("flux") == kinds("chroma") == {"head": 4, "neuron": 6}
    assert kinds("hunyuan-video") == {"head": 5, "neuron": 7}  # with one block of its token refiner
    assert kinds("cogvideox") == kinds("cogview4") == {"head": 2, "neuron": 2}
    assert kinds("stable-audio") == {"head": 4, "neuron": 2}
    assert kinds("lumina2") == {"head": 4, "neuron": 4}


def test_heads_behind_one_norm_are_left_out_and_named() -> None:
    for name in ("wan", "ltx"):
        found = find(tiny(name)[0])
        assert {group.kind for group in found.groups} == {"neuron"}
        reasons = {path: why for path, why in found.left_out.items() if "attn" in path}
        assert len(reasons) == 4
        assert set(reasons.values()) == {"norm_q is a norm over all heads, and its statistics would change"}
        report = prune(tiny(name)[0], None, 0.5, method="magnitude-units")
        assert report.left_out == found.left_out
        assert "Left whole, since its units cannot be removed exactly: 4 parts; norm_q is" in said(report)


def test_positions_of_single_heads_keep_all_heads() -> None:
    found = find(tiny("mochi")[0])
    assert {group.kind for group in found.groups} == {"neuron"}
    assert set(found.left_out.values()) == {
        "pos_frequencies (3, 4, 4) is made for all heads",
        "the heads of MochiAttentionPool are not known",
    }


def test_query_heads_that_read_one_key_head_leave_together() -> None:
    model, _ = tiny("lumina2")
    group = next(group for group in groups_of(model) if group.name == "layers.0.attn")
    assert group.units == 2
    remove(model, (group, [1]))
    attention: Any = model.get_submodule("layers.0.attn")
    assert (attention.heads, attention.to_q.out_features, attention.to_k.out_features) == (2, 16, 8)


def test_a_layer_of_unknown_purpose_keeps_its_attention_whole() -> None:
    model, _ = tiny("pixart")
    attention = model.get_submodule("transformer_blocks.0.attn1")
    attention.to_gate = nn.Linear(32, 4)
    found = find(model)
    assert found.left_out == {"transformer_blocks.0.attn1": "its part to_gate is not known here"}
    assert "transformer_blocks.0.attn1" not in {group.name for group in found.groups}


def test_fused_projections_are_left_out_until_they_are_apart() -> None:
    model, _ = tiny("flux")
    fuse: Any = model.fuse_qkv_projections
    fuse()
    reasons = find(model).left_out
    assert {why for path, why in reasons.items() if path.startswith("transformer_blocks")} == {
        "its projections are fused; unfuse them first"
    }


class Processor:
    """Takes the number of heads from where it does not change."""

    def __call__(self, attn: nn.Module, hidden_states: torch.Tensor) -> torch.Tensor:
        heads: Any = attn.number_of_heads
        return torch.cat(hidden_states.chunk(heads, dim=-1))


def test_a_processor_that_reads_something_else_keeps_its_attention_whole() -> None:
    model, _ = tiny("pixart")
    attention: Any = model.get_submodule("transformer_blocks.0.attn1")
    attention.processor = Processor()
    why = "its processor Processor reads number_of_heads, which is not known here"
    assert find(model).left_out == {"transformer_blocks.0.attn1": why}


def test_a_model_without_units_says_why() -> None:
    model, _ = tiny("wan")
    blocks: Any = model.blocks
    for block in blocks:
        block.ffn = nn.Identity()
    with pytest.raises(
        ValueError,
        match=r"^WanTransformer3DModel has no heads, neurons or channels that can be removed exactly: norm_q is a norm "
        r"over all heads, and its statistics would change; use an unstructured method$",
    ):
        groups_of(model)
