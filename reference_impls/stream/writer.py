"""Writes tensors to their places in the new files, and notes in the journal what is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from reference_impls.files.journal import Rows
from reference_impls.maths.masks import check_finite
from reference_impls.models.diffusers_folder import Outline
from reference_impls.models.weight_files import refuse_changed
from reference_impls.stream import shards
from reference_impls.stream.partial import Partial

Show = Callable[[int, int, str], None]
"""Is given how many parts are done, of how many, and which is next."""
BETWEEN = 1 << 30
"""Bytes that are written from one line of the journal to the next."""


class Writer:
    """The new weight files of a model."""

    def __init__(self, outlined: Outline, work: Partial, target: Path) -> None:
        """Go on with what the journal says is done; the files are there, see ``shards.begin``."""
        self.weights, self.work, self.target = outlined.weights, work, target
        self.places = shards.places_of(outlined.weights)
        self.done = {row["tensor"] for row in work.rows if "tensor" in row}
        self._parameters = {
            outlined.stored[name] for name, _ in outlined.model.named_parameters() if name in outlined.stored
        }
        self._pending: Rows = []
        self._bytes = 0

    def read(self, stored: str) -> torch.Tensor:
        """A tensor of the source.

        Raises:
            ValueError: it is not finite, or its file has changed.
        """
        return check_finite(stored, shards.read(self.places[stored]))

    def write(self, stored: str, before: torch.Tensor, after: torch.Tensor, **about: Any) -> None:
        """Write a tensor; its row of the journal says what it was, what it is, and what is given besides."""
        shards.write(self.target, self.places[stored], after)
        row: dict[str, Any] = {"tensor": stored, **about}
        if stored in self._parameters:
            nonzero = int(before.count_nonzero())
            left = nonzero if after is before else int(after.count_nonzero())
            row |= {"numbers": before.numel(), "nonzero": nonzero, "left": left}
        self._pending.append(row)
        self.done.add(stored)
        self._bytes += self.places[stored].size

    def keep(self, *rows: dict[str, Any], least: int = 0) -> None:
        """Add what was written to the journal, with other rows, where it is at least so many bytes.

        Raises:
            ValueError: the source has changed.
        """
        if self._bytes < least or not (self._pending or rows):
            return
        refuse_changed(self.weights)
        shards.settle(self.target / file.name for file in self.weights.files)
        self.work.keep([*rows, *self._pending])
        self._pending, self._bytes = [], 0

    def rest(self, show: Show) -> None:
        """Copy all other tensors; raises as ``read`` and ``keep``."""
        for stored in self.places:
            if stored not in self.done:
                show(len(self.done), len(self.places), stored)
                value = self.read(stored)
                self.write(stored, value, value)
                self.keep(least=BETWEEN)
        self.keep()
