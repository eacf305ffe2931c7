"""A weights file that knows what it is: the header in a safetensors file, and the entry that it makes.

The header is one JSON text under `multiweight` in the metadata that every safetensors file may have; docs/files.md
says what is in it. Never imports torch.

https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, NamedTuple, Union, cast, get_args, get_origin, get_type_hints

from multiweight.catalogue._architectures import architecture_in_url, fit_of
from multiweight.catalogue._plain import about_plain, is_torch_file
from multiweight.catalogue._references import ENDINGS, REMOTE, FileReference, is_remote, parse
from multiweight.catalogue._registry import get_model_weights, unquantized_variant
from multiweight.catalogue._schema import (
    ImageClassification,
    InterpolationMode,
    ObjectDetection,
    OpticalFlow,
    PresetSpec,
    SemanticSegmentation,
    VideoClassification,
    Weights,
    WeightsEnum,
)
from multiweight.errors import (
    CorruptFileError,
    HeaderError,
    MismatchError,
    StoreError,
    UnknownModelError,
    UnknownWeightsError,
    suggestions,
)

if TYPE_CHECKING:
    import torch

KEY = "multiweight"
"""Under which the header is in a file's metadata."""

SCHEMA = 1
"""The version of the header that this release writes, and the only one it reads."""

# The first is the limit of safetensors itself.
_MAX_JSON, _MAX_HEADER, _MAX_DEPTH = 100_000_000, 16_777_216, 32

_CONTROL, _SURROGATE = re.compile(r"[\x00-\x1f\x7f-\x9f]"), re.compile("[\ud800-\udfff]")

