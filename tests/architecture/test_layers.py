"""The house rules of docs/decisions, read from the imports. Each test is one rule and lists all who break it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "docs/assets").rglob("*.js"))

# In the order in which data flows: no stage imports a later one. The first is the root of the package without the last.
STAGES = (
    "ground",
    "entries",
    "arxiv",
    "checks",
    "contribute",
    "measured",
    "views",
    "drawings",
    "outputs",
    "pages",
    "assemble",
    "commands",
    "command line",
)
GROUND = {"generator", "generator.write", "generator.escape", "generator.site_config"}
COMMAND_LINE = {"generator.cli", "generator.__main__"}
MAY_BE_LARGE = {"checks", "commands", "pages", "templates"}  # one rule, command, family of pages, template a file
LARGEST = 12

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
MAY_PRINT_AND_EXIT = {"commands", "command line"}
NEVER = {"torch", "pickle", "marshal", "shelve", "joblib", "dill", "telnetlib"}
SHAPELESS = {"utils", "util", "helpers", "common", "misc"}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def trees_of(package: str) -> dict[str, ast.Module]:
    return {name_of(file): ast.parse(file.read_text("utf-8")) for file in sorted((ROOT / package).rglob("*.py"))}


TREES = trees_of("generator")
IMPLS = trees_of("reference_impls")


def named(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Every module that some imports name."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported(name: str) -> set[str]:
    """Every module that a module of the generator names in an import, wherever in it."""
    return set(named(ast.walk(TREES[name])))


GRAPH = {name: {one for one in imported(name) if one in TREES and one != name} for name in TREES}


def within(module: str, wanted: set[str]) -> bool:
    """Whether a module is one of those or below one of them."""
    return any(module == one or module.startswith(f"{one}.") for one in wanted)


def reached(name: str, graph: dict[str, set[str]]) -> set[str]:
    """Every module that importing one loads, itself left out unless it reaches itself."""
    seen: set[str] = set()
    waiting = list(graph[name])
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(graph[one])
    return seen


def folder(name: str) -> str:
    """The stage of a module by its place."""
    if name in GROUND | COMMAND_LINE:
        return "ground" if name in GROUND else "command line"
    return name.split(".")[1]


def stage(name: str) -> int:
    return STAGES.index(folder(name))


def calls(name: str) -> Iterator[tuple[str, int]]:
    """Every call in a module as dotted text, with its line."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined(name: str) -> Iterator[str]:
    """Every name that a module gives to something, attributes too."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_every_module_has_a_stage_and_every_stage_a_module() -> None:
    assert {folder(name) for name in TREES} == set(STAGES)


def test_no_stage_imports_a_later_one() -> None:
    late = [f"{name} <- {one}" for name in TREES for one in sorted(GRAPH[name]) if stage(one) > stage(name)]
    assert late == []


def test_no_module_reaches_itself() -> None:
    assert [name for name in TREES if name in reached(name, GRAPH)] == []


def test_imports_are_absolute() -> None:
    assert [(name, one) for name in TREES for one in imported(name) if one.startswith(".")] == []


def test_no_private_name_is_used_in_another_folder() -> None:
    """Neither imported, nor read from a module or an object: the folder itself must give the name to something."""
    own: dict[str, set[str]] = {}
    for name in TREES:
        own.setdefault(folder(name), set()).update(defined(name))
    used = [
        f"{name}:{node.lineno}: {text}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.ImportFrom, ast.Attribute))
        for text in ([node.attr] if isinstance(node, ast.Attribute) else [alias.name for alias in node.names])
        if is_private(text) and text not in own[folder(name)]
    ]
    imports = [
        f"{name}:{node.lineno}: {alias.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in TREES and folder(node.module) != folder(name)
        for alias in node.names
        if is_private(alias.name)
    ]
    assert used + imports == []


def test_no_folder_holds_more_than_a_newcomer_can_look_over() -> None:
    sizes = {
        place.name: sum(1 for file in place.glob("*.py") if file.name != "__init__.py")
        for place in [ROOT / "generator", *(ROOT / "generator").glob("*/")]
        if place.name not in MAY_BE_LARGE
    }
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_every_folder_says_what_comes_in_and_what_goes_out() -> None:
    """In one line; only the registry of the checks has code beside it."""
    for name in sorted(f"generator.{one}" for one in STAGES[1:-1]):
        (said, *code) = TREES[name].body
        assert isinstance(said, ast.Expr), name
        assert not code or name == "generator.checks", name


def test_only_two_modules_ask_the_network() -> None:
    asking = TREES.keys() - MAY_ASK_THE_NETWORK
    assert [(name, one) for name in sorted(asking) for one in imported(name) if within(one, NETWORK)] == []


def test_checking_loads_nothing_that_asks_the_network() -> None:
    """``pages.reference`` may name them for their codes; what runs on a pull request asks nothing all the same."""
    checking = [name for name in TREES if folder(name) in ("ground", "entries", "checks")]
    assert [(name, found) for name in checking if (found := reached(name, GRAPH) & MAY_ASK_THE_NETWORK)] == []


def test_only_the_command_line_prints_and_exits() -> None:
    loud = re.compile(
        r"print|input|exit|quit|sys\.exit|os\._exit|os\.abort|SystemExit|sys\.std(out|err)\..+|typer\.echo"
    )
    quiet = sorted(name for name in TREES if folder(name) not in MAY_PRINT_AND_EXIT)
    assert [(name, call, line) for name in quiet for call, line in calls(name) if loud.fullmatch(call)] == []
    assert [(name, one) for name in quiet for one in imported(name) if within(one, {"typer", "rich", "click"})] == []


def test_no_module_runs_text() -> None:
    assert [(name, one) for name in TREES for one in imported(name) if within(one, NEVER)] == []
    runs = re.compile(
        r"eval|exec|compile|__import__|os\.(system|popen|exec\w+|spawn\w+)|yaml\.(unsafe_load|full_load).*"
    )
    assert [(name, call, line) for name in TREES for call, line in calls(name) if runs.fullmatch(call)] == []
    arguments = [
        (name, node.value.lineno)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg in ("shell", "trust_remote_code")
    ]
    assert arguments == []


def test_modules_are_named_after_what_they_do() -> None:
    assert [name for name in TREES if name.rpartition(".")[2] in SHAPELESS] == []


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: no bodies of functions, nothing that only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from at_import(child)


def with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def test_the_generator_loads_no_torch() -> None:
    """Neither itself nor through the registries of reference_impls, which are plain data."""
    loads = {name: {up for one in named(at_import(tree)) for up in with_parents(one)} for name, tree in IMPLS.items()}
    graph = {name: {one for one in ones if one in IMPLS and one != name} for name, ones in loads.items()}
    asked = {(name, up) for name in TREES for one in imported(name) for up in with_parents(one) if up in IMPLS}
    heavy = [
        f"{name} <- {one} <- {last}"
        for name, one in sorted(asked)
        for last in sorted({one} | reached(one, graph))
        if "torch" in loads[last]
    ]
    assert asked
    assert heavy == []


def test_the_reference_implementations_know_nothing_of_the_generator() -> None:
    asking = [(name, one) for name, tree in IMPLS.items() for one in named(ast.walk(tree))]
    assert [(name, one) for name, one in asking if within(one, {"generator"})] == []


def test_every_silenced_type_error_has_its_code_and_a_reason() -> None:
    """``# type: ignore[arg-type]  # why``, in one line."""
    silenced = re.compile(r"#\s*type:\s*ignore(?!\[[a-z-]+(,[a-z-]+)*\]  # \S)")
    files = [*(ROOT / "generator").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    offenders = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sorted(files)
        if "reference_impls" not in file.parts and file != Path(__file__)
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if silenced.search(line)
    ]
    assert offenders == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_scripts_build_nodes_and_never_markup(script: Path) -> None:
    markup = (
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function|srcdoc|createContextualFragment)\b"
    )
    assert re.findall(markup, script.read_text("utf-8")) == []
    assert not re.search(r"https?://", re.sub(r"//.*", "", script.read_text("utf-8"))), (
        "a script that asks another host"
    )
