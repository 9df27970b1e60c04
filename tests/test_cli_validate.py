"""`validate`, `format` and `add --model` as people and CI run them: exit codes, forms, filters, no raw characters."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from generator import cli
from generator.entries.format_yaml import format_entry
from tests.conftest import Checker, Run
from tests.work import ENDLESS

ROOT = Path(__file__).parents[1]
PAPER, TOOL, MODEL = "data/papers/2023/x.yaml", "data/tools/y.yaml", "data/models/denoiser.yaml"
WORDS = yaml.load((ROOT / "data/taxonomy.yaml").read_text("utf-8"), yaml.BaseLoader)
FAMILIES = f"Allowed: {', '.join(WORDS['families'])} (`families` in data/taxonomy.yaml)"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "PYTHONIOENCODING": "utf-8"}
INTERRUPTED = """
import signal
import generator.checks.validate
def interrupt(data):
    # a shell that runs the tests in the background has them ignore interrupts, and their children after them
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
generator.checks.validate.validate = interrupt
from generator.cli import run
run()
"""


@pytest.fixture
def copy(tmp_path: Path, checker: Checker) -> Path:
    """A small valid catalogue: one paper, one tool, the real taxonomy, data sets and rules of Choose."""
    for path, kind in ((PAPER, "papers"), (TOOL, "tools")):
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_bytes(format_entry(checker.entry(kind=kind).encode(), kind, path))
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml"):
        shutil.copy(ROOT / "data" / name, tmp_path / "data")
    return tmp_path


def run_process(
    folder: Path, *arguments: str, program: Sequence[str] = ("-m", "generator")
) -> subprocess.CompletedProcess[str]:
    """Run the command line as people do."""
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        encoding="utf-8",
        timeout=ENDLESS,
        check=False,
    )


def spoil(folder: Path, old: str, new: str, path: str = PAPER) -> None:
    file = folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_fine(copy: Path, run: Run) -> None:
    done = run(copy, "validate", "--no-notes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "2 entries, 0 errors, 0 notes\n")


def test_problems_of_all_files_at_once(copy: Path, run: Run) -> None:
    spoil(copy, "family: pruning", "family: prunning")
    spoil(copy, "name: Pruner", "nome: Pruner", TOOL)
    done = run(copy, "validate", "--no-notes")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{PAPER}:3:9: error[E220]: unknown family 'prunning'. fix: did you mean pruning? {FAMILIES}",
        f"{TOOL}:1:1: error[E210]: name is required and missing. fix: write name: … (Name people use)",
        f"{TOOL}:1:1: error[E211]: unknown key 'nome'. fix: did you mean name?",
    ]
    assert done.stderr == "2 entries, 3 errors, 0 notes\n"


def test_notes_are_shown_and_do_not_fail(copy: Path, run: Run) -> None:
    done = run(copy, "validate")
    assert done.returncode == 0
    assert f"{PAPER}:2:8: note[E604]: the arXiv record of 2305.10924 is missing. fix: " in done.stdout
    assert all(": note[E" in line for line in done.stdout.splitlines())
    assert run(copy, "validate", "--no-notes", "--format", "json").stdout == "[]\n"


def test_github_format(copy: Path, run: Run) -> None:
    spoil(copy, "title: Prune Well", 'title: "50 %,  Prune"')
    done = run(copy, "validate", "--format", "github", "--no-notes")
    assert done.returncode == 1
    assert done.stdout == (
        f"::error file={PAPER},line=1,col=8,title=E304::stray spaces in '50 %25,  Prune'. "
        "fix: write one space between words; use >- for long text\n"
    )
    assert "::notice file=" in run(copy, "validate", "--format", "github").stdout


def test_json_format(copy: Path, run: Run) -> None:
    spoil(copy, "family: pruning", "family: prunning")
    done = run(copy, "validate", "--format", "json", "--no-notes")
    assert done.returncode == 1
    assert json.loads(done.stdout) == [
        {
            "path": PAPER,
            "line": 3,
            "column": 9,
            "code": "E220",
            "message": "unknown family 'prunning'",
            "fix": f"did you mean pruning? {FAMILIES}",
            "severity": "error",
        }
    ]


def test_paths_filter_what_is_shown(copy: Path, run: Run) -> None:
    spoil(copy, "family: pruning", "family: prunning")
    assert run(copy, "validate", TOOL, "--no-notes").returncode == 0
    assert run(copy, "validate", "data/tools", "--no-notes").returncode == 0
    assert run(copy, "validate", "data/papers/2023", TOOL).returncode == 1
    assert run(copy / "data", "validate", "papers", "--root", "..").returncode == 1
    assert "1 error, " in run(copy, "validate", str(copy / PAPER), "--no-notes").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "no-such-file.yaml"],
        ["validate", "/etc"],
        ["validate", "--format", "xml"],
        ["validate", "--no-such-option"],
        ["validate", "--root", "no-such-folder"],
        ["no-such-command"],
    ],
)
def test_wrong_use(copy: Path, run: Run, arguments: list[str]) -> None:
    done = run(copy, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["valdate"], "Did you mean 'validate'?"), (["validate", "--formt", "text"], "--format")],
)
def test_a_mistyped_word_is_answered_with_the_right_one(copy: Path, run: Run, arguments: list[str], meant: str) -> None:
    done = run(copy, *arguments)
    assert done.returncode == 2
    assert meant in done.stderr


COMMANDS = [command.name or str(getattr(command.callback, "__name__", "")) for command in cli.app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_one_example_and_fits_on_a_line_of_the_list(copy: Path, run: Run, command: str) -> None:
    text = run(copy, command, "--help").stdout
    assert text.count(f"Example: python -m generator {command}") == 1
    (listed,) = [line for line in run(copy, "--help").stdout.splitlines() if line.split()[:1] == [command]]
    assert listed.endswith(".")
    assert not listed.endswith("...")


def test_a_port_in_use_is_wrong_use_and_no_bug(copy: Path, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(copy, "serve", "--port", str(port))
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
    assert "choose another" in re.sub(r"\s+", " ", done.stderr)


def test_our_own_bug_is_reported_as_such(copy: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_data: Path) -> None:
        raise ZeroDivisionError("made up")

    monkeypatch.setattr("generator.commands.validate.run_checks", fail)
    done = run(copy, "validate")
    assert done.returncode == 3
    assert done.stderr.startswith("This is a bug of the generator, not of your entry.")
    assert "ZeroDivisionError: made up" in done.stderr


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.EACCES, "give yourself the right"),
        (errno.EROFS, "work in a copy"),
        (errno.ENOSPC, "free space"),
        (errno.ENAMETOOLONG, "work in a folder with a shorter path"),
    ],
)
@pytest.mark.parametrize("copied", [False, True])
def test_what_the_surroundings_refuse_is_no_bug(
    copy: Path, run: Run, monkeypatch: pytest.MonkeyPatch, code: int, cure: str, copied: bool
) -> None:
    error = OSError(code, os.strerror(code), "data/x")
    if copied:
        error = shutil.Error([("a", "data/x", str(error))])

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("generator.commands.format.write_file", fail)
    spoil(copy, "title: Prune Well", "title: 'Prune Well'")
    done = run(copy, "format")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "error: " in line]
    assert line.startswith(f"data/x: error: {os.strerror(code)}. fix: {cure}")


def test_another_error_of_the_system_is_ours(copy: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EBADF, "bad file")

    monkeypatch.setattr("generator.commands.format.write_file", fail)
    spoil(copy, "title: Prune Well", "title: 'Prune Well'")
    assert run(copy, "format").returncode == 3


@pytest.mark.parametrize(
    ("encoding", "form"), [("cp1252", "text"), ("ascii", "github"), ("cp437", "json"), ("latin-1:strict", "text")]
)
def test_every_encoding_of_the_output_takes_every_character(copy: Path, encoding: str, form: str) -> None:
    spoil(copy, "family: pruning", "family: Łukasz→𝛼")
    done = subprocess.run(
        [sys.executable, "-m", "generator", "validate", "--no-notes", "--format", form],
        cwd=copy,
        env={**ENVIRONMENT, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=ENDLESS,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    text = done.stdout.decode(encoding.partition(":")[0])
    assert "\\u0141ukasz" in text
    assert "\\ud835\\udefc" in text
    if form == "json":
        assert "'Łukasz→𝛼'" in json.loads(text)[0]["message"]


def test_interrupt(copy: Path) -> None:
    done = run_process(copy, "validate", program=("-c", INTERRUPTED))
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away(copy: Path) -> None:
    """``validate | head`` ends without a word when the other side closes the pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "generator", "validate"],
            cwd=copy,
            env=ENVIRONMENT,
            stdout=writing,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=ENDLESS,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


