"""Models of diffusers on disk: opened, and written so that ``from_pretrained`` opens them again.

A folder is one model's (``config.json`` with ``_class_name`` and safetensors), such as the ``unet`` or ``transformer``
of a pipeline, of any class of models that diffusers has. A model is opened in float32, in which the methods compute,
and written in the precision, the shards and the variant of the folder that it came from.
"""

from __future__ import annotations

import json
import re
import shutil
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from logging import CRITICAL
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from torch import nn

from reference_impls.files.outputs import check_outside, new_folder
from reference_impls.files.packed import reads_of
from reference_impls.files.weights import shapes_of
from reference_impls.maths.masks import check_finite
from reference_impls.maths.surgery import remove, skip
from reference_impls.models import weight_files
from reference_impls.models.class_config import number_after, number_before, said
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.models.weight_files import CONFIG, WeightFiles
from reference_impls.pruning.contract import Changes
from reference_impls.units.diffusers_blocks import blocks_of
from reference_impls.units.diffusers_groups import groups_of

PIPELINE, REPORT = "model_index.json", "pruning.json"
Steps = Sequence[Mapping[str, object]]
"""All that was done to the dense model, in order: {"prune": a ``Report``}."""


@dataclass(frozen=True)
class Opened:
    """A model of a folder."""

    model: nn.Module
    """In float32."""
    changes: Changes
    """What it lacks against its class."""
    weights: WeightFiles
    """Where it came from."""


@dataclass(frozen=True)
class Outline:
    """A model whose weights stay in their files."""

    model: nn.Module
    """Its parameters are on the meta device, its buffers are as its class makes them."""
    changes: Changes
    """What it lacks against its class."""
    weights: WeightFiles
    """Where they are."""
    stored: Mapping[str, str]
    """Names of the model's tensors -> names in the files."""


def is_folder(path: Path) -> bool:
    """Whether a folder holds a model of diffusers."""
    try:
        class_of(path)
    except (OSError, ValueError):
        return False
    return True


def load(folder: Path, variant: str | None = None) -> Opened:
    """A model as it was saved, by diffusers or by ``save``.

    Args:
        folder: of one model.
        variant: as in ``diffusion_pytorch_model.fp16.safetensors``; see ``weight_files.find``.

    Raises:
        ValueError: diffusers is not installed or has no such class, the weights are quantized, there are no safetensors
            of that variant, they are not those of the model, or one of them is not finite.
    """
    outlined = outline(folder, variant)
    with _naming(folder, class_of(folder)):
        _fill(outlined)
    for name, value in outlined.model.named_parameters():
        check_finite(f"{folder}: {name}", value)
    return Opened(outlined.model, outlined.changes, outlined.weights)


def outline(folder: Path, variant: str | None = None) -> Outline:
    """A model without its weights; arguments and refusals are those of ``load``."""
    name, kind = _kind_of(folder)
    weights, changes = weight_files.find(folder, variant), _changes(folder)
    with _naming(folder, name), quiet():
        with parameters_on_meta():
            model = _built(kind, folder, changes).eval()
        stored = OrderedDict((one, one) for file in weights.files for one in weights.names[file])
        if len(weights.files) == 1:
            # names of the past, as from_pretrained does it
            model._fix_state_dict_keys_on_load(stored)  # type: ignore[operator]
        shapes = {one: (file, shape) for file in weights.files for one, shape in shapes_of(file).items()}
        ignored = getattr(model, "_keys_to_ignore_on_load_unexpected", None) or ()
        state = model.state_dict(keep_vars=True)
        there = {id(state[one]) for one in stored if one in state}
        if adapted := [one for one in stored if ".base_layer." in one]:
            raise ValueError(
                f"it was saved with its adapters ({adapted[0]}); in diffusers, call fuse_lora and unload_lora_weights "
                "of the pipeline, then save_pretrained"
            )
        for one, value in state.items():
            if one in stored:
                file, shape = shapes[stored[one]]
                if shape != tuple(value.shape):
                    raise ValueError(f"{file}: {stored[one]} has shape {shape}, expected {tuple(value.shape)}")
            if one not in stored and id(value) not in there:
                raise ValueError(f"{one} is missing")
        for one in stored:
            if one not in state and not any(re.search(pattern, one) for pattern in ignored):
                raise ValueError(f"{one} is no tensor of it")
    return Outline(model, changes, weights, {one: name for one, name in stored.items() if one in state})


def empty(folder: Path) -> nn.Module:
    """The model of a folder without weights, to see what can be pruned; its files are not opened.

    Raises:
        ValueError: as ``load``, for what is wrong besides the weights.
    """
    name, kind = _kind_of(folder)
    changes = _changes(folder)
    with _naming(folder, name), quiet(), torch.device("meta") if changes == Changes() else parameters_on_meta():
        return _built(kind, folder, changes)