_PRESETS: dict[str, type[PresetSpec]] = {
    preset.__name__: preset
    for preset in (ImageClassification, ObjectDetection, SemanticSegmentation, VideoClassification, OpticalFlow)
}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a weights file says of itself.

    Attributes:
        variant: The network, as the catalogue calls it.
        labels: The labels in the order of the outputs; `None` where the outputs have none.
        preset: The preprocessing.
        builder: `"module:function"` that built the network. For people who lack the package: what is called is the
            builder of the catalogue's variant, never what a file names.
        arguments: What the builder was told beside the weights.
        metrics: Figures by data set and metric, as in an entry's meta.
        measured: How they were measured: records of data set, split, preset digest, resolution, versions, date …
        recipe: How it was trained: `name`, resolved `text` (TOML), its `sha256`, `seed`, `data` …
        versions: Of the libraries that trained it, by name.
        parent: What the training started from: `name` and `sha256`.
        quantization: How it was made an 8-bit network of its parent: `method`, `pictures`, `data`, and the parent's
            figures on the data that `metrics` are of, as `metrics` …
        license: Of the weights.
        num_params: How many parameters the network has.
        gflops: Multiply–adds for one input of the preset's size, in billions.
        min_size: The smallest picture, height and width in pixels. A network of one size has that.
        probe: What the network answered to a small input when the file was written; see `multiweight.check_probe`.
        tensors_sha256: SHA-256 of the tensors' bytes, in the file's order; written by `save_weights`.
        extra: Fields that this release does not know. They are kept, and are in the entry's meta.
    """

    variant: str
    labels: tuple[str, ...] | None
    preset: PresetSpec
    builder: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    metrics: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    measured: tuple[dict[str, Any], ...] = ()
    recipe: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=dict[str, str])
    parent: dict[str, Any] | None = None
    quantization: dict[str, Any] | None = None
    license: str | None = None
    num_params: int | None = None
    gflops: float | None = None
    min_size: tuple[int, int] | None = None
    probe: dict[str, Any] | None = None
    tensors_sha256: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


class _FaultError(ValueError):
    """Something in a header that cannot be; the text says where and what."""


class _UnknownError(Exception):
    """A header that a later release may understand; the text says what is unknown."""


def read_header(path: str | os.PathLike[str]) -> Header | None:
    """Reads what a weights file says of itself. None of its tensors is read.

    Args:
        path: A safetensors file.

    Returns:
        The header; `None` for a safetensors file that has none of ours.

    Raises:
        UnknownWeightsError: If there is no such file.
        CorruptFileError: If it is no safetensors file, a truncated one, or its header is not what ours are.
        HeaderError: If its schema or preset is not known to this release.
        StoreError: If it cannot be read.
    """
    path = Path(path).expanduser()
    text, name = metadata_of(path).get(KEY), _named(path)
    if text is None:
        return None
    try:
        return parse_header(text)
    except _FaultError as fault:
        raise CorruptFileError(f"{name}: the header is damaged: {fault}") from None
    except _UnknownError as unknown:
        raise HeaderError(f"{name}: {unknown}") from None


def header_json(header: Header) -> str:
    """The header as it is written into a file: one line of JSON.

    Raises:
        ValueError: If something in it cannot be written, or could not be read again.
    """
    if clash := sorted(set(header.extra) & {"schema", *_FIELDS}):
        raise ValueError(f"The header has a field {clash[0]!r} of its own; it cannot be among the extra ones.")
    preset = {"name": type(header.preset).__name__, "settings": _settings(header.preset)}
    known: dict[str, Any] = {"schema": SCHEMA, "variant": header.variant, "labels": header.labels, "preset": preset}
    for each in fields(header):
        value = getattr(header, each.name)
        if each.name not in (*known, "extra") and value not in (None, (), {}):
            known[each.name] = value
    try:
        text = json.dumps({**known, **header.extra}, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"The header cannot be written: {error}.") from error
    try:
        parse_header(text)
    except (_FaultError, _UnknownError) as error:
        raise ValueError(f"The header cannot be written: {error}") from None
    return text


def preset_digest(spec: PresetSpec) -> str:
    """Twelve hexadecimal digits that are the same for the same preprocessing: of its name and all of its settings.

    Raises:
        TypeError: If it is not a spec, but some other callable, whose settings nobody knows.
    """
    if not isinstance(spec, PresetSpec):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"A digest is made of a preset's spec, such as ImageClassification(…), not of {spec!r}.")
    said = {"name": type(spec).__name__, "settings": _settings(spec)}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def parse_header(text: str) -> Header:
    """The header in a JSON text; what is wrong with it is a `_FaultError` or a `_UnknownError`."""
    if len(text) > _MAX_HEADER:
        raise _FaultError(f"it has {len(text):,} characters; at most {_MAX_HEADER:,} are read.")
    said = _json(text)
    _check_within(said, "the header")
    schema = said.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise _FaultError(f"schema is {_short(schema)}; expected a number such as {SCHEMA}.")
    if schema != SCHEMA:
        raise _UnknownError(
            f"the header is of schema {schema}; this release of multiweight reads schema {SCHEMA}. Use a newer one."
        )
    if missing := [name for name in ("variant", "labels", "preset") if name not in said]:
        raise _FaultError(f"it does not say {missing[0]!r}.")
    known: dict[str, Any] = {"preset": _preset(said["preset"])}
    for name, kind in _FIELDS.items():
        if name != "preset" and name in said:
            known[name] = _converted(kind, said[name], name)
    for place in ("recipe", "parent"):
        about: dict[str, Any] = known.get(place) or {}
        for name in ("name", "text", "sha256"):
            # A parent may be an entry of which nobody has recorded the hash.
            if not isinstance(about.get(name, ""), str) and (name != "sha256" or about[name] is not None):
                raise _FaultError(f"{place}.{name} is {_short(about[name])}; expected text.")
    for name in ("num_params", "gflops"):
        if (known.get(name) or 0) < 0:
            raise _FaultError(f"{name} is {known[name]}; expected no less than 0.")
    if known.get("probe") is not None:
        _check_probe(known["probe"])
    extra = {name: value for name, value in said.items() if name not in _FIELDS and name != "schema"}
    return Header(**known, extra=extra)


PROBE = 1
"""The version of the probes that this release makes and compares. Those of others are kept, and not looked into."""

_LARGEST_INPUT = 2**23
"""How many numbers a probe's input has at most, all tensors together; a file is not to decide on more memory."""

