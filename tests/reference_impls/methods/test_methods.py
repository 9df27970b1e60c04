"""Methods on single weights: what they promise, their choices by hand, and the mutations that must break those."""

import copy
import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reference_impls.calls.call import Calibration, Call
from reference_impls.maths import masks, obs
from reference_impls.maths.masks import Pattern
from reference_impls.methods import obs_diff, sparsegpt
from reference_impls.methods.prune import prune
from reference_impls.methods.registry import METHODS
from reference_impls.pruning.contract import Request
from reference_impls.pruning.layers import Layer, as_matrix, prunable, set_matrix
from reference_impls.pruning.observers import alike
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from tests.reference_impls.by_hand import STEPS, inputs_of

ALL = sorted(name for name, method in METHODS.items() if method.kind == "unstructured" and not method.pattern_only)


def pruned(dit: nn.Module, calibration: Calibration, **asked: Any) -> nn.Module:
    model = copy.deepcopy(dit)
    prune(model, calibration, **asked)
    return model


@pytest.mark.parametrize("method", ALL)
def test_the_share_is_exact_and_the_report_says_so(dit: nn.Module, calibration: Calibration, method: str) -> None:
    model = copy.deepcopy(dit)
    report = prune(model, calibration, 0.5, method=method)
    for name, layer in prunable(model).items():
        assert 2 * int((layer.weight == 0).sum()) == layer.weight.numel()
        assert not layer.weight[layer.weight == 0].signbit().any(), "a packed file stores -0 like a weight"
        assert report.achieved[name] == 0.5
    half = sum(layer.weight.numel() for layer in prunable(model).values()) // 2
    assert report.before.nonzero - report.after.nonzero == half
    (macs, _), (after, after_nonzero) = report.before.counted(), report.after.counted()
    assert after == macs
    assert after_nonzero < 0.6 * macs
    assert json.loads(json.dumps(dataclasses.asdict(report)))["method"] == method


