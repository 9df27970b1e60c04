"""OBS-Diff on units beside the authors' code: the same error where one unit goes, and hardly another where half go."""

import pytest
import torch

from reference_impls.maths.obs import Hessian, column_scores, remove_columns
from tests.reference_impls.by_hand import error
from tests.reference_impls.paper_rules.obs_diff import remove_units

Layer = tuple[torch.Tensor, torch.Tensor]


def layer(seed: int, mixed: float) -> Layer:
    """48 outputs of 64 inputs, which are correlated the more, the larger ``mixed`` is."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(48, 64, generator=generator).double()
    mixing = torch.eye(64) + mixed * torch.randn(64, 64, generator=generator)
    hessian = Hessian(64)
    hessian.add(torch.randn(400, 64, generator=generator) @ mixing)
    return weight, hessian.mean()


def at_once(weight: torch.Tensor, hessian: torch.Tensor, count: int) -> tuple[list[int], torch.Tensor]:
    """Ours, on single columns."""
    gone = column_scores(weight, hessian).argsort()[:count]
    return gone.tolist(), remove_columns(weight, gone, hessian)


@pytest.mark.parametrize("seed", range(4))
def test_the_first_neurons_and_their_weight_update_are_the_same(seed: int) -> None:
    """Up to 64 neurons go at once in the authors' code, too."""
    weight, hessian = layer(seed, 0.1)
    ours, made = at_once(weight, hessian, 20)
    theirs, expected = remove_units(weight, hessian, [[column] for column in range(64)], 20, heads=False)
    assert sorted(ours) == sorted(theirs)
    torch.testing.assert_close(made, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("mixed", "least", "most"), [(0.02, 1.0, 1.05), (0.3, 1.2, 1.4)])
def test_one_by_one_the_error_is_lower_where_inputs_are_correlated(mixed: float, least: float, most: float) -> None:
    """The stated difference, as half of the inputs are removed: hardly any without correlation, a third with much."""
    units = [[column] for column in range(64)]
    for seed in range(4):
        weight, hessian = layer(seed, mixed)
        _, made = at_once(weight, hessian, 32)
        _, expected = remove_units(weight, hessian, units, 32, heads=True)
        assert least <= error(weight, made, hessian) / error(weight, expected, hessian) <= most


def test_a_head_of_one_column_is_scored_as_a_neuron() -> None:
    """The Cholesky factor of a single number is its root."""
    weight, hessian = layer(5, 0.1)
    units = [[column] for column in range(64)]
    (head,), _ = remove_units(weight, hessian, units, 1, heads=True)
    (neuron,), _ = remove_units(weight, hessian, units, 1, heads=False)
    assert head == neuron == int(column_scores(weight, hessian).argmin())


def test_heads_go_one_by_one_with_their_columns() -> None:
    weight, hessian = layer(6, 0.1)
    units = [list(range(first, first + 16)) for first in range(0, 64, 16)]
    gone, made = remove_units(weight, hessian, units, 2, heads=True)
    assert len(set(gone)) == 2
    columns = torch.tensor([column for unit in gone for column in units[unit]])
    assert not made[:, columns].any()
    torch.testing.assert_close(made, remove_columns(weight, columns, hessian), rtol=1e-8, atol=1e-8)
