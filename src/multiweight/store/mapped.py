"""The tensors of torch's files, mapped: several times faster than `torch.load`, and as strict.

`torch.load(weights_only=True)` interprets a file's pickle in Python. Here Python's own unpickler, written in C, reads
it, and is given nothing to call but what puts mapped bytes into tensors. A file that asks for anything else, or that
is not laid out as `torch.save` lays out tensors, is left to `torch.load`.

Quantized tensors are read as the integers that they are made of, with scales and zero points beside them. torch's own
quantized dtypes are deprecated, and none is ever made here.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import torch

# What torch.save calls the types of numbers: plain storages, quantized ones, and the quantized dtypes on their own.
_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "QInt8Storage": torch.int8,
    "QUInt8Storage": torch.uint8,
    "QInt32Storage": torch.int32,
    "qint8": torch.int8,
    "quint8": torch.uint8,
    "qint32": torch.int32,
}
_SCHEMES = "per_tensor_affine", "per_channel_affine", "per_channel_affine_float_qparams"

# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7: 26 bytes, two lengths, then name and extra field.
_LOCAL_HEADER, _LENGTHS_AT = 30, 26

# The first two pickles of the format before zip.
_LEGACY = [0x1950A86A20F9469CFC6C, 1001]

# Where quantized linear layers keep what they share with their packed form.
_PACKED = re.compile(r"(.*\.)?_packed_params\.(dtype|weight|bias|_packed_params)")


class OtherLayoutError(Exception):
    """The file is not what this module reads; `torch.load` may know it, or say what is wrong."""


def read_mapped(path: Path) -> object:
    """What is pickled in the file, with its tensors mapped copy-on-write.

    Args:
        path: A file in torch's zip format.

    Returns:
        The same as was saved. Of a dict with quantized tensors, only tensors: `K`, `K_scale` and `K_zero_point` for a
        quantized one, and `weight` and `bias` for a linear layer, wherever the release that saved it kept them.

    Raises:
        OtherLayoutError: If it holds anything but tensors in plain containers, or is damaged.
    """
    with _refusing(), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        records = {info.filename: info for info in archive.infolist()}
        if len(records) != len(archive.infolist()):
            raise OtherLayoutError("The file holds a record twice.")
        (pickled,) = (name for name in records if name.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl")
        if f"{folder}byteorder" in records and archive.read(f"{folder}byteorder") != b"little":
            raise OtherLayoutError("The file's numbers are not little-endian.")

        def place(key: str, size: int) -> int:
            record = records[f"{folder}data/{key}"]
            if record.compress_type != zipfile.ZIP_STORED or record.file_size != size:
                raise OtherLayoutError(f"The file's record {record.filename} is not {size} plain bytes.")
            file.seek(record.header_offset + _LENGTHS_AT)
            return record.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", file.read(4)))

        return _Reader(io.BytesIO(archive.read(pickled)), path, place).read()


def read_legacy(path: Path) -> object:
    """What is pickled in a file of torch's older format with quantized tensors, mapped where they lie right for that.

    Args:
        path: A file in the format that `torch.save` wrote before 1.6.

    Returns:
        As of `read_mapped`; `None` if nothing in the file is quantized, so that `torch.load` may read it.

    Raises:
        OtherLayoutError: If it holds anything but tensors in plain containers, or is damaged.
    """
    with _refusing(), path.open("rb") as file:
        if [_Skimmer(file).load() for _ in _LEGACY] != _LEGACY:
            raise OtherLayoutError("The file is of no format of torch's.")
        if _Skimmer(file).load()["little_endian"] is not True:
            raise OtherLayoutError("The file's numbers are not little-endian.")
        begin = file.tell()
        skimmer = _Skimmer(file)
        skimmer.load()
        if not skimmer.quantized:
            return None
        places: dict[str, int] = {}
        for key in _Skimmer(file).load():
            count, size = skimmer.sizes[key]
            if key in places or struct.unpack("<q", file.read(8)) != (count,):
                raise OtherLayoutError(f"The file's storage {key} is there twice, or is not {count} numbers.")
            places[key] = file.tell()
            file.seek(size, os.SEEK_CUR)
        file.seek(begin)
        return _Reader(file, path, lambda key, _: places[key]).read()


@contextmanager
def _refusing() -> Generator[None]:
    try:
        yield
    except OtherLayoutError:
        raise
    except Exception as error:  # a damaged or hostile file may make the unpickler raise anything
        raise OtherLayoutError(str(error) or type(error).__name__) from error


class QuantizedTensor(NamedTuple):
    """Integers that stand for `(values - zero_point) * scale`, by channels along the first axis or all alike.

    Attributes:
        values: `(C, …)`, int8, uint8 or int32.
        scale: `(C,)` or `(1,)`, float32, positive.
        zero_point: As `scale`, int32, within the range of the values.
    """

    values: torch.Tensor
    scale: torch.Tensor
    zero_point: torch.Tensor


class _AsTensor:
    """Makes a tensor in a storage. Not a function: a pickle may set attributes of what it names, and this has none."""

    __slots__ = ()

    def __call__(
        self,
        storage: tuple[torch.UntypedStorage, torch.dtype],
        offset: int,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        requires_grad: bool,
        hooks: object,
        metadata: object = None,
    ) -> torch.Tensor:
        # torch would rather grow a storage than refuse a tensor that reaches beyond it.
        mapped, dtype = storage
        if offset < 0 or min((*size, *stride), default=0) < 0 or len(size) != len(stride):
            raise OtherLayoutError("The file holds a tensor of negative size.")
        reach = offset + 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if 0 not in size and reach * dtype.itemsize > mapped.nbytes():
            raise OtherLayoutError("The file holds a tensor that reaches beyond its bytes.")
        return torch.empty(0, dtype=dtype, device="cpu").set_(mapped, offset, size, stride)


class _AsQuantized:
    """Makes a quantized tensor in a storage, of what torch wrote about its quantizer. As bare as `_AsTensor`."""

    __slots__ = ()

    def __call__(
        self,
        storage: tuple[torch.UntypedStorage, torch.dtype],
        offset: int,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        quantizer: tuple[Any, ...],
        requires_grad: bool,
        hooks: object,
    ) -> QuantizedTensor:
        values = _AS_TENSOR(storage, offset, size, stride, requires_grad, hooks)
        if values.dtype not in (torch.int8, torch.uint8, torch.int32):
            raise OtherLayoutError(f"The file holds a quantized tensor of {values.dtype}.")
        match quantizer:
            case "per_tensor_affine", float(scale), int(zero_point):
                scales, zero_points, shape = _numbers([scale]), _numbers([zero_point]), (1,)
            case "per_channel_affine" | "per_channel_affine_float_qparams", scales, zero_points, int(axis):
                if axis != 0 or not size:
                    raise OtherLayoutError(f"The file holds a tensor quantized along axis {axis}; expected axis 0.")
                scales, zero_points, shape = _numbers(scales), _numbers(zero_points), (size[0],)
            case _:
                raise OtherLayoutError("The file holds a tensor that is quantized neither by tensor nor by channel.")
        if (scales.shape, zero_points.shape) != (shape, shape):
            raise OtherLayoutError(
                f"The file holds a quantized tensor with scales {tuple(scales.shape)} and zero points "
                f"{tuple(zero_points.shape)}; expected {shape} of each."
            )
        if scales.dtype not in (torch.float64, torch.float32) or zero_points.dtype not in (torch.int64, torch.int32):
            raise OtherLayoutError(
                f"The file holds a quantized tensor with scales of {scales.dtype} and zero points of "
                f"{zero_points.dtype}; expected fractions and whole numbers."
            )
        # Copies, since the rest of the pickle may still change what it can refer to.
        scale = scales.to(torch.float32, copy=True)
        if not bool(((scale > 0) & scale.isfinite()).all()):
            raise OtherLayoutError("The file holds a quantized tensor with a scale that is no positive number.")
        zero_point = zero_points.to(torch.int32, copy=True)
        limits = torch.iinfo(values.dtype)
        if bool(((zero_points < limits.min) | (zero_points > limits.max)).any()):
            raise OtherLayoutError(f"The file holds a quantized tensor with a zero point that is no {values.dtype}.")
        return QuantizedTensor(values, scale, zero_point)


def _numbers(given: Any) -> torch.Tensor:
    """Scales or zero points: torch 1.3 and 1.4 wrote lists, later ones tensors."""
    if isinstance(given, torch.Tensor):
        return given
    if isinstance(given, list):
        numbers = cast("list[object]", given)
        for kind, dtype in ((float, torch.float64), (int, torch.int64)):
            if all(type(number) is kind for number in numbers):
                return torch.tensor(numbers, dtype=dtype, device="cpu")
    raise OtherLayoutError("The file holds a quantized tensor with scales or zero points that are no numbers.")


class _AsParameter:
    """Gives the tensor of a parameter, as which quantized layers save their biases. As bare as `_AsTensor`."""

    __slots__ = ()

    def __call__(self, data: object, requires_grad: bool, hooks: object) -> torch.Tensor:
        if not isinstance(data, torch.Tensor):
            raise OtherLayoutError(f"The file asks for a parameter made of a {type(data).__name__}.")
        return data


_MAKERS = _AS_TENSOR, _AS_QUANTIZED, _AS_PARAMETER = _AsTensor(), _AsQuantized(), _AsParameter()

_KNOWN: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _AS_TENSOR,
    "torch._utils._rebuild_qtensor": _AS_QUANTIZED,
    "torch._utils._rebuild_parameter": _AS_PARAMETER,
    **{f"torch.{name}": dtype for name, dtype in _DTYPES.items()},
    **{f"torch.{scheme}": scheme for scheme in _SCHEMES},
}


class _Unpickler(pickle.Unpickler):
    """Gives a pickle what is in `_KNOWN`, and nothing else.

    Attributes:
        quantized: Whether the pickle has asked for quantized tensors so far.
    """

    quantized = False

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name}.{global_name}"
        if name not in _KNOWN:
            raise OtherLayoutError(f"The file asks for {name}.")
        self.quantized = self.quantized or _KNOWN[name] is _AS_QUANTIZED
        return _KNOWN[name]

    def persistent_load(self, pid: Any, /) -> Any:
        kind, dtype, key, _, count, *view = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not isinstance(key, str):
            raise OtherLayoutError("The file refers to something else than storages.")
        return self.storage(dtype, key, count, *view)

    def storage(self, dtype: torch.dtype, key: str, count: int, view: tuple[str, int, int] | None = None) -> object:
        raise NotImplementedError


class _Skimmer(_Unpickler):
    """Makes nothing: it only learns where a pickle ends and which storages it asks for.

    Attributes:
        sizes: How many numbers and how many bytes are in each storage.
    """

    def __init__(self, pickled: BinaryIO) -> None:
        super().__init__(pickled)
        self.sizes: dict[str, tuple[int, int]] = {}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        known = super().find_class(module_name, global_name)
        return "".format if known in _MAKERS else known  # makes "" of whatever it is given

    def storage(self, dtype: torch.dtype, key: str, count: int, view: tuple[str, int, int] | None = None) -> None:
        self.sizes.setdefault(key, (count, count * dtype.itemsize))


class _Reader(_Unpickler):
    """Puts the storages that a pickle asks for where the file has them.

    Args:
        pickled: The pickle.
        path: The file with the storages.
        place: Tells where in the file a storage begins, by its key and its size in bytes.
    """

    def __init__(self, pickled: BinaryIO, path: Path, place: Callable[[str, int], int]) -> None:
        if sys.byteorder != "little":
            raise OtherLayoutError("This machine's numbers are not little-endian.")
        super().__init__(pickled)
        self._place = place
        # Private: writing into a tensor copies the page, and never reaches the file.
        size = path.stat().st_size
        mapped: Any = torch.UntypedStorage.from_file(str(path), False, size)  # pyright: ignore[reportUnknownMemberType]
        self._bytes = cast("torch.UntypedStorage", mapped)
        self._storages: dict[str, tuple[torch.UntypedStorage, torch.dtype]] = {}

    def read(self) -> object:
        found = self.load()
        return _by_name(cast("dict[Any, Any]", found)) if self.quantized and isinstance(found, dict) else found

    def storage(
        self, dtype: torch.dtype, key: str, count: int, view: tuple[str, int, int] | None = None
    ) -> tuple[torch.UntypedStorage, torch.dtype]:
        if key not in self._storages:
            size = count * dtype.itemsize
            start = self._place(key, size)
            if size < 0 or start + size > self._bytes.nbytes():
                raise OtherLayoutError(f"The file's storage {key} reaches beyond the file.")
            found = cast("Any", self._bytes[start : start + size])
            # Numbers lie at multiples of their size. Being a slice, a copy cannot be made to grow either.
            self._storages[key] = (found.clone()[:] if start % dtype.itemsize else found), dtype
        whole, dtype = self._storages[key]
        if view is None:
            return whole, dtype
        _, first, length = view
        if not 0 <= first <= first + length <= whole.nbytes() // dtype.itemsize:
            raise OtherLayoutError(f"The file's storage {key} has a part that reaches beyond it.")
        part = slice(first * dtype.itemsize, (first + length) * dtype.itemsize)
        return cast("torch.UntypedStorage", whole[part]), dtype


def _by_name(found: dict[Any, Any]) -> dict[Any, Any]:
    state: dict[Any, Any] = {}
    for key, value in found.items():
        for name, part in _parts(key, value):
            if name in state:
                raise OtherLayoutError(f"The file holds {name} twice.")
            state[name] = part
    return state


def _parts(name: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """What a plain state dict holds in place of one entry."""
    if isinstance(name, str) and (packed := _PACKED.fullmatch(name)):
        layer, part = packed.groups("")
        match part, value:
            case "dtype", torch.dtype():
                pass
            case "_packed_params", (QuantizedTensor() as weight, torch.Tensor() | None as bias):
                yield from _parts(f"{layer}weight", weight)
                yield from _parts(f"{layer}bias", bias)
            case "weight" | "bias", _:
                yield from _parts(f"{layer}{part}", value)
            case _:
                raise OtherLayoutError(f"The file holds {name}, but not as any release of torch has saved it.")
    elif isinstance(name, str) and isinstance(value, QuantizedTensor):
        yield name, value.values
        yield f"{name}_scale", value.scale
        yield f"{name}_zero_point", value.zero_point
    elif value is not None:  # a layer without bias
        yield name, value