@pytest.mark.parametrize("method", ALL)
def test_nothing_asked_nothing_changed(dit: nn.Module, calibration: Calibration, method: str) -> None:
    model = pruned(dit, calibration, sparsity=0.0, method=method)
    for one, other in zip(model.parameters(), dit.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", ALL)
def test_everything_asked(dit: nn.Module, calibration: Calibration, method: str) -> None:
    for layer in prunable(pruned(dit, calibration, sparsity=1.0, method=method)).values():
        assert not layer.weight.any()


@pytest.mark.parametrize("method", ALL)
def test_pattern(dit: nn.Module, calibration: Calibration, method: str) -> None:
    for layer in prunable(pruned(dit, calibration, pattern=Pattern(2, 4), method=method)).values():
        assert int((as_matrix(layer).view(-1, 4) != 0).sum(1).max()) <= 2


@pytest.mark.parametrize("method", ["random", "wanda", "sparsegpt"])
def test_deterministic(dit: nn.Module, calibration: Calibration, method: str) -> None:
    one, two = (pruned(dit, calibration, sparsity=0.6, method=method) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_lots(dit: nn.Module, calibration: Calibration) -> None:
    """The seed decides, and layers of one shape draw for themselves."""
    one, other = (pruned(dit, calibration, sparsity=0.5, method="random", seed=seed) for seed in (0, 1))
    masks_of = [[as_matrix(layer) != 0 for layer in prunable(model).values()] for model in (one, other)]
    assert not any(torch.equal(a, b) for a, b in zip(*masks_of, strict=True))
    ups = [as_matrix(prunable(one)[f"blocks.{number}.feed_forward.up"]) != 0 for number in (0, 1)]
    assert not torch.equal(ups[0], ups[1])


def test_calibration_from_images() -> None:
    """Times in the middle of equal parts, or all of them in each batch; other images by another seed."""
    images, _ = load("digits")
    one, other = (from_images(images, batches=4, size=8, by_time=True, seed=seed) for seed in (0, 1))
    assert [batch.arguments["t"].unique().tolist() for batch in one] == [[0.125], [0.375], [0.625], [0.875]]
    assert not torch.equal(one.calls[0].arguments["label"], other.calls[0].arguments["label"])
    spread = from_images(images, batches=1, size=8).calls[0].arguments["t"]
    assert sorted((8 * spread).long().tolist()) == list(range(8))


def rows_of(model: nn.Module, calibration: Calibration, name: str) -> list[torch.Tensor]:
    """What reaches one Linear in each call, (rows, inputs)."""
    return [x.flatten(0, -2).double() for x in inputs_of(model, calibration, name)]


def without_the_lowest(weight: torch.Tensor, scores: torch.Tensor, count: int) -> torch.Tensor:
    """Zeros where each row's ``count`` lowest scores are."""
    return weight * (scores.argsort(1).argsort(1) >= count)


def by_magnitude(dit: nn.Module, calibration: Calibration, after: nn.Module) -> None:
    for name, layer in prunable(dit).items():
        weight = as_matrix(layer)
        flat = without_the_lowest(weight.view(1, -1), weight.abs().view(1, -1), round(0.6 * weight.numel()))
        assert torch.equal(as_matrix(prunable(after)[name]), flat.view_as(weight)), name


def block_of(layer: str) -> str:
    """In the DiT, each item of its one list, and each layer outside it."""
    return ".".join(layer.split(".")[:2]) if layer.startswith("blocks.") else layer


def block_by_block(dit: nn.Module, calibration: Calibration) -> Iterator[tuple[str, Layer, list[torch.Tensor]]]:
    """Each layer of a copy with its input rows; a caller writes its matrix before it asks for the next."""
    model = copy.deepcopy(dit)
    of_block: dict[str, list[torch.Tensor]] = {}
    for name, layer in prunable(model).items():
        if name not in of_block:  # the first layer of its block: the blocks before it are pruned, this one is dense
            block = [other for other in prunable(model) if block_of(other) == block_of(name)]
            of_block = {other: rows_of(model, calibration, other) for other in block}
        yield name, layer, of_block[name]


def by_wanda(dit: nn.Module, calibration: Calibration, after: nn.Module) -> None:
    for name, layer, rows in block_by_block(dit, calibration):
        weight = as_matrix(layer)
        norms = torch.cat(rows).norm(dim=0)
        expected = without_the_lowest(weight, weight.abs() * norms, round(0.6 * weight.shape[1]))
        assert torch.equal(as_matrix(prunable(after)[name]), expected), name
        set_matrix(layer, expected)


def by_surgeon(
    dit: nn.Module,
    calibration: Calibration,
    after: nn.Module,
    weights: list[float],
    pattern: tuple[int, int] | None = None,
) -> None:
    """Block by block, each on what the ones pruned before it give; after each column the rest is inverted anew."""
    for name, layer, rows in block_by_block(dit, calibration):
        hessian: Any = sum(a * x.T @ x for a, x in zip(weights, rows, strict=True))
        hessian = hessian / sum(a * len(x) for a, x in zip(weights, rows, strict=True))
        hessian = hessian + 0.01 * hessian.diagonal().mean() * torch.eye(len(hessian))
        w = as_matrix(layer).double()
        inverses = [torch.linalg.inv(hessian[j:, j:]) for j in range(len(hessian))]
        pivots = torch.stack([inverse[0, 0] for inverse in inverses])
        costs = w**2 / pivots
        gone = without_the_lowest(torch.ones(1, w.numel()), costs.view(1, -1), round(0.6 * w.numel())).view_as(w) == 0
        for j, inverse in enumerate(inverses):
            if pattern is not None and j % pattern[1] == 0:  # from the weights as they are now
                n, m = pattern
                now = w[:, j : j + m] ** 2 / pivots[j : j + m]
                gone[:, j : j + m] = without_the_lowest(torch.ones_like(now), now, m - n) == 0
            w[:, j:] -= (w[:, j] * gone[:, j] / inverse[0, 0])[:, None] * inverse[0]
            w[gone[:, j], j] = 0
        made = as_matrix(prunable(after)[name])
        torch.testing.assert_close(made.double(), w, rtol=1e-4, atol=1e-6, msg=name)
        set_matrix(layer, made)


BY_HAND: dict[str, Callable[[nn.Module, Calibration, nn.Module], None]] = {
    "magnitude": by_magnitude,
    "wanda": by_wanda,
    "sparsegpt": partial(by_surgeon, weights=[1.0] * 5),
    "obs-diff": partial(by_surgeon, weights=STEPS),
}


@pytest.mark.parametrize("method", BY_HAND)
def test_choices_by_hand(dit: nn.Module, calibration: Calibration, method: str) -> None:
    """At 60 %, every weight of every layer; three ways from the formula to a mask that share no line with ours."""
    BY_HAND[method](dit, calibration, pruned(dit, calibration, sparsity=0.6, method=method))


SURGEONS = {"sparsegpt": [1.0] * 5, "obs-diff": STEPS}


@pytest.mark.parametrize("method", SURGEONS)
@pytest.mark.parametrize("pattern", [(2, 4), (1, 4)])
def test_patterns_by_hand(dit: nn.Module, calibration: Calibration, method: str, pattern: tuple[int, int]) -> None:
    """A group is decided when the sweep reaches it, not 128 columns earlier."""
    after = pruned(dit, calibration, pattern=Pattern(*pattern), method=method)
    by_surgeon(dit, calibration, after, SURGEONS[method], pattern)


@pytest.mark.parametrize("method", SURGEONS)
def test_a_pattern_that_is_decided_too_early_fails(
    dit: nn.Module, calibration: Calibration, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparsegpt, "columns_decided_at_once", lambda request: obs.BLOCK)
    after = pruned(dit, calibration, pattern=Pattern(2, 4), method=method)
    with pytest.raises(AssertionError):
        by_surgeon(dit, calibration, after, SURGEONS[method], (2, 4))


def forgetful(*args: Any, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The sweep without what makes up for what goes."""
    _, mask = obs.sweep(*args, **options)
    return args[0] * mask, mask


def reversed_steps(batch: Call) -> float:
    return STEPS[4 - batch.step]


DROP, NORM = masks._drop, torch.Tensor.sqrt
MUTATIONS = {
    "the largest go": (masks, "_drop", lambda scores, count: DROP(-scores, count)),
    "compensation dropped": (sparsegpt, "sweep", forgetful),
    "step weights reversed": (obs_diff, "step_weight", reversed_steps),
    "every step weighs the same": (obs_diff, "step_weight", alike),
    "norms not rooted": (torch.Tensor, "sqrt", lambda values: values),
}


@pytest.mark.parametrize(
    ("method", "mutation"),
    [
        *((method, "the largest go") for method in BY_HAND),
        ("wanda", "norms not rooted"),
        ("sparsegpt", "compensation dropped"),
        ("obs-diff", "compensation dropped"),
        ("obs-diff", "step weights reversed"),
        ("obs-diff", "every step weighs the same"),
    ],
)
def test_mutations_are_seen(
    dit: nn.Module, calibration: Calibration, method: str, mutation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them fails the test above."""
    monkeypatch.setattr(*MUTATIONS[mutation])
    with pytest.raises(AssertionError):
        test_choices_by_hand(dit, calibration, method)


@pytest.mark.parametrize("method", ["sparsegpt", "obs-diff"])
def test_shares_are_exact_over_blocks_of_columns(
    dit: nn.Module, calibration: Calibration, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparsegpt, "BLOCK", 10)
    for layer in prunable(pruned(dit, calibration, sparsity=0.37, method=method)).values():
        assert int((layer.weight == 0).sum()) == math.floor(0.37 * layer.weight.numel() + 0.5)
    for layer in prunable(pruned(dit, calibration, pattern=Pattern(1, 4), method=method)).values():
        assert as_matrix(layer).view(-1, 4).count_nonzero(1).eq(1).all()


def test_step_weights_fall_along_a_logarithm(calibration: Calibration) -> None:
    """OBS-Diff, Eq. (4); nothing to weigh where the calibration is one step."""
    batch = dataclasses.replace(calibration.calls[0], step=6, steps=16)
    assert obs_diff.step_weight(batch) == pytest.approx(0.8 + 0.4 * math.log(10) / math.log(16))
    assert obs_diff.step_weight(dataclasses.replace(batch, step=0, steps=1)) == 0.8


def test_step_weights_fall_between_their_ends(calibration: Calibration) -> None:
    weights = [obs_diff.step_weight(batch) for batch in calibration]
    assert weights[0] == pytest.approx(1.2)
    assert weights[-1] == pytest.approx(0.8)
    assert weights == sorted(weights, reverse=True)


def test_bias_and_dtype_are_kept(dit: nn.Module, calibration: Calibration) -> None:
    model = pruned(dit, calibration, sparsity=0.9, method="sparsegpt")
    for (name, one), other in zip(model.named_parameters(), dit.parameters(), strict=True):
        assert one.dtype == other.dtype
        if name.endswith("bias"):
            assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sparsity": -0.1, "method": "magnitude"}, "sparsity must be between 0 and 1, not -0.1"),
        ({"sparsity": float("nan"), "method": "magnitude"}, "sparsity must be between 0 and 1, not nan"),
        ({"sparsity": 0.5, "method": "magic"}, "unknown method 'magic'; did you mean magnitude?"),
        ({"method": "magnitude"}, "give --sparsity or --pattern"),
        ({"method": "taylor"}, "give --sparsity"),
        (
            {"sparsity": 0.5, "pattern": Pattern(2, 4), "method": "magnitude"},
            "give only one of --sparsity and --pattern",
        ),
        (
            {"sparsity": 0.5, "method": "magnitude", "scope": "galaxy"},
            "unknown scope 'galaxy'; choose one of layer, row, global",
        ),
        ({"sparsity": 0.5, "method": "sparsegpt", "scope": "global"}, "scope 'global' is not supported by SparseGPT"),
        ({"pattern": Pattern(2, 500), "method": "magnitude"}, "pattern 2:500 does not fit the "),
        ({"pattern": Pattern(2, 4), "method": "magnitude", "scope": "global"}, "with --pattern, leave --scope out"),
        ({"pattern": Pattern(2, 4), "method": "wanda", "scope": "row"}, "with --pattern, leave --scope out"),
    ],
)
def test_bad_requests_change_nothing(
    dit: nn.Module, calibration: Calibration, asked: dict[str, Any], told: str
) -> None:
    model = copy.deepcopy(dit)
    with pytest.raises(ValueError, match=re.escape(told)):
        prune(model, calibration, **asked)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), dit.parameters(), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_is_refused_before_the_model_is_run(
    dit: nn.Module, calibration: Calibration, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real calibration may take an hour. What the model costs is counted first, and that is one sample."""
    runs: list[int] = []

    def counted(batch: Call, model: nn.Module) -> Any:
        runs.append(batch.samples)
        return model(**batch.arguments)

    monkeypatch.setattr(Call, "run", counted)
    asked: dict[str, Any] = {"scope": "global"}
    if METHODS[method].kind == "unstructured" and method not in ("sparsegpt", "obs-diff"):
        asked["pattern"] = Pattern(2, 4)
    else:
        asked["sparsity"] = 0.5
    with pytest.raises(ValueError, match="scope"):
        prune(copy.deepcopy(dit), calibration, method=method, **asked)
    assert set(runs) <= {1}


def test_empty_calibration() -> None:
    with pytest.raises(ValueError, match="calibration is empty"):
        Calibration(())


def test_the_request_of_a_pattern_fixes_the_sparsity() -> None:
    with pytest.raises(ValueError, match=re.escape("pattern 2:4 has sparsity 0.5, not 0.3")):
        Request(0.3, Pattern(2, 4))


def test_the_registry_points_at_entries() -> None:
    papers = {file.stem for file in Path("data/papers").glob("*/*.yaml")}
    assert {method.paper for method in METHODS.values() if method.paper} <= papers
