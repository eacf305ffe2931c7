"""From tensors to a weights file, written so that whatever happens, a whole file is under its name.

https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from multiweight.catalogue._file import KEY, Header, header_json
from multiweight.store.writing import written_whole

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def save_weights(state: Mapping[str, torch.Tensor], path: str | os.PathLike[str], header: Header) -> str:
    """Writes a weights file that knows what it is.

    It is written beside, onto the disk and then renamed: a file that was there before stays whole until this one is,
    whatever happens, and whoever has it mapped keeps it. Of the same tensors and header come the same bytes.

    Args:
        state: Tensors by name, on any device. They are written as they are, in the dtype they have.
        path: Where to; best ending in `.safetensors`. Its folder must be there.
        header: What the file says of itself; `tensors_sha256` is put in.

    Returns:
        The file's SHA-256 in hexadecimal.

    Raises:
        StoreError: If the disk says no. What was under the name before is still there.
        ValueError: If the header could not be read again, or a tensor's dtype has no name in the format.
    """
    path = Path(path)
    # The largest numbers first keeps each tensor aligned without gaps, which the format does not allow.
    names = sorted(state, key=lambda name: (-state[name].element_size(), name))
    layout, end = dict[str, Any](), 0
    for name in names:
        tensor = state[name]
        if tensor.dtype not in _DTYPES or tensor.layout != torch.strided:
            raise ValueError(f"{name} is a tensor of {tensor.dtype}, {tensor.layout}; safetensors does not know such.")
        begin, end = end, end + tensor.numel() * tensor.element_size()
        layout[name] = {"dtype": _DTYPES[tensor.dtype], "shape": [*tensor.shape], "data_offsets": [begin, end]}
    of_tensors = hashlib.sha256()
    for part in _bytes(state, names):
        of_tensors.update(part)
    said = header_json(replace(header, tensors_sha256=of_tensors.hexdigest()))
    text = json.dumps({"__metadata__": {"format": "pt", KEY: said}, **layout}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    of_file = hashlib.sha256()

    def write(put: Callable[[Any], object]) -> None:
        for part in (len(text).to_bytes(8, "little"), text):
            put(part)
            of_file.update(part)
        for part in _bytes(state, names):
            put(part)
            of_file.update(part)

    write_atomically(path, write)
    return of_file.hexdigest()


def _bytes(state: Mapping[str, torch.Tensor], names: list[str]) -> Iterator[Any]:
    for name in names:
        tensor = state[name].detach().resolve_neg().cpu().contiguous()
        # No copy: numpy has no bfloat16, but bytes it has.
        yield tensor.reshape(-1).view(torch.uint8).numpy().data


def write_atomically(path: Path, write: Callable[[Callable[[Any], object]], object]) -> None:
    """Writes a file that is under its name only when it is whole and on the disk.

    Args:
        path: The file. What was there before is replaced, and kept if anything goes wrong.
        write: Is given the function that writes bytes.

    Raises:
        StoreError: If the disk says no.
    """
    with written_whole(path) as file:
        write(file.write)
