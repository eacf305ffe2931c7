"""Files are mapped and never written to, and nothing in them is ever run."""

import argparse
import hashlib
import io
import mmap
import os
import pickle
import random
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from multiweight.errors import CorruptFileError, HashMismatchError, UnsafeFileError, WeightsFileError
from multiweight.store.load import load_state_dict, read_state_dict

STATE = OrderedDict(
    [
        ("conv.weight", torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2)),
        ("bn.num_batches_tracked", torch.tensor(7)),
        ("half", torch.linspace(-1, 1, 5, dtype=torch.float16)),
        ("mask", torch.tensor([True, False, True])),
        ("big", torch.arange(40_000, dtype=torch.float32)),
        ("empty", torch.empty(0, 3)),
    ]
)


def save_zip(state, path):
    torch.save(state, path)


def save_old(state, path):
    torch.save(state, path, _use_new_zipfile_serialization=False)


def save_safe(state, path):
    save_file(dict(state), path)


FORMATS = {"zip": save_zip, "old": save_old, "safetensors": save_safe}
MAPPED = ["zip", "safetensors"]


@pytest.fixture(params=FORMATS)
def saved(request, tmp_path):
    """The tensors in each of the formats."""
    path = tmp_path / "net.file"
    FORMATS[request.param](STATE, path)
    return path


def same(one, other):
    assert one.keys() == other.keys()
    for key, tensor in one.items():
        assert tensor.dtype == other[key].dtype
        assert torch.equal(tensor, other[key])


def test_tensors_come_back(saved):
    state = read_state_dict(saved, name="Net.V1")
    same(STATE, state)
    assert not any(tensor.requires_grad for tensor in state.values())


@pytest.mark.parametrize(
    ("format", "ending"),
    [
        ("zip", ".pth"),
        ("zip", ""),
        ("old", ".pth"),
        ("old", ""),
        *(("safetensors", e) for e in (".safetensors", ".pth")),
    ],
)
def test_content_tells_the_format(tmp_path, format, ending):
    path = tmp_path / f"net{ending}"
    FORMATS[format](STATE, tmp_path / "net.tmp")
    (tmp_path / "net.tmp").rename(path)
    same(STATE, read_state_dict(path, name="Net.V1"))


@pytest.mark.parametrize("format", ["zip", "old"])
def test_name_that_promises_safetensors(tmp_path, format):
    FORMATS[format](STATE, tmp_path / "net.safetensors")
    with pytest.raises(CorruptFileError, match=r"net\.safetensors"):
        read_state_dict(tmp_path / "net.safetensors", name="Net.V1")


def test_load_downloads_and_verifies(server, entry, tmp_path):
    torch.save(STATE, tmp_path / "net.pth")
    content = (tmp_path / "net.pth").read_bytes()
    server.files["/model.pth"] = content
    weights = entry(f"{server.url}/model.pth", hashlib.sha256(content).hexdigest())
    same(STATE, load_state_dict(weights, name="Net.V1"))
    with pytest.raises(HashMismatchError):
        load_state_dict(entry(f"{server.url}/model.pth", "0" * 64), name="Net.V1")


def test_attributes_of_the_dict_are_kept(tmp_path):
    state = torch.nn.BatchNorm2d(3).state_dict()
    torch.save(state, tmp_path / "net.pth")
    loaded = read_state_dict(tmp_path / "net.pth", name="Net.V1")
    assert loaded._metadata == state._metadata


def test_parameters_are_tensors(tmp_path):
    torch.save({"weight": torch.nn.Parameter(torch.ones(3))}, tmp_path / "net.pth")
    assert torch.equal(read_state_dict(tmp_path / "net.pth", name="Net.V1")["weight"], torch.ones(3))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
@pytest.mark.parametrize("format", FORMATS)
def test_mapped_where_it_can_be(tmp_path, format):
    path = tmp_path / f"mapped-{format}.pth"
    FORMATS[format](STATE, path)
    state = read_state_dict(path, name="Net.V1")
    lines = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(path))]
    assert bool(lines) == (format in MAPPED)
    assert all(line.split()[1].endswith("p") for line in lines)  # private: written pages are copies
    assert torch.equal(state["big"], STATE["big"])


@pytest.mark.parametrize("users_choice", [mmap.MAP_PRIVATE, mmap.MAP_SHARED])
def test_writing_into_tensors_never_reaches_the_file(saved, users_choice):
    before = saved.read_bytes()
    with torch.serialization.set_default_mmap_options(users_choice):
        state = read_state_dict(saved, name="Net.V1")
        assert torch.serialization.get_default_mmap_options() == users_choice
    for tensor in state.values():
        tensor.zero_()
    weight = state["big"].requires_grad_()
    weight.sum().backward()
    torch.optim.SGD([weight], lr=1.0).step()
    assert weight.sum() == -weight.numel()
    assert saved.read_bytes() == before
    same(STATE, read_state_dict(saved, name="Net.V1"))


