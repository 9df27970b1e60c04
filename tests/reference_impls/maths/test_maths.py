"""What the other tests of ``maths`` let pass; each test was written for a fault put in by hand that none had seen."""

import pytest
import torch
from torch import nn

from reference_impls.maths import macs, obs
from reference_impls.maths.masks import keep_best
from reference_impls.maths.surgery import remove
from reference_impls.units.lookup import groups_of
from tests.reference_impls.small_models import small


def test_a_hessian_is_a_weighted_mean() -> None:
    """Twice the weight for all is the same mean; for one of two, two thirds of it."""
    one, other = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0]])
    hessian = obs.Hessian(2)
    hessian.add(one, 2.0)
    assert hessian.mean().tolist() == [[1.0, 2.0], [2.0, 4.0]]
    hessian.add(other, 1.0)
    torch.testing.assert_close(hessian.mean(), torch.tensor([[11.0, 4.0], [4.0, 8.0]]).double() / 3)


def test_a_layer_that_sees_nothing_but_zeros() -> None:
    """Then no weight costs anything, and none makes up for another."""
    weight = torch.tensor([[3.0, -1.0, 2.0]])
    swept, mask = obs.sweep(weight, torch.zeros(3, 3), lambda scores: keep_best(scores, 1 / 3))
    assert mask.tolist() == [[True, True, False]]
    assert torch.equal(swept, weight * mask)
    assert obs.remove_columns(weight, torch.tensor([0]), torch.zeros(3, 3)).tolist() == [[0.0, -1.0, 2.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_what_the_surgeon_gives_back_has_the_old_dtype(dtype: torch.dtype) -> None:
    weight = torch.ones(2, 3, dtype=dtype)
    swept, _ = obs.sweep(weight, torch.eye(3), lambda scores: scores.bool())
    assert swept.dtype == obs.remove_columns(weight, torch.tensor([0]), torch.eye(3)).dtype == dtype


def test_values_of_attention_may_have_a_width_of_their_own() -> None:
    class Attend(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, torch.randn(2, 4, 7, 9))

    counted = macs.count(Attend(), lambda model: model(torch.randn(2, 4, 7, 5)))
    assert counted.attention == 2 * 4 * 7 * 7 * (5 + 9)


def test_frozen_weights_stay_frozen() -> None:
    model = small("unet").requires_grad_(False)
    remove(model, *((group, range(group.units // 2)) for group in groups_of(model) if group.strata == 1))
    assert not any(value.requires_grad for value in model.parameters())