_OF_PROBE = {
    "inputs": tuple[tuple[int, ...], ...],
    "range": tuple[float, float],
    "of": str,
    "outputs": tuple[dict[str, Any], ...],
    "dtype": str,
    "device": str,
    "torch": str,
}
_OF_OUTPUT = {"shape": tuple[int, ...], "first": tuple[float, ...], "norm": float, "argmax": int}


def _check_probe(probe: dict[str, Any]) -> None:
    """Refuses a probe that no network could be asked."""
    if "absent" in probe:
        _converted(str, probe["absent"], "probe.absent")
        return
    if _converted(int, probe.get("version"), "probe.version") != PROBE:
        return
    known = {name: _converted(kind, probe.get(name), f"probe.{name}") for name, kind in _OF_PROBE.items()}
    shapes: tuple[tuple[int, ...], ...] = known["inputs"]
    sides = [side for shape in shapes for side in shape]
    if not (1 <= len(shapes) <= 2 and all(shapes)) or min(sides) < 1 or sum(map(math.prod, shapes)) > _LARGEST_INPUT:
        expected = f"one or two shapes of at most {_LARGEST_INPUT:,} numbers"
        raise _FaultError(f"probe.inputs is {_short(probe['inputs'])}; expected {expected}.")
    outputs: tuple[dict[str, Any], ...] = known["outputs"]
    if not outputs:
        raise _FaultError("probe.outputs is []; expected one at least.")
    for number, output in enumerate(outputs):
        place = f"probe.outputs[{number}]"
        about = {name: _converted(kind, output.get(name), f"{place}.{name}") for name, kind in _OF_OUTPUT.items()}
        count = math.prod(about["shape"])
        if min(about["shape"], default=1) < 1 or len(about["first"]) != min(8, count) or about["norm"] < 0:
            raise _FaultError(
                f"{place} is {_short(output)}; expected the first 8 of its shape's numbers, and their norm."
            )


def _preset(said: object) -> PresetSpec:
    about = _converted(dict[str, Any], said, "preset")
    name = _converted(str, about.get("name"), "preset.name")
    if name not in _PRESETS:
        raise _UnknownError(
            f"the preset {_short(name)} is not known to this release of multiweight.{suggestions(name, _PRESETS)}"
        )
    hints = _hints(_PRESETS[name])
    settings = _converted(dict[str, Any], about.get("settings", {}), "preset.settings")
    converted: dict[str, Any] = {}
    for key, value in settings.items():
        place = f"preset.settings.{key}"
        if key not in hints:
            # It would change what the network is given: this cannot be skipped.
            raise _UnknownError(
                f"the preset {name} has a setting {_short(key)} that is not known to this release of multiweight."
                f"{suggestions(key, hints)}"
            )
        converted[key] = _converted(hints[key], value, place)
        if key.endswith("_size"):
            sides = converted[key] if isinstance(converted[key], tuple) else (converted[key],)
            if not all(side is None or 1 <= side < 65_536 for side in sides):
                raise _FaultError(f"{place} is {_short(value)}; expected pixels, from 1 to 65,535.")
    try:
        return _PRESETS[name](**converted)
    except TypeError as error:
        raise _FaultError(f"preset: {str(error).removeprefix(f'{name}.__init__() ')}.") from None


def _settings(spec: PresetSpec) -> dict[str, Any]:
    """A preset's settings in values that JSON has; a whole number where a fraction may be is written as one."""
    hints = _hints(type(spec))
    return {key: _converted(hints[key], value, key) for key, value in spec.settings().items()}


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


_FIELDS = {name: kind for name, kind in _hints(Header).items() if name != "extra"}


