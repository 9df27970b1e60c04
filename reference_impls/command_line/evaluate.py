"""The command `eval`: measure a saved model."""

from __future__ import annotations

from pathlib import Path

from reference_impls.bench.sampling import sample_both
from reference_impls.command_line import terminal
from reference_impls.command_line.testbed_models import measure, open_folder
from reference_impls.command_line.usage import wrong_use


def evaluate(folder: Path, samples: int, sparse: bool) -> None:
    """Print the metrics of a model of the testbed, and with ``sparse`` its time with sparse kernels.

    Raises:
        WrongUse: the folder holds no such model.
    """
    with wrong_use():
        opened = open_folder(folder)
    quality, sampling = measure(opened.model, opened.name, samples, "measuring"), None
    if sparse:
        with terminal.spinner("timing with and without sparse layers"):
            sampling = sample_both(opened.model, samples)
    terminal.console.print(terminal.measured(quality, sampling))
