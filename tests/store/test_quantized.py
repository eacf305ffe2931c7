"""Files of quantized networks, in both of torch's formats, are read as plain tensors, and as strictly as any other."""

import io
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiweight.errors import CorruptFileError, UnsafeFileError, WeightsFileError
from multiweight.store.load import read_state_dict
from tests.reference import torchvision

INTEGERS = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}
FORMATS = {"zip": True, "legacy": False}
NETWORKS = ["shufflenet_v2_x0_5", "resnet18", "mobilenet_v2"]
PER_FOLDER = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@contextmanager
def quantizing():
    """Torch may make quantized tensors here, which it warns of."""
    engine = torch.backends.quantized.engine
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.quantized.engine = engine


def save(state, path, format):
    with quantizing():
        torch.save(state, path, _use_new_zipfile_serialization=FORMATS[format])
    return path


def read(path):
    state = read_state_dict(path, name="Net.V1")
    plain = {*INTEGERS.values(), torch.float32, torch.int64}
    assert {type(tensor) for tensor in state.values()} <= {torch.Tensor}
    assert {tensor.dtype for tensor in state.values()} <= plain
    return state


def expected(state):
    """The same in plain tensors, by torch's own account of its quantized ones."""
    plain = {}
    with quantizing():
        for key, value in state.items():
            if key.endswith("_packed_params.dtype"):
                continue
            if isinstance(value, tuple):
                layer = key.removesuffix("_packed_params._packed_params")
                plain |= expected({f"{layer}weight": value[0], f"{layer}bias": value[1]})
            elif isinstance(value, torch.Tensor) and value.is_quantized:
                if value.qscheme() == torch.per_tensor_affine:
                    scale, zero_point = torch.tensor([value.q_scale()]), torch.tensor([value.q_zero_point()])
                else:
                    scale, zero_point = value.q_per_channel_scales(), value.q_per_channel_zero_points()
                # int_repr() has strides of its own.
                ints = torch.empty_strided(value.size(), value.stride(), dtype=INTEGERS[value.dtype])
                plain[key] = ints.copy_(value.int_repr()) if value.numel() else ints
                plain[f"{key}_scale"], plain[f"{key}_zero_point"] = scale.float(), zero_point.int()
            elif value is not None:
                plain[key] = value.detach()
    return plain


def same(given, wanted):
    assert list(given) == list(wanted)
    for key, tensor in wanted.items():
        assert (key, given[key].dtype, given[key].stride()) == (key, tensor.dtype, tensor.stride())
        assert torch.equal(given[key], tensor), key


@pytest.fixture(scope="module")
def networks():
    """State dicts of torchvision's networks: weights by channel for the first two, by tensor for the last."""
    with quantizing():
        builders = torchvision().models.quantization
        return {name: getattr(builders, name)(weights=None, quantize=True).state_dict() for name in NETWORKS}


@pytest.fixture
def nothing_quantized(monkeypatch):
    """The reader makes no quantized tensor, even one that is lost in an error."""
    called = []
    for name in ("_empty_affine_quantized", "_empty_per_channel_affine_quantized"):
        monkeypatch.setattr(torch, name, lambda *_, name=name, **__: called.append(name))
    yield called
    assert called == []


