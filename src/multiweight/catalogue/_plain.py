"""A plain state dict, whose variant its reader has to name, as a weights entry; and what checkpoints wrap it in.

Such a file says nothing of itself. So the preset is that of the variant's `DEFAULT`, labels are those that the caller
gives and else none, and nothing is claimed of how good it is. Never imports torch: what is known of the tensors are
their names and shapes, which are read without them.
"""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast

from multiweight.catalogue._registry import get_model_weights, unquantized_variant
from multiweight.catalogue._schema import PresetSpec, WeightsEnum
from multiweight.errors import HeaderError

T = TypeVar("T")

AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema")
"""Under which keys checkpoints have the average of a network's tensors, which is what was measured and published."""

OUTER = (*AVERAGED, "state_dict", "model_state_dict", "model", "net", "module")
"""The keys of a checkpoint under which a state dict is looked for, in this order."""

PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and trainers put before every name."""

_DEPTH = 8
_COUNTER = "n_averaged"


class WrappingError(ValueError):
    """A file holds no state dict, or none that can be found; the text says what there is."""


class Unwrapped(NamedTuple, Generic[T]):
    """A state dict without its wrappings.

    Attributes:
        tensors: The tensors by name.
        renamed: The name in the file of each that has another one → the name here.
        unwrapped: Each wrapping that was undone, in words, from the outside in.
        dropped: What is left out, by its name in the file → why.
        prefixes: Those that were taken off, as one.
        metadata: What torch keeps of the modules, by their names in the file, where it is there.
    """

    tensors: dict[str, T]
    renamed: dict[str, str]
    unwrapped: tuple[str, ...]
    dropped: dict[str, str]
    prefixes: str
    metadata: dict[str, Any]


def unwrap(found: object, kind: type[T], part: str | None = None) -> Unwrapped[T]:
    """Finds the state dict in what a file holds, and takes off what was put around it and before its names.

    Of the keys in `OUTER` the first that holds tensors is taken, so an average before what it is the average of. A
    prefix is only taken off if all names have it.

    Args:
        found: What the file holds.
        kind: The class of its tensors.
        part: The key that is to be taken instead.

    Raises:
        WrappingError: If there is no state dict, or names are not what names are.
    """
    level, steps, dropped = _level(found, "it"), list[str](), dict[str, str]()
    for depth in range(_DEPTH):
        inner = [key for key, value in level.items() if _holds(value, kind)]
        if part is not None and depth == 0:
            if part not in inner:
                has = ", ".join(map(_short, inner)) or "none"
                raise WrappingError(f"it has no part {part!r} that holds tensors; those that do: {has}")
            chosen = part
        else:
            chosen = next((key for key in OUTER if key in inner), None)
        if chosen is None:
            break
        for key, value in level.items():
            if key != chosen:
                other = key in inner and key in OUTER and depth == 0
                why = f"another state dict, which #{key} takes" if other else _kind(value)
                dropped[key] = f"beside {chosen!r}: {why}"
        steps.append(f"the key {chosen!r}")
        level = _level(level[chosen], f"its {chosen!r}")
    else:
        raise WrappingError(f"its dicts are nested more than {_DEPTH} levels deep")
    tensors = {key: value for key, value in level.items() if isinstance(value, kind)}
    dropped |= {key: f"no tensor, but {_kind(value)}" for key, value in level.items() if key not in tensors}
    if not tensors:
        has = ", ".join(_short(key) for key in list(level)[:5]) or "nothing"
        raise WrappingError(f"it holds no tensors by name, but {has}. Of a checkpoint, `FILE#KEY` takes what is there")
    if _COUNTER in tensors and all(key.startswith("module.") for key in tensors if key != _COUNTER):
        del tensors[_COUNTER]
        dropped[_COUNTER] = "counts how many networks were averaged"
    names, prefixes = {key: key for key in tensors}, ""
    while prefix := next(
        (each for each in PREFIXES if names and all(n.startswith(each) for n in names.values())), None
    ):
        names = {key: name.removeprefix(prefix) for key, name in names.items()}
        steps.append(f"the prefix {prefix!r}")
        prefixes += prefix
        if not all(names.values()):
            raise WrappingError(f"a tensor is called {prefix!r} and nothing more")
    return Unwrapped(
        {names[key]: tensor for key, tensor in tensors.items()},
        {key: name for key, name in names.items() if key != name},
        tuple(steps),
        dropped,
        prefixes,
        getattr(level, "_metadata", {}),
    )


def _level(found: object, where: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise WrappingError(f"{where} is a {type(found).__name__}; expected a dict of tensors by name")
    for key in cast("dict[Any, Any]", found):
        if not isinstance(key, str):
            raise WrappingError(f"{where} has the key {_short(key)}; expected names")
    return cast("dict[str, Any]", found)


def _holds(value: object, kind: type[Any]) -> bool:
    """Whether it is a dict with tensors in it or in dicts in it; each is looked at once, however often it is there."""
    if not isinstance(value, dict):
        return False
    seen, level = {id(cast("object", value))}, [cast("dict[Any, Any]", value)]
    for _ in range(_DEPTH):
        below: list[dict[Any, Any]] = []
        for each in level:
            for inner in each.values():
                if isinstance(inner, kind):
                    return True
                if isinstance(inner, dict) and id(cast("object", inner)) not in seen:
                    seen.add(id(cast("object", inner)))
                    below.append(cast("dict[Any, Any]", inner))
        level = below
    return False


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"


def _short(value: object) -> str:
    with suppress(Exception):  # a file may nest what it likes
        shown = repr(value)
        return shown if len(shown) <= 60 else f"{shown[:57]}…"
    return f"a {type(value).__name__}"


class _Shape(tuple[int, ...]):
    """The shape of a tensor that nobody reads."""


class _AsShape:
    """Stands for the functions that make tensors. Not a function: a pickle may set attributes of what it names."""

    __slots__ = ()

    def __call__(self, storage: object, *about: Any) -> _Shape:
        if isinstance(storage, _Shape):  # of a parameter
            return storage
        return _Shape(int(side) for side in about[1])


_AS_SHAPE = _AsShape()


class _Shapes(pickle.Unpickler):
    """Reads what torch pickled of tensors, without them, and makes nothing else."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name}.{global_name}"
        if name == "collections.OrderedDict":
            return OrderedDict
        if name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"):
            return _AS_SHAPE
        if re.fullmatch(r"torch\.(\w+Storage|\w*float\d*\w*|u?int\d+|bool)", name):
            return name
        raise pickle.UnpicklingError(name)

    def persistent_load(self, pid: Any, /) -> None:
        return None


