"""From file to file: the bytes of the model in memory, pruned; one pass, any shards, all or nothing, resumable."""

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from reference_impls.files import layout
from reference_impls.maths.masks import Pattern, Tile, keep_best_of_all
from reference_impls.maths.selection import kth_lowest
from reference_impls.methods import magnitude
from reference_impls.methods.prune import prune
from reference_impls.models import diffusers_folder
from reference_impls.models.diffusers_package import diffusers_package
from reference_impls.pruning.contract import Request
from reference_impls.pruning.drop_weights import mask_of
from reference_impls.stream import file_to_file, shards, writer
from reference_impls.stream.run import prune_folder
from tests.reference_impls.tiny_pipelines import made

diffusers = diffusers_package()
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of diffusers, about its own next release
FILE = "diffusion_pytorch_model.safetensors"
QUERY = "transformer_blocks.0.attn1.to_q.weight"


@given(st.integers(0, 99), st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]), st.data())
def test_the_kth_lowest_is_that_of_a_sort(seed: int, dtype: torch.dtype, data: st.DataObject) -> None:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(50, generator=generator).to(dtype)
    numbers[::5] = numbers[3]
    numbers[1::9] = 0.0
    numbers[2::9] = -0.0
    k = data.draw(st.integers(1, 50))
    border = kth_lowest(lambda: torch.split(numbers, 20), k, dtype)
    assert border.value == numbers.sort().values[k - 1]
    assert border.lower == int((numbers < border.value).sum())
    assert border.equal == int((numbers == border.value).sum())


@given(st.integers(0, 99), st.floats(0, 1))
def test_all_layers_together_are_a_stable_sort(seed: int, sparsity: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    layers = [torch.randint(0, 5, (3, size), generator=generator).float() for size in (4, 1, 7)]
    masks = keep_best_of_all(lambda: layers, [layer.shape for layer in layers], sparsity)
    flat = torch.cat([layer.flatten() for layer in layers])
    order = sorted(range(len(flat)), key=lambda place: (float(flat[place]), -place))
    gone = set(order[: math.floor(sparsity * len(flat) + 0.5)])
    assert torch.cat([mask.flatten() for mask in masks]).tolist() == [place not in gone for place in range(len(flat))]


@dataclass
class InMemory:
    """What a layer is read from."""

    weight: torch.Tensor

    def each(self, names: Iterable[str]) -> Iterator[tuple[str, torch.Tensor]]:
        return ((name, self.weight) for name in names)


@given(
    st.sampled_from([(7, 12), (16, 8), (5, 4, 3, 3)]),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32]),
    st.sampled_from(
        [{}, {"scope": "row"}, {"pattern": Pattern(2, 4, axis="kernel")}, {"pattern": Pattern(1, 4, rows=2)}]
    ),
    st.floats(0, 1),
    st.integers(1, 99),
    st.integers(0, 99),
)
@settings(max_examples=60)
def test_rows_are_decided_as_in_the_whole_matrix(
    shape: tuple[int, ...], dtype: torch.dtype, asked: dict[str, Any], share: float, piece: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = (torch.randint(-3, 4, shape, generator=generator) / 8).to(dtype)  # many ties, and zeros
    request = Request(asked["pattern"].sparsity if "pattern" in asked else share, **asked)
    expected = mask_of(weight, magnitude.score(weight), request, request.sparsity)
    with mock.patch.object(file_to_file, "PIECE", piece):
        files: Any = InMemory(weight)
        ((_, decided),) = file_to_file._layer_by_layer({"a": "a"}, request, magnitude.score, files)
        assert torch.equal(torch.cat([mask for _, mask in decided]), expected)


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    return saved(tmp_path / "transformer")


def saved(folder: Path, dtype: torch.dtype = torch.float32, **options: Any) -> Path:
    made("dit").transformer.to(dtype).save_pretrained(folder, **options)
    return folder


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()}