def _converted(kind: Any, value: Any, place: str) -> Any:
    """A value of JSON as the type of a field; a `_FaultError` if it is another."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        *others, last = (each for each in inner if each is not NoneType)
        for kind in others:
            with suppress(_FaultError):
                return _converted(kind, value, place)
        return _converted(last, value, place)
    if origin is tuple and isinstance(value, list | tuple):
        items = list(cast("Iterable[Any]", value))
        kinds = [inner[0]] * len(items) if inner[-1] is Ellipsis else list(inner)
        if len(items) == len(kinds):
            return tuple(
                _converted(each, item, f"{place}[{number}]")
                for number, (each, item) in enumerate(zip(kinds, items, strict=True))
            )
    elif origin is dict and isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
        return {_converted(str, key, place): _converted(inner[1], item, f"{place}.{key}") for key, item in pairs}
    elif kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        with_fraction = _float(value)
        if math.isfinite(with_fraction):
            return with_fraction
    elif (kind in (int, bool) and type(cast("object", value)) is kind) or (kind is str and _is_line(value)):
        return value
    elif kind in _ENUMS and value in [each.value for each in kind]:
        return kind(value)
    expected = f"one of {', '.join(repr(each.value) for each in kind)}" if kind in _ENUMS else _EXPECTED[kind]
    raise _FaultError(f"{place} is {_short(cast('object', value))}; expected {expected}.")


def _is_line(value: object) -> bool:
    return isinstance(value, str) and not _CONTROL.search(value)


_ENUMS = (InterpolationMode,)

_EXPECTED: dict[Any, str] = {
    str: "text on one line",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict[str, Any]: "an object",
    dict[str, str]: "an object of texts",
    dict[str, dict[str, Any]]: "an object of objects",
    dict[str, float]: "an object of numbers",
    dict[str, dict[str, float]]: "an object of objects of numbers",
    dict[str, float | None]: "an object of numbers",
    dict[str, dict[str, float | None]]: "an object of objects of numbers",
    tuple[str, ...]: "a list of texts",
    tuple[int, ...]: "a list of whole numbers",
    tuple[float, ...]: "a list of numbers",
    tuple[int, int]: "two whole numbers",
    tuple[float, float]: "two numbers",
    tuple[tuple[int, ...], ...]: "a list of lists of whole numbers",
    tuple[dict[str, Any], ...]: "a list of objects",
}


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _short(value: object) -> str:
    """A value for an error: on one line, and not all of a long one."""
    shown = ascii(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"


def _json(text: str | bytes) -> dict[str, Any]:
    """The object in a JSON text, which nobody vouches for."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        said: Any = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _FaultError(f"it is not JSON ({str(error) or type(error).__name__}).") from None
    if not isinstance(said, dict):
        raise _FaultError(f"it is JSON, but {_short(said)} and no object.")
    return cast("dict[str, Any]", said)


