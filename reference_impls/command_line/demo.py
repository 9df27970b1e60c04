"""The command `demo`, the shortest look at a method: the denoising loss of the testbed's DiT, dense and pruned."""

from __future__ import annotations

from typing import Any

from reference_impls.command_line import terminal
from reference_impls.command_line.usage import wrong_use
from reference_impls.maths.masks import Pattern
from reference_impls.methods.prune import calibration_for, prune
from reference_impls.methods.registry import method_of
from reference_impls.number_format import percent
from reference_impls.study.measure import shipped
from reference_impls.testbed.metrics import held_out_loss

SPARSITY, PATTERN = 0.5, Pattern(2, 4)
"""The pattern is for methods that make n:m patterns only."""


def demo(name: str) -> None:
    """Print one line for the dense model and one for the pruned one.

    Raises:
        WrongUse: there is no method of that name, or it refuses the model.
    """
    with wrong_use():
        method = method_of(name)
        model, images, held_out = shipped("dit")
        terminal.say(f"{'DiT, digits':<24} {terminal.LOSS}")
        terminal.say(f"{'dense':<24} {held_out_loss(model, held_out):.4f}")
        calibration = calibration_for(name, model, images)
        asked: dict[str, Any] = {"pattern": PATTERN} if method.pattern_only else {"sparsity": SPARSITY}
        report = prune(model, calibration, method=name, **asked)
        how = report.pattern or percent(report.requested)
        terminal.say(f"{f'{name}, {how}':<24} {held_out_loss(model, held_out):.4f}")
