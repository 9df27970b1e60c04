"""Tiles: their scores and areas, and which of them are pruned, against all sets of tiles one by one."""

from collections.abc import Sequence
from itertools import chain, combinations, permutations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reference_impls.maths import areas
from reference_impls.maths.masks import (
    ALONE,
    Pattern,
    Tile,
    keep_all_but,
    keep_best,
    keep_best_in_rows,
    keep_best_over_layers,
    keep_pattern,
    pruned_count,
)
from reference_impls.methods.sparsegpt import selection
from reference_impls.pruning.contract import Request

SHARES = st.one_of(st.floats(0, 1), st.integers(0, 20).map(lambda twentieths: twentieths / 20))
SEEDS = st.integers(0, 999)
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))
SIDES = st.tuples(st.integers(2, 5), st.integers(1, 5))


def scores_of(shape: tuple[int, int], seed: int) -> torch.Tensor:
    """Whole numbers, many of them equal, so that sums are exact."""
    return torch.randint(0, 9, shape, generator=torch.Generator().manual_seed(seed)).float()


def places(shape: Sequence[int], tile: Tile) -> list[tuple[slice, slice]]:
    """Where each tile lies, row by row."""
    return [
        (slice(i, i + tile.rows), slice(j, j + tile.columns))
        for i in range(0, shape[0], tile.rows)
        for j in range(0, shape[1], tile.columns)
    ]


def best_by_hand(scores: list[torch.Tensor], asked: float) -> tuple[int, float]:
    """Area and sum of scores of the best set of tiles, over all sets."""
    sets = chain.from_iterable(combinations(scores, number) for number in range(len(scores) + 1))
    found = []
    for chosen in sets:
        area = sum(one.numel() for one in chosen)
        found.append((round(abs(area - asked), 6), -area, sum(float(one.sum()) for one in chosen)))
    _, area, lost = min(found)
    return -area, lost


@given(SHAPES, SIDES, SEEDS)
@settings(max_examples=60)
def test_mean_and_area_of_each_tile(shape: tuple[int, int], sides: tuple[int, int], seed: int) -> None:
    tile, scores = Tile(*sides), scores_of(shape, seed)
    by_hand = [scores[place].double().mean() for place in places(shape, tile)]
    torch.testing.assert_close(tile.pool(scores).flatten(), torch.stack(by_hand), rtol=1e-14, atol=0)
    assert tile.areas(scores.shape).flatten().tolist() == [scores[place].numel() for place in places(shape, tile)]


def test_alone_changes_nothing() -> None:
    scores = torch.randn(3, 5)
    assert torch.equal(ALONE.pool(scores), scores)


@given(SHAPES, SIDES, SHARES, SEEDS)
@settings(max_examples=150)
def test_no_set_of_tiles_is_nearer_or_loses_less(
    shape: tuple[int, int], sides: tuple[int, int], share: float, seed: int
) -> None:
    tile, scores = Tile(*sides), scores_of(shape, seed)
    tiles = [scores[place] for place in places(shape, tile)]
    assume(len(tiles) <= 9)
    mask = keep_best(scores, share, tile)
    for place in places(shape, tile):
        assert len(set(mask[place].flatten().tolist())) == 1
    area, lost = best_by_hand(tiles, share * scores.numel())
    assert int((~mask).sum()) == area
    assert float(scores[~mask].sum()) == pytest.approx(lost)


@given(SHAPES, SIDES, SHARES, SHARES, SEEDS)
@settings(max_examples=60)
def test_a_larger_share_takes_as_much_or_more(
    shape: tuple[int, int], sides: tuple[int, int], one: float, two: float, seed: int
) -> None:
    scores = scores_of(shape, seed)
    few, many = (int((~keep_best(scores, share, Tile(*sides))).sum()) for share in sorted((one, two)))
    assert few <= many


@given(SHAPES, SIDES, SEEDS)
@settings(max_examples=30)
def test_the_ends(shape: tuple[int, int], sides: tuple[int, int], seed: int) -> None:
    scores = scores_of(shape, seed)
    for keep in (keep_best, keep_best_in_rows):
        assert keep(scores, 0, Tile(*sides)).all()
        assert not keep(scores, 1, Tile(*sides)).any()