ESCAPED = ['"\\e[31mred\\e[0m \\u202Edlot\\a"', '"https://a\\n::error::x"', '"\\x9b31m\\u200b\\uE000"']
RAW = ["\x1b[31m\u202e\x9b"]


@pytest.mark.parametrize("form", ["text", "github", "json"])
@pytest.mark.parametrize("values", [ESCAPED, RAW], ids=["escaped", "raw"])
def test_no_control_character_reaches_the_terminal(copy: Path, run: Run, form: str, values: list[str]) -> None:
    lines = [f"{key}: {value}" for value in values for key in ("doi", "url", "project", "venue", "short", "status")]
    lines += [f"builds_on: [{values[0]}]", f"? {values[0]}\n: x", f"a{RAW[0] if values is RAW else ''}: b"]
    spoil(copy, "family: pruning", "\n".join(["family: pruning", *lines]))
    for number, value in enumerate(values):
        (copy / f"data/papers/2023/more-{number}.yaml").write_text(f"added: {value}\nurl: {value}\n", encoding="utf-8")
    done = run(copy, "validate", "--format", form, "--no-notes")
    assert done.returncode == 1
    assert {c for c in done.stdout if not c.isprintable()} == {"\n"}
    assert not any(line.startswith("::error::") for line in done.stdout.splitlines())


