"""The reader of torch's zip format: the same tensors as `torch.load`, and nothing that a file could have it do."""

import collections
import io
import pickle
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from multiweight.errors import UnsafeFileError
from multiweight.store.load import read_state_dict
from multiweight.store.mapped import OtherLayoutError, read_mapped

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
]
DTYPES += [torch.uint8, torch.bool]


def saved(folder, thing):
    path = folder / "file.pth"
    torch.save(thing, path)
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=8),
        st.tuples(st.lists(st.integers(0, 4), max_size=4), st.sampled_from(DTYPES), st.booleans(), st.booleans()),
        max_size=6,
    )
)
def test_tensors_are_those_of_torch_load(tmp_path, described):
    tensors = {}
    for name, (size, dtype, transposed, sliced) in described.items():
        tensor = (torch.rand(size) * 9).to(dtype)
        tensor = tensor.t() if transposed and tensor.ndim == 2 else tensor
        tensors[name] = tensor[1:] if sliced and tensor.ndim and len(tensor) > 1 else tensor
    path = saved(tmp_path, tensors)
    expected = torch.load(path, weights_only=True)
    given_ = read_mapped(path)
    assert list(given_) == list(expected)
    for name, tensor in expected.items():
        assert given_[name].dtype == tensor.dtype
        assert given_[name].stride() == tensor.stride()
        assert torch.equal(given_[name], tensor)


def test_versions_of_modules_and_shared_storages_are_kept(tmp_path):
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    state = network.state_dict()
    state["tied"] = state["0.weight"]
    given_ = read_mapped(saved(tmp_path, state))
    assert given_._metadata == state._metadata
    assert given_["tied"].untyped_storage().data_ptr() == given_["0.weight"].untyped_storage().data_ptr()
    given_["tied"].fill_(5)
    assert (given_["0.weight"] == 5).all()


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def rewritten(path, pickled):
    """The file with another pickle in it."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in records.items():
            archive.writestr(name, pickled if name.endswith("data.pkl") else content)
    return path


@pytest.mark.parametrize(
    "call",
    [
        Calls(exec, "import pathlib; pathlib.Path('ran').touch()"),
        Calls(getattr, collections.OrderedDict, "fromkeys"),
        Calls(collections.Counter, "abc"),
        Calls(torch._utils._rebuild_parameter, None, True, None),
        Calls(print, "ran"),
    ],
    ids=lambda call: call.call[0].__name__,
)
def test_what_calls_anything_else_is_refused_and_does_not_run(tmp_path, monkeypatch, capsys, call):
    monkeypatch.chdir(tmp_path)
    path = rewritten(saved(tmp_path, {"a": torch.zeros(2)}), pickle.dumps({"a": call}))
    with pytest.raises(OtherLayoutError, match="asks for"):
        read_mapped(path)
    if call.call[0] in (exec, print, getattr):
        with pytest.raises(UnsafeFileError):
            read_state_dict(path, name="Net.V1")
    assert not (tmp_path / "ran").exists()
    assert capsys.readouterr().out == ""


def test_a_file_cannot_change_what_makes_its_tensors(tmp_path):
    """Opcode BUILD with a pair sets attributes; on a function that would outlive the file."""
    name = b"ctorch._utils\n_rebuild_tensor_v2\n"
    pickled = b"\x80\x02" + name + b"N}X\x0c\x00\x00\x00__defaults__)s\x86b."
    path = rewritten(saved(tmp_path, {"a": torch.zeros(2)}), pickled)
    with pytest.raises(OtherLayoutError, match="__defaults__"):
        read_mapped(path)


@pytest.mark.parametrize(
    ("count", "offset", "size", "stride"),
    [
        (4, 0, (5,), (1,)),
        (4, 3, (2,), (1,)),
        (4, 0, (2, 2), (4, 1)),
        (4, -1, (2,), (1,)),
        (4, 0, (-2,), (1,)),
        (4, 3, (2,), (-1,)),
        (4, 0, (2,), ()),
        (1000, 0, (2,), (1,)),
        (4, 0, (2**62, 2**62), (1, 1)),
    ],
)
def test_a_tensor_that_reaches_beyond_its_bytes_is_refused(tmp_path, count, offset, size, stride):
    path = saved(tmp_path, {"a": torch.arange(4.0)})
    right = forged(count=4, offset=1, size=(3,), stride=(1,))
    assert read_mapped(rewritten(path, right))["a"].tolist() == [1, 2, 3]
    with pytest.raises(OtherLayoutError):
        read_mapped(rewritten(path, forged(count, offset, size, stride)))


def forged(count, offset, size, stride):
    """The pickle of a dictionary with one tensor, of the storage named 0."""

    class Storage:
        pass

    class Forger(pickle.Pickler):
        def persistent_id(self, obj):
            return ("storage", torch.FloatStorage, "0", "cpu", count) if isinstance(obj, Storage) else None

    content = io.BytesIO()
    call = Calls(torch._utils._rebuild_tensor_v2, Storage(), offset, size, stride, False, None)
    Forger(content, 2).dump({"a": call})
    return content.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_noticed_or_harmless(tmp_path, data):
    path = saved(tmp_path, {"weight": torch.arange(6.0).view(2, 3), "count": torch.tensor(7)})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        found = read_mapped(path)
    except OtherLayoutError:
        return
    for tensor in found.values() if isinstance(found, dict) else ():
        if isinstance(tensor, torch.Tensor):
            tensor.clone()  # every byte that it stands for is there
