"""Entries from a JSON file, as `multiweight list --json` prints it; nobody vouches for it. Never imports torch."""

from __future__ import annotations

import json
import keyword
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, cast

from multiweight.catalogue._file import FaultError, UnknownError, check_within, converted, preset_of, short
from multiweight.catalogue._listing import as_json
from multiweight.catalogue._plugins import ClashError, Enums
from multiweight.catalogue._schema import (
    ImageClassification,
    InterpolationMode,
    Labels,
    OpticalFlow,
    PresetSpec,
    Weights,
    WeightsEnum,
    WeightsEnumType,
    spelling,
)
from multiweight.errors import CatalogueError, suggestions

_LONGEST = 2**26
"""Bytes of a file that are read at most."""

_RECORD: dict[str, Any] = {
    "name": str,
    "variant": str,
    "task": str,
    "builder": str | None,
    "default": bool,
    "url": str,
    "sha256": str | None,
    "transforms": dict[str, Any],
    "arguments": dict[str, Any],
    "architecture": str | None,
    "trained_with": str | None,
    "labels": int,
    "categories": str | tuple[str, ...] | None,
    "barred": bool,
    "header": dict[str, Any],
}
"""What a record says beside the meta."""

_META: dict[str, Any] = {
    "num_params": int,
    "gflops": float,
    "file_size": float,
    "metrics": dict[str, dict[str, float | None]],
    "min_size": tuple[int, int],
    "size": tuple[int, int],
    "interpolation": InterpolationMode,
    "license": str,
    "recipe": str,
    "outputs": str,
    "source": str,
    "unquantized": str,
    "keypoint_names": tuple[str, ...],
}
"""The types of the facts that are known; others are kept as they are."""

_DECISIVE = ("url", "sha256", "transforms", "arguments", "architecture")
"""What two entries of one name agree in, if they are the same."""

_NAME = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\.([A-Z][A-Z0-9_]*)")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class ListedWeights(WeightsEnum):
    """Base of the enums that JSON files make. Their members are pickled by the file's path and their name."""

    _file: ClassVar[str]

    @property
    def path(self) -> Path:
        """The JSON file."""
        return Path(type(self)._file)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        from multiweight.catalogue._registry import entry_of_catalogue

        return entry_of_catalogue, (type(self)._file, str(self))


@dataclass(frozen=True)
class _Record:
    """An entry that a file tells of, and that there is not yet."""

    enum: str
    member: str
    variant: str
    builder: str
    default: bool
    weights: Weights


def add_file(enums: Enums, path: Path) -> list[WeightsEnum]:
    """Adds the entries of a JSON file.

    Args:
        enums: What they are added to. It is left as it is if the file cannot be used.
        path: The file, absolute.

    Returns:
        The entries that the file tells of, those that there were already too.

    Raises:
        CatalogueError: If the file cannot be used, as a whole.
    """
    try:
        told = _told(path, enums)
        made = _enums_of([record for record in told.values() if isinstance(record, _Record)], path)
        added = enums.copy()
        for enum in made:
            try:
                added.add(enum, str(path))
            except ClashError as clash:
                raise FaultError(f"{enum.__name__}: {clash}") from None
    except (FaultError, UnknownError) as fault:
        raise CatalogueError(f"The catalogue {path} cannot be used: {str(fault).removesuffix('.')}.") from None
    vars(enums).update(vars(added))
    members = {str(entry): entry for enum in made for entry in enum}
    return [members[name] if isinstance(record, _Record) else record for name, record in told.items()]


def _told(path: Path, enums: Enums) -> dict[str, _Record | WeightsEnum]:
    """What a file tells of by name, in its order: records, and entries that there are already."""
    told: dict[str, _Record | WeightsEnum] = {}
    for number, said in enumerate(_said(path)):
        given = cast("dict[str, Any]", said) if isinstance(said, dict) else None
        about = given and given.get("name")
        try:
            if given is None:
                raise FaultError(f"it is {short(cast('object', said))}; expected an object")
            name = _name(about)
            if name in told:
                raise FaultError("there is another of that name")
            told[name] = _same(name, given, path, enums) or read_record(given, path.parent, enums)
        except (FaultError, UnknownError) as fault:
            where = about if isinstance(about, str) and _NAME.fullmatch(about) else f"entry {number + 1}"
            raise FaultError(f"{where}: {fault}") from None
    return told