@pytest.fixture
def without_torch(monkeypatch, nothing_quantized):
    """Nor does it ask torch to."""
    monkeypatch.setattr(torch, "load", lambda *_, **__: nothing_quantized.append("load"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_torchvision(networks, tmp_path, without_torch, name, format):
    state = networks[name]
    assert state._metadata  # which the file has too
    read_ = read(save(state, tmp_path / "net.pth", format))
    same(read_, expected(state))
    schemes = {len(read_[f"{key}_scale"]) == 1 for key in read_ if f"{key}_scale" in read_}
    assert schemes == {name == "mobilenet_v2"}
    layer = "classifier.1" if name == "mobilenet_v2" else "fc"
    assert {key for key in read_ if key.startswith(f"{layer}.")} == {
        f"{layer}.{part}" for part in ("scale", "zero_point", "weight", "weight_scale", "weight_zero_point", "bias")
    }


def test_torch_is_not_heard_of_its_quantized_tensors(networks, tmp_path):
    """Some of its warnings are only given once in a process, so this is one of its own."""
    paths = [save(networks["shufflenet_v2_x0_5"], tmp_path / f"{format}.pth", format) for format in FORMATS]
    (tmp_path / "truncated.pth").write_bytes(paths[1].read_bytes()[:-9])
    script = """
import sys, warnings
from pathlib import Path
from multiweight.errors import CorruptFileError
from multiweight.store.load import read_state_dict
warnings.simplefilter("error")
for path in map(Path, sys.argv[1:3]):
    assert len(read_state_dict(path, name="Net.V1")) > 300
try:
    read_state_dict(Path(sys.argv[3]), name="Net.V1")
except CorruptFileError as error:
    assert "deprecated" not in str(error), error
else:
    raise AssertionError
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *paths, tmp_path / "truncated.pth"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prefix", ["", "fc.", "heads.0."])
def test_three_layouts_of_linear_layers(tmp_path, without_torch, prefix, bias, format):
    with quantizing():
        weight = torch.quantize_per_tensor(torch.randn(4, 3), 0.1, 2, torch.qint8)
        bias = torch.randn(4) if bias else None
    rest = {f"{prefix}scale": torch.tensor(0.5), f"{prefix}zero_point": torch.tensor(3)}
    packed = f"{prefix}_packed_params."
    layouts = [
        {**rest, f"{prefix}weight": weight, f"{prefix}bias": bias},
        {**rest, f"{packed}dtype": torch.qint8, f"{packed}weight": weight, f"{packed}bias": bias},
        {**rest, f"{packed}dtype": torch.qint8, f"{packed}_packed_params": (weight, bias)},
    ]
    for layout in layouts:
        state = read(save(OrderedDict(layout), tmp_path / "net.pth", format))
        same(state, expected(layouts[0]))


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=25, **PER_FOLDER)
@given(data=st.data())
def test_tensors_of_any_kind(tmp_path, without_torch, format, data):
    state = {}
    for name in data.draw(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True)):
        size = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
        dtype = data.draw(st.sampled_from(list(INTEGERS)))
        limits = torch.iinfo(dtype)
        ints = torch.randint(limits.min, limits.max, size, dtype=torch.int64).to(INTEGERS[dtype])
        ints = ints.to(memory_format=torch.channels_last) if ints.ndim == 4 and data.draw(st.booleans()) else ints
        points = st.integers(limits.min, limits.max)
        scales = st.floats(1e-30, 1e30)
        with quantizing():
            if data.draw(st.booleans()):
                state[name] = torch._make_per_tensor_quantized_tensor(ints, data.draw(scales), data.draw(points))
                state[name] = state[name].permute(data.draw(st.permutations(range(len(size)))))
                state[name] = state[name][data.draw(st.integers(0, 1)) :]
            else:
                several = {"min_size": size[0], "max_size": size[0]}
                state[name] = torch._make_per_channel_quantized_tensor(
                    ints,
                    torch.tensor(data.draw(st.lists(scales, **several)), dtype=torch.float64),
                    torch.tensor(data.draw(st.lists(points, **several))),
                    0,
                )
    state["plain"] = torch.rand(3)
    wanted = expected(state)
    if len(wanted) == 3 * len(state) - 2:  # else one's name is another's and _scale, of which below
        same(read(save(state, tmp_path / "net.pth", format)), wanted)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
@pytest.mark.parametrize("format", FORMATS)
def test_integers_are_mapped_and_never_written_to(networks, tmp_path, format):
    path = save(networks["shufflenet_v2_x0_5"], tmp_path / f"mapped-{format}.pth", format)
    before = path.read_bytes()
    state = read(path)
    spans = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(str(path)):
            span, permissions, *_ = line.split()
            assert permissions.endswith("p")
            spans.append([int(end, 16) for end in span.split("-")])
    for key, tensor in state.items():
        if tensor.dtype == torch.int8:
            assert any(begin <= tensor.data_ptr() < end for begin, end in spans), key
        assert tensor.data_ptr() % tensor.element_size() == 0
        tensor.zero_()
    assert path.read_bytes() == before


class Storage:
    """Numbers of a forged file, and what the file says of them."""

    def __init__(self, kind, content, *, key=None, count=None, view=None):
        self.kind, self.content, self.view = kind, content, view
        self.key = str(id(self)) if key is None else key
        size = {"DoubleStorage": 8, "LongStorage": 8, "FloatStorage": 4}.get(kind.__name__, 1)
        self.count = len(content) // size if count is None else count


class Calls:
    """Pickles as a call of any function; `call` may get a third part, which is set as the state of the result."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def forge(path, state, format, *, pickled=None, info=None, keys=None, written=None):
    """A file as torch.save would have it, had it been given impossible tensors.

    Args:
        path: Where.
        state: With `Storage` and `Calls` in it.
        format: Of `FORMATS`.
        pickled: The state, already pickled.
        info: What the older format says of the machine.
        keys: Which storages the older format says it holds.
        written: What it says of how many numbers are in each.
    """
    storages = {}

    class Forger(pickle.Pickler):
        def persistent_id(self, obj):
            if not isinstance(obj, Storage):
                return None
            storages.setdefault(obj.key, obj)
            pid = ("storage", obj.kind, obj.key, "cpu", obj.count)
            return pid if format == "zip" else (*pid, obj.view)

    if pickled is None:
        with quantizing(), io.BytesIO() as file:
            Forger(file, 2).dump(state)
            pickled = file.getvalue()
    if format == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", pickled)
            for key, storage in storages.items():
                archive.writestr(f"net/data/{key}", storage.content)
        return path
    head = [0x1950A86A20F9469CFC6C, 1001, info or {"little_endian": True}]
    keys = sorted(storages) if keys is None else keys(sorted(storages))
    content = [pickle.dumps(part, 2) for part in head] + [pickled, pickle.dumps(keys, 2)]
    for key in keys:
        if isinstance(key, str) and key in storages:
            count = written if written is not None else storages[key].count
            count = count if isinstance(count, int) and -(2**63) <= count < 2**63 else 0
            content += [struct.pack("<q", count), storages[key].content]
    path.write_bytes(b"".join(content))
    return path


def plain(values, dtype=torch.float64):
    kind = {torch.float64: torch.DoubleStorage, torch.int64: torch.LongStorage, torch.float32: torch.FloatStorage}[
        dtype
    ]
    content = torch.tensor(values, dtype=dtype).numpy().tobytes()
    return Calls(torch._utils._rebuild_tensor_v2, Storage(kind, content), 0, (len(values),), (1,), False, OrderedDict())


def quantized(kind=torch.QInt8Storage, content=bytes(range(12)), offset=0, size=(3, 4), stride=(4, 1), **rest):
    """A quantized tensor as it is pickled; by default one that is right."""
    quantizer = rest.pop("quantizer", None) or (
        rest.pop("scheme", torch.per_channel_affine),
        rest.pop("scales", plain([0.5, 1, 2])),
        rest.pop("zero_points", plain([0, 1, 2], torch.int64)),
        rest.pop("axis", 0),
    )
    return Calls(
        torch._utils._rebuild_qtensor,
        Storage(kind, content, **rest),
        offset,
        size,
        stride,
        quantizer,
        False,
        OrderedDict(),
    )


RIGHT = {
    "by channel": quantized(),
    "lists, as of torch 1.3": quantized(scales=[0.5, 1.0, 2.0], zero_points=[0, 1, 2]),
    "float qparams, but whole": quantized(scheme=torch.per_channel_affine_float_qparams),
    "single scales": quantized(scales=plain([0.5, 1, 2], torch.float32)),
    "unsigned": quantized(torch.QUInt8Storage),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("tensor", RIGHT.values(), ids=RIGHT)
def test_what_torch_has_ever_written(tmp_path, without_torch, tensor, format):
    state = read(forge(tmp_path / "net.pth", {"w": tensor}, format))
    assert list(state) == ["w", "w_scale", "w_zero_point"]
    assert state["w"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert (state["w_scale"].tolist(), state["w_zero_point"].tolist()) == ([0.5, 1, 2], [0, 1, 2])
    assert (state["w_scale"].dtype, state["w_zero_point"].dtype) == (torch.float32, torch.int32)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, **PER_FOLDER)
@given(data=st.data())
def test_strides_within_the_bytes_are_kept_and_others_refused(tmp_path, without_torch, format, data):
    size = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    stride = data.draw(st.lists(st.integers(0, 9), min_size=len(size), max_size=len(size)))
    offset = data.draw(st.integers(0, 9))
    parts = {"size": tuple(size), "stride": tuple(stride), "offset": offset}
    tensor = quantized(quantizer=(torch.per_tensor_affine, 0.5, 3), **parts)
    path = forge(tmp_path / "net.pth", {"w": tensor}, format)
    fits = 0 in size or offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) < 12
    if not fits:
        with pytest.raises(CorruptFileError, match="beyond its bytes"):
            read(path)
        return
    state = read(path)
    wanted = torch.arange(12, dtype=torch.int8).as_strided(size, stride, offset if 0 not in size else 0)
    assert state["w"].stride() == tuple(stride)
    assert torch.equal(state["w"], wanted)
    assert (state["w_scale"].tolist(), state["w_zero_point"].tolist()) == ([0.5], [3])


PER_TENSOR = torch.per_tensor_affine
deep = [1.0]
for _ in range(60):
    deep = [deep, deep]
# Each with what the error says of it.
WRONG = {
    "beyond its bytes": (quantized(offset=1), "beyond"),
    "strides beyond": (quantized(stride=(5, 1)), "beyond"),
    "negative offset": (quantized(offset=-1), "negative"),
    "negative size": (quantized(size=(-3, 4)), "negative"),
    "negative stride": (quantized(stride=(4, -1), offset=3), "negative"),
    "too few strides": (quantized(stride=(4,)), ""),
    "huge size": (quantized(size=(2**62, 2**62)), "beyond"),
    "huge count": (quantized(count=2**40), ""),
    "impossible count": (quantized(count=2**70), ""),
    "negative count": (quantized(count=-1), ""),
    "no count": (quantized(count="12"), ""),
    "floats": (quantized(torch.FloatStorage, bytes(48)), "float32"),
    "too few scales": (quantized(scales=plain([1, 2])), "scales"),
    "too many scales": (quantized(scales=plain([1, 2, 3, 4])), "scales"),
    "too few zero points": (quantized(zero_points=plain([1, 2], torch.int64)), "zero points"),
    "too few listed": (quantized(scales=[1.0, 2.0], zero_points=[0, 0]), "scales"),
    "whole scales": (quantized(scales=plain([1, 2, 3], torch.int64)), "scales of torch.int64"),
    "fractional zero points": (quantized(zero_points=plain([0, 1, 2])), "zero points of torch.float64"),
    "zero points out of range": (quantized(zero_points=plain([0, 128, 0], torch.int64)), "zero point"),
    "zero points beyond int32": (quantized(zero_points=plain([0, 2**32, 0], torch.int64)), "zero point"),
    "zero point out of range": (quantized(quantizer=(PER_TENSOR, 0.5, -129)), "zero point"),
    "zero point without end": (quantized(quantizer=(PER_TENSOR, 0.5, 2**80)), ""),
    "negative zero point": (quantized(torch.QUInt8Storage, quantizer=(PER_TENSOR, 0.5, -1)), "zero point"),
    "fractional zero point": (quantized(quantizer=(PER_TENSOR, 0.5, 0.5)), "neither"),
    "listed words": (quantized(scales=["1", "2", "3"]), "numbers"),
    "listed lists": (quantized(scales=[deep, deep, deep]), "numbers"),
    "scale of lists": (quantized(quantizer=(PER_TENSOR, deep, 0)), "neither"),
    "negative axis": (quantized(axis=-1), "axis -1"),
    "other axis": (quantized(size=(4, 3), stride=(3, 1), axis=1), "axis 1"),
    "axis out of range": (quantized(axis=2), "axis 2"),
    "no axis": (quantized(size=(), stride=()), "axis 0"),
    "half a quantizer": (quantized(quantizer=(PER_TENSOR, 0.5)), "neither"),
    "no scheme": (quantized(quantizer=("per", 0.5, 0)), "neither"),
    "none at all": (quantized(quantizer=7), "neither"),
    "a parameter of nothing": (Calls(torch._utils._rebuild_parameter, quantized(), False, None), "parameter"),
} | {
    f"scale {scale} {kind}": (tensor, "positive")
    for scale in (float("nan"), float("inf"), -0.5, 0.0, 1e300, 1e-300)
    for kind, tensor in {
        "by tensor": quantized(quantizer=(PER_TENSOR, scale, 0)),
        "by channel": quantized(scales=plain([1, scale, 1])),
        "listed": quantized(scales=[1.0, 1.0, scale], zero_points=[0, 0, 0]),
    }.items()
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("tensor", "said"), WRONG.values(), ids=WRONG)
def test_impossible_tensors_are_refused(tmp_path, without_torch, tensor, said, format):
    # The right one before it must not come back alone.
    path = forge(tmp_path / "net.pth", {"right": quantized(), "wrong": tensor}, format)
    with pytest.raises(CorruptFileError, match=rf"Net\.V1[\s\S]*{said}"):
        read(path)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"fc._packed_params._packed_params": (quantized(),)}, "fc._packed_params"),
        ({"fc._packed_params._packed_params": (quantized(), None, None)}, "fc._packed_params"),
        ({"fc._packed_params._packed_params": (plain([1.0]), None)}, "fc._packed_params"),
        ({"fc._packed_params._packed_params": (quantized(), quantized())}, "fc._packed_params"),
        ({"fc._packed_params._packed_params": ((quantized(), None), None)}, "fc._packed_params"),
        ({"fc._packed_params._packed_params": quantized()}, "fc._packed_params"),
        ({"fc._packed_params._packed_params": None}, "fc._packed_params"),
        ({"fc._packed_params.dtype": plain([1.0])}, "fc._packed_params.dtype"),
        ({"fc._packed_params.dtype": (torch.qint8,)}, "fc._packed_params.dtype"),
        ({"dtype": torch.qint8}, "'dtype': dtype"),
        ({"pair": (quantized(), None)}, "'pair': tuple"),
        ({"w_scale": plain([1.0])}, "w_scale twice"),
        ({"fc.weight": quantized(), "fc._packed_params.weight": quantized()}, "fc.weight twice"),
        ({"fc.bias": plain([1.0]), "fc._packed_params._packed_params": (quantized(), plain([1.0]))}, "fc.bias twice"),
        ({"model": {"w": quantized()}}, "'model': dict"),
        ({"epoch": 3}, "'epoch': int"),
        ({7: quantized()}, "7: QuantizedTensor"),
        ({"scheme": torch.per_tensor_affine}, "'scheme': str"),
    ],
)
def test_other_things_between_quantized_tensors_are_refused(tmp_path, without_torch, state, said, format):
    path = forge(tmp_path / "net.pth", {"w": quantized(), **state}, format)
    with pytest.raises(CorruptFileError, match=said):
        read(path)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("state", [quantized(), [quantized()]], ids=["tensor", "list"])
