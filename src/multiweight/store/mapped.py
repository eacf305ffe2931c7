"""The tensors of a file in torch's zip format, mapped: several times faster than `torch.load`, and as strict.

`torch.load(weights_only=True)` interprets a file's pickle in Python. Here Python's own unpickler, written in C, reads
it, and is given nothing to call but what puts mapped bytes into tensors. A file that asks for anything else, or that
is not laid out as `torch.save` lays out plain tensors, is left to `torch.load`.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

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
}

# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7: 26 bytes, two lengths, then name and extra field.
_LOCAL_HEADER, _LENGTHS_AT = 30, 26


class OtherLayoutError(Exception):
    """The file is not what this module reads; `torch.load` may know it, or say what is wrong."""


def read_mapped(path: Path) -> object:
    """What is pickled in the file, with its tensors mapped copy-on-write.

    Args:
        path: A file in torch's zip format.

    Raises:
        OtherLayoutError: If it holds anything but tensors in plain containers, or is damaged.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return _Reader(path, file, archive).load()
    except OtherLayoutError:
        raise
    except Exception as error:  # a damaged or hostile file may make the unpickler raise anything
        raise OtherLayoutError(str(error)) from error


class _Reader(pickle.Unpickler):
    """Calls `_AS_TENSOR` and `OrderedDict`, and nothing else."""

    def __init__(self, path: Path, file: BinaryIO, archive: zipfile.ZipFile) -> None:
        records = {info.filename: info for info in archive.infolist()}
        (pickled,) = (name for name in records if name.endswith("/data.pkl"))
        self._folder = pickled.removesuffix("data.pkl")
        if f"{self._folder}byteorder" in records and archive.read(f"{self._folder}byteorder") != b"little":
            raise OtherLayoutError("The file's numbers are not little-endian.")
        self._file, self._records = file, records
        # Private: writing into a tensor copies the page, and never reaches the file.
        size = path.stat().st_size
        mapped: Any = torch.UntypedStorage.from_file(str(path), False, size)  # pyright: ignore[reportUnknownMemberType]
        self._bytes = cast("torch.UntypedStorage", mapped)
        self._storages: dict[str, tuple[torch.UntypedStorage, torch.dtype]] = {}
        super().__init__(io.BytesIO(archive.read(pickled)))

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _AS_TENSOR
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module_name == "torch" and global_name in _DTYPES:
            return _DTYPES[global_name]
        raise OtherLayoutError(f"The file asks for {module_name}.{global_name}.")

    def persistent_load(self, pid: Any, /) -> tuple[torch.UntypedStorage, torch.dtype]:
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise OtherLayoutError(f"The file refers to {pid!r}.")
        if key not in self._storages:
            record = self._records[f"{self._folder}data/{key}"]
            size = count * dtype.itemsize
            if record.compress_type != zipfile.ZIP_STORED or record.file_size != size:
                raise OtherLayoutError(f"The file's record {record.filename} is not {size} plain bytes.")
            self._file.seek(record.header_offset + _LENGTHS_AT)
            start = record.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", self._file.read(4)))
            if start % dtype.itemsize or start + size > self._bytes.nbytes():
                raise OtherLayoutError(f"The file's record {record.filename} cannot be mapped.")
            self._storages[key] = cast("torch.UntypedStorage", self._bytes[start : start + size]), dtype
        return self._storages[key]


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
        return torch.empty(0, dtype=dtype).set_(mapped, offset, size, stride)


_AS_TENSOR = _AsTensor()
