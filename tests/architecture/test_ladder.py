"""The folders of reference_impls are a ladder: each imports only those below it, at the top of a file or inside it."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reference_impls"
LADDER = (
    {"command_line"},
    {"study", "stream", "architectures"},
    {"methods", "models", "bench"},
    {"pruning", "pipelines"},
    {"units"},
    {"testbed", "kernels"},
    {"calls"},
    {"files"},
    {"maths"},
)
"""From what people type down to the ground; folders of one rung do not import each other."""
GROUND = {"near_names", "number_format"}
"""Modules outside the folders, which every folder and the generator may import; they import none of them."""
RUNG = {folder: number for number, folders in enumerate(LADDER) for folder in folders}
MAY_HOLD_MORE = {"methods"}  # one module a method
MOST_MODULES = 12


def modules() -> list[tuple[str, Path]]:
    """Every module below a folder, with the folder."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [(file.relative_to(PACKAGE).parts[0], file) for file in files if file.parent != PACKAGE]


def imported_folders(file: Path) -> set[str]:
    """Folders of reference_impls that a module names in an import, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("reference_impls.")} - GROUND


def test_every_folder_has_its_rung() -> None:
    assert {folder for folder, _ in modules()} == set(RUNG)
    assert {file.name for file in PACKAGE.glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        *(f"{module}.py" for module in GROUND),
    }


def test_the_ground_imports_no_folder() -> None:
    assert [(module, one) for module in GROUND for one in imported_folders(PACKAGE / f"{module}.py")] == []


def test_no_folder_imports_one_beside_or_above_it() -> None:
    offenders = [
        (str(file.relative_to(ROOT)), other)
        for folder, file in modules()
        for other in imported_folders(file) - {folder}
        if RUNG[other] <= RUNG[folder]
    ]
    assert offenders == []


def test_no_folder_is_crowded() -> None:
    sizes = {folder: sum(own == folder and file.stem != "__init__" for own, file in modules()) for folder in RUNG}
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {
        folder: sizes[folder] for folder in MAY_HOLD_MORE
    }


def test_only_the_command_line_and_scripts_run_by_hand_print_or_exit() -> None:
    by_hand = {
        "pipelines/measure.py",
        "pipelines/train.py",
        "testbed/classifier.py",
        "testbed/make_data.py",
        "testbed/train.py",
    }
    offenders = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder, file in modules()
        if folder != "command_line" and str(file.relative_to(PACKAGE)) not in by_hand
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "input", "exit", "quit", "sys.exit"}
    ]
    assert offenders == []


def test_every_folder_says_what_comes_in_and_goes_out() -> None:
    offenders = [
        folder
        for folder in RUNG
        if not ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text("utf-8")))
    ]
    assert offenders == []