def test_no_dict_at_all(tmp_path, without_torch, state, format):
    with pytest.raises(CorruptFileError, match="expected a dict"):
        read(forge(tmp_path / "net.pth", state, format))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("first", [True, False])
def test_code_between_quantized_tensors_is_refused_and_not_run(tmp_path, without_torch, first, format):
    call, tensors = {"x": Calls(os.mkdir, str(tmp_path / "it-ran"))}, {"w": quantized(), "dtype": torch.qint8}
    path = forge(tmp_path / "net.pth", {**call, **tensors} if first else {**tensors, **call}, format)
    with pytest.raises(UnsafeFileError, match=r"asks for \w+\.mkdir, which"):
        read(path)
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["_rebuild_qtensor", "_rebuild_parameter"])
def test_a_file_cannot_change_what_makes_its_tensors(tmp_path, without_torch, name, format):
    """Opcode BUILD with a pair sets attributes; on a function that would outlive the file."""
    asked = b"ctorch._utils\n_rebuild_qtensor\n0ctorch._utils\n" + name.encode() + b"\n"
    path = forge(
        tmp_path / "net.pth", None, format, pickled=b"\x80\x02" + asked + b"N}X\x08\x00\x00\x00__call__Ns\x86b."
    )
    with pytest.raises(CorruptFileError, match="__call__"):
        read(path)