def _kind_of(folder: Path) -> tuple[str, Any]:
    """Name and class of the model in a folder."""
    diffusers = diffusers_package()
    name = class_of(folder)
    kind = getattr(diffusers, name, None)
    if not isinstance(kind, type) or not issubclass(kind, diffusers.ModelMixin):
        raise ValueError(
            f"{folder}: diffusers {diffusers.__version__} has no model class {name!r}; install the version of "
            "diffusers that wrote the folder"
        )
    _refuse_quantized(folder)
    return name, kind


@contextmanager
def _naming(folder: Path, name: str) -> Iterator[None]:
    """Inside, whatever fails names the folder and its class."""
    try:
        yield
    except Exception as error:  # a configuration that cannot be fails in each class in its own way
        what = str(error).partition("\n")[0]
        raise ValueError(f"{folder} does not hold a {name}: {what}") from error


def _built(kind: Any, folder: Path, changes: Changes) -> nn.Module:
    """A model without the units and blocks that were removed, its weights random."""
    model: nn.Module = kind.from_config(kind.load_config(folder))
    if changes.kept:
        groups = {group.name: group for group in groups_of(model)}
        remove(model, *((groups[group], units) for group, units in changes.kept.items()))
    if changes.dropped:
        for block in blocks_of(model):
            if block.name in changes.dropped:
                skip(model, [block], keep_shortcuts=block.name in changes.shortcuts)
    return model