def test_file_names_of_any_bytes(copy: Path) -> None:
    (copy / "data/tools" / os.fsdecode(b"\xff\x1b[31m.yaml")).write_bytes(b"name: A\n")
    (copy / "data" / os.fsdecode(b"\xfe")).write_bytes(b"")
    for form in ("text", "github", "json"):
        done = run_process(copy, "validate", "--format", form, "--no-notes")
        assert done.returncode == 1, done.stderr
        assert {c for c in done.stdout if not c.isprintable()} == {"\n"}
        assert "E410" in done.stdout
        assert "E413" in done.stdout


def test_format_corrects_and_then_has_nothing_to_do(copy: Path, run: Run) -> None:
    good = (copy / PAPER).read_bytes()
    (copy / PAPER).write_bytes(b"family: 'pruning'\r\n" + good.replace(b"family: pruning\n", b"")[:-1])
    done = run(copy, "format", "--check")
    assert (done.returncode, done.stdout) == (1, f"would change {PAPER}\n")
    assert b"\r" in (copy / PAPER).read_bytes()
    done = run(copy, "format")
    assert (done.returncode, done.stdout) == (0, f"changed {PAPER}\n")
    assert done.stderr == "6 files, 1 changed, 0 not formattable\n"
    assert (copy / PAPER).read_bytes() == good
    assert run(copy, "format", "--check").returncode == 0
    assert sorted(file.name for file in (copy / "data/papers/2023").iterdir()) == ["x.yaml"]


WHOLE = ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml")


def test_format_corrects_every_line_end_that_validate_reports(copy: Path, run: Run) -> None:
    before = {path: path.read_bytes() for path in sorted((copy / "data").rglob("*.yaml"))}
    for path, raw in before.items():
        path.write_bytes(raw.replace(b"\n", b"\r\n"))
    done = run(copy, "validate", "--no-notes")
    assert done.returncode == 1
    assert {line.split(":")[0] for line in done.stdout.splitlines()} == {
        path.relative_to(copy).as_posix() for path in before
    }
    done = run(copy, "format", "--check")
    assert (done.returncode, "fix: run make format" in done.stderr) == (1, True)
    assert run(copy, "format").returncode == 0
    assert {path: path.read_bytes() for path in before} == before
    assert run(copy, "validate", "--no-notes").returncode == 0