REQUESTS: tuple[dict[str, Any], ...] = (
    {"method": "magnitude", "sparsity": 0.5},
    {"method": "magnitude", "sparsity": 0.3, "scope": "row"},
    {"method": "magnitude", "sparsity": 0.7, "scope": "global"},
    {"method": "magnitude", "sparsity": 0.7, "scope": "global", "block": Tile(4, 1)},
    {"method": "magnitude", "pattern": Pattern(2, 4)},
    {"method": "random", "sparsity": 0.5, "seed": 3},
    {"method": "random", "sparsity": 0.5, "scope": "global", "seed": 3},
)


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_same_as_in_memory(
    tmp_path: Path, request_: dict[str, Any], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_to_file, "PIECE", 100)
    source = saved(tmp_path / "dense", dtype, max_shard_size="60KB")
    report = prune_folder(source, tmp_path / "out", **request_)
    opened = diffusers_folder.load(source)
    whole = prune(opened.model, **request_)
    for name, value in tensors(tmp_path / "out").items():
        assert value.dtype == dtype
        assert torch.equal(value, opened.model.state_dict()[name].to(dtype)), name
    assert list(report.achieved) == list(whole.achieved)
    assert dict(report.achieved) == pytest.approx(dict(whole.achieved))
    assert report.difference == whole.difference
    assert (report.before.parameters, report.before.nonzero) == (whole.before.parameters, whole.before.nonzero)
    assert (report.after.parameters, report.after.nonzero) == (whole.after.parameters, whole.after.nonzero)
    names = {file.name for file in source.iterdir()}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {*names, "pruning.json"}
    assert {file.name for file in tmp_path.iterdir()} == {"dense", "out"}
    for file in source.glob("*.safetensors"):
        assert layout.header_of(file) == layout.header_of(tmp_path / "out" / file.name)
    diffusers.DiTTransformer2DModel.from_pretrained(tmp_path / "out")


@pytest.mark.parametrize("name", ["ddpm", "dit"])
def test_a_whole_pipeline(tmp_path: Path, name: str) -> None:
    pipeline = made(name)
    pipeline.save_pretrained(tmp_path / "dense")
    prune_folder(tmp_path / "dense", tmp_path / "out", method="magnitude", sparsity=0.5)
    again = diffusers.DiffusionPipeline.from_pretrained(tmp_path / "out")
    part = "unet" if name == "ddpm" else "transformer"
    denoiser = getattr(pipeline, part)
    prune(denoiser, method="magnitude", sparsity=0.5)
    for one, value in getattr(again, part).state_dict().items():
        assert torch.equal(value, denoiser.state_dict()[one]), one


def test_a_zero_is_not_negative(dense: Path, tmp_path: Path) -> None:
    prune_folder(dense, tmp_path / "out", method="magnitude", sparsity=0.5)
    value = tensors(tmp_path / "out")[QUERY]
    assert not bool(torch.signbit(value[value == 0]).any())


