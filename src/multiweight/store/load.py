"""From a verified file to tensors, mapped rather than read where the format allows it. No code in it is run."""

from __future__ import annotations

import os
import pickletools
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import torch

from multiweight.catalogue._architectures import architecture_beside, checked_architecture
from multiweight.catalogue._file import KEY, metadata_of
from multiweight.catalogue._plain import WrappingError, unwrap
from multiweight.errors import CorruptFileError, UnsafeFileError, WeightsFileError
from multiweight.store import ensure
from multiweight.store.mapped import OtherLayoutError, read_legacy, read_mapped
from multiweight.store.renaming import renamed

if TYPE_CHECKING:
    from multiweight.catalogue import Weights

_ZIP = b"PK\x03\x04"
_PICKLES_OF_OLD_FORMAT = 5

# What torch.save writes of itself for tensors. Anything else that a refused file names is what it was refused for.
_OF_TENSORS = re.compile(
    r"collections\.OrderedDict|torch\.(\w*Storage|Size|device|dtype)|torch\._utils\._rebuild_\w+|torch\.storage\.\w+"
    r"|torch\.(qint8|quint8|qint32|per_tensor_affine|per_channel_affine(_float_qparams)?)"
)
# Without one of these, torch.load makes no tensor of a quantized dtype.
_OF_QUANTIZED = re.compile(r"torch\.(Q\w+Storage|qu?int\w+)|torch\._utils\._rebuild_qtensor")


