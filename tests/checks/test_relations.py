"""Missing targets, cycles, and the status that belongs to a successor."""

from __future__ import annotations

import pytest

from generator.checks import relations
from tests.conftest import Checker

A, B, C = "papers/2023/a.yaml", "papers/2023/b.yaml", "papers/2024/c.yaml"
CYCLE = "fix: an earlier paper cannot build on a later one; delete one of the links"
REPORTED = "results:\n  - {model: m, setting: s, where: Table 1, reported_by: %s, after: {fid: 2}}"
UNMARKED = "error[E512]: superseded_by without status superseded. fix: write status: superseded"
M = {"models/m.yaml": "name: Model"}
NEW = 'run make add MODEL="%s" for a new one'
LONG, MEANT = "Stable Diffusion XL", "did you mean sdxl? Otherwise"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({A: "builds_on: [a]"}, f"data/{A}:5:13: error[E510]: 'a' is this entry itself. fix: delete it"),
        (
            {A: "builds_on: [diffpruning]", "papers/2023/diff-pruning.yaml": ""},
            (
                f"data/{A}:5:13: error[E510]: unknown paper 'diffpruning'. "
                "fix: did you mean diff-pruning? Otherwise add data/papers/<year>/diffpruning.yaml"
            ),
        ),
        (
            {A: "critiques: [zzzzzzzz]"},
            f"data/{A}:5:13: error[E510]: unknown paper 'zzzzzzzz'. fix: add data/papers/<year>/zzzzzzzz.yaml first",
        ),
        (
            {"tools/a.yaml": "implements: [b]", "tools/b.yaml": ""},
            "data/tools/a.yaml:4:14: error[E510]: unknown paper 'b'. fix: add data/papers/<year>/b.yaml first",
        ),
        (
            M | {A: REPORTED % "q"},
            f"data/{A}:6:57: error[E510]: unknown paper 'q'. fix: add data/papers/<year>/q.yaml first",
        ),
        (
            {A: "builds_on: [b]", B: "builds_on: [a]"},
            f"data/{A}:5:12: error[E511]: builds_on forms a cycle: a → b → a. {CYCLE}",
        ),
        (
            {A: "builds_on: [b]", B: "builds_on: [c]", C: "builds_on: [a]"},
            f"data/{A}:5:12: error[E511]: builds_on forms a cycle: a → b → c → a. {CYCLE}",
        ),
        (
            {A: "builds_on: [b]", B: "builds_on: [c]", C: "builds_on: [b]"},
            f"data/{B}:5:12: error[E511]: builds_on forms a cycle: b → c → b. {CYCLE}",
        ),
        (
            {A: "superseded_by: b\nstatus: superseded", B: "superseded_by: a\nstatus: superseded"},
            f"data/{A}:5:16: error[E511]: superseded_by forms a cycle: a → b → a. {CYCLE}",
        ),
        (
            {A: "status: superseded"},
            (
                f"data/{A}:5:9: error[E512]: status superseded without superseded_by. "
                "fix: add superseded_by: slug of the replacement"
            ),
        ),
        (
            {A: "superseded_by: b", B: ""},
            f"data/{A}:5:1: {UNMARKED}",
        ),
        (
            {"tools/a.yaml": "superseded_by: b\nstatus: deprecated", "tools/b.yaml": ""},
            f"data/tools/a.yaml:4:1: {UNMARKED}",
        ),
    ],
)
def test_message(checker: Checker, entries: dict[str, str], message: str) -> None:
    assert checker.messages_of_all(relations, entries) == [message]


@pytest.mark.parametrize(
    "entries",
    [
        {A: "builds_on: [b, c]", B: "builds_on: [c]", C: ""},
        {A: "critiques: [b]", B: "critiques: [a]"},
        {A: "builds_on: [b]", B: "critiques: [a]"},
        {A: "superseded_by: b\nstatus: superseded", B: ""},
        {"tools/a.yaml": "implements: [a]", A: ""},
        M | {A: REPORTED % "b", B: ""},
        {A: "builds_on: ['']"},
        {A: "builds_on: {b: c}\nresults: [a]"},
    ],
)
def test_nothing_to_say(checker: Checker, entries: dict[str, str]) -> None:
    assert checker.messages_of_all(relations, entries) == []


def test_two_cycles_are_two_problems(checker: Checker) -> None:
    entries = {f"papers/2023/{x}.yaml": f"builds_on: [{y}]" for x, y in ("ab", "ba", "cd", "dc")}
    messages = checker.messages_of_all(relations, entries)
    assert [line.split("cycle: ")[1].split(".")[0] for line in messages] == ["a → b → a", "c → d → c"]


def test_a_long_chain_costs_no_recursion(checker: Checker) -> None:
    entries = {f"papers/2023/p{i}.yaml": f"builds_on: [p{i + 1}]" for i in range(1_500)}
    messages = checker.messages_of_all(relations, entries | {"papers/2023/p1500.yaml": "builds_on: [p0]"})
    assert len(messages) == 1
    assert "error[E511]" in messages[0]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {A: "models: [sd-xl]", "models/sdxl.yaml": "name: SDXL"},
            f"data/{A}:4:10: error[E513]: unknown model 'sd-xl'. fix: {MEANT} {NEW % 'sd-xl'}",
        ),
        (
            {A: "models: [Stable Diffusion XL]", "models/sdxl.yaml": "name: SDXL\naliases: [Stable Diffusion XL]"},
            f"data/{A}:4:10: error[E513]: unknown model {LONG!r}. fix: {MEANT} {NEW % LONG}",
        ),
        (
            {"tools/a.yaml": "models: [zzzzzz]"},
            f"data/tools/a.yaml:4:10: error[E513]: unknown model 'zzzzzz'. fix: {NEW % 'zzzzzz'}",
        ),
        (
            M | {A: "results:\n  - {model: m, dataset: coco-5k, setting: s, where: Table 1, after: {fid: 2}}"},
            f"data/{A}:6:25: error[E513]: unknown data set 'coco-5k'. fix: did you mean ",
        ),
        (
            {"models/a.yaml": "part_of: a"},
            "data/models/a.yaml:2:10: error[E513]: 'a' is this model itself. fix: delete it",
        ),
        (
            {"models/a.yaml": "name: A\npart_of: b", "models/b.yaml": "name: B\npart_of: a"},
            f"data/models/a.yaml:2:10: error[E511]: part_of forms a cycle: a → b → a. {CYCLE}",
        ),
    ],
)
def test_models_and_data_sets(checker: Checker, entries: dict[str, str], message: str) -> None:
    (found,) = checker.messages_of_all(relations, entries)
    assert found.startswith(message)
