"""OBS-Diff: optimal brain surgeon along the denoising steps.  Zhu et al., 2025, arXiv:2510.06751.

Maths   H = sum over steps of a_t X_t^T X_t, with a_t falling logarithmically from 1.2 at the first denoising step to
        0.8 at the last: an early error is carried through all later steps. Then the column sweep of ``maths.obs``.
Differs from the paper: the layers are calibrated one by one, not in packages, which costs time and changes little
        here; whole heads and neurons are not yet in this file.
Shapes  W (outputs, inputs), X_t (n, inputs) -> new W and mask.   Cost  as SparseGPT.
Raises  as SparseGPT.
"""

from __future__ import annotations

import math

from torch import nn

from reference_impls.contract import Batch, Calibration, Masks, Request
from reference_impls.methods import sparsegpt

FIRST, LAST = 1.2, 0.8


def step_weight(batch: Batch) -> float:
    """a_t: ``FIRST`` where nothing is denoised yet, ``LAST`` at the end, in between along log(1 + 9 progress)."""
    return FIRST - (FIRST - LAST) * math.log1p(9 * batch.progress) / math.log(10)


def prune(model: nn.Module, calibration: Calibration, request: Request) -> Masks:
    """Zero weights and change the others; give a calibration along the trajectory."""
    return sparsegpt.prune(model, calibration, request, weight=step_weight)