class StateDict(dict[str, torch.Tensor]):
    """Tensors by name, and what was done to find them in their file.

    `copy.copy` keeps all of it, as it keeps torch's `_metadata`, the versions of the modules.

    Attributes:
        renamed: The name in the file of each tensor that has another one → the name here.
        unwrapped: Each wrapping that was undone, in words: `"the key 'state_dict'"`, `"the prefix 'module.'"`.
        dropped: What is left out, by its name in the file → why.
    """

    renamed: dict[str, str]
    unwrapped: tuple[str, ...]
    dropped: dict[str, str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.renamed, self.unwrapped, self.dropped = {}, (), {}


def load_state_dict(
    weights: Weights,
    *,
    name: str,
    progress: bool = True,
    variant: str | None = None,
    plain: bool = False,
    part: str | None = None,
) -> StateDict:
    """The tensors of an entry by name, downloaded and verified if need be.

    Those of a file of another publisher are renamed; see `multiweight.store.renaming`.

    Args:
        weights: The entry.
        name: What errors and the progress bar call it.
        progress: Whether a terminal shows how far a download is.
        variant: Whose weights they are, where known.
        plain: Whether the file may be any that holds a state dict, as for `read_state_dict`.
        part: As for `read_state_dict`.

    Raises:
        StoreError: If the file cannot be had.
        WeightsFileError: If it cannot be read, or is of an architecture that is another function.
    """
    about: dict[str, Any] = {"given": weights.architecture, "url": weights.url, "name": name}
    about |= {"variant": variant, "arguments": weights.arguments}
    checked_architecture(beside=None, **about)  # before it is downloaded
    path = ensure(weights, name=name, progress=progress)
    state = read_state_dict(path, name=name, plain=plain, part=part)
    architecture = checked_architecture(beside=_stated_architecture(path), **about)
    return _renamed(state, architecture) if architecture else state


def _renamed(state: StateDict, architecture: str) -> StateDict:
    """Another publisher's tensors under our names, with what became of each."""
    ours = StateDict(renamed(state, architecture))
    ours.unwrapped, ours.dropped = state.unwrapped, dict(state.dropped)
    in_file = {name: given for given, name in state.renamed.items()}
    # A tensor is known again by where its numbers are, as most stay what they are and others become views.
    places = {(tensor.data_ptr(), tensor.numel()): name for name, tensor in ours.items() if tensor.numel()}
    for name, tensor in state.items():
        given = in_file.get(name, name)
        now = name if name in ours else places.get((tensor.data_ptr(), tensor.numel()))
        if now is None:
            ours.dropped[given] = f"nothing of it is in the network as {architecture} is written here"
        elif now != given:
            ours.renamed[given] = now
    return ours


def _stated_architecture(path: Path) -> str | None:
    """The architecture that a file of another publisher says it is of; a file with a header of ours has our names."""
    if not _is_safetensors(path):
        return None
    metadata = metadata_of(path)
    return None if KEY in metadata else architecture_beside(path, metadata)


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size


def read_state_dict(path: Path, *, name: str, plain: bool = False, part: str | None = None) -> StateDict:
    """The tensors in a file by name.

    safetensors and torch's zip format are mapped: bytes are read when they are first used, writing into a tensor
    copies the page and never reaches the file, and the file may be replaced by rename meanwhile (never rewritten in
    place). So are the integers of quantized files in torch's older format; its other files are read.

    Of a quantized network, only plain tensors are given, whichever release saved it. A quantized tensor `K` is `K`
    (int8, uint8 or int32), `K_scale` (float32) and `K_zero_point` (int32), each of these `(C,)` for the channels along
    its first axis or `(1,)` for all of it. A linear layer `P` has `P.weight` and, if any, `P.bias`.

    Args:
        path: The file. It is read as safetensors if its content or its ending says so.
        name: What errors call it.
        plain: Whether the file may be any that holds a state dict: what checkpoints wrap it in is undone, as
            `multiweight.catalogue._plain.unwrap` says, and what else is in them is left out. Otherwise it is tensors by
            name and nothing more.
        part: The key of a checkpoint under which the state dict is, where there are several.

    Raises:
        UnsafeFileError: If the file asks for anything but tensors. Nothing of it was run.
        CorruptFileError: If it is damaged, or no file of tensors.
        OSError: If it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(16)
    is_zip = head.startswith(_ZIP)
    try:
        if _is_safetensors(path) or path.suffix == ".safetensors":
            from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

            found: Any = load_file(path)
        else:
            found = _torch_load(path, is_zip=is_zip)
    except Exception as error:  # the readers run into refused and damaged files with errors of every kind
        raise _unreadable(path, name, head, error) from error
    if plain:
        try:
            unwrapped = unwrap(found, torch.Tensor, part)
        except WrappingError as error:
            raise CorruptFileError(f"{name}: {path} is no state dict: {error}.") from None
        state = StateDict(unwrapped.tensors)
        state.renamed, state.unwrapped, state.dropped = unwrapped[1:4]
        if isinstance(unwrapped.metadata, dict) and unwrapped.metadata:  # pyright: ignore[reportUnnecessaryIsInstance]
            before = unwrapped.prefixes
            modules = [(f"{module}.", about) for module, about in unwrapped.metadata.items()]
            own = {module.removeprefix(before)[:-1]: about for module, about in modules if module.startswith(before)}
            state.__dict__["_metadata"] = own
        return _checked(state, path, name)
    if not isinstance(found, dict):
        raise CorruptFileError(f"{name}: {path} holds a {type(found).__name__}; expected a dict of tensors by name.")
    for key, value in cast("dict[Any, Any]", found).items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor):
            raise CorruptFileError(
                f"{name}: {path} holds a dict with {key!r}: {type(value).__name__}; expected tensors by name. "
                "If it is a training checkpoint, save the state dict in it alone."
            )
    state = StateDict(cast("dict[str, torch.Tensor]", found))
    state.__dict__.update(getattr(cast("object", found), "__dict__", {}))  # the versions of the modules
    return _checked(state, path, name)


def _checked(state: StateDict, path: Path, name: str) -> StateDict:
    for key, tensor in state.items():
        if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_nested:
            kind = "one without numbers" if tensor.is_meta else "a sparse or nested one"
            raise CorruptFileError(f"{name}: {path} holds {key!r} as {kind}; expected dense tensors.")
    return state


def _torch_load(path: Path, *, is_zip: bool) -> object:
    try:
        if is_zip:
            return read_mapped(path)
        if (quantized := read_legacy(path)) is not None:
            return quantized
    except OtherLayoutError:  # torch.load then says what is wrong, or knows how to read it
        # But of a quantized file it would make tensors of deprecated dtypes, and warn of them.
        if any(map(_OF_QUANTIZED.fullmatch, _names(path, is_zip))):
            raise
    if not is_zip or os.name == "nt":
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    from mmap import MAP_PRIVATE

    # The user may have chosen shared maps for files of his own; training must not write into the cache.
    with torch.serialization.set_default_mmap_options(MAP_PRIVATE):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _unreadable(path: Path, name: str, head: bytes, error: Exception) -> WeightsFileError:
    names = _names(path, head.startswith(_ZIP))
    if wants := sorted(name for name in names if not _OF_TENSORS.fullmatch(name)):
        return UnsafeFileError(
            f"{name}: {path} is refused. A file of weights holds tensors by name and nothing else; this one asks for "
            f"{', '.join(wants[:3])}{', …' if len(wants) > 3 else ''}, which may run code. Nothing of it was run. "
            "If you trust whoever made it, have them save the state dict alone, best as safetensors."
        )
    reason = (str(error) or type(error).__name__).strip().splitlines()[0]
    return CorruptFileError(
        f"{name}: {path} ({path.stat().st_size:,} bytes, beginning with {head!r}) is damaged or not a file of "
        f"weights: {reason}\nDelete it to have it downloaded anew, or save it again."
    )


def _names(path: Path, is_zip: bool) -> set[str]:
    """The functions and classes that a file's pickles name. The pickles are only read, never run."""
    names: set[str] = set()
    with suppress(Exception):  # here the pickles end, or are damaged in any way; what they have named so far counts
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    if member.endswith(".pkl"):
                        with archive.open(member) as file:
                            names.update(_named(cast("BinaryIO", file)))
        else:
            with path.open("rb") as file:
                for _ in range(_PICKLES_OF_OLD_FORMAT):
                    names.update(_named(file))
    return names


def _named(file: BinaryIO) -> Iterator[str]:
    """Every `module.name` in one pickle."""
    strings: list[str] = []
    memo: dict[int, str] = {}
    operations: Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]] = pickletools.genops(file)
    for opcode, argument, _ in operations:
        if opcode.name in ("GLOBAL", "INST"):
            yield argument.replace(" ", ".", 1)
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(strings[-2:])
        elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            # A file that numbers its memos otherwise only makes for a worse name in the error.
            memo[len(memo) if argument is None else argument] = strings[-1] if strings else ""
        elif opcode.name in ("GET", "BINGET", "LONG_BINGET"):
            strings.append(memo.get(argument, "?"))
        elif isinstance(argument, str):
            strings.append(argument)