def _check_within(said: Any, place: str) -> None:
    """Refuses what would only fail later: objects in objects without end, text that is none, numbers without bounds."""
    level: list[Any] = [said]
    for _ in range(_MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                pairs = cast("dict[str, Any]", value)
                below += [*pairs, *pairs.values()]
            elif isinstance(value, list):
                below += cast("list[Any]", value)
            elif isinstance(value, str) and _SURROGATE.search(value):
                raise _FaultError(f"{_short(value)} is no text.")
            elif isinstance(value, int | float) and not math.isfinite(_float(value)):
                raise _FaultError("a number is too large.")
        if not below:
            return
        level = below
    raise _FaultError(f"{place} is nested more than {_MAX_DEPTH} levels deep.")


# JSON catalogues are checked with the same means.
FaultError, UnknownError = _FaultError, _UnknownError
converted, preset_of, check_within, short = _converted, _preset, _check_within, _short


def metadata_of(path: Path) -> dict[str, Any]:
    """The metadata of a safetensors file, of which nothing else is read.

    Raises:
        UnknownWeightsError: If there is no such file.
        CorruptFileError: If it is none, or shorter or longer than it says.
        StoreError: If it cannot be read.
    """
    if not path.is_file():
        raise UnknownWeightsError(_no_file(path))
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            layout = _layout(file, size)
        end = 8 + layout[0] + _end_of_tensors(layout[1])
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    except _FaultError as fault:
        raise CorruptFileError(f"{path} is no whole safetensors file: {fault}") from None
    if end != size:
        raise CorruptFileError(f"{path} is truncated or damaged: it has {size:,} bytes and should have {end:,}.")
    metadata: Any = layout[1].get("__metadata__", {})
    if not isinstance(metadata, dict) or not isinstance(cast("dict[str, Any]", metadata).get(KEY, ""), str):
        raise CorruptFileError(f"{path}: its metadata are {_short(cast('object', metadata))}; expected texts by name.")
    return cast("dict[str, Any]", metadata)


def _layout(file: BinaryIO, size: int) -> tuple[int, dict[str, Any]]:
    """How long the JSON is with which a safetensors file begins, and what it says."""
    length = int.from_bytes(file.read(8), "little")
    if size < 10 or not 2 <= length <= min(_MAX_JSON, size - 8):
        raise _FaultError(f"its {size:,} bytes do not begin with the length of a header.")
    return length, _json(file.read(length))


def _end_of_tensors(said: Mapping[str, Any]) -> int:
    """How many bytes of tensors follow."""
    ends = [0]
    for name, about in said.items():
        if name == "__metadata__":
            continue
        offsets = cast("dict[str, Any]", about).get("data_offsets") if isinstance(about, dict) else None
        match offsets:
            case [int(start), int(end)] if 0 <= start <= end:
                ends.append(end)
            case _:
                raise _FaultError(f"it does not say where the tensor {_short(name)} is.")
    return max(ends)


def tensors_sha256(path: str | os.PathLike[str]) -> str:
    """Hashes the tensors' bytes of a safetensors file, all of which are read.

    Raises:
        UnknownWeightsError: If there is no such file.
        CorruptFileError: If it is no whole safetensors file.
        StoreError: If it cannot be read.
    """
    path = Path(path).expanduser()
    metadata_of(path)
    try:
        with path.open("rb") as file:
            file.seek(8 + int.from_bytes(file.read(8), "little"))
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error


class _SilentError(HeaderError):
    """A file that does not say what it is, and nobody else does."""


class _Source(NamedTuple):
    """Where an entry of a file comes from.

    Attributes:
        path: The file.
        url: Where it is published; the path of a local one.
        reference: How it was named, with an absolute path.
        shown: How errors call it, where that is not its path: without a password or a signature.
        labels: The labels that its reader gave.
    """

    path: str
    url: str
    reference: FileReference
    shown: str | None = None
    labels: tuple[str, ...] | None = None


class FileWeights(WeightsEnum):
    """Base of the enums of one member that files make of themselves."""

    _said: ClassVar[Header]
    _source: ClassVar[_Source]
    _is_plain: ClassVar[bool]
    _tensors: ClassVar[dict[str, torch.Tensor] | None]

    @property
    def path(self) -> Path:
        """The file."""
        return Path(type(self)._source.path)

    @property
    def header(self) -> Header:
        """What the file says of itself."""
        return type(self)._said

    @property
    def plain(self) -> bool:
        """Whether the file is a state dict that says nothing; `header` then is what is sure for its variant."""
        return type(self)._is_plain

    def _reading(self) -> dict[str, Any]:
        return {"plain": True, "part": type(self)._source.reference.part} if self.plain else {}

    def get_state_dict(self, *, progress: bool = True, check_hash: bool = True) -> dict[str, torch.Tensor]:
        """The file's tensors by name, mapped from it; see `WeightsEnum.get_state_dict`."""
        if (tensors := type(self)._tensors) is not None:
            return dict(tensors)
        return super().get_state_dict(progress=progress, check_hash=check_hash)

    def __repr__(self) -> str:
        source = type(self)._source
        return str(source.reference._replace(place=source.shown or _named(self.path)))

    __str__ = __repr__

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        source = type(self)._source
        if source.reference == (source.path, None, None):
            return entry_of_file, (source.path,)
        return _again, (str(source.reference), source.labels)


def _again(reference: str, labels: tuple[str, ...] | None) -> FileWeights:
    """An entry as it was pickled."""
    return entry_of_file(reference, labels=labels)


def entry_of_file(
    reference: str | os.PathLike[str], *, variant: str | None = None, labels: Iterable[str] | None = None
) -> FileWeights:
    """The weights entry that a file makes of itself.

    It is a member of an enum of its own, pickled by its reference. As long as the file is the same, so is the entry. A
    file elsewhere is brought into the cache first, by the rules of `multiweight.store.ensure`.

    Args:
        reference: The path of a file, its `file://` URL, or a URL of another scheme that is downloaded from; with
            `VARIANT=` before it and `#PART` behind it, see docs/references.md.
        variant: The network that the file holds, if neither it nor the reference says so.
        labels: The labels of the outputs, in their order, of a file that says nothing of itself.

    Raises:
        UnknownWeightsError: If there is no such file.
        UnknownModelError: If its variant is in no catalogue that is installed here.
        HeaderError: If it does not say what it is and nobody else does, or in words that this release does not know.
        MismatchError: If it is of another variant than the reference says.
        CorruptFileError: If it is damaged.
        StoreError: If it cannot be had or read.
    """
    asked = parse(reference)
    if asked.variant is not None:
        get_model_weights(asked.variant)  # a misspelt one costs no download
    if is_remote(asked.place):
        from multiweight.store.references import bring

        path, url, shown = bring(asked.place)
    else:
        path, shown = _path(asked.place), None
        if not path.is_file():
            raise UnknownWeightsError(_no_file(path))
        url = os.path.abspath(path)
        asked = asked._replace(place=url)
    config = path.with_name("config.json")
    said_by = (path, config) if config.is_file() else (path,)
    status = [(each.st_ino, each.st_size, each.st_mtime_ns) for each in (file.stat() for file in said_by)]
    known = None if labels is None else tuple(labels)
    source = _Source(os.path.abspath(path), url, asked, shown, known)
    try:
        return _entry(source, *status)
    except _SilentError:
        if variant is None:
            raise
        return _entry(source._replace(reference=asked._replace(variant=variant)), *status)


def _named(path: Path) -> str:
    """A path as people write it here: from the folder that they are in, if the file is below that."""
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _path(given: str) -> Path:
    if given.lower().startswith("file://"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(given).path))
    if "://" in given:
        scheme = given.partition("://")[0]
        raise UnknownWeightsError(
            f"{given!r} is a URL that nothing is downloaded from.{suggestions(scheme, (*REMOTE, 'file'))}"
        )
    return Path(given).expanduser()


