"""What the configuration of a class can say of removed blocks and units, so that ``from_pretrained`` opens the rest.

A class knows how many blocks its lists have, and one width for all of them. Where the numbers of a configuration,
changed to the remaining ones, make a model that is the pruned one in every module, attribute, buffer and shape, and no
code of the class looks at the place of a block in its list, the remaining blocks are numbered anew and the
configuration says it all. The candidates are built on the meta device and compared, so that no table of classes is
needed; whatever differs stays a folder that only ``load`` opens.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, product
from math import prod
from typing import Any

import torch
from torch import nn

from reference_impls.maths.surgery import Group
from reference_impls.pruning.contract import Changes
from reference_impls.units.diffusers_groups import groups_of

MOST = 64
"""Configurations that are tried."""
OPTIONAL = re.compile(r"control|skip|cache")
"""Arguments of ``forward`` for extensions of a model; what is done with them alone does not matter here."""
COUNT, RATIO = re.compile(r"layer|block|depth"), re.compile(r"ratio|mult")
PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Said:
    """A configuration that says what is missing."""

    config: Mapping[str, Any]
    """Keys that change."""
    names: Mapping[str, str]
    """Names of the pruned model's tensors -> those in the model that the configuration makes."""


def said(model: nn.Module, changes: Changes) -> Said | None:
    """How the configuration of a pruned model's class says what is missing; None where it cannot.

    Call it where new parameters are on the meta device: it builds models.

    Args:
        model: without the units and blocks of ``changes``; its configuration is the dense one's.
        changes: what it lacks.
    """
    if changes == Changes():
        return Said({}, {})
    stays = _numbers(model, changes.dropped)
    holders = {path: type(model.get_submodule(path.rpartition(".")[0])) for path in stays}
    if any(_place_matters(holders[path], path, own) for path, own in stays.items()):
        return None
    names = _names(model, stays)
    config: Any = {key: value for key, value in _config(model).items() if not key.startswith("_")}
    options = {**_of_lists(config, model, stays), **_of_widths(config, type(model), changes.kept)}
    if prod(map(len, options.values())) > MOST:
        return None
    for values in product(*options.values()):
        keys = {key: value for key, value in zip(options, values, strict=True) if value != config[key]}
        try:
            made = _make(type(model), {**config, **keys}) if keys else None
        except Exception:  # noqa: BLE001 - a configuration that cannot be fails in each class in its own way
            made = None
        if made is not None and _same(model, made, names):
            tensors = {name: _renamed(name, names) for name in model.state_dict()}
            return Said(keys, {name: new for name, new in tensors.items() if new != name})
    return None


def number_before(name: str, removed: Sequence[str]) -> str:
    """The name of a block before these ones of its list were removed and the others numbered anew."""
    path, _, number = name.rpartition(".")
    every = (each for each in count() if f"{path}.{each}" not in removed)
    return f"{path}.{next(islice(every, int(number), None))}"


def number_after(name: str, removed: Sequence[str]) -> str:
    """The name of a block that remains after these ones were removed and the others numbered anew."""
    path, _, number = name.rpartition(".")
    return f"{path}.{sum(f'{path}.{each}' not in removed for each in range(int(number)))}"


def _config(model: nn.Module) -> Mapping[str, Any]:
    config: Any = model.config
    return dict(config)


def _make(kind: Any, config: Mapping[str, Any]) -> nn.Module:
    model: nn.Module = kind.from_config(config)
    return model


def _numbers(model: nn.Module, dropped: Sequence[str]) -> dict[str, list[int]]:
    """Path of each list that lost blocks -> the numbers of those that remain."""
    lists = dict.fromkeys(name.rpartition(".")[0] for name in dropped)
    members = {path: range(len(list(model.get_submodule(path).children()))) for path in lists}
    return {path: [n for n in members[path] if f"{path}.{n}" not in dropped] for path in lists}


