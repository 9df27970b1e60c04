"""Hooks and frozen weights leave a model as they found it, and what they do inside is torch's own."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from reference_impls.maths.hooks import Hook, frozen, hooked, replaced


def handles(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def test_a_hook_sees_or_replaces_inside_only() -> None:
    layer, x = nn.Linear(2, 2), torch.ones(1, 2)
    plain = layer(x)
    with hooked([(layer, lambda _module, _inputs, output: output + 1)]):
        torch.testing.assert_close(layer(x), plain + 1)
    with hooked([(layer, lambda _module, inputs: (inputs[0] * 0,))], before=True):
        torch.testing.assert_close(layer(x)[0], layer.bias)
        torch.testing.assert_close(layer(input=x)[0], layer.bias)  # as AnimateDiff runs its projections
    torch.testing.assert_close(layer(x), plain)
    assert handles(layer) == 0


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("before", [False, True])
def test_nothing_stays_after_a_failure(before: bool) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with pytest.raises(KeyboardInterrupt), hooked([(part, interrupt) for part in model], before=before):
        model(torch.ones(1, 2))
    assert handles(model) == 0


def test_nothing_stays_where_the_hooks_cannot_be_made() -> None:
    layer = nn.Linear(2, 2)

    def hooks() -> Iterator[tuple[nn.Module, Hook]]:
        yield layer, lambda *_: None
        assert handles(layer) == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), hooked(hooks()):
        interrupt()
    assert handles(layer) == 0


def test_what_was_frozen_before_stays_frozen() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].weight.requires_grad_(False)
    before = [value.requires_grad for value in model.parameters()]
    with frozen(model):
        assert not any(value.requires_grad for value in model.parameters())
    assert [value.requires_grad for value in model.parameters()] == before
    with pytest.raises(KeyboardInterrupt), frozen(model):
        interrupt()
    assert [value.requires_grad for value in model.parameters()] == before


def test_a_forward_is_replaced_inside_only() -> None:
    model, x = nn.Sequential(nn.Linear(2, 2), nn.ReLU()), torch.ones(1, 2)
    vars(model[1])["forward"] = torch.neg  # as packages do that move weights
    plain = model(x)
    with replaced({model[0]: lambda x: x + 1, model[1]: lambda x: 2 * x}):
        assert model(x).tolist() == [[4.0, 4.0]]
    with pytest.raises(KeyboardInterrupt), replaced({model[0]: interrupt}):
        model(x)
    assert torch.equal(model(x), plain)
    assert "forward" not in vars(model[0])
    assert vars(model[1])["forward"] is torch.neg
