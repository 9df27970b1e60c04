"""Whatever stops a run: one line, the source as it was, nothing half written, and the same bytes in the end."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from typer.testing import CliRunner

from reference_impls.calls.noise import noise_calls
from reference_impls.command_line.commands import app
from reference_impls.models import weight_files
from reference_impls.stream import shards, writer
from reference_impls.stream.run import prune_folder
from tests.reference_impls.tiny_pipelines import made

pytestmark = [  # of diffusers, about its own next release and about NumPy's
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
FILE = "diffusion_pytorch_model.safetensors"
STREAMED = ("--method", "magnitude", "--sparsity", "0.5")
IN_BLOCKS = ("--method", "wanda", "--sparsity", "0.5", "--samples", "2")
IN_MEMORY = ("--method", "magnitude-units", "--sparsity", "0.5")


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    made("dit").transformer.save_pretrained(tmp_path / "dense")
    return tmp_path / "dense"


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def weights(folder: Path) -> dict[str, bytes]:
    """All but the report, which has the seconds that it took."""
    return {name: content for name, content in files(folder).items() if not name.endswith("pruning.json")}


def run(source: Path, out: Path, *words: str) -> None:
    done = CliRunner().invoke(app, ["prune", str(source), "--out", str(out), *words])
    assert done.exit_code == 0, done.output


def stopped(source: Path, *words: str, code: int = 2) -> str:
    """The one line of a command that stops."""
    before, out = files(source), source.parent / "out"
    done = CliRunner().invoke(app, ["prune", str(source), "--out", str(out), *words])
    assert done.exit_code == code, done.output
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert files(source) == before
    assert not out.exists()
    return done.stderr.removeprefix("error: ").rstrip()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Inside, the system refuses what would make a file larger, as a disk without room does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("words", [STREAMED, IN_BLOCKS, IN_MEMORY], ids=["streamed", "in blocks", "in memory"])
def test_the_system_refuses_to_write(dense: Path, words: tuple[str, ...]) -> None:
    with largest_file((dense / FILE).stat().st_size // 2):
        told = stopped(dense, *words)
    assert told == f"{dense.parent / 'out'} cannot be written: File too large"
    assert [path.name for path in dense.parent.iterdir()] == ["dense"]


def test_no_room_for_what_a_resumed_run_needs(dense: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs of a block are stored by other code than its weights."""

    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr("reference_impls.files.weights.save_file", full)
        told = stopped(dense, *IN_BLOCKS)
    assert told.startswith(f"{dense.parent / 'out'} cannot be written: No space left on device")


