"""What is said of entries in lists: the figure they are known by, and all about them as JSON. Never imports torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from multiweight.catalogue._schema import Meta, OpticalFlow, PresetSpec, Weights, WeightsEnum, metric


def figures(entry: WeightsEnum) -> Mapping[str, Mapping[str, float]]:
    """The entry's figures by data set and metric; none where another package's entry says nothing of it."""
    return entry.meta.get("metrics") or {}


def headline(entry: WeightsEnum) -> tuple[str, float]:
    """The figure an entry is known by and its metric: the first of its first data set; NaN where none is published."""
    for measured in figures(entry).values():
        for key, value in measured.items():
            return key, float(value)
    return "", math.nan


def rank(entry: WeightsEnum) -> float:
    """Lower the better the entry's headline is; entries without a figure come last."""
    key, value = headline(entry)
    return math.inf if math.isnan(value) else value if metric(key).lower_is_better else -value


def is_default(entry: WeightsEnum) -> bool:
    """Whether `DEFAULT` of its variant means the entry."""
    from multiweight.catalogue._registry import first_enum

    first = first_enum(type(entry))
    return "DEFAULT" in first.__members__ and entry is first["DEFAULT"]


def as_json(entry: WeightsEnum) -> dict[str, Any]:
    """Everything about an entry, in values that JSON has; a label list of the catalogue is given by its name.

    A list of such objects is a JSON catalogue, see `add_catalogue`.
    """
    from multiweight.catalogue._file import FileWeights, header_json
    from multiweight.catalogue._licenses import is_allowed, license_of

    value: Weights = entry.value
    labels = entry.meta.get("categories")
    # Optical flow has none at all, which is null as well.
    has_labels = "categories" in entry.meta or type(entry).task == OpticalFlow.task
    settings: Any = value.transforms.settings() if isinstance(value.transforms, PresetSpec) else {}
    said = {
        "name": str(entry),
        "variant": type(entry).variant,
        "task": type(entry).task,
        "builder": type(entry).builder if type(entry).variant else None,
        "default": type(entry).__members__.get("DEFAULT") is entry,
        "url": value.url,
        "sha256": value.sha256,
        "transforms": {"name": type(value.transforms).__name__, "settings": plain(settings)},
        "arguments": plain(value.arguments),
        "architecture": value.architecture,
        "trained_with": value.recipe,
        "labels": len(labels or ()),
        **({"categories": entry.meta.label_list or plain(labels)} if has_labels else {}),
        "barred": not is_allowed(license_of(entry)),
        **({"header": json.loads(header_json(entry.header))} if isinstance(entry, FileWeights) else {}),
    }
    # What the preset says is not said twice.
    derived = Meta({}, value.transforms)
    meta = {key: entry.meta[key] for key in entry.meta if key != "categories"}
    own = {key: fact for key, fact in meta.items() if not (key in derived and derived[key] == fact)}
    return {**said, **{key: plain(fact) for key, fact in own.items() if key not in said}}


def plain(value: object) -> Any:
    """A value as JSON has it: lists for tuples, null for NaN, names for entries, text for what JSON cannot say."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in cast("tuple[Any, ...]", value)]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        # A figure that was not published is NaN.
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)
