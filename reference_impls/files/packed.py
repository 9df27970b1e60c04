"""How large a model is on disk: half precision, without the zeros.

Each floating tensor is stored as float16, integers as they are. Where that is smaller, a tensor's zeros are left out:
``NAME.kept`` is a bitmask in memory order, ``NAME.values`` are the non-zero values in the same order.
"""

from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import save
from torch import nn


def safetensors_bytes(model: nn.Module, *, zeros: bool) -> bytes:
    """The bytes of a safetensors file that holds the model.

    Args:
        model: any module; its parameters and buffers are stored.
        zeros: whether they are stored as any other number.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, value in model.state_dict().items():
        stored = (value.half() if value.is_floating_point() else value).contiguous()
        kept = stored != 0
        size = stored.element_size()
        if zeros or size * int(kept.sum()) + stored.numel() / 8 >= size * stored.numel():
            tensors[name] = stored
        else:
            tensors[f"{name}.kept"] = torch.from_numpy(np.packbits(kept.numpy()))
            tensors[f"{name}.values"] = stored[kept]
    return save(tensors)
