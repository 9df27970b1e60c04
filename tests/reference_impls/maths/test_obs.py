"""Optimal brain surgeon against brute force, the sweep against a slow loop, and the order of its errors."""

from itertools import combinations

import pytest
import torch

from reference_impls.maths.masks import Pattern, keep_best, keep_pattern
from reference_impls.maths.obs import Hessian, column_scores, damped, inverse, sweep
from tests.reference_impls.by_hand import error, refit


def problem(rows: int, columns: int, samples: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    mixed = torch.randn(columns, columns, generator=generator, dtype=torch.float64)
    inputs = torch.randn(samples, columns, generator=generator, dtype=torch.float64) @ mixed
    hessian = Hessian(columns)
    hessian.add(inputs)
    return weight, hessian.mean()


def test_one_weight_costs_and_moves_as_brute_force_says() -> None:
    weight, hessian = problem(1, 6, 50)
    h = damped(hessian, 0)
    inverse = torch.linalg.inv(h)
    for j in range(6):
        others = [k for k in range(6) if k != j]
        best = torch.zeros(6, dtype=torch.float64)
        best[others] = torch.linalg.solve(h[others][:, others], h[others] @ weight[0])
        moved = weight[0] - weight[0, j] / inverse[j, j] * inverse[:, j]
        torch.testing.assert_close(moved, best, rtol=0, atol=1e-9)
        assert error(weight, best[None], h) == pytest.approx(float(weight[0, j] ** 2 / inverse[j, j]), rel=1e-9)


def test_the_factor_gives_the_inverse() -> None:
    _, hessian = problem(1, 7, 40)
    torch.testing.assert_close(inverse(hessian), torch.linalg.inv(damped(hessian)))


def slow_sweep(weight: torch.Tensor, hessian: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The same by its definition: after each column the Hessian of the rest is inverted anew."""
    w, h = weight.clone(), damped(hessian)
    for j in range(w.shape[1]):
        inverse = torch.linalg.inv(h[j:, j:])
        for row in range(len(w)):
            if not mask[row, j]:
                w[row, j:] -= w[row, j] / inverse[0, 0] * inverse[:, 0]
                w[row, j] = 0
    return w


@pytest.mark.parametrize("together", [1, 3, 5, 128])
def test_the_sweep_is_the_slow_loop(together: int) -> None:
    weight, hessian = problem(4, 11, 60)
    swept, mask = sweep(weight, hessian, lambda scores: keep_best(scores, 0.5), together=together)
    torch.testing.assert_close(swept, slow_sweep(weight, hessian, mask), rtol=1e-8, atol=1e-10)
    assert not swept[~mask].any()


def slow_pattern_sweep(
    weight: torch.Tensor, hessian: torch.Tensor, n: int, m: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """SparseGPT's rule for n:m with no factor and no block: when column j opens a group, the weights of the group are
    scored as they are then; the Hessian of the columns still open is inverted anew at every column."""
    w, h = weight.clone(), damped(hessian)
    rows, columns = w.shape
    mask = torch.ones(rows, columns, dtype=torch.bool)
    for j in range(columns):
        if j % m == 0:
            costs = torch.stack([w[:, k] ** 2 / torch.linalg.inv(h[k:, k:])[0, 0] for k in range(j, j + m)], dim=1)
            for row in range(rows):
                for k in sorted(range(m), key=lambda k: float(costs[row, k]))[: m - n]:
                    mask[row, j + k] = False
        inverse = torch.linalg.inv(h[j:, j:])
        for row in range(rows):
            if not mask[row, j]:
                w[row, j:] -= w[row, j] / inverse[0, 0] * inverse[:, 0]
                w[row, j] = 0
    return w, mask


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (1, 2), (4, 8)])
@pytest.mark.parametrize("block", [1, 6, 16, 128])
def test_a_pattern_is_decided_when_the_sweep_reaches_its_group(n: int, m: int, block: int) -> None:
    weight, hessian = problem(5, 24, 90)
    swept, mask = sweep(weight, hessian, lambda scores: keep_pattern(scores, Pattern(n, m)), together=m, block=block)
    expected, chosen = slow_pattern_sweep(weight, hessian, n, m)
    assert torch.equal(mask, chosen)
    torch.testing.assert_close(swept, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4)])
def test_a_pattern_decided_for_a_whole_block_is_worse(n: int, m: int) -> None:
    """The fault this guards against: 128 columns decided from weights that nothing to their left has changed yet."""
    weight, hessian = problem(32, 128, 512)

    def keep(scores: torch.Tensor) -> torch.Tensor:
        return keep_pattern(scores, Pattern(n, m))

    right, mask = sweep(weight, hessian, keep, together=m)
    early, other = sweep(weight, hessian, keep, together=128)
    h = damped(hessian)
    assert error(weight, early, h) > 1.05 * error(weight, right, h)
    assert float((mask == other).float().mean()) < 0.9


def test_a_lazy_update_changes_the_cost_only() -> None:
    weight, hessian = problem(4, 40, 200)
    whole, mask = sweep(weight, hessian, lambda scores: keep_best(scores, 0.5), together=5)
    for block in (1, 5, 7, 15):
        swept, chosen = sweep(weight, hessian, lambda scores: keep_best(scores, 0.5), together=5, block=block)
        assert torch.equal(chosen, mask)
        torch.testing.assert_close(swept, whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("together", "block"), [(0, 128), (4, 0), (-1, 128)])
def test_a_width_that_cannot_be(together: int, block: int) -> None:
    with pytest.raises(
        ValueError, match=f"sweep: {together} columns together and a block of {block}; give at least one"
    ):
        sweep(torch.ones(2, 4), torch.eye(4), lambda scores: scores.bool(), together=together, block=block)


def test_best_is_below_refit_is_below_sweep() -> None:
    for seed in range(5):
        weight, hessian = problem(1, 8, 60, seed)
        h = damped(hessian)
        swept, mask = sweep(weight, hessian, lambda scores: keep_best(scores, 0.5))
        best = min(
            error(weight, refit(weight, chosen, hessian), h)
            for kept in combinations(range(8), 4)
            for chosen in [torch.zeros(1, 8, dtype=torch.bool).index_fill(1, torch.tensor(kept), True)]
        )
        refitted = error(weight, refit(weight, mask, hessian), h)
        assert best <= refitted + 1e-12
        assert refitted <= error(weight, swept, h) + 1e-12


def test_with_independent_inputs_it_is_magnitude() -> None:
    weight, _ = problem(5, 9, 20)
    swept, mask = sweep(weight, torch.eye(9), lambda scores: keep_best(scores, 0.4))
    assert torch.equal(mask, keep_best(weight.abs(), 0.4))
    torch.testing.assert_close(swept, weight * mask)


def test_without_compensation_the_error_is_larger() -> None:
    weight, hessian = problem(6, 12, 80)
    swept, mask = sweep(weight, hessian, lambda scores: keep_best(scores, 0.5))
    assert error(weight, swept, hessian) < 0.9 * error(weight, weight * mask, hessian)


def test_the_hessian_does_not_depend_on_the_batches() -> None:
    inputs = torch.randn(30, 5, generator=torch.Generator().manual_seed(0))
    whole, parts = Hessian(5), Hessian(5)
    whole.add(inputs, 0.7)
    for part in torch.split(inputs, [1, 12, 17]):
        parts.add(part, 0.7)
    torch.testing.assert_close(whole.mean(), parts.mean())


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_weights_of_dead_inputs_go_first_and_disturb_no_other(scale: float) -> None:
    """Whatever they and the inputs that live are worth."""
    weight, hessian = problem(3, 6, 30)
    hessian *= scale
    hessian[2], hessian[:, 2] = 0, 0
    weight[:, 2] = 100.0
    live = [0, 1, 3, 4, 5]
    swept, mask = sweep(weight, hessian, lambda scores: keep_best(scores, 0.5))
    assert not mask[:, 2].any()
    others, kept = sweep(weight[:, live], hessian[live][:, live], lambda scores: keep_best(scores, 6 / 15))
    assert torch.equal(mask[:, live], kept)
    torch.testing.assert_close(swept[:, live], others)
    costs = column_scores(weight, hessian)
    assert float(costs[2]) == 0.0
    torch.testing.assert_close(costs[live], column_scores(weight[:, live], hessian[live][:, live]))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_dead_input_is_damped_like_a_mean_one(scale: float) -> None:
    hessian = scale * torch.diag(torch.tensor([1.0, 0.0, 3.0], dtype=torch.float64))
    torch.testing.assert_close(damped(hessian, 0.5).diagonal(), scale * torch.tensor([2.0, 3.0, 4.0]).double())


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        (torch.zeros(0, 5), "do not fit 5 columns"),
        (torch.zeros(3, 4), "do not fit 5 columns"),
        (torch.full((1, 5), float("inf")), "holds NaN or infinite"),
    ],
)
def test_bad_inputs(inputs: torch.Tensor, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Hessian(5).add(inputs)


def test_a_hessian_that_saw_nothing() -> None:
    with pytest.raises(ValueError, match="was given no inputs"):
        Hessian(5).mean()


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"Hessian of shape \(4, 4\) does not fit 5 columns"):
        sweep(torch.zeros(2, 5), torch.eye(4), lambda scores: scores.bool())