def test_file_that_goes_away_under_a_running_process(tmp_path):
    for how in ("replaced", "removed"):
        for format, save in FORMATS.items():
            save(STATE, tmp_path / f"{how}-{format}.pth")
    script = """
import os, sys
from pathlib import Path
import torch
from multiweight.store.load import read_state_dict
for path in map(Path, sys.argv[1:]):
    state = read_state_dict(path, name="Net.V1")
    if path.name.startswith("replaced"):
        path.with_name("new").write_bytes(b"short")
        os.replace(path.with_name("new"), path)
        assert path.stat().st_size == 5
    else:
        path.unlink()
    assert torch.equal(state["big"], torch.arange(40_000, dtype=torch.float32))  # a bus error, were it gone
"""
    paths = sorted(map(str, tmp_path.iterdir()))
    assert len(paths) == 6
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class Building:
    """Runs code when its state is set, not when it is made."""

    def __init__(self, path):
        self.__dict__["path"] = path

    def __reduce__(self):
        return argparse.Namespace, (), {"run": Hostile(self.path)}


def plain_pickle(value, path, protocol):
    path.write_bytes(pickle.dumps(value, protocol=protocol))


def pickle_in_a_zip(value, path, protocol):
    """A file of torch's, with the pickle in it replaced."""
    buffer = io.BytesIO()
    torch.save(STATE, buffer)
    with zipfile.ZipFile(buffer) as theirs, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as ours:
        for member in theirs.namelist():
            content = theirs.read(member)
            ours.writestr(member, pickle.dumps(value, protocol=protocol) if member.endswith("data.pkl") else content)


@pytest.mark.parametrize("hostile", [Hostile, Building])
@pytest.mark.parametrize("place", ["alone", "in a dict"])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize(
    ("save", "protocol"),
    [(save_zip, None), (save_old, None)]
    + [(save, protocol) for save in (plain_pickle, pickle_in_a_zip) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)],
)
def test_code_is_refused_and_not_run(tmp_path, hostile, place, ending, save, protocol):
    trace = tmp_path / "it-ran"
    value = hostile(trace) if place == "alone" else {"weight": torch.ones(3), "x": hostile(trace)}
    path = tmp_path / f"net.{ending}"
    save(value, path, *([] if protocol is None else [protocol]))
    with pytest.raises(UnsafeFileError) as caught:
        read_state_dict(path, name="Net.V1")
    assert not trace.exists()
    for said in ("Net.V1", str(path), "Nothing of it was run", ".mkdir" if hostile is Hostile else "Namespace"):
        assert said in str(caught.value)


def test_the_hostile_pickle_would_run(tmp_path):
    pickle.loads(pickle.dumps({"x": Building(tmp_path / "it-ran")}))
    assert (tmp_path / "it-ran").is_dir()


@pytest.mark.filterwarnings("ignore:.*TorchScript archive:UserWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
def test_scripted_programs_are_refused(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "net.pt")
    with pytest.raises(UnsafeFileError, match="__torch__"):
        read_state_dict(tmp_path / "net.pt", name="Net.V1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.ones(3), "holds a Tensor"),
        ([torch.ones(3)], "holds a list"),
        ({"model": {"weight": torch.ones(3)}, "epoch": 3}, "'model': dict"),
        ({"weight": torch.ones(3), "epoch": 3}, "'epoch': int"),
        ({1: torch.ones(3)}, "with 1: Tensor"),
    ],
)
@pytest.mark.parametrize("save", [save_zip, save_old])
def test_files_of_something_else(tmp_path, content, said, save):
    save(content, tmp_path / "net.pth")
    with pytest.raises(CorruptFileError, match=said) as caught:
        read_state_dict(tmp_path / "net.pth", name="Net.V1")
    assert "Net.V1" in str(caught.value)
    assert str(tmp_path / "net.pth") in str(caught.value)


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"<!DOCTYPE html><html>log in first</html>",
        b"PK\x03\x04",
        b"\x80\x02",
        random.Random(2).randbytes(9000),
    ],
    ids=["empty", "zero", "html", "zip", "pickle", "noise"],
)
def test_no_file_of_weights_at_all(tmp_path, content, ending):
    path = tmp_path / f"net.{ending}"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError) as caught:
        read_state_dict(path, name="Net.V1")
    for said in ("Net.V1", str(path), repr(content[:16]), f"{len(content):,} bytes"):
        assert said in str(caught.value)


def test_missing_file_is_not_called_corrupt(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_state_dict(tmp_path / "net.pth", name="Net.V1")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True))
def test_truncated_anywhere(saved, tmp_path, where):
    whole = saved.read_bytes()
    path = tmp_path / "truncated"
    path.write_bytes(whole[: int(where * len(whole))])
    with pytest.raises(CorruptFileError, match=r"Net\.V1.*truncated"):
        read_state_dict(path, name="Net.V1")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_anywhere(saved, tmp_path, data):
    """Damage is an error of ours, or goes unnoticed (that is what hashes are for); never a crash or another error."""
    whole = bytearray(saved.read_bytes())
    near_an_end = st.integers(0, 1500) | st.integers(len(whole) - 1500, len(whole) - 1)
    for at in data.draw(st.lists(near_an_end, min_size=1, max_size=3)):
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(whole)
    try:
        state = read_state_dict(path, name="Net.V1")
    except WeightsFileError as error:
        assert "Net.V1" in str(error)
    else:
        for tensor in state.values():
            tensor.float().sum()