def test_scales_cannot_change_once_they_are_checked(tmp_path, without_torch):
    scales, other = plain([0.5, 1, 2], torch.float32), plain([float("nan")] * 3, torch.float32)
    tensor = quantized(scales=scales)
    scales.call += ((other, tensor, None, False, None),)  # the tensor is there before its scales are changed
    state = read(forge(tmp_path / "net.pth", {"scales": scales, "w": tensor}, "zip"))
    assert state["scales"].isnan().all()
    assert state["w_scale"].tolist() == [0.5, 1, 2]
    with pytest.raises(CorruptFileError):  # nothing is there yet whose state could be set
        read(forge(tmp_path / "net.pth", {"scales": scales, "w": tensor}, "legacy"))


@pytest.mark.parametrize("format", FORMATS)
def test_tensors_of_other_dtypes_are_refused(tmp_path, without_torch, format):
    path = forge(tmp_path / "net.pth", {"w": quantized(torch.QUInt4x2Storage)}, format)
    with pytest.raises(CorruptFileError, match="QUInt4x2Storage"):
        read(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keys": lambda keys: [*keys, keys[0]]}, "twice"),
        ({"keys": lambda keys: keys[:-1]}, ""),
        ({"keys": lambda keys: [*keys, "more"]}, "more"),
        ({"keys": lambda keys: [*keys, []]}, ""),
        ({"keys": lambda keys: {}}, ""),
        ({"written": 11}, "numbers"),
        ({"written": -12}, "numbers"),
        ({"written": 2**62}, "numbers"),
        ({"info": {"little_endian": False}}, "little-endian"),
        ({"info": {"protocol_version": 1001}}, "little_endian"),
        ({"info": [True]}, ""),
    ],
)
def test_what_the_older_format_says_of_itself_is_checked(tmp_path, without_torch, changes, said):
    # Not a file that torch's reader may try: it would make quantized tensors before it notices.
    with pytest.raises(CorruptFileError, match=rf"damaged[\s\S]*{said}"):
        read(forge(tmp_path / "net.pth", {"w": quantized()}, "legacy", **changes))


