"""SparseGPT and OBS-Diff beside Alg. 1, worked out one column after another by elimination."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from reference_impls.calls.call import Calibration
from reference_impls.maths.masks import Pattern, keep_pattern
from reference_impls.maths.obs import Hessian, sweep
from reference_impls.methods.obs_diff import step_weight
from reference_impls.methods.sparsegpt import decide, rule
from reference_impls.pruning import observers
from reference_impls.pruning.contract import Request
from reference_impls.pruning.layers import as_matrix, input_rows, like_weight
from reference_impls.pruning.observers import Hessians, column_groups
from tests.reference_impls.paper_rules.in_turn import packages
from tests.reference_impls.paper_rules.obs_diff import hessian_of, step_weights
from tests.reference_impls.paper_rules.sparsegpt import prune_matrix


def layer(columns: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix of 40 outputs, and the Hessian of correlated inputs."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(40, columns, generator=generator).double()
    inputs = torch.randn(3 * columns, columns, generator=generator) @ torch.randn(columns, columns, generator=generator)
    hessian = Hessian(columns)
    hessian.add(inputs)
    return weight, hessian.mean()


def one_group(hessian: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """All columns, in their order."""
    return [(torch.arange(len(hessian)), hessian)]


@pytest.mark.parametrize("pattern", [(2, 4), (1, 4), (4, 8)])
@pytest.mark.parametrize("columns", [64, 200])
def test_patterns_are_those_of_the_authors_code(pattern: tuple[int, int], columns: int) -> None:
    weight, hessian = layer(columns, 0)
    request = Request(1 - pattern[0] / pattern[1], Pattern(*pattern))
    made, mask = decide(weight, one_group(hessian), request, request.sparsity)
    expected = prune_matrix(weight, hessian, 0.5, pattern)
    assert torch.equal(mask, expected != 0)
    torch.testing.assert_close(made, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_the_code_prunes_one_weight_more_in_each_block_of_columns(seed: int, share: float) -> None:
    """The stated difference; the mask of a block of 128 columns and what follows differ by hardly anything else."""
    weight, hessian = layer(200, seed)
    _, mask = decide(weight, one_group(hessian), Request(share), share)
    theirs = prune_matrix(weight, hessian, share) != 0
    assert int((~theirs[:, :128]).sum()) == int(5_120 * share) + 1
    assert int((~theirs[:, 128:]).sum()) == int(2_880 * share) + 1
    assert float((mask == theirs).double().mean()) >= 0.999


@pytest.mark.parametrize(
    "asked", [Request(0.7), Request(0.5, Pattern(2, 4, axis="kernel"))], ids=["unstructured", "along the kernel"]
)
def test_columns_of_a_convolution_are_in_the_order_of_the_authors_code(asked: Request) -> None:
    """All kernel positions of one input channel after the other: the weight as it lies in memory, and its windows."""
    generator = torch.Generator().manual_seed(0)
    inputs, conv = torch.randn(6, 20, 9, 9, generator=generator), nn.Conv2d(20, 24, 3, padding=1)
    windows = functional.unfold(inputs, 3, padding=1).transpose(1, 2).reshape(-1, 180)
    pruned_by, theirs = rule(asked), Hessian(180)
    ours = pruned_by.observer(conv)
    ours.add(input_rows(conv, inputs))
    theirs.add(windows)
    made, mask = pruned_by.decide("conv", conv, ours)
    expected, kept = decide(conv.weight.detach().flatten(1), one_group(theirs.mean()), asked, asked.sparsity)
    assert torch.equal(like_weight(mask, conv.weight).flatten(1), kept)
    torch.testing.assert_close(like_weight(made, conv.weight).flatten(1), expected, rtol=1e-4, atol=1e-6)
    plain = Hessian(180)
    plain.add(input_rows(conv, inputs))
    by_position, _ = decide(as_matrix(conv), one_group(plain.mean()), asked, asked.sparsity)
    assert not torch.equal(by_position != 0, made != 0)


@pytest.mark.parametrize("pattern", [None, Pattern(2, 4)])
def test_a_wide_convolution_is_swept_in_groups_of_channels(
    pattern: Pattern | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each group as a layer of its own would be; the sparsity is that of the whole layer, to the weight."""
    monkeypatch.setattr(observers, "STEP", 4)
    monkeypatch.setattr(observers, "WIDEST", 80)
    conv, request = nn.Conv2d(20, 24, 3, padding=1), Request(0.5 if pattern else 0.47, pattern)
    rows = input_rows(conv, torch.randn(6, 20, 9, 9, generator=torch.Generator().manual_seed(0)))
    pruned_by, matrix = rule(request), as_matrix(conv)
    observed = pruned_by.observer(conv)
    observed.add(rows)
    made, mask = pruned_by.decide("conv", conv, observed)
    assert int((~mask).sum()) == round(24 * 180 * request.sparsity)
    for channels in (range(8), range(8, 16), range(16, 20)):  # 9 positions of 8 channels fit 80 columns
        columns = torch.tensor([position * 20 + channel for channel in channels for position in range(9)])
        if pattern:
            columns = columns.sort().values
        alone = Hessian(len(columns))
        alone.add(rows[:, columns])
        selected = iter([mask[:, columns[first:]] for first in range(0, len(columns), 4 if pattern else 128)])
        expected, _ = sweep(
            matrix[:, columns],
            alone.mean(),
            lambda scores, selected=selected: next(selected)[:, : scores.shape[1]],  # type: ignore[misc]
            together=4 if pattern else 128,
        )
        torch.testing.assert_close(made[:, columns], expected)
    if pattern:
        assert keep_pattern(mask.float(), pattern).equal(mask)