def _names(model: nn.Module, stays: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Path of each block of the lists -> its new one; of a removed block, nothing."""
    names = {}
    for path, own in stays.items():
        for number, _ in enumerate(model.get_submodule(path).children()):
            names[f"{path}.{number}"] = f"{path}.{own.index(number)}" if number in own else ""
    return names


def _renamed(name: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        if name == old or name.startswith(f"{old}."):
            return new + name.removeprefix(old) if new else ""
    return name


def _of_lists(
    config: Mapping[str, Any], model: nn.Module, stays: Mapping[str, Sequence[int]]
) -> dict[str, tuple[Any, ...]]:
    """Keys that may be the length of a list that lost blocks, or settings by the place in it -> possible values."""
    options: dict[str, tuple[Any, ...]] = {}
    for path, own in stays.items():
        length = len(list(model.get_submodule(path).children()))
        for key, value in config.items():
            new: Any = value
            if not COUNT.search(key):
                continue
            if type(value) is int and value == length:
                new = len(own)
            elif isinstance(value, (list, tuple)) and all(type(one) is int and one < length for one in value):
                new = type(value)(own.index(one) for one in value if one in own)
            if new != value:
                options[key] = (*options.get(key, (value,)), new)
    return options


def _of_widths(config: Mapping[str, Any], kind: Any, kept: Mapping[str, Sequence[int]]) -> dict[str, tuple[Any, ...]]:
    """Keys that may be the width of the groups that lost units -> possible values."""
    options: dict[str, tuple[Any, ...]] = {}
    if not kept:
        return options
    groups: dict[str, Group] = {group.name: group for group in groups_of(_make(kind, config))}
    for kind_of_units in dict.fromkeys(groups[name].kind for name in kept):
        own = {(groups[name].units, len(units)) for name, units in kept.items() if groups[name].kind == kind_of_units}
        for whole, left in own:
            for key, value in config.items():
                if type(value) is int and value == whole:
                    options[key] = (*options.get(key, (value,)), left)
                elif isinstance(value, float) and RATIO.search(key):
                    options[key] = (*options.get(key, (value,)), value * left / whole)
    return options


def _same(pruned: nn.Module, made: nn.Module, names: Mapping[str, str]) -> bool:
    """Whether two models agree in modules, their plain attributes, buffers, and shapes of parameters.

    Attributes of the whole models may differ: they come from the configuration.
    """
    new = {path: _renamed(path, names) for path, _ in pruned.named_modules()}
    ours = {new[path]: module for path, module in pruned.named_modules() if new[path] or not path}
    theirs = dict(made.named_modules())
    return set(ours) == set(theirs) and all(
        type(module) is type(theirs[path])
        and _shapes(module) == _shapes(theirs[path])
        and all(torch.equal(value, theirs[path].get_buffer(own)) for own, value in module.named_buffers(recurse=False))
        and (not path or _plain(module) == _plain(theirs[path]))
        for path, module in ours.items()
    )


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    return {name: value.shape for name, value in own}


def _plain(module: nn.Module) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if _is_plain(value) and name != "training"}


def _is_plain(value: object) -> bool:
    return isinstance(value, PLAIN) or (isinstance(value, (tuple, list)) and all(_is_plain(one) for one in value))


def _place_matters(kind: type[nn.Module], path: str, stays: Sequence[int]) -> bool:
    """Whether a class may treat a block by its place in a list, so that other places are another model.

    It may where the number of a loop over the list is used, a name counts along, the list is taken beside others, cut
    or measured (but for whether it is empty), except with arguments for extensions alone; and where the source is not
    at hand.
    """
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return True
    name = path.rpartition(".")[2]
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name != "__init__"]
    return any(_uses_place(node, parents, name, stays) for one in functions for node, parents in _with_parents(one, ()))


def _with_parents(node: ast.AST, parents: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    yield node, parents
    for child in ast.iter_child_nodes(node):
        yield from _with_parents(child, (*parents, node))


def _uses_place(node: ast.AST, parents: tuple[ast.AST, ...], name: str, stays: Sequence[int]) -> bool:
    """Whether the list is named here in another way than ``for block in self.blocks``, or a loop over it counts."""
    if not (isinstance(node, ast.Attribute) and node.attr == name) or _is_optional(parents):
        return False
    above = parents[-1]
    if isinstance(above, ast.Subscript) and isinstance(above.slice, ast.Constant):
        return above.slice.value != 0 or stays[:1] != [0]  # the first block stays the first
    if isinstance(above, ast.For):
        return _counts(above, set())
    loop, function = parents[-2], ast.unparse(above.func) if isinstance(above, ast.Call) else None
    if function == "enumerate" and isinstance(loop, ast.For):
        number = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else loop.target
        return _counts(loop, {ast.unparse(number)})
    return not (function == "len" and ast.unparse(loop).endswith(") > 0") and stays)


def _counts(loop: ast.For, numbers: set[str]) -> bool:
    """Whether the body uses one of these names, or adds to a name of its own as a counter."""
    for statement in loop.body:
        for node, parents in _with_parents(statement, (loop,)):
            counter = isinstance(node, ast.AugAssign) and isinstance(node.value, ast.Constant)
            used = isinstance(node, ast.Name) and node.id in numbers
            if (counter or used) and not _is_optional((*parents, node)):
                return True
    return False


def _is_optional(parents: Sequence[ast.AST]) -> bool:
    """Whether something is done only where an argument for an extension is given."""
    tests = [ast.unparse(one.test) for one in parents if isinstance(one, (ast.If, ast.IfExp))]
    return any(OPTIONAL.search(test) and "is not None" in test for test in tests)
