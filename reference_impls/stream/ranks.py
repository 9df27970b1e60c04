"""Several processes that prune one model together, as ``torchrun`` starts them.

Each process runs a part of the forward passes. The statistics of a block, and the gradients where it is recovered, are
added up before they are used, and every process does the same with them; the first one writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """One of the processes, and how many there are."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def own(self, calls: Sequence[T]) -> list[T]:
        """Those that this process runs."""
        return list(calls[self.rank :: self.size])

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of a tensor over all processes, in each of them."""
        if self.size == 1:
            return value
        total = value.to(self.device).contiguous()
        distributed.all_reduce(total)
        return total.to(value.device)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def share(self, value: T | None) -> T:
        """What the first process gives, in all of them."""
        box = [value]
        if self.size > 1:
            distributed.broadcast_object_list(box, device=self.device)
        assert box[0] is not None  # noqa: S101  # the first one gives something
        return box[0]


@contextmanager
def ranks(device: torch.device) -> Iterator[Ranks]:
    """Inside, the processes that ``torchrun`` has started work together; without it, one works alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Ranks(device)
        return
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(device, distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