def test_groups_of_columns() -> None:
    """As large as fit, of whole steps of channels; in either order; a linear layer is one."""
    wide = nn.Conv2d(2560, 1, 3)
    groups = column_groups(wide, by_channel=False)
    assert [len(columns) for columns in groups] == [9 * 896, 9 * 896, 9 * 768]
    assert torch.equal(torch.cat(groups).sort().values, torch.arange(9 * 2560))
    assert groups[1][:3].tolist() == [896, 897, 898]
    assert column_groups(wide, by_channel=True)[1][:3].tolist() == [896, 896 + 2560, 896 + 2 * 2560]
    assert len(column_groups(nn.Conv2d(640, 1, 3), by_channel=True)) == 1
    assert torch.equal(column_groups(nn.Linear(10_000, 1), by_channel=True)[0], torch.arange(10_000))


def test_wide_hessians_take_half_the_memory() -> None:
    precisions = [hessian.matrix.dtype for _, hessian in Hessians([torch.arange(4096), torch.arange(4097)]).groups]
    assert precisions == [torch.float64, torch.float32]


def test_an_input_that_is_always_zero_raises_the_damping_of_the_code() -> None:
    """The other stated difference: without one, the weights that remain are the same to rounding."""
    weight, hessian = layer(64, 1)
    hessian = hessian / 1_000  # so that a diagonal of 1 is much
    hessian[7] = hessian[:, 7] = 0
    made, mask = decide(weight, one_group(hessian), Request(0.5, Pattern(2, 4)), 0.5)
    theirs = prune_matrix(weight, hessian, 0.5, (2, 4))
    assert not mask[:, 7].any()
    assert not theirs[:, 7].any()
    assert float((mask == (theirs != 0)).double().mean()) > 0.97
    assert not torch.allclose(made, theirs, rtol=1e-3)


def test_the_hessian_of_obs_diff_from_the_equation(calibration: Calibration) -> None:
    """Eq. (4): a_t from 1.2 to 0.8, for the rows of each step."""
    rows = [torch.randn(30, 5, generator=torch.Generator().manual_seed(step)) for step in range(5)]
    assert step_weights(5) == pytest.approx([step_weight(call) for call in calibration])
    hessian = Hessian(5)
    for call, x in zip(calibration, rows, strict=True):
        hessian.add(x, step_weight(call))
    torch.testing.assert_close(hessian.mean(), hessian_of(rows), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("number", "made"),
    [
        (1, [["a", "b", "c", "d", "e"]]),
        (2, [["a", "b", "c"], ["d", "e"]]),
        (5, [[*"a"], [*"b"], [*"c"], [*"d"], [*"e"]]),
    ],
)
def test_packages_of_layers(number: int, made: Any) -> None:
    assert packages([*"abcde"], number) == made