def test_one_tensor_at_a_time(dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[int] = []
    read = layout.read

    def noted(place: layout.Place) -> torch.Tensor:
        names.append(place.begin)
        return read(place)

    monkeypatch.setattr("reference_impls.files.packed.read", noted)
    prune_folder(dense, tmp_path / "out", method="magnitude", sparsity=0.5)
    assert len(names) == len(set(names)) == len(tensors(dense))
    names.clear()
    prune_folder(dense, tmp_path / "global", method="magnitude", sparsity=0.5, scope="global")
    layers = len(json.loads((tmp_path / "out/pruning.json").read_text())["steps"][0]["prune"]["achieved"])
    assert len(names) == len(tensors(dense)) + 2 * layers  # float32 has two digits of 16 bits


def refused(source: Path, out: Path, **asked: Any) -> str:
    before = {file: file.stat() for file in source.parent.rglob("*")}
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the caller looks at it
        prune_folder(source, out, method="magnitude", **({"sparsity": 0.5} | asked))
    assert not out.exists()
    assert {file: file.stat().st_mtime_ns for file in before if file.is_file()} == {
        file: stat.st_mtime_ns for file, stat in before.items() if file.is_file()
    }
    return str(caught.value)


def changed(folder: Path, **tensors_: torch.Tensor | None) -> None:
    file = folder / FILE
    state = {**load_file(file), **tensors_}
    save_file({name: value for name, value in state.items() if value is not None}, file, {"format": "pt"})


def test_a_weight_that_is_not_finite_is_named(dense: Path, tmp_path: Path) -> None:
    for name in (QUERY, "proj_out_2.bias"):
        value = load_file(dense / FILE)[name]
        changed(dense, **{name: value.index_fill(0, torch.tensor([1]), math.nan)})
        told = refused(dense, tmp_path / "out")
        assert told == f"{name} of shape {tuple(value.shape)} holds NaN or infinite values"
        assert not (tmp_path / "out.partial").exists()
        changed(dense, **{name: value})


def test_a_tensor_that_is_missing_or_strange_is_named(dense: Path, tmp_path: Path) -> None:
    value = load_file(dense / FILE)[QUERY]
    changed(dense, **{QUERY: None})
    assert refused(dense, tmp_path / "out") == f"{dense} does not hold a DiTTransformer2DModel: {QUERY} is missing"
    changed(dense, **{QUERY: value[:, 1:].contiguous()})
    told = (
        f"{dense} does not hold a DiTTransformer2DModel: {dense / FILE}: {QUERY} has shape (16, 15), expected (16, 16)"
    )
    assert refused(dense, tmp_path / "out") == told
    changed(dense, **{QUERY: value, "x": torch.ones(1)})
    assert refused(dense, tmp_path / "out") == f"{dense} does not hold a DiTTransformer2DModel: x is no tensor of it"


def test_a_source_that_changes_underneath(dense: Path, tmp_path: Path) -> None:
    def show(done: int, of: int, _what: str) -> None:
        if done == of // 2:
            os.utime(dense / FILE, ns=(1, 1))

    with pytest.raises(ValueError, match=rf"^{dense} has changed since it was opened; start again$"):
        prune_folder(dense, tmp_path / "out", method="magnitude", sparsity=0.5, show=show)
    assert [file.name for file in tmp_path.iterdir()] == ["transformer"]


@pytest.fixture
def many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BETWEEN", 1)


@pytest.mark.usefixtures("many_rows")
def test_a_full_disk_and_room_again(dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, left, stamp = shards.write, iter(range(9)), (dense / FILE).stat().st_mtime_ns

    def full(folder: Path, place: layout.Place, value: torch.Tensor) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(folder, place, value)

    out = tmp_path / "out"
    monkeypatch.setattr(shards, "write", full)
    beside = f"{out}.partial"
    told = f"{out} cannot be written: No space left on device; run the same command again to resume in {beside}"
    assert refused(dense, out) == told
    written: list[int] = []

    def noted(folder: Path, place: layout.Place, value: torch.Tensor) -> None:
        written.append(place.begin)
        write(folder, place, value)

    monkeypatch.setattr(shards, "write", noted)
    assert "rows of a run with other request; move it away, or finish that run" in refused(dense, out, sparsity=0.4)
    os.utime(dense / FILE, ns=(1, 1))
    assert "rows of a run with other source;" in refused(dense, out)
    os.utime(dense / FILE, ns=(stamp, stamp))
    prune_folder(dense, out, method="magnitude", sparsity=0.5)
    assert len(written) == len(tensors(dense)) - 9
    prune_folder(dense, tmp_path / "at once", method="magnitude", sparsity=0.5)
    assert (out / FILE).read_bytes() == (tmp_path / "at once" / FILE).read_bytes()


def test_no_room_is_seen_before_the_work(dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr("reference_impls.files.packed.read", None)
    assert refused(dense, tmp_path / "out") == f"{tmp_path / 'out'} cannot be written: No space left on device"
    assert not (tmp_path / "out.partial").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from reference_impls.stream import shards, writer
from reference_impls.stream.run import prune_folder

writer.BETWEEN = 1
write, folder = shards.write, Path(sys.argv[1])
for number, writes in enumerate(map(int, sys.argv[2:])):
    if not os.fork():
        left = iter(range(writes))

        def half(target, place, value):
            if next(left, None) is None:
                with (target / place.file.name).open("r+b") as file:
                    file.seek(place.begin)
                    file.write(b"x" * (place.size // 2))
                os.kill(os.getpid(), signal.SIGKILL)
            write(target, place, value)

        shards.write = half
        prune_folder(folder, folder.with_name(f"out{number}"), method="random", sparsity=0.5, scope="global")
        os._exit(0)
    assert os.WTERMSIG(os.wait()[1]) == signal.SIGKILL
"""


def test_killed_and_started_again(dense: Path, tmp_path: Path) -> None:
    """Killed in the middle of writing a tensor, of which only half is written; at three random ones."""
    generator = torch.Generator().manual_seed(0)
    writes = torch.randint(1, len(tensors(dense)), (3,), generator=generator).tolist()
    command = [sys.executable, "-c", KILLED, str(dense), *map(str, writes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    prune_folder(dense, tmp_path / "at once", method="random", sparsity=0.5, scope="global")
    for number in range(3):
        out = tmp_path / f"out{number}"
        assert not out.exists()
        assert (tmp_path / f"out{number}.partial").is_dir()
        prune_folder(dense, out, method="random", sparsity=0.5, scope="global")
        assert (out / FILE).read_bytes() == (tmp_path / "at once" / FILE).read_bytes()
    assert not list(tmp_path.glob("*.partial"))