@given(SHAPES, SIDES, SHARES, SEEDS)
@settings(max_examples=60)
def test_tiles_of_one_size_go_by_their_scores(
    number: tuple[int, int], sides: tuple[int, int], share: float, seed: int
) -> None:
    """As many as the sparsity asks for of single weights, the lowest, and of equal ones the later."""
    tile = Tile(*sides)
    scores = scores_of((number[0] * tile.rows, number[1] * tile.columns), seed)
    pooled = tile.pool(scores)
    assume(abs(share * pooled.numel() % 1 - 0.5) > 1e-9)
    assert torch.equal(keep_best(scores, share, tile), tile.spread(keep_best(pooled, share), scores.shape))
    in_rows = tile.spread(keep_best_in_rows(pooled, share), scores.shape)
    assert torch.equal(keep_best_in_rows(scores, share, tile), in_rows)


@pytest.mark.parametrize(("shape", "miss"), [((33, 17), 7.5), ((24, 24), 32)])
def test_ragged_layers_at_half(shape: tuple[int, int], miss: float) -> None:
    """In whichever order their tiles of 16x16 come. By number of tiles, they missed by up to 248 and 96 weights."""
    tile = Tile(16, 16)
    pooled = tile.areas(torch.Size(shape))
    for order in permutations(range(pooled.numel())):
        scores = tile.spread(torch.tensor(order).view(pooled.shape), torch.Size(shape)).float()
        assert abs(int((~keep_best(scores, 0.5, tile)).sum()) - scores.numel() / 2) == miss


@given(SHAPES, SIDES, SHARES, SEEDS)
@settings(max_examples=60)
def test_rows_of_tiles_go_by_area(shape: tuple[int, int], sides: tuple[int, int], share: float, seed: int) -> None:
    tile, scores = Tile(*sides), scores_of(shape, seed)
    mask = keep_best_in_rows(scores, share, tile)
    for first in range(0, shape[0], tile.rows):
        strip, kept = scores[first : first + tile.rows], mask[first : first + tile.rows]
        area, lost = best_by_hand([strip[place] for place in places(strip.shape, tile)], share * strip.numel())
        assert int((~kept).sum()) == area
        assert float(strip[~kept].sum()) == pytest.approx(lost)


@given(SHAPES, SHAPES, SIDES, SHARES, SEEDS)
@settings(max_examples=60)
def test_layers_together_go_by_area(
    one: tuple[int, int], two: tuple[int, int], sides: tuple[int, int], share: float, seed: int
) -> None:
    tile = Tile(*sides)
    layers = {"one": scores_of(one, seed), "two": scores_of(two, seed + 1)}
    tiles = [scores[place] for scores in layers.values() for place in places(scores.shape, tile)]
    assume(len(tiles) <= 9)
    masks = keep_best_over_layers(layers, share, tile)
    area, lost = best_by_hand(tiles, share * sum(scores.numel() for scores in layers.values()))
    assert sum(int((~mask).sum()) for mask in masks.values()) == area
    assert sum(float(layers[name][~mask].sum()) for name, mask in masks.items()) == pytest.approx(lost)


@given(SHAPES, SIDES, SHARES, SEEDS)
@settings(max_examples=60)
def test_with_too_many_sets_they_go_by_rising_score(
    shape: tuple[int, int], sides: tuple[int, int], share: float, seed: int
) -> None:
    """The prefix of this order whose area is nearest; at most half a tile away."""
    tile = Tile(*sides)
    scores = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(areas, "MOST_SETS", 0)
        mask = keep_best(scores, share, tile)
    rising = sorted((scores[place] for place in places(shape, tile)), key=lambda one: float(one.double().mean()))
    prefixes = [sum(one.numel() for one in rising[:number]) for number in range(len(rising) + 1)]
    asked, pruned = share * scores.numel(), int((~mask).sum())
    assert pruned == max(prefixes, key=lambda area: (-round(abs(area - asked), 6), area))
    assert abs(pruned - asked) <= tile.rows * tile.columns / 2 + 1e-6
    if not mask.all():
        means = [float(one.double().mean()) for one in rising]
        gone = prefixes.index(pruned)
        assert float(tile.pool(scores)[~mask[:: tile.rows, :: tile.columns]].max()) == pytest.approx(means[gone - 1])


def test_a_layer_with_more_than_a_million_sets() -> None:
    scores = torch.rand(4001, 1503, generator=torch.Generator().manual_seed(0))
    mask = keep_best(scores, 0.5, Tile(3, 2))
    assert abs(int((~mask).sum()) - scores.numel() / 2) <= 3


