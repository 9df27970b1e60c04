"""The generator runs where only Unix has a module, as Windows lacks it, and in the encoding of its console."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.work import ENDLESS

ROOT = Path(__file__).parents[2]
UNIX = ("fcntl", "grp", "posix", "pwd", "resource", "termios", "tty", "pty", "syslog", "readline")
UNIX_NAMES = {"fork", "getuid", "geteuid", "getgid", "chown", "mkfifo", "uname", "SIGKILL", "SIGHUP", "SIGALRM"}
WITHOUT_UNIX = f"""
import importlib, pkgutil, sys
blocked = {[name for name in UNIX if name != "posix"]!r}
for name in blocked:
    sys.modules[name] = None
import generator
for module in pkgutil.walk_packages(generator.__path__, "generator."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from generator.cli import run
run()
"""


def modules() -> list[Path]:
    return sorted((ROOT / "generator").rglob("*.py"))


def test_no_module_of_unix_alone_is_imported() -> None:
    found = []
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found += [(file.name, one.name) for one in node.names if one.name.split(".")[0] in UNIX]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNIX:
                found.append((file.name, node.module or ""))
            elif isinstance(node, ast.Attribute) and node.attr in UNIX_NAMES:
                found.append((file.name, node.attr))
    assert found == []


def test_text_is_read_and_written_in_a_named_encoding() -> None:
    """Without one, Windows takes that of its console."""
    found = []
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            given = {word.arg for word in node.keywords}
            bare = {"read_text": not node.args, "write_text": not node.args[1:]}.get(node.func.attr, False)
            if bare and "encoding" not in given:
                found.append(f"{file.name}:{node.lineno}")
            if node.func.attr == "write_text" and "newline" not in given:
                found.append(f"{file.name}:{node.lineno}: newline")
    assert found == []


@pytest.mark.parametrize("arguments", [["validate", "--no-notes"], ["format", "--check"], ["add", "2401.00099"]])
def test_commands_run_without_the_modules_of_unix(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "data" / "papers").mkdir(parents=True)
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml"):
        shutil.copy(ROOT / "data" / name, tmp_path / "data")
    offline = ["--offline", "--title", "Łukasz → Pruning"] if arguments[0] == "add" else []
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_UNIX, *arguments, *offline],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=ENDLESS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("cp1252")