@contextmanager
def parameters_on_meta() -> Iterator[None]:
    """Inside, new parameters have no memory; buffers have their values, which no file may hold."""
    register = nn.Module.register_parameter
    made: dict[int, tuple[nn.Parameter, nn.Parameter]] = {}  # one that two modules share stays one

    def without_memory(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
        if value is not None and value.device.type != "meta":
            own = nn.Parameter(value.detach().to("meta"), requires_grad=value.requires_grad)
            value = made.setdefault(id(value), (value, own))[1]
        register(module, name, value)

    nn.Module.register_parameter = without_memory  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.register_parameter = register  # type: ignore[method-assign]


def _refuse_quantized(folder: Path) -> None:
    quantized = _config(folder).get("quantization_config")
    if quantized is not None:
        by = quantized.get("quant_method") if isinstance(quantized, dict) else None
        raise ValueError(
            f"{folder} is quantized{f' by {by}' if by else ''} (quantization_config in {CONFIG}); prune the model that "
            "it was made of, and quantize the result"
        )


def _fill(outlined: Outline) -> None:
    """Give a model its weights, in float32; ``from_pretrained`` would need another package for half of the classes."""
    model, names = outlined.model, {stored: name for name, stored in outlined.stored.items()}
    state = model.state_dict(keep_vars=True)
    first = {id(state[name]): name for name in outlined.stored}
    twins = {name: first[id(value)] for name, value in state.items() if name not in outlined.stored}
    values: dict[str, torch.Tensor] = {}
    for file in outlined.weights.files:
        for stored, read in reads_of(file).items():
            if stored in names:
                value = read()
                dtype = torch.float32 if value.is_floating_point() else value.dtype
                values[names[stored]] = value.to(dtype)
    model.load_state_dict(values, strict=False, assign=True)
    for name, twin in twins.items():
        place, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(place), attribute, model.get_parameter(twin))


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing of diffusers and transformers on stderr: what is wrong is raised."""
    logs = [diffusers_package().logging]
    if find_spec("transformers") is not None:
        logs.append(import_module("transformers.utils.logging"))
    levels = [(log, log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
    try:
        for log in logs:
            log.set_verbosity(CRITICAL)
            log.disable_progress_bar()
        with warnings.catch_warnings():  # of parts that will move
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        for log, level, bars in levels:
            log.set_verbosity(level)
            if bars:
                log.enable_progress_bar()


def save(folder: Path, opened: Opened, steps: Steps, *, pack: bool = False) -> None:
    """Write a model and all that was done to it into a new folder, or nothing.

    A model with zeros is opened again by ``from_pretrained``; one that lost units or blocks too where the configuration
    of its class can say so, see ``class_config``, and else by ``load`` alone.

    Args:
        folder: must not exist yet.
        opened: the pruned model, what it lacks, and the weight files whose form it gets.
        steps: see ``Steps``.
        pack: whether zeros are left out of the files, which then ``load`` alone opens.

    Raises:
        FileExistsError: the folder is there.
        ValueError: it is inside the source or cannot be written, a weight does not fit its precision, the source has
            changed meanwhile, or there are too few zeros to pack.
    """
    check_outside(folder, opened.weights.files[0].parent)
    with new_folder(folder) as fresh:
        write(fresh, opened, steps, pack=pack)


def write(folder: Path, opened: Opened, steps: Steps, *, pack: bool = False) -> None:
    """As ``save``, into a folder that is there."""
    with parameters_on_meta(), quiet():
        new = said(opened.model, opened.changes)
    weight_files.write(folder, opened.model, opened.weights, {} if new is None else new.names)
    if pack:
        weight_files.pack(folder)
    describe(folder, opened.weights, opened.changes, steps, None if new is None else new.config)


def describe(
    folder: Path, weights: WeightFiles, changes: Changes, steps: Steps, config: Mapping[str, Any] | None = None
) -> None:
    """Write beside the weights of a folder what is not weights: configuration and report.

    Args:
        folder: where the weights are.
        weights: the files that they were made of, beside their configuration.
        changes: what the model lacks against that configuration.
        steps: what was done.
        config: what differs in a new configuration that says these changes; None where it says nothing.
    """
    source = weights.files[0].parent
    removed = _removed(source)
    if config is not None:
        removed += [number_before(name, removed) for name in changes.dropped]
        changes = Changes()
    if config:
        text = json.dumps({**_config(source), **config}, indent=2, sort_keys=True)
        (folder / CONFIG).write_text(f"{text}\n", encoding="utf-8")
    else:
        shutil.copyfile(source / CONFIG, folder / CONFIG)
    size, dense = weight_files.sizes(folder)
    unpack = {"bytes": size, "unpacked bytes": dense, "unpack": unpack_command("FOLDER")}
    card = {
        "opened by": opened_by(folder, changes),
        **({"packed": unpack} if size else {}),
        "kept": changes.kept,
        "dropped": list(changes.dropped),
        "removed": removed,
        "shortcuts": list(changes.shortcuts),
        "steps": list(steps),
    }
    (folder / REPORT).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def lost_against(folder: Path, dense: Path) -> list[str]:
    """Blocks of the model in the one folder that the pruned model in the other lacks; it was pruned from that."""
    before = _removed(dense)
    there = {*before, *(number_before(name, before) for name in _changes(dense).dropped)}
    gone = [*_removed(folder), *(number_before(name, _removed(folder)) for name in _changes(folder).dropped)]
    return [number_after(name, before) for name in gone if name not in there]


def _removed(folder: Path) -> list[str]:
    """Blocks that a configuration says are gone, by their names in the dense model."""
    file = folder / REPORT
    return list(json.loads(file.read_text(encoding="utf-8")).get("removed", ())) if file.is_file() else []


def unpack_command(folder: Path | str) -> str:
    """What makes an unpacked folder of a packed one, to be pasted."""
    return f"python -m reference_impls unpack {quote(str(folder))} --out {quote(f'{folder}-unpacked')}"


def report_unpacked(source: Path, folder: Path) -> None:
    """Copy the report of a packed folder to the unpacked one."""
    if (source / REPORT).is_file():
        card = json.loads((source / REPORT).read_text(encoding="utf-8"))
        card.pop("packed", None)
        card["opened by"] = opened_by(folder, _changes(source))
        (folder / REPORT).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def opened_by(folder: Path, changes: Changes | None = None) -> str:
    """What opens the model of a folder, as a name in Python."""
    lacks = _changes(folder) if changes is None else changes
    whole = lacks == Changes() and weight_files.sizes(folder) == (0, 0)
    return f"diffusers.{class_of(folder)}.from_pretrained" if whole else "reference_impls.load"


def class_of(folder: Path) -> str:
    """The class of the model in a folder; raises as ``_config``."""
    return str(_config(folder)["_class_name"])


def _config(folder: Path) -> dict[str, Any]:
    """The configuration of a model.

    Raises:
        ValueError: there is none, or none of diffusers.
    """
    file = folder / CONFIG
    try:
        config = dict(json.loads(file.read_text(encoding="utf-8")))
        config["_class_name"]
    except FileNotFoundError as error:
        raise ValueError(f"{file} is missing; download it again") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{file} is not the configuration of a model of diffusers, which names its class; download it again"
        ) from error
    return config


def steps_of(folder: Path) -> tuple[Mapping[str, object], ...]:
    """All that this package did to the model of a folder, in order; nothing where it was never pruned here.

    Raises:
        ValueError: what stands there is not a report of this package.
    """
    return _card(folder)[1]


def _changes(folder: Path) -> Changes:
    return _card(folder)[0]


def _card(folder: Path) -> tuple[Changes, tuple[Mapping[str, object], ...]]:
    """What is missing against the class, and what was done."""
    file = folder / REPORT
    if not file.is_file():
        return Changes(), ()
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        changes = Changes(dict(card["kept"]), tuple(card.get("dropped", ())), tuple(card.get("shortcuts", ())))
        return changes, tuple(dict(step) for step in card["steps"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not a report of this package") from error