@pytest.mark.parametrize("tile", [Tile(4, 1), Tile(16, 16)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_chooses_what_float32_chooses(tile: Tile, dtype: torch.dtype) -> None:
    scores = torch.randn(256, 256, generator=torch.Generator().manual_seed(0)).abs().to(dtype)
    assert torch.equal(keep_best(scores, 0.5, tile), keep_best(scores.float(), 0.5, tile))
    assert torch.equal(keep_pattern(scores, Pattern(2, 4, 4)), keep_pattern(scores.float(), Pattern(2, 4, 4)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_large_scores_are_not_infinite(dtype: torch.dtype) -> None:
    """The sum of 256 of them is."""
    scores = torch.full((32, 16), torch.finfo(dtype).max / 2, dtype=dtype)
    scores[16:] /= 2
    assert keep_best(scores, 0.5, Tile(16, 16))[:, 0].tolist() == [True] * 16 + [False] * 16
    assert keep_pattern(scores, Pattern(2, 4, 16)).sum() == scores.numel() // 2


@pytest.mark.parametrize("rows", [32, 33, 34, 35])
def test_rows_left_over_share_a_pattern_of_their_own(rows: int) -> None:
    """2:4x4 prunes half of every matrix; the last rows go by their own scores."""
    scores = torch.rand(rows, 16, generator=torch.Generator().manual_seed(rows))
    mask = keep_pattern(scores, Pattern(2, 4, 4))
    assert 2 * int(mask.sum()) == scores.numel()
    for first in range(0, rows, 4):
        strip = mask[first : first + 4]
        assert torch.equal(strip, keep_pattern(scores[first : first + 4].mean(0)[None], Pattern(2, 4)).expand_as(strip))


@given(st.integers(1, 9), st.integers(1, 300), SIDES, SHARES, SEEDS)
@settings(max_examples=40)
def test_what_a_chunk_of_columns_misses_the_next_makes_good(
    rows: int, columns: int, sides: tuple[int, int], share: float, seed: int
) -> None:
    """SparseGPT and OBS-Diff choose from left to right; the whole matrix misses by half a tile at most."""
    tile, scores = Tile(*sides), scores_of((rows, columns), seed)
    keep = selection(Request(0.5, block=tile), share)
    width = 8 * tile.columns
    mask = torch.cat([keep(scores[:, first : first + width]) for first in range(0, columns, width)], dim=1)
    assert abs(int((~mask).sum()) - share * scores.numel()) <= tile.rows * tile.columns / 2 + 1e-6


def test_chunks_of_single_weights_are_exact() -> None:
    keep = selection(Request(0.5), 0.37)
    scores = torch.rand(7, 50, generator=torch.Generator().manual_seed(0))
    gone = sum(int((~keep(scores[:, first : first + 9])).sum()) for first in range(0, 50, 9))
    assert gone == pruned_count(350, 0.37)


@pytest.mark.parametrize("weights", [-3.0, 0.4, 11.6, 99.0])
def test_numbers_of_weights_that_cannot_be(weights: float) -> None:
    """Nothing below nothing, and no more than there is; in between the nearest whole number."""
    for tile in (ALONE, Tile(1, 2)):
        gone = int((~keep_all_but(torch.rand(3, 4), weights, tile)).sum())
        assert gone == (12 if weights > 1 else 0)


@pytest.mark.parametrize("keep", [keep_best, keep_best_in_rows])
def test_tiles_of_what_is_not_a_matrix(keep: object) -> None:
    with pytest.raises(ValueError, match=r"scores of shape \(2, 3, 4\) are not a matrix"):
        keep(torch.rand(2, 3, 4), 0.5, Tile(2, 2))  # type: ignore[operator]  # what is refused


def test_a_tile_with_a_score_that_is_not_finite() -> None:
    scores = torch.rand(4, 4)
    scores[1, 2] = float("inf")
    with pytest.raises(ValueError, match=r"scores of shape \(4, 4\) holds NaN or infinite values"):
        keep_best(scores, 0.5, Tile(2, 2))
    with pytest.raises(ValueError, match=r"layer of shape \(4, 4\) holds NaN or infinite values"):
        keep_best_over_layers({"layer": scores}, 0.5, Tile(2, 2))
