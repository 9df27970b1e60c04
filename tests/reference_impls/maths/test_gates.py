"""Gates that are learned: at their ends, against central differences and the distribution of a choice."""

import pytest
import torch

from reference_impls.maths import gates
from reference_impls.maths.gates import one_of


def test_gates_are_clipped_and_sharper_when_colder() -> None:
    assert gates.hard_concrete(torch.tensor([-9.0, 9.0]), torch.zeros(2), 2 / 3).tolist() == [0.0, 1.0]
    assert float(gates.hard_concrete(torch.tensor(0.0), torch.zeros(()), 2 / 3)) == 0.5
    warm, cold = (float(gates.hard_concrete(torch.tensor(0.4), torch.zeros(()), t)) for t in (2.0, 0.5))
    assert 0.5 < warm < cold < 1


def test_gates_against_central_differences() -> None:
    """In float64, for fixed noise."""
    alpha = torch.tensor([0.3, -0.4, 1.2], dtype=torch.float64, requires_grad=True)
    noise = torch.tensor([0.1, -0.2, 0.05], dtype=torch.float64)

    def loss(a: torch.Tensor) -> torch.Tensor:
        return (gates.hard_concrete(a, noise, 0.83) * torch.tensor([1.0, 2.0, 3.0])).sum() ** 2

    assert torch.autograd.gradcheck(loss, (alpha,))


@pytest.mark.parametrize("temperature", [0.2, 1.0, 4.0])
def test_one_of_is_one_hot_and_has_a_gradient(temperature: float) -> None:
    """What is drawn does not depend on the temperature; how soft its gradient is does."""
    logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([one_of(logits, temperature, generator) for _ in range(1_500)])
    assert torch.allclose(drawn.sum(1), torch.ones(1_500))
    torch.testing.assert_close((drawn.detach() > 0.5).float().mean(0), logits.detach().softmax(0), rtol=0, atol=0.04)
    torch.autograd.backward((drawn[0] * torch.tensor([1.0, 2.0, 3.0])).sum())
    assert logits.grad is not None
    assert logits.grad.any()