def _said(path: Path) -> list[object]:
    try:
        if path.stat().st_size > _LONGEST:
            raise FaultError(f"it has more than {_LONGEST:,} bytes")
        text = path.read_bytes()
    except OSError as error:
        raise FaultError(error.strerror or str(error)) from None
    said = checked_json(text)
    if isinstance(said, dict):  # as `show --json` prints one
        return [said]
    if not isinstance(said, list):
        raise FaultError(f"it is JSON, but {short(said)} and no list of entries")
    return cast("list[object]", said)


def checked_json(text: bytes) -> object:
    """What a JSON text says that nobody vouches for.

    Raises:
        FaultError: If it is none, says a thing twice, or says what would only fail later.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(said := dict(pairs)) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"{short(next(name for name in names if names.count(name) > 1))} is there twice")
        return said

    try:
        said: object = json.loads(text.decode("utf-8-sig"), parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise FaultError(f"it is not JSON ({str(error) or type(error).__name__})") from None
    check_within(said, "it")
    return said


def _name(said: object) -> str:
    name = converted(str, said, "name")
    match = _NAME.fullmatch(name)
    if match is None or any(map(keyword.iskeyword, match.groups())):
        raise FaultError(
            f"the name {short(name)} is not that of an enum and its entry in capitals, such as "
            "MyLab_ResNet50_Weights.FLOWERS_V1"
        )
    if match[2] in ("DEFAULT", "BEST"):
        raise FaultError(f'{match[2]} is no name of its own; the entry that it means says "default": true')
    return name


def _same(name: str, said: Mapping[str, Any], path: Path, enums: Enums) -> WeightsEnum | None:
    """The entry that there is already, if it is the same."""
    enum_name, _, member = name.partition(".")
    enum = enums.spelled(enum_name)
    if enum is None:
        return None
    entry = enum.__members__.get(member) if enum.__name__ == enum_name else None
    if entry is None:
        raise FaultError(
            f"the enum {enum.__name__} is that of {enums.owner(enum)}. Give the entry another, such as "
            f"MyLab_{enum.__name__}.{member}"
        )
    there = as_json(entry)
    for key in _DECISIVE:
        if (
            key in said
            and said[key] != there[key]
            and not (key == "url" and _located(said[key], path.parent) == there[key])
        ):
            raise FaultError(
                f"{key} is {short(said[key])}, but {enums.owner(enum)} has an entry of that name with "
                f"{short(there[key])}. Give this one another name, such as MyLab_{name}"
            )
    return entry


def read_record(said: Mapping[str, Any], folder: Path, enums: Enums) -> _Record:
    """An entry from the object that `as_json` makes of one.

    Args:
        said: The object.
        folder: What relative URLs are relative to.
        enums: The variants there are.

    Raises:
        FaultError: If something in it cannot be.
        UnknownError: If it says something that a later release may know.
    """
    if missing := [key for key in ("name", "variant", "url", "transforms") if key not in said]:
        raise FaultError(f"it does not say {missing[0]!r}")
    about = {key: converted(kind, said[key], key) for key, kind in _RECORD.items() if key in said}
    variant, builder, of_variant = _network(about["variant"], about.get("builder"), enums)
    preset = preset_of(about["transforms"])
    for what, task in (("the variant", of_variant), ("task", about.get("task", preset.task))):
        if task != preset.task:
            raise FaultError(f"{what} is of {short(task)}, and the preset {type(preset).__name__} of {preset.task}")
    if about.get("sha256") is not None and not _SHA256.fullmatch(about["sha256"]):
        raise FaultError(f"sha256 is {short(about['sha256'])}; expected 64 hexadecimal digits")
    if not about["url"].strip():
        raise FaultError("url is empty")
    recipe: str | None = about.get("trained_with")
    enum, _, member = about["name"].partition(".")
    weights = Weights(
        url=_located(about["url"], folder),
        transforms=preset,
        meta=_meta(said, about, preset, enums),
        sha256=about.get("sha256"),
        recipe=_located(recipe, folder) if recipe and recipe.endswith(".toml") else recipe,
        arguments=about.get("arguments", {}),
        architecture=about.get("architecture"),
    )
    return _Record(enum, member, variant, builder, about.get("default", False), weights)


def _network(variant: str, builder: str | None, enums: Enums) -> tuple[str, str, str | None]:
    """The variant as it is called here, what builds it, and its task."""
    from multiweight.catalogue._registry import quantized_builder, unquantized_variant

    name = variant.lower()
    if (first := enums.of_variant(name)) is not None:
        # What is called is the builder of the variant here, never what a file names.
        return first.variant or name, first.builder, first.task
    # Of a quantized variant there may be no entries yet.
    if (first := enums.of_variant(unquantized_variant(name))) is not None and first.task == ImageClassification.task:
        return name, quantized_builder(name), first.task
    made_by = f" Its builder was {builder}: is that package installed here?" if builder else ""
    raise FaultError(f"there is no model {short(variant)}.{suggestions(variant, enums.variants())}{made_by}")


def _meta(said: Mapping[str, Any], about: Mapping[str, Any], preset: PresetSpec, enums: Enums) -> dict[str, Any]:
    meta = {key: value for key, value in said.items() if key not in _RECORD}
    for key, kind in _META.items():
        if key in meta:
            meta[key] = converted(kind, meta[key], key)
    for key in ("num_params", "gflops", "file_size"):
        if meta.get(key, 0) < 0:
            raise FaultError(f"{key} is {meta[key]}; expected no less than 0")
    if "metrics" in meta:
        meta["metrics"] = {
            dataset: {key: math.nan if value is None else value for key, value in figures.items()}
            for dataset, figures in cast("dict[str, dict[str, float | None]]", meta["metrics"]).items()
        }
    if "unquantized" in meta:
        enum, _, member = str(meta["unquantized"]).partition(".")
        of_float = enums.by_name.get(enum)
        if of_float is None or member not in of_float.__members__:
            raise FaultError(f"unquantized is {short(meta['unquantized'])}, which is no entry here")
        meta["unquantized"] = of_float.__members__[member]
    if "categories" in about and not (about["categories"] is None and preset.task == OpticalFlow.task):
        meta["categories"] = labels = _labels(about["categories"])
        count = len(labels.read() if isinstance(labels, Labels) else labels or ())
        if about.get("labels", count) != count:
            raise FaultError(f"labels is {about['labels']}, and categories has {count}")
    return meta


def _labels(said: str | tuple[str, ...] | None) -> Labels | tuple[str, ...] | None:
    if not isinstance(said, str):
        return said
    # A name becomes part of a path.
    if said not in label_lists():
        raise FaultError(f"there is no list of labels {short(said)}.{suggestions(said, label_lists())}")
    return Labels(said)


@cache
def label_lists() -> tuple[str, ...]:
    """The names of the label lists that ship with the catalogue."""
    return tuple(sorted(path.stem for path in Path(__file__).with_name("labels").glob("*.txt")))


def _located(url: object, folder: Path) -> str:
    """A URL, or the path of a file that is relative to a folder."""
    url = str(url)
    return url if "://" in url or _DRIVE.match(url) else os.path.normpath(folder / Path(url).expanduser())


def _enums_of(records: Iterable[_Record], path: Path) -> list[type[WeightsEnum]]:
    by_enum: dict[str, list[_Record]] = {}
    for record in records:
        by_enum.setdefault(record.enum, []).append(record)
    for name, some in by_enum.items():
        others = [other for other in by_enum if other != name and spelling(other) == spelling(name)]
        variants = dict.fromkeys(record.variant for record in some)
        if others:
            raise FaultError(f"{name} and {others[0]} are one name in two spellings")
        if len(variants) > 1:
            raise FaultError(f"the entries of {name} are of {' and '.join(variants)}; expected one variant an enum")
        if sum(record.default for record in some) > 1:
            raise FaultError(f'two entries of {name} say "default": true')
    return [_enum(name, some, path) for name, some in by_enum.items()]


def _enum(name: str, records: list[_Record], path: Path) -> type[WeightsEnum]:
    namespace: Any = WeightsEnumType.__prepare__(name, (ListedWeights,))
    namespace["__module__"], namespace["__qualname__"] = __name__, name
    for record in records:
        namespace[record.member] = record.weights
    namespace["DEFAULT"] = next((record for record in records if record.default), records[0]).weights
    make: Any = WeightsEnumType
    about = {"variant": records[0].variant, "builder": records[0].builder}
    enum: type[WeightsEnum] = make(name, (ListedWeights,), namespace, **about)
    # A plain class attribute would become a member.
    type.__setattr__(enum, "_file", str(path))
    return enum
