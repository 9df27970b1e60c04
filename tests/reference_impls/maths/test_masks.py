"""Masks: exact counts, the best kept, ties, ends, bad input."""

from itertools import combinations
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impls.maths import masks
from reference_impls.maths.masks import (
    Pattern,
    keep_all_but,
    keep_best,
    keep_best_in_rows,
    keep_best_over_layers,
    keep_pattern,
    pruned_count,
)
from reference_impls.maths.selection import in_order, nonzero

SHARES = st.floats(0, 1)
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 13))


def tied(shape: tuple[int, int], seed: int) -> torch.Tensor:
    """Scores with many equal ones."""
    return torch.randint(0, 3, shape, generator=torch.Generator().manual_seed(seed)).float()


@given(SHAPES, SHARES, st.integers(0, 99))
@settings(max_examples=60)
def test_exactly_the_share_goes_and_the_lowest_go(shape: tuple[int, int], share: float, seed: int) -> None:
    scores = tied(shape, seed)
    mask = keep_best(scores, share)
    assert int((~mask).sum()) == pruned_count(scores.numel(), share)
    if mask.any() and not mask.all():
        assert scores[mask].min() >= scores[~mask].max()


@given(SHAPES, SHARES, st.integers(0, 99))
@settings(max_examples=40)
def test_each_row_loses_the_same(shape: tuple[int, int], share: float, seed: int) -> None:
    mask = keep_best_in_rows(tied(shape, seed), share)
    assert set((~mask).sum(1).tolist()) == {pruned_count(shape[1], share)}


@given(SHARES, SHARES, st.integers(0, 99))
@settings(max_examples=40)
def test_a_larger_share_takes_all_that_a_smaller_one_took(one: float, two: float, seed: int) -> None:
    scores = tied((5, 9), seed)
    less, more = sorted((one, two))
    assert not (keep_best(scores, more) & ~keep_best(scores, less)).any()


def test_the_ends() -> None:
    scores = torch.ones(3, 4)
    assert keep_best(scores, 0).all()
    assert not keep_best(scores, 1).any()


def test_of_equal_scores_the_later_goes() -> None:
    assert keep_best(torch.zeros(1, 4), 0.5).tolist() == [[True, True, False, False]]


@given(st.integers(1, 4), st.integers(1, 12), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=60)
def test_many_equal_scores_are_dropped_as_a_stable_sort_says(rows: int, columns: int, share: float, seed: int) -> None:
    scores = torch.randint(0, 3, (rows, columns), generator=torch.Generator().manual_seed(seed)).float()
    kept = columns - pruned_count(columns, share)
    expected = torch.zeros(rows, columns, dtype=torch.bool)
    for row in range(rows):
        best_first = sorted(range(columns), key=lambda column: -float(scores[row, column]))  # a stable sort
        expected[row, best_first[:kept]] = True
    assert torch.equal(keep_best_in_rows(scores, share), expected)


@given(st.integers(1, 5), st.integers(1, 3), st.data())
@settings(max_examples=40)
def test_pattern_keeps_the_best_n_of_every_m(m: int, rows: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, m))
    scores = torch.rand(rows, 3 * m, generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99))))
    kept = (keep_pattern(scores, Pattern(n, m)) * scores).view(-1, m).sum(1)
    best = [max(sum(group[list(chosen)]) for chosen in combinations(range(m), n)) for group in scores.view(-1, m)]
    torch.testing.assert_close(kept, torch.stack(best))


@given(st.integers(1, 6), st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]), st.data())
@settings(max_examples=60)
def test_short_and_long_groups_are_decided_alike(m: int, dtype: torch.dtype, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, m))
    scores = torch.randint(-2, 3, (9, 2 * m), generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99))))
    values = scores.to(dtype) * data.draw(st.sampled_from([1, -1]))  # with -1, zeros are negative ones
    few = keep_pattern(values, Pattern(n, m))
    with mock.patch.object(masks, "FEW", 0):
        assert torch.equal(few, keep_pattern(values, Pattern(n, m)))


@given(st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]), st.integers(0, 99))
def test_order_and_zeros_are_those_of_the_values(dtype: torch.dtype, seed: int) -> None:
    values = torch.randn(20, generator=torch.Generator().manual_seed(seed)).round(decimals=1).to(dtype)
    values[::7], values[1::7] = 0.0, -0.0
    whole = torch.from_numpy(in_order(values))
    assert torch.equal(whole[:, None] < whole, values[:, None] < values)
    assert torch.equal(whole[:, None] == whole, values[:, None] == values)
    assert nonzero(values) == int(values.count_nonzero())


def test_pattern_leaves_the_remainder() -> None:
    mask = keep_pattern(torch.zeros(2, 6), Pattern(1, 4))
    assert mask.tolist() == [[True, False, False, False, True, True]] * 2


def test_over_layers_compares_all() -> None:
    masks = keep_best_over_layers({"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor([[3.0, 0.5]])}, 0.5)
    assert masks["a"].tolist() == [[False, True]]
    assert masks["b"].tolist() == [[True, False]]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf"), True, "0.5"])
def test_bad_sparsity(share: object) -> None:
    with pytest.raises(ValueError, match=r"sparsity must be between 0 and 1, not "):
        keep_best(torch.zeros(2, 2), share)  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize("text", ["5:4", "0:4", "2-4", "2:", ":4", "a:b", "2:4x", "2:4x0", "x4", "２:４", "-2:4", ""])
def test_bad_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Pattern.parse(text)


def test_pattern_round_trip() -> None:
    assert str(Pattern.parse("2:4")) == "2:4"
    assert Pattern(1, 4).sparsity == 0.75


def test_a_score_that_is_not_finite() -> None:
    with pytest.raises(ValueError, match=r"scores of shape \(1, 2\) holds NaN or infinite values"):
        keep_all_but(torch.tensor([[1.0, float("nan")]]), 1)


def test_rows_shorter_than_the_pattern() -> None:
    with pytest.raises(ValueError, match="pattern 2:4 does not fit rows of 3 weights"):
        keep_pattern(torch.zeros(2, 3), Pattern(2, 4))
