"""Outputs of finished blocks on disk, so that an interrupted run can be resumed after them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from reference_impls.calls.store import decoded, encoded
from reference_impls.files.weights import write_weights
from reference_impls.pruning.blockwise import Block, Pass

PLAIN = (type(None), bool, int, float, str, torch.Tensor)


@dataclass(frozen=True)
class States:
    """A file of tensors and one of their structure for each block and process."""

    folder: Path
    rank: int
    device: torch.device

    def store(self, number: int, block: Block, passes: Sequence[Pass]) -> None:
        """Store what is needed of a block that is pruned: its outputs; its weights, if it is called again.

        Raises:
            OSError: there is no room for it.
            ValueError: an output is of a type that cannot be stored.
        """
        content: Any
        if block.called_once:
            content = [[one.outputs[block.module]] if block.module in one.outputs else None for one in passes]
        else:
            content = {name: layer.weight.detach() for name, layer in block.layers.items()}
        _refuse_strange(block.name, content)
        tensors: dict[int, tuple[str, torch.Tensor]] = {}
        tree = encoded(content, block.name, tensors)
        file = self._file(number)
        write_weights(file, dict(tensors.values()))
        file.with_suffix(".json").write_text(json.dumps(tree), encoding="utf-8")

    def restore(self, number: int, block: Block, passes: Sequence[Pass]) -> None:
        """What ``store`` stored."""
        file = self._file(number)
        tensors = {name: value.to(self.device) for name, value in load_file(file).items()}
        content = decoded(json.loads(file.with_suffix(".json").read_text(encoding="utf-8")), tensors)
        if block.called_once:
            for one, output in zip(passes, content, strict=True):
                if output is not None:
                    one.outputs[block.module] = output[0]
        else:
            for name, value in content.items():
                block.layers[name].weight.data.copy_(value)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:04}-{self.rank}.safetensors"


def _refuse_strange(block: str, value: Any) -> None:
    if type(value) in (list, tuple):
        for part in value:
            _refuse_strange(block, part)
    elif type(value) is dict:
        for part in value.values():
            _refuse_strange(block, part)
    elif not isinstance(value, PLAIN):
        raise ValueError(
            f"{block} gives a {type(value).__name__}, which cannot be stored; the model cannot be streamed"
        )