def test_parts_of_storages(tmp_path, without_torch):
    """Torch wrote them where a storage was a part of another."""
    content = bytes(range(20))
    state = {
        "part": quantized(content=content, key="0", view=("1", 4, 12)),
        "whole": quantized(content=content, key="0"),
        "sevens": quantized(content=content, key="0", view=("2", 7, 1), size=(3, 4), stride=(0, 0)),
    }
    given_ = read(forge(tmp_path / "net.pth", state, "legacy"))
    assert given_["part"].flatten().tolist() == list(range(4, 16))
    assert given_["whole"].flatten().tolist() == list(range(12))
    assert given_["sevens"].flatten().tolist() == [7] * 12
    given_["whole"].fill_(5)
    assert given_["part"].flatten().tolist() == [5] * 8 + [12, 13, 14, 15]
    wrong = [(8, 13), (0, 21), (-1, 12), (12, -1), (2**62, 2**62), ("0", 12), (0, 11)]
    for first, length in wrong:
        state = {"w": quantized(content=content, key="0", view=("1", first, length))}
        with pytest.raises(CorruptFileError):
            read(forge(tmp_path / "net.pth", state, "legacy"))


def test_a_record_of_the_zip_is_there_once(tmp_path, without_torch):
    path = forge(tmp_path / "net.pth", {"w": quantized(key="0")}, "zip")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("net/data/0", bytes(12))
    with pytest.raises(CorruptFileError, match="twice"):
        read(path)


