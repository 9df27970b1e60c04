"""The order of the methods: as the papers say it, in the committed table; and the table, against the methods now.

Margins are measured: three times the larger standard deviation that the losses of the two methods have over the table's
seeds. Nothing here knows the table's numbers or budgets, so it can be measured again.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import pytest

from reference_impls.maths.masks import Pattern
from reference_impls.prune import calibration_for, prune
from reference_impls.registry import METHODS
from reference_impls.table import PATTERN, RESULTS
from reference_impls.testbed.data import load
from reference_impls.testbed.metrics import held_out_loss
from reference_impls.testbed.models import DATA_OF, pretrained

RECORD = json.loads(RESULTS.read_text(encoding="utf-8"))
MODELS = ("dit", "unet")
Share = float | str
"""Sparsity, or a pattern."""
WEIGHTS: tuple[Share, ...] = (0.5, 0.7, PATTERN)
WHOLE: tuple[Share, ...] = (0.5,)
"""Of units and blocks; with fewer left, the U-Net draws nothing any more."""


@dataclass(frozen=True)
class Order:
    """One method loses less than another."""

    better: str
    worse: str
    shares: tuple[Share, ...]
    models: tuple[str, ...] = MODELS
    recovered: bool = False
    """After recovery, where that is what the paper promises."""

    def __str__(self) -> str:  # the id of the test
        return f"{self.better}<{self.worse}"


ORDERS = (
    Order("magnitude", "random", WEIGHTS),
    Order("wanda", "random", WEIGHTS),
    Order("wanda", "magnitude", WEIGHTS),  # Wanda, abstract
    Order("sparsegpt", "magnitude", WEIGHTS),
    Order("sparsegpt", "wanda", (0.7,)),  # at a high share it pays that the other weights are changed
    Order("obs-diff", "magnitude", WEIGHTS),  # OBS-Diff, Table 1
    Order("obs-diff", "wanda", WEIGHTS),
    Order("obs-diff", "sparsegpt", WEIGHTS),  # its step weights should be worth something
    Order("sparsedm", "magnitude", (PATTERN,)),
    Order("taylor", "random-units", WHOLE),
    Order("taylor", "magnitude-units", WHOLE),
    Order("diff-pruning", "magnitude-units", WHOLE),
    Order("diff-pruning", "taylor", WHOLE),  # Diff-Pruning: late timesteps are left out for a reason
    Order("obs-diff-units", "magnitude-units", WHOLE),  # OBS-Diff, its structured baseline
    Order("ecodiff", "random-units", WHOLE),
    Order("laptop-diff", "bk-sdm", WHOLE, models=("unet",)),  # both are about U-Nets
    Order("tinyfusion", "shortgpt", WHOLE, recovered=True),  # TinyFusion: what a model becomes, not what it is
)
NOT_HERE = {
    ("wanda", "magnitude", "dit"): "Wanda loses to plain magnitude",
    ("obs-diff", "sparsegpt", "dit"): "OBS-Diff equals SparseGPT",
    ("obs-diff", "sparsegpt", "unet"): "OBS-Diff equals SparseGPT",
    ("diff-pruning", "taylor", "dit"): "Diff-Pruning equals Taylor",
    ("diff-pruning", "taylor", "unet"): "Diff-Pruning equals Taylor",
    ("tinyfusion", "shortgpt", "dit"): "TinyFusion falls behind block influence",
    ("tinyfusion", "shortgpt", "unet"): "TinyFusion falls behind block influence",
}
"""Orders that the table does not show at any share, and what docs/methods.md calls that."""


def losses(model: str, method: str, share: Share, *, recovered: bool = False) -> list[float]:
    """Held-out losses of one method, by seed."""
    rows = [
        row
        for row in RECORD["rows"]
        if (row["model"], row["method"], row["pattern"] or row["sparsity"]) == (model, method, share)
        and bool(row["recovery_steps"]) == recovered
    ]
    found = [row["held_out_loss"] for row in sorted(rows, key=lambda row: row["seed"])]
    assert len(found) >= 3, f"{len(found)} seeds of {method} at {share} on {model} are no measure of its noise"
    return found


def holds(order: Order, model: str, share: Share) -> bool:
    """Whether the better method is ahead by more than the noise."""
    better, worse = (losses(model, name, share, recovered=order.recovered) for name in (order.better, order.worse))
    return mean(worse) - mean(better) > 3 * max(stdev(better), stdev(worse))


@pytest.mark.parametrize(("order", "model"), [(order, model) for order in ORDERS for model in order.models], ids=str)
def test_orders_of_the_papers(order: Order, model: str) -> None:
    """If this fails after the table was measured anew, change ``NOT_HERE`` and docs/methods.md together."""
    expected = (order.better, order.worse, model) not in NOT_HERE
    assert {share: holds(order, model, share) for share in order.shares} == dict.fromkeys(order.shares, expected)


def test_what_did_not_hold_is_told(root: Path) -> None:
    _, _, after = (root / "docs/methods.md").read_text(encoding="utf-8").partition("\n## What did not hold here\n")
    told, _, _ = after.partition("\n## ")
    assert [words for words in NOT_HERE.values() if f"**{words}" not in told] == []
    assert {(order.better, order.worse) for order in ORDERS} >= {(better, worse) for better, worse, _ in NOT_HERE}


@pytest.mark.parametrize(("one", "other"), [("sparsegpt", "magnitude"), ("obs-diff-units", "magnitude-units")])
def test_mutation_two_methods_change_places(one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {one: other, other: one}
    rows = [{**row, "method": names.get(row["method"], row["method"])} for row in RECORD["rows"]]
    monkeypatch.setitem(RECORD, "rows", rows)
    order = next(order for order in ORDERS if (order.better, order.worse) == (one, other))
    with pytest.raises(AssertionError):
        test_orders_of_the_papers(order, "dit")


NOW = [
    (model, method)
    for model in MODELS
    for method in METHODS
    if model == "dit" or METHODS[method].needs in ("nothing", "gradients")  # the others are slow on the U-Net
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "method"), NOW)
def test_the_table_is_what_the_methods_do_now(model: str, method: str) -> None:
    """At 70 % (or 2:4), with the table's budget and first seed: the same loss, up to its noise and that of machines."""
    budget = RECORD["budgets"][model]
    pattern = Pattern.parse(PATTERN) if METHODS[method].pattern_only else None
    share = None if pattern else 0.7
    dense, (images, held_out) = pretrained(model), load(DATA_OF[model])
    pruned = copy.deepcopy(dense)
    calibration = calibration_for(method, dense, images, seed=0, steps=budget["training_steps"])
    prune(pruned, calibration, share, method=method, pattern=pattern, seed=0)
    committed = losses(model, method, share or PATTERN)
    loss = held_out_loss(pruned, held_out.first(budget["held_out"]))
    assert loss == pytest.approx(committed[0], rel=0.01, abs=3 * stdev(committed))
