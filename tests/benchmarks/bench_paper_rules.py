"""Each method beside the rule of its paper or of its authors' code, on the testbed: what every difference changes.

    python tests/benchmarks/bench_paper_rules.py                  measure all, and write the result file
    python tests/benchmarks/bench_paper_rules.py --only ecodiff   measure one method; rows of the others stay

The rules are written anew from the papers, as slow plain functions in tests/reference_impls/paper_rules/. Each method
has a module beside this one, ``paper_rules_<method>.py``, whose ``measure(seeds)`` yields the rows.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from reference_impls.files.machine import cpu_name  # noqa: E402
from reference_impls.files.outputs import write_rows  # noqa: E402
from reference_impls.methods.differences import COMPARISONS  # noqa: E402
from reference_impls.methods.registry import METHODS, method_of  # noqa: E402
from reference_impls.study.paper_rules import RESULTS, consequence, read_rows  # noqa: E402
from reference_impls.study.records import Compared, RuleRow  # noqa: E402

COMMAND = "make bench-paper-rules"
SEEDS = (0, 1, 2)
PREFIX = "paper_rules_"

Measure = Callable[[Sequence[int]], Iterable[Compared]]


def measurements() -> dict[str, Measure]:
    """The function of each method that is measured, found by the name of its module, in the order of the registry."""
    stems = {file.stem.removeprefix(PREFIX).replace("_", "-") for file in Path(__file__).parent.glob(f"{PREFIX}*.py")}
    if unknown := stems - METHODS.keys():
        raise ValueError(f"modules of no method: {', '.join(sorted(unknown))}")
    modules = {name: f"tests.benchmarks.{PREFIX}{name.replace('-', '_')}" for name in METHODS if name in stems}
    return {name: import_module(module).measure for name, module in modules.items()}


def rows_of(method: str, measured: Iterable[Compared], seeds: Sequence[int]) -> list[RuleRow]:
    """The rows of one method, with what is needed to repeat them.

    Raises:
        ValueError: a row has a key that no difference of the method names.
    """
    known = {one.measured for one in COMPARISONS[method].differs}
    rows = []
    for one in measured:
        if one.key not in known:
            raise ValueError(f"{method}: no difference in methods/differences.py is measured by {one.key!r}")
        repeated = max(len(one.ours), len(one.paper)) > 1
        rows.append(
            RuleRow(
                **asdict(one),
                method=method,
                seeds=tuple(seeds) if repeated else (),
                command=f"{COMMAND} METHOD={method}",
                machine=f"{cpu_name()}, {os.cpu_count()} cores, one thread",
                versions={"python": platform.python_version(), "torch": torch.__version__},
            )
        )
    return rows


def replaced(old: Iterable[RuleRow], new: Iterable[RuleRow], methods: Iterable[str]) -> list[RuleRow]:
    """All rows in the order of the registry, those of the given methods anew."""
    again = set(methods)
    rows = [*(row for row in old if row.method not in again), *new]
    return sorted(rows, key=lambda row: list(METHODS).index(row.method))


def main() -> int:
    """Measure, print what was found, and write the file after each method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="METHOD", help="measure this one; may be given again")
    parser.add_argument("--out", type=Path, default=RESULTS, help="result file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = measurements()
    for name in given.only or found:
        method_of(name)
        if name not in found:
            parser.error(f"{name} has no {PREFIX}{name.replace('-', '_')}.py")
        new = rows_of(name, found[name](SEEDS), SEEDS)
        for row in new:
            sys.stdout.write(f"{name}, {row.key}: {consequence(row)}\n")
        old = read_rows(given.out) if given.out.is_file() else ()
        write_rows({"rows": [asdict(row) for row in replaced(old, new, [name])]}, given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
