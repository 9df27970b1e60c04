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


def processes() -> int:
    """How many processes ``torchrun`` has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def device_of(name: str) -> torch.device:
    """The device of that name, which is tried.

    Raises:
        ValueError: torch knows none of that name, or it cannot be used here.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is none that torch knows; such as cpu, cuda or cuda:1") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r}: torch finds no CUDA device here; leave --device out")
    try:
        torch.ones(1, device=device).item()
    except Exception as error:  # each kind of device fails in its own way
        what = str(error).partition("\n")[0]
        raise ValueError(f"device {name!r} cannot be used here: {what}; leave --device out") from error
    return device


@contextmanager
def ranks(device: torch.device) -> Iterator[Ranks]:
    """Inside, the processes that ``torchrun`` has started work together; without it, one works alone."""
    size = processes()
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