@pytest.mark.parametrize("words", [STREAMED, IN_BLOCKS], ids=["streamed", "in blocks"])
def test_ctrl_c(dense: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal itself, at a random write, and before the first one."""
    monkeypatch.setattr(writer, "BETWEEN", 1)
    write, out = writer.Writer.write, dense.parent / "out"
    run(dense, dense.parent / "at once", *words)
    count = len(shards.places_of(weight_files.find(dense)))
    for number in (0, int(torch.randint(count // 2, count, (1,), generator=torch.Generator().manual_seed(0)))):
        left = iter(range(number))

        def interrupting(*given: Any, left: Iterator[int] = left, **about: Any) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGINT)
            write(*given, **about)

        monkeypatch.setattr(writer.Writer, "write", interrupting)
        told = stopped(dense, *words, code=130)
        if number:
            assert told == f"interrupted; run the same command again to resume in {out}.partial"
        else:
            assert told == "interrupted; the command wrote nothing that is not complete"
            assert sorted(path.name for path in dense.parent.iterdir()) == ["at once", "dense"]
    monkeypatch.setattr(writer.Writer, "write", write)
    run(dense, out, *words)
    assert weights(out) == weights(dense.parent / "at once")
    assert sorted(path.name for path in dense.parent.iterdir()) == ["at once", "dense", "out"]


def test_ctrl_c_in_memory(dense: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupting(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("reference_impls.files.weights.save_file", interrupting)
    told = stopped(dense, *IN_MEMORY, code=130)
    assert told == "interrupted; the command wrote nothing that is not complete"
    assert [path.name for path in dense.parent.iterdir()] == ["dense"]


@pytest.mark.parametrize("words", [STREAMED, IN_BLOCKS], ids=["streamed", "in blocks"])
def test_a_configuration_that_changes_underneath(
    dense: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model's would be written beside these weights."""
    write = shards.write

    def changing(*given: Any) -> None:
        os.utime(dense / "config.json", ns=(1, 1))
        write(*given)

    monkeypatch.setattr(shards, "write", changing)
    assert stopped(dense, *words) == f"{dense} has changed since it was opened; start again"
    assert [path.name for path in dense.parent.iterdir()] == ["dense"]


def test_two_runs_at_once(dense: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused, before the first one has written anything and later, and changes nothing there."""
    write, out, told = writer.Writer.write, dense.parent / "out", []
    number = iter(range(100))

    def twice(*given: Any, **about: Any) -> None:
        if next(number) in (0, 9):
            told.append(stopped(dense, *STREAMED))
        write(*given, **about)

    run(dense, dense.parent / "alone", *STREAMED)
    monkeypatch.setattr(writer.Writer, "write", twice)
    run(dense, out, *STREAMED)
    assert told == [f"another process is at work in {out}.partial; wait for it, or choose another --out"] * 2
    assert weights(out) == weights(dense.parent / "alone")
    assert sorted(path.name for path in dense.parent.iterdir()) == ["alone", "dense", "out"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--include", "none of them"), "--include 'none of them' matches no layer; names are such as "),
        (("--device", "gpu"), "device 'gpu' is none that torch knows; such as cpu, cuda or cuda:1"),
        (("--device", "meta"), "device 'meta' cannot be used here: Tensor.item() cannot be called on meta tensors; "),
        (("--device", "cuda:99"), "device 'cuda:99'"),
    ],
)
def test_what_cannot_be_is_refused_before_the_prompts_run(
    tmp_path: Path, words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("sd").save_pretrained(tmp_path / "dense")
    monkeypatch.setattr("reference_impls.calls.record.generate", lambda *_: pytest.fail("it ran"))
    assert stopped(tmp_path / "dense", *IN_BLOCKS, *words).startswith(told)
    assert [path.name for path in tmp_path.iterdir()] == ["dense"]


def test_one_process_opens_a_model(dense: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert stopped(dense, *IN_MEMORY) == (
        "magnitude-units needs the whole model in memory, which one process prunes; leave torchrun out"
    )


def test_devices_are_for_what_runs(dense: Path) -> None:
    assert stopped(dense, *STREAMED, "--device", "cuda") == (
        "magnitude reads and writes files and runs nothing; leave --device out"
    )


KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
from random import Random
from reference_impls.calls.noise import noise_calls
from reference_impls.stream import writer
from reference_impls.stream.run import prune_folder

writer.BETWEEN = 1
source = Path(sys.argv[1])
noise = partial(noise_calls, batches=2, n=1, tried=False)
CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "shutil.copyfile", "shutil.rmtree"}
events, last = 0, -1

def watch(name, arguments):
    global events
    if name in CHANGES and any(str(source.parent) in str(argument) for argument in arguments[:2]):
        if events == last:
            os.kill(os.getpid(), signal.SIGKILL)
        events += 1

def run(method, number):
    # how it ended; in a child each time, since a process that has had threads must not be forked
    if not os.fork():
        calls = noise if method == "wanda" else None
        prune_folder(source, source.with_name(f"{method}{number}"), calls, method=method, sparsity=0.5)
        os.write(counted[1], b"%d" % events)
        os._exit(0)
    return os.wait()[1]

sys.addaudithook(watch)
counted = os.pipe()
for method in sys.argv[3:]:
    last = -1
    assert run(method, "") == 0
    for number, last in enumerate(Random(0).sample(range(int(os.read(counted[0], 20))), int(sys.argv[2]))):
        assert os.WTERMSIG(run(method, number)) == signal.SIGKILL
"""


@pytest.mark.nightly
def test_killed_at_any_file(tmp_path: Path) -> None:
    """In front of random operations on files of a whole pipeline: of weights, the journal, outputs and copied parts."""
    made("dit").save_pretrained(tmp_path / "dense")
    before, moments, methods = files(tmp_path / "dense"), 4, ("magnitude", "wanda")
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path / "dense"), str(moments), *methods]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    noise = partial(noise_calls, batches=2, n=1, tried=False)
    for method in methods:
        for out in (tmp_path / f"{method}{number}" for number in range(moments)):
            if not out.exists():  # the last operations remove what only a resumed run needs
                calls = noise if method == "wanda" else None
                prune_folder(tmp_path / "dense", out, calls, method=method, sparsity=0.5)
                assert not out.with_name(f"{out.name}.partial").exists()
            assert weights(out) == weights(tmp_path / method)
    assert files(tmp_path / "dense") == before