@pytest.mark.parametrize("name", WHOLE)
def test_format_takes_a_file_of_vocabularies(copy: Path, run: Run, name: str) -> None:
    raw = (copy / "data" / name).read_bytes()
    (copy / "data" / name).write_bytes(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    assert run(copy, "format", f"data/{name}").returncode == 0
    assert (copy / "data" / name).read_bytes() == raw


def test_format_of_one_file(copy: Path, run: Run) -> None:
    spoil(copy, "title: Prune Well", "title: 'Prune Well'")
    assert run(copy, "format", "--check", TOOL).returncode == 0
    assert run(copy, "format", "--check", PAPER).returncode == 1


def test_format_leaves_what_it_cannot_read(copy: Path, run: Run) -> None:
    spoil(copy, "title: Prune Well", 'title: &a "Prune \x1b[31m Well')
    before = (copy / PAPER).read_bytes()
    done = run(copy, "format")
    assert done.returncode == 1
    assert f"{PAPER}:1:8: error[E104]: anchor &a. fix: write the value out" in done.stderr
    assert (copy / PAPER).read_bytes() == before
    assert run(copy, "format", "--check").returncode == 1


def test_a_catalogue_without_one_of_its_files(copy: Path, run: Run) -> None:
    for name in ("taxonomy.yaml", "datasets.yaml", "choose.yaml", "glossary.yaml"):
        (copy / "data" / name).rename(copy / name)
        done = run(copy, "validate", "--no-notes")
        assert done.returncode == 1
        assert done.stdout.startswith(f"data/{name}:1:1: error[E100]: "), done.stdout
        (copy / name).rename(copy / "data" / name)
    assert run(copy, "validate", "--no-notes").returncode == 0


@pytest.mark.parametrize("slug", ["../../../x", "a/b", "a b", "ImageNet", "-a"])
def test_the_slug_of_a_data_set_is_one(copy: Path, run: Run, slug: str) -> None:
    """It is part of the address of a page, and so of the file that a build writes."""
    with (copy / "data/datasets.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f'"{slug}":\n  name: Some pictures\n  kind: images\n  text: Pictures of something.\n')
    done = run(copy, "validate", "--no-notes")
    assert done.returncode == 1
    assert f"error[E505]: {slug}.[key]: a slug is expected: a-z, 0-9 and single dashes. fix: " in done.stdout


def named(copy: Path, aliases: str = "") -> bytes:
    """Write the entry of the model Denoiser, and return it."""
    content = f"name: Denoiser\n{aliases}output: image\nsummary: A network.\nadded: 2026-11-22\n".encode()
    (copy / "data/models").mkdir(exist_ok=True)
    (copy / MODEL).write_bytes(content)
    return content


def test_add_starts_the_entry_of_a_model(copy: Path, run: Run) -> None:
    (copy / "data/models").mkdir()
    done = run(copy, "add", "--model", "Pruned DiT-XL/2: \u03b2")
    path = "data/models/pruned-dit-xl-2-beta.yaml"
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"wrote {path}", "fill in:"]
    assert [line.split(":")[0].strip() for line in lines[2:-1]] == ["output", "summary", "sources"]
    assert lines[-1] == f"then run: make check-entry FILE={path}"
    assert run(copy, "format", "--check").returncode == 0
    text = (copy / path).read_text("utf-8")
    assert '\nname: "Pruned DiT-XL/2: \u03b2"\n' in text
    done = run(copy, "validate", "--no-notes")
    assert [line.partition(": ")[2] for line in done.stdout.splitlines()] == [
        (
            f"error[E210]: output is required and empty. fix: write output: one of {', '.join(WORDS['outputs'])} "
            "(`outputs` in data/taxonomy.yaml)"
        ),
        "error[E210]: summary is required and empty. fix: write summary: … (One to three sentences of our own)",
    ]
    (copy / path).write_text(
        text.replace('output: ""', "output: image").replace(
            'summary: ""', "summary: A transformer of which every second block was left out."
        ),
        encoding="utf-8",
    )
    assert run(copy, "validate", "--no-notes").returncode == 0


@pytest.mark.parametrize("name", ["Denoiser", "de-noiser", "D\u00c9NOISER", "Best Net", "best_net"])
def test_add_refuses_a_name_that_a_model_has(copy: Path, run: Run, name: str) -> None:
    before = named(copy, "aliases: [Best-Net]\n")
    done = run(copy, "add", "--model", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{name!r} is already a name of {MODEL}. fix: use that model in the entry instead\n"
    assert [file.name for file in (copy / "data/models").iterdir()] == ["denoiser.yaml"]
    assert (copy / MODEL).read_bytes() == before


def test_add_never_writes_over_the_file_of_another_model(copy: Path, run: Run) -> None:
    before = named(copy)
    done = run(copy, "add", "--model", "Denoiser!")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"'Denoiser!' would be {MODEL}, which another model has. fix: ")
    assert (copy / MODEL).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "—"], "no file name can be made of '—'"),
        (["--model", ""], "no file name can be made of ''"),
        (["--model", "CON"], "reserved name"),
        ([], "give either a paper or --model"),
        (["2305.10924", "--model", "Denoiser"], "give either a paper or --model"),
    ],
)
def test_add_needs_one_paper_or_the_name_of_one_model(copy: Path, run: Run, arguments: list[str], message: str) -> None:
    done = run(copy, "add", *arguments)
    assert done.returncode == 2
    assert message in re.sub(r"[\s│]+", " ", done.stderr)
    assert not (copy / "data/models").exists()
