"""The command `recover`: recover a pruned model by fine-tuning or distillation."""

from __future__ import annotations

from pathlib import Path

from reference_impls.command_line import terminal
from reference_impls.command_line.testbed_models import IMAGES, measure, open_folder, sample
from reference_impls.command_line.usage import wrong_use
from reference_impls.files.outputs import check_folder
from reference_impls.methods.registry import parse_features
from reference_impls.models import testbed_folder
from reference_impls.study.recover import recover as run
from reference_impls.testbed.data import load
from reference_impls.testbed.models import DATA_OF, pretrained


def recover(folder: Path, out: Path, steps: int, teacher: bool, features: str, seed: int, samples: int) -> None:
    """Recover a model of the testbed; see the options of the command.

    Raises:
        WrongUse: an argument or one of the folders cannot be; nothing is written.
    """
    with wrong_use():
        matched = parse_features(features)
        if matched != "none" and not teacher:
            raise ValueError(f"features {features!r} need a teacher; leave --no-teacher out")
        check_folder(out)
        opened = open_folder(folder)
    name, model = opened.name, opened.model
    dense = pretrained(name) if teacher else None
    before = measure(model, name, samples, "measuring the pruned model")
    model.train()
    with terminal.bar("recovering", steps) as show:
        training = load(DATA_OF[name])[0]
        run(model, training, steps=steps, teacher=dense, features=matched, seed=seed, show=show)
    model.eval()
    after = measure(model, name, samples, "measuring the recovered model")
    images = sample(model, IMAGES, "sampling from the recovered model")
    with wrong_use():
        how = {"steps": steps, "teacher": teacher, "features": features, "seed": seed}
        testbed_folder.save(out, name, model, (*opened.steps, {"recover": how}), after, images, opened.changes)
    terminal.console.print(terminal.qualities(("pruned", "recovered"), before, after))
    terminal.say_where(out, "weights, report, samples")