SMALL = {
    "w": quantized(key="1"),
    "fc._packed_params.dtype": torch.qint8,
    "fc._packed_params._packed_params": (quantized(quantizer=(PER_TENSOR, 0.5, 3)), plain([1, 2, 3], torch.float32)),
}


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=20, **PER_FOLDER)
@given(where=st.floats(0, 1, exclude_max=True))
def test_truncated_anywhere(tmp_path, nothing_quantized, format, where):
    path = forge(tmp_path / "net.pth", SMALL, format)
    content = path.read_bytes()
    path.write_bytes(content[: int(where * len(content))])
    with pytest.raises(CorruptFileError):
        read(path)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=50, **PER_FOLDER)
@given(data=st.data())
def test_damaged_anywhere(tmp_path, nothing_quantized, format, data):
    path = forge(tmp_path / "net.pth", SMALL, format)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        # r is LONG_BINPUT, for whose number Python's unpickler fills any amount of memory.
        damage = st.integers(0, 255).filter(lambda byte: byte != ord("r"))
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(damage)
    path.write_bytes(content)
    try:
        state = read_state_dict(path, name="Net.V1")
    except WeightsFileError as error:
        assert "Net.V1" in str(error)
        return
    for tensor in state.values():
        assert not tensor.is_quantized
        tensor.clone()  # every byte that it stands for is there


@pytest.mark.parametrize("format", FORMATS)
def test_networks_that_are_not_quantized_are_as_ever(tmp_path, format):
    """Nothing is renamed or left out where nothing is quantized."""
    state = {
        "fc._packed_params.weight": torch.ones(2),
        "w_scale": torch.ones(1),
        "x": torch.nn.Parameter(torch.ones(1)),
    }
    same(read_state_dict(save(state, tmp_path / "net.pth", format), name="Net.V1"), state)
    with pytest.raises(CorruptFileError, match="'bias': NoneType"):
        read_state_dict(save({**state, "bias": None}, tmp_path / "net.pth", format), name="Net.V1")
