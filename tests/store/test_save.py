"""Writing weights files: right bytes, whole or not at all."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from multiweight.catalogue import Header, ImageClassification, entry_of_file, read_header
from multiweight.catalogue._file import tensors_sha256
from multiweight.errors import StoreError
from multiweight.models import shufflenet_v2_x0_5
from multiweight.store.load import read_state_dict
from multiweight.store.save import save_weights, write_atomically

HEADER = Header(variant="shufflenet_v2_x0_5", labels=("cat", "dog"), preset=ImageClassification(crop_size=32))
DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)


def same(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and raw(one) == raw(other)


def raw(tensor):
    return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).tolist())


def tensor_of(seed, dtype, shape):
    numbers = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed))
    return numbers.to(dtype)


states = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6).filter(lambda name: name != "__metadata__"),
    st.builds(tensor_of, st.integers(0, 9), st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3)),
    max_size=5,
)


@given(state=states)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tensors_come_back_by_the_formats_own_reader_and_by_ours(tmp_path, state):
    path = tmp_path / "best.safetensors"
    sha256 = save_weights(state, path, HEADER)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for found in (load_file(path), read_state_dict(path, name="best")):
        assert found.keys() == state.keys()
        assert all(same(found[name], state[name]) for name in state)
    said = read_header(path)
    assert said.tensors_sha256 == tensors_sha256(path)
    assert said.labels == HEADER.labels
    length = int.from_bytes(path.read_bytes()[:8], "little")
    assert length % 8 == 0
    for name, about in json.loads(path.read_bytes()[8 : 8 + length]).items():
        assert name == "__metadata__" or about["data_offsets"][0] % state[name].element_size() == 0


def test_the_same_gives_the_same_bytes_whatever_the_order(tmp_path):
    state = shufflenet_v2_x0_5(num_classes=2).state_dict()
    first = save_weights(state, tmp_path / "a.safetensors", HEADER)
    assert save_weights(dict(reversed(state.items())), tmp_path / "b.safetensors", HEADER) == first
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert file.metadata()["format"] == "pt"


def test_tensors_that_lie_oddly_in_memory(tmp_path):
    whole = torch.arange(24.0).reshape(2, 3, 4)
    state = {
        "transposed": whole.mT,
        "strided": whole[:, ::2],
        "channels_last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "tied": whole,
        "tied too": whole,
        "part": whole[1],
        "expanded": torch.ones(1).expand(5),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 4),
        "parameter": torch.nn.Parameter(torch.rand(3)),
        "conjugate": torch.tensor([1.0, -2.0])._neg_view(),
    }
    save_weights(state, tmp_path / "odd.safetensors", HEADER)
    found = load_file(tmp_path / "odd.safetensors")
    for name, tensor in state.items():
        assert torch.equal(found[name], tensor), name


def test_what_the_format_does_not_know_is_named_before_anything_is_written(tmp_path):
    for tensor in (torch.ones(2, dtype=torch.complex64), torch.ones(2, 2).to_sparse()):
        with pytest.raises(ValueError, match="fc.weight is a tensor of"):
            save_weights({"fc.weight": tensor}, tmp_path / "no.safetensors", HEADER)
    bad = Header(variant="a\nb", labels=None, preset=HEADER.preset)
    with pytest.raises(ValueError, match="header cannot be written"):
        save_weights({"a": torch.ones(1)}, tmp_path / "no.safetensors", bad)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("function", "error", "raised"),
    [
        ("os.fsync", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), StoreError),
        ("os.replace", OSError(errno.EACCES, os.strerror(errno.EACCES)), StoreError),
        ("os.fsync", KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=str,
)
def test_what_goes_wrong_leaves_what_was_there(tmp_path, monkeypatch, function, error, raised):
    path = tmp_path / "best.safetensors"
    save_weights({"a": torch.zeros(3)}, path, HEADER)
    before = path.read_bytes()

    def fail(*arguments):
        raise error

    monkeypatch.setattr(function, fail)
    with pytest.raises(raised) as caught:
        save_weights({"a": torch.ones(3)}, path, HEADER)
    if raised is StoreError:
        assert f"best.safetensors cannot be written: {error.strerror}" in str(caught.value)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["best.safetensors"]


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """A limit on the size of files stands for the disk: the write itself fails, half-way."""
    path = tmp_path / "best.safetensors"
    write_atomically(path, lambda put: put(b"before"))
    code = f"""
import pathlib, resource, signal
from multiweight.errors import StoreError
from multiweight.store.save import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(pathlib.Path({str(path)!r}), lambda put: [put(bytes(600)) for _ in range(20)])
except StoreError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "best.safetensors cannot be written: File too large" in ran.stdout, ran.stderr
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["best.safetensors"]


def test_a_killed_writer_leaves_what_was_there(tmp_path):
    path = tmp_path / "best.safetensors"
    write_atomically(path, lambda put: put(b"before"))
    code = f"""
import pathlib, time
from multiweight.store.save import write_atomically
def slowly(put):
    put(bytes(100_000))
    print("half", flush=True)
    time.sleep(60)
write_atomically(pathlib.Path({str(path)!r}), slowly)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "half\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"before"


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        save_weights({"a": torch.zeros(1)}, tmp_path / "none" / "best.safetensors", HEADER)


def test_who_has_it_mapped_keeps_it(tmp_path):
    path = tmp_path / "best.safetensors"
    save_weights({"a": torch.zeros(100_000)}, path, HEADER)
    mapped = entry_of_file(path).get_state_dict()["a"]
    save_weights({"a": torch.ones(100_000)}, path, HEADER)
    assert not mapped.any()
    assert entry_of_file(path).get_state_dict()["a"].all()


@pytest.mark.parametrize("name", ["best_20240601.safetensors", "best-deadbeef.safetensors"])
def test_digits_in_the_name_of_a_users_own_file_are_no_hash(tmp_path, name):
    save_weights({"a": torch.zeros(1)}, tmp_path / name, HEADER)
    assert entry_of_file(tmp_path / name).get_state_dict().keys() == {"a"}