_OF_META = {"categories", "file_size", "size", "interpolation", "docs", "_metrics", "_ops", "_file_size", "_docs"}
"""What an entry's meta says that no field of the header may say otherwise."""


@lru_cache(maxsize=64)
def _entry(source: _Source, status: tuple[int, int, int], config: tuple[int, int, int] | None = None) -> FileWeights:
    path, reference = Path(source.path), source.reference
    name, header, architecture = source.shown or _named(path), None, None
    if not is_torch_file(path):
        header = read_header(path)
        if header is None:
            from multiweight.catalogue._timm import header_of_timm

            if (of_timm := header_of_timm(path, metadata_of(path))) is not None:
                header, architecture = of_timm
    if plain := header is None:
        header, architecture = _plain(source, name), architecture_in_url(source.url)
    elif reference.part is not None or source.labels is not None:
        what = "part" if reference.part is not None else "labels"
        raise HeaderError(f"{name} says itself what it is, so no {what} can be given for it.")
    if reference.variant not in (None, header.variant):
        raise MismatchError(f"{name} holds weights of {header.variant}, not of {reference.variant}.")
    return _made(header, source, file_size=status[1], architecture=architecture, plain=plain)


def entry_of_header(
    header: Header, path: str, *, file_size: int, tensors: dict[str, torch.Tensor] | None = None
) -> FileWeights:
    """The entry that a header makes, of an enum of its own.

    Args:
        header: The header.
        path: The file's path, which need not be there yet.
        file_size: The file's size in bytes.
        tensors: What is to be in a file that is not written yet, by name.

    Raises:
        UnknownModelError: If the variant is in no catalogue that is installed here.
    """
    return _made(header, _Source(path, path, FileReference(path)), file_size=file_size, tensors=tensors)