def shapes_of(path: Path, part: str | None = None) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors in a file by name, without wrappings; nothing where that cannot be told without torch.

    Args:
        path: A file of tensors.
        part: As for `unwrap`.
    """
    with suppress(Exception):  # what is wrong with it is said when it is loaded
        return {name: tuple(shape) for name, shape in unwrap(_pickled(path), _Shape, part).tensors.items()}
    return {}


def _pickled(path: Path) -> object:
    with path.open("rb") as file:
        head = file.read(9)
        file.seek(0)
        if head.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive:
                (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
                with archive.open(name) as pickled:
                    return _Shapes(cast("Any", pickled)).load()
        if head[8:] == b"{":
            said: dict[str, Any] = json.loads(file.read(8 + int.from_bytes(head[:8], "little"))[8:])
            return {key: _Shape(about["shape"]) for key, about in said.items() if key != "__metadata__"}
        # The format before zip: a number, a version, something about the machine, and then what was saved.
        for _ in range(3):
            _Shapes(file).load()
        return _Shapes(file).load()


_HEAD = re.compile(r"(?:fc|head(?:\.\d+)?|heads\.head|classifier(?:\.(?P<number>\d+))?)\.weight")


def outputs_of(shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """How many outputs a network for classification has whose tensors these are; `None` where that is not clear."""
    heads = [(int(match["number"] or 0), name) for name in shapes if (match := _HEAD.fullmatch(name))]
    return shapes[max(heads)[1]][0] if heads and shapes[max(heads)[1]] else None


def is_torch_file(path: Path) -> bool:
    """Whether a file begins as those that `torch.save` writes, and does not promise to be another."""
    if path.suffix.lower() == ".safetensors":
        return False
    with path.open("rb") as file:
        head = file.read(9)
    return head.startswith((b"PK\x03\x04", b"\x80")) and head[8:] != b"{"


def about_plain(
    variant: str, path: Path, *, name: str, part: str | None, labels: tuple[str, ...] | None
) -> tuple[PresetSpec, dict[str, Any], dict[str, Any]]:
    """What is sure of a plain state dict of a variant: the preset to use, arguments of the builder, and further facts.

    Args:
        variant: The variant.
        path: The file.
        name: What errors call it.
        part: Which part of a checkpoint is meant.
        labels: The labels, if its reader knows them.

    Raises:
        UnknownModelError: If there is no such variant.
        HeaderError: If there is nothing to take a preset from, or there are more or fewer labels than outputs.
    """
    enum = get_model_weights(variant)
    known: WeightsEnum | None = next(
        (each["DEFAULT"] for each in (enum, get_model_weights(unquantized_variant(variant))) if len(each)), None
    )
    if known is None or not isinstance(known.transforms, PresetSpec):
        raise HeaderError(f"{name}: {variant} has no entry with a preset that could be taken for a plain state dict.")
    usual = known.meta.get("categories")
    quantized = {"quantize": True} if enum.builder.startswith("multiweight.models.quantization:") else {}
    arguments: dict[str, Any] = {} if variant == unquantized_variant(variant) else quantized
    facts: dict[str, Any] = {"min_size": known.meta.get("min_size")}
    if type(known).task not in ("classification", "video"):
        return known.transforms, arguments, facts
    shapes = shapes_of(path, part)
    outputs = outputs_of(shapes)
    if labels is not None and outputs not in (None, len(labels)):
        raise HeaderError(f"{name} has {outputs:,} outputs, and {len(labels):,} labels were given for them.")
    if labels is None and outputs is not None:
        arguments["num_classes"] = outputs
    if outputs is not None and outputs == len(usual or ()):
        facts["num_params"] = known.meta.get("num_params")
        facts["gflops"] = known.meta.get("gflops")
    count = f"its {outputs:,} outputs" if outputs else "its outputs"
    facts["outputs"] = f"nobody has said what {count} are called, as it is a plain state dict"
    return known.transforms, arguments, facts
