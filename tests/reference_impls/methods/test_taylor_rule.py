"""Taylor importance and Diff-Pruning beside the papers' rules and the authors' code: equality, and what differs."""

import copy
from dataclasses import replace

import pytest
import torch

from reference_impls.calls.call import Calibration
from reference_impls.methods.diff_pruning import gradients, importance, summed
from reference_impls.methods.prune import prune
from reference_impls.methods.taylor import squares
from reference_impls.pruning.remove_units import best_units, owned
from reference_impls.testbed.calibration import from_images
from reference_impls.testbed.data import load
from reference_impls.testbed.models import Denoiser
from reference_impls.units.lookup import groups_of
from tests.reference_impls.paper_rules.diff_pruning import summed_gradients, unit_scores
from tests.reference_impls.paper_rules.taylor import filter_scores
from tests.reference_impls.small_models import small

CALIBRATION = from_images(load("digits")[0], batches=4, size=8, by_time=True)


@pytest.fixture(params=["dit", "unet"])
def model(request: pytest.FixtureRequest) -> Denoiser:
    name: str = request.param
    return small(name)


def test_ours_is_the_sum_of_squares_and_what_the_unit_owns_besides(model: Denoiser) -> None:
    """Eq. (9) of Molchanov et al. over the filter; besides: biases, norms, and the columns that read the unit."""
    groups = groups_of(model)
    squared = squares(model, CALIBRATION)
    _, filters = filter_scores(model, CALIBRATION, groups)
    for group in groups:
        besides = {name: torch.zeros_like(value) for name, value in squared.items()}
        for part in group.parts:
            for name in (f"{part.layer}.weight", f"{part.layer}.bias"):
                if name in squared and (part.side == "in" or squared[name].dim() < 2):
                    besides[name] = squared[name]
        expected = torch.tensor(filters[group.name]).double() + owned(group, besides)
        torch.testing.assert_close(owned(group, squared), expected, rtol=1e-4, atol=1e-12)


def test_the_joint_contribution_of_a_filter_is_that_of_a_gate_behind_it() -> None:
    """Eq. (8): the derivative by a factor of the neuron's weights, at 1, squared; by central differences."""
    model = small("dit").double()
    call = CALIBRATION.calls[1]
    arguments = {name: value if name == "label" else value.double() for name, value in call.arguments.items()}
    assert call.target is not None
    assert call.noise_scale is not None
    call = replace(call, arguments=arguments, target=call.target.double(), noise_scale=call.noise_scale.double())
    groups = tuple(group for group in groups_of(model) if group.name == "blocks.1.feed_forward")
    joint, _ = filter_scores(model, Calibration((call,)), groups)
    weight = model.get_parameter("blocks.1.feed_forward.up.weight")
    for unit in (0, 9):
        losses, row = [], weight.detach()[unit].clone()
        for factor in (1 + 1e-5, 1 - 1e-5):
            with torch.no_grad():
                weight[unit] = factor * row
                losses.append(float(call.noise_loss(model)))
                weight[unit] = row
        gate = (losses[0] - losses[1]) / 2e-5
        assert joint["blocks.1.feed_forward"][unit] == pytest.approx(gate**2, rel=1e-4)


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_diff_pruning_scores_as_the_authors_code(model: Denoiser, threshold: float) -> None:
    """Gradients are summed before the square, norms count by their absolute value, biases do not count."""
    ours = importance(summed(model, CALIBRATION, threshold))
    theirs, _ = summed_gradients(model, CALIBRATION, threshold, below=False)
    groups = groups_of(model)
    for group in groups:
        scores = torch.tensor(unit_scores(model, group, theirs, authors_norms=True)).double()
        torch.testing.assert_close(owned(group, ours), scores, rtol=1e-4, atol=1e-10)


def test_gradients_that_cancel_over_timesteps_count_for_taylor_only(model: Denoiser) -> None:
    """The square of a sum is at most the number of terms times the sum of their squares."""
    squared, products = squares(model, CALIBRATION), summed(model, CALIBRATION, 0.0)
    steps = len(CALIBRATION.calls)
    for name, product in products.items():
        assert bool((product.square() <= steps * squared[name] * 1.001 + 1e-12).all()), name
    chosen, others = (
        {
            (group.name, unit)
            for group in groups_of(model)
            for unit in best_units(owned(group, values), 0.5, group.strata)
        }
        for values in (squared, importance(products))
    )
    assert chosen != others


def test_norms_count_by_their_absolute_value_in_the_authors_code() -> None:
    """By hand, for one channel: its filter, its condition, its column, and |weight x gradient| of its norm."""
    model = small("unet")
    gradients, _ = summed_gradients(model, CALIBRATION, 0.0, below=False)
    group = next(group for group in groups_of(model) if group.kind == "channel")
    scores = unit_scores(model, group, gradients, authors_norms=True)
    product = {name: value.detach() * gradients[name] for name, value in model.named_parameters()}
    made = {part.layer.rsplit(".", 1)[1]: part.layer for part in group.parts}
    expected = (
        product[f"{made['conv1']}.weight"][3].square().sum()
        + product[f"{made['condition']}.weight"][3].square().sum()
        + product[f"{made['norm2']}.weight"][3].abs()
        + product[f"{made['conv2']}.weight"][:, 3].square().sum()
    )
    assert scores[3] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9])
def test_the_timesteps_that_count_are_those_of_the_authors_code(threshold: float) -> None:
    """Against the largest loss so far; one of the authors' two scripts also counts the first one below."""
    model = small("dit")
    ours = len(list(gradients(model, CALIBRATION, threshold)))
    _, theirs = summed_gradients(model, CALIBRATION, threshold, below=False)
    _, more = summed_gradients(model, CALIBRATION, threshold, below=True)
    assert ours == theirs
    assert more == min(ours + 1, len(CALIBRATION.calls))


def test_the_units_of_taylor_are_the_lowest_scores() -> None:
    model = small("dit")
    squared = squares(model, CALIBRATION)
    report = prune(copy.deepcopy(model), CALIBRATION, 0.5, method="taylor")
    for group in groups_of(model):
        scores = owned(group, squared).tolist()
        rising = sorted(range(group.units), key=lambda unit: (scores[unit], -unit))
        assert report.kept[group.name] == sorted(rising[group.units // 2 :])
