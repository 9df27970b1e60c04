"""The house rules of docs/decisions, read from the imports: stages in one order, the network in two places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "generator"
SCRIPTS = sorted((ROOT / "docs/assets").rglob("*.js"))

# No stage reaches a later one, neither straight nor through others. Modules that are not named only have to fit in.
STAGES = (
    r"entries\..+|escape",
    r"arxiv\.records",
    r"checks(\..+)?",
    r"contribute\..+",
    r"views\..+",
    r"drawings\..+",
    r"outputs\..+",
    r"pages\..+",
    r"assemble\..+",
    r"cli",
)
MAY_ASK_THE_NETWORK = {"generator.arxiv.fetch", "generator.contribute.check_links"}
NETWORK = {
    "socket",
    "ssl",
    "requests",
    "urllib.request",
    "urllib3",
    "http.client",
    "arxiv",
    "httpx",
    "aiohttp",
    "ftplib",
}
MAY_PRINT_AND_EXIT = {"generator.cli"}
NEVER = {"torch", "pickle", "marshal", "shelve", "joblib", "dill", "telnetlib"}
SHAPELESS = {"utils", "util", "helpers", "common", "misc"}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {name_of(file): ast.parse(file.read_text("utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}


def imported(name: str) -> Iterator[str]:
    """Every module that a module names in an import, wherever in it."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


GRAPH = {name: {one for one in imported(name) if one in TREES and one != name} for name in TREES}


def within(module: str, wanted: set[str]) -> bool:
    """Whether a module is one of those or below one of them."""
    return any(module == one or module.startswith(f"{one}.") for one in wanted)


def reached(name: str) -> set[str]:
    """Every module that importing one loads, itself left out."""
    seen: set[str] = set()
    waiting = list(GRAPH[name])
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(GRAPH[one])
    return seen


def stage(name: str) -> int | None:
    short = name.removeprefix("generator.")
    return next((number for number, names in enumerate(STAGES) if re.fullmatch(names, short)), None)


def calls(name: str) -> Iterator[tuple[str, int]]:
    """Every call in a module as dotted text, with its line."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def test_every_stage_exists() -> None:
    assert {stage(name) for name in TREES} >= set(range(len(STAGES)))


@pytest.mark.parametrize("name", TREES)
def test_no_stage_reaches_a_later_one(name: str) -> None:
    own = stage(name)
    if own is not None:
        assert sorted(one for one in reached(name) if (stage(one) or 0) > own) == []


@pytest.mark.parametrize("name", TREES)
def test_no_module_reaches_itself(name: str) -> None:
    assert name not in reached(name)


@pytest.mark.parametrize("name", sorted(TREES.keys() - {"generator.__main__"}))
def test_nothing_imports_the_command_line(name: str) -> None:
    assert "generator.cli" not in GRAPH[name]


@pytest.mark.parametrize("name", sorted(TREES.keys() - MAY_ASK_THE_NETWORK))
def test_only_two_modules_ask_the_network(name: str) -> None:
    assert [one for one in imported(name) if within(one, NETWORK)] == []


@pytest.mark.parametrize("name", TREES)
def test_checking_and_building_load_nothing_that_asks_the_network(name: str) -> None:
    """``pages.reference`` may name them for their codes; what runs on a pull request asks nothing all the same."""
    if stage(name) in (0, 1, 2):
        assert not reached(name) & MAY_ASK_THE_NETWORK


@pytest.mark.parametrize("name", sorted(TREES.keys() - MAY_PRINT_AND_EXIT))
def test_only_the_command_line_prints_and_exits(name: str) -> None:
    loud = re.compile(
        r"print|input|exit|quit|sys\.exit|os\._exit|os\.abort|SystemExit|sys\.std(out|err)\..+|typer\.echo"
    )
    assert [(call, line) for call, line in calls(name) if loud.fullmatch(call)] == []
    assert [one for one in imported(name) if within(one, {"typer", "rich", "click"})] == []


@pytest.mark.parametrize("name", TREES)
def test_no_module_runs_text(name: str) -> None:
    assert [one for one in imported(name) if within(one, NEVER)] == []
    runs = re.compile(
        r"eval|exec|compile|__import__|os\.(system|popen|exec\w+|spawn\w+)|yaml\.(unsafe_load|full_load).*"
    )
    assert [(call, line) for call, line in calls(name) if runs.fullmatch(call)] == []
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.keyword):
            assert node.arg not in ("shell", "trust_remote_code"), f"{name}:{node.value.lineno}"


@pytest.mark.parametrize("name", TREES)
def test_modules_are_named_after_what_they_do(name: str) -> None:
    assert name.rpartition(".")[2] not in SHAPELESS


def test_the_reference_implementations_know_nothing_of_the_generator() -> None:
    for file in sorted((ROOT / "reference_impls").rglob("*.py")):
        assert not re.search(r"^\s*(from|import) generator\b", file.read_text("utf-8"), re.MULTILINE), file


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_scripts_build_nodes_and_never_markup(script: Path) -> None:
    markup = (
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function|srcdoc|createContextualFragment)\b"
    )
    assert re.findall(markup, script.read_text("utf-8")) == []
    assert not re.search(r"https?://", re.sub(r"//.*", "", script.read_text("utf-8"))), (
        "a script that asks another host"
    )
