"""Writes tensors to their places in the new files, and notes in the journal what is there.

Two threads do it beside the one that prunes: one reads ahead by a tensor, one writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from reference_impls.files.journal import Rows
from reference_impls.files.packed import plain_name
from reference_impls.maths.masks import check_finite
from reference_impls.maths.selection import nonzero
from reference_impls.models.diffusers_folder import Outline
from reference_impls.models.weight_files import refuse_changed
from reference_impls.stream import shards
from reference_impls.stream.partial import Partial

Show = Callable[[int, int, str], None]
"""Is given how many parts are done, of how many, and which is next."""
BETWEEN = 1 << 27
"""Bytes that are written from one line of the journal to the next."""


class Writer:
    """The new weight files of a model; to be used in a ``with`` statement."""

    def __init__(self, outlined: Outline, work: Partial, target: Path) -> None:
        """Go on with what the journal says is done; the files are there, see ``shards.begin``."""
        self.weights, self.work, self.target = outlined.weights, work, target
        self.places, self.reads = shards.places_of(outlined.weights), shards.reads_of(outlined.weights)
        self.done = {row["tensor"] for row in work.rows if "tensor" in row}
        self._parameters = {
            outlined.stored[name] for name, _ in outlined.model.named_parameters() if name in outlined.stored
        }
        self._pending: Rows = []
        self._bytes = 0
        self._threads = ThreadPoolExecutor(2)
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Wait until nothing is read or written any more."""
        self._threads.shutdown(cancel_futures=True)

    def read(self, stored: str) -> torch.Tensor:
        """A tensor of the source.

        Raises:
            ValueError: it is not finite, or its file has changed.
        """
        return check_finite(stored, self.reads[stored]())

    def each(self, names: Iterable[str]) -> Iterator[tuple[str, torch.Tensor]]:
        """Tensors of the source by name, each read while the one before it is in use; raises as ``read``."""
        ahead: tuple[str, Future[torch.Tensor]] | None = None
        for stored in names:
            following = stored, self._threads.submit(self.read, stored)
            if ahead is not None:
                yield ahead[0], ahead[1].result()
            ahead = following
        if ahead is not None:
            yield ahead[0], ahead[1].result()

    def write(self, stored: str, value: torch.Tensor, before: int | None = None, **about: Any) -> None:
        """Have a tensor written, which stays as it is until then.

        Args:
            stored: its name in the files.
            value: the new one.
            before: how many of its numbers were not zero in the source; None if it is unchanged.
            about: for its row of the journal.

        Raises:
            ValueError: the source has changed.
            OSError: a tensor before it could not be written.
        """
        row: dict[str, Any] = {"tensor": stored, **about}
        if stored in self._parameters:
            left = nonzero(value)
            row |= {"numbers": value.numel(), "nonzero": left if before is None else before, "left": left}
        self._hand_over(shards.write, self.target, self.places[stored], value)
        self._pending.append(row)
        self.done.add(stored)
        self._bytes += self.places[stored].size

    def keep(self, *rows: dict[str, Any], least: int = 0) -> None:
        """Have what was written added to the journal, with other rows, where it is at least so many bytes.

        With ``least`` 0, it is there at the end.

        Raises:
            ValueError: the source has changed.
            OSError: a tensor could not be written.
        """
        if self._bytes < least or not (self._pending or rows):
            return
        self._hand_over(self._note, [*rows, *self._pending])
        self._pending, self._bytes = [], 0
        if not least:
            self._wait()

    def rest(self, show: Show) -> None:
        """Copy all other tensors; raises as ``read`` and ``keep``."""
        for stored, value in self.each([stored for stored in self.places if stored not in self.done]):
            show(len(self.done), len(self.places), stored)
            self.write(stored, value)
            self.keep(least=BETWEEN)
        self.keep()

    def _note(self, rows: Rows) -> None:
        refuse_changed(self.weights)
        shards.settle(self.target / plain_name(file) for file in self.weights.files)
        self.work.keep(rows)

    def _hand_over(self, work: Callable[..., None], *given: object) -> None:
        """To the thread that writes, when it has finished what it was given before."""
        self._wait()
        self._writing = self._threads.submit(work, *given)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None