def _made(
    header: Header,
    source: _Source,
    *,
    file_size: int,
    architecture: str | None = None,
    plain: bool = False,
    tensors: dict[str, torch.Tensor] | None = None,
) -> FileWeights:
    name = source.shown or _named(Path(source.path))
    try:
        enum = get_model_weights(header.variant)
    except UnknownModelError as error:
        made_by = f" Its builder was {header.builder}: is that package installed here?" if header.builder else ""
        raise UnknownModelError(f"{name} holds weights of another network. {error}{made_by}") from None
    meta: dict[str, Any] = {name: value for name, value in header.extra.items() if name not in _OF_META}
    meta["metrics"] = header.metrics
    if header.preset.task != OpticalFlow.task:
        meta["categories"] = header.labels
    # Of a quantized variant there may be no other entries.
    of_variant = next(iter([*enum, *get_model_weights(unquantized_variant(header.variant))])).meta
    facts = {
        "num_params": header.num_params,
        "gflops": header.gflops,
        "min_size": header.min_size or of_variant.get("min_size"),
        "license": header.license,
        "recipe": (header.recipe or {}).get("name"),
        "measured": [*header.measured],
        "versions": header.versions,
        "parent": header.parent,
        "quantization": header.quantization,
        "probe": header.probe,
    }
    meta |= {name: value for name, value in facts.items() if value not in (None, [], {})}
    meta["file_size"] = round(file_size / 2**20, 3)
    weights = Weights(
        url=source.url,
        transforms=header.preset,
        meta=meta,
        recipe=source.path if "text" in (header.recipe or {}) else None,
        arguments=header.arguments,
        architecture=architecture,
    )

    class Weights_of_File(FileWeights, variant=header.variant, builder=enum.builder):
        FILE = weights
        DEFAULT = FILE

    # A plain class attribute would become a member.
    type.__setattr__(Weights_of_File, "_said", header)
    type.__setattr__(Weights_of_File, "_source", source)
    type.__setattr__(Weights_of_File, "_is_plain", plain)
    type.__setattr__(Weights_of_File, "_tensors", tensors)
    return Weights_of_File.FILE


def _plain(source: _Source, name: str) -> Header:
    """What is sure of a file that does not say what it is."""
    reference = source.reference
    if reference.variant is None:
        raise _SilentError(
            f"{name} does not say what it is: it has no header of multiweight, nor the config.json of timm beside it. "
            f"Say of which variant it is, as in 'resnet50={name}', or give it to the variant's builder, as in "
            f"resnet50(weights={name!r})."
        )
    about: dict[str, Any] = {"name": name, "part": reference.part, "labels": source.labels}
    preset, arguments, facts = about_plain(reference.variant, Path(source.path), **about)
    architecture = architecture_in_url(source.url)
    if architecture is not None:
        arguments |= fit_of(architecture, name=name).arguments
    outputs = facts.pop("outputs", None)
    return Header(
        variant=reference.variant,
        labels=source.labels,
        preset=preset,
        arguments=arguments,
        extra={"outputs": outputs} if outputs and source.labels is None else {},
        **{key: value for key, value in facts.items() if value is not None},
    )


def _no_file(path: Path) -> str:
    """The text of the error for a file that there is not."""
    if path.is_dir():
        inside = ", ".join(sorted(_files_in(path))[:3])
        return f"{path} is a folder; name a weights file in it{f', such as {inside}' if inside else ''}."
    if path.exists():
        return f"{path} is no ordinary file."
    if not path.parent.is_dir():
        return f"There is no file {path}: the folder {path.parent} does not exist."
    return f"There is no file {path}.{suggestions(str(path), _files_in(path.parent))}"


def _files_in(folder: Path) -> list[str]:
    return [str(each) for ending in ENDINGS for each in folder.glob(f"*{ending}")]
