"""A weights file that timm wrote, read as one that knows what it is. Never imports torch.

timm puts a `config.json` beside each file: the architecture, how many outputs there are, and the preprocessing, as
`pretrained_cfg`. That is what a header of ours says, so the two make an entry.

https://huggingface.co/docs/timm/hf_hub
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from multiweight.catalogue._architectures import Fit, architecture_beside, config_beside, fit_of
from multiweight.catalogue._file import Header
from multiweight.catalogue._schema import ImageClassification, InterpolationMode, Labels
from multiweight.errors import HeaderError, MismatchError


def header_of_timm(path: Path, metadata: Mapping[str, Any]) -> tuple[Header, str] | None:
    """What is known of a file of timm's, and its architecture; `None` for a file that names none.

    Args:
        path: A safetensors file without a header of ours.
        metadata: Its metadata.

    Raises:
        MismatchError: If it is of an architecture that is another function than a variant's.
        HeaderError: If what it says is not enough, or cannot be followed.
    """
    name = str(path)
    architecture = architecture_beside(path, metadata)
    if architecture is None:
        return None
    fit, config = fit_of(architecture, name=name), config_beside(path)
    about = config.get("pretrained_cfg")
    if not isinstance(about, dict):
        raise HeaderError(
            f"{name} is of {architecture}, and does not say its preprocessing: the config.json that timm writes beside "
            "a file does. Put it there, or build the network with weights=None and load the tensors into it."
        )
    about = cast("dict[str, Any]", about)
    outputs = config.get("num_classes", about.get("num_classes"))
    if not isinstance(outputs, int) or outputs < 0:
        raise HeaderError(f"{name}: its config.json says num_classes={outputs!r}; expected a whole number.")
    _check_network(name, architecture, fit, config)
    preset = _preset(name, about)
    labels = _labels(config, about, outputs)
    side = fit.arguments.get("image_size", 224) if fit.pooling == "token" else None
    if side not in (None, preset.crop_size):
        raise HeaderError(f"{name} is of {architecture} for {side} pixels, and its pictures have {preset.crop_size}.")
    header = Header(
        variant=fit.variant,
        labels=labels,
        preset=preset,
        arguments={**fit.arguments, **({} if labels else {"num_classes": outputs})},
        license=about.get("license") if isinstance(about.get("license"), str) else None,
        min_size=(side, side) if side else None,
        extra={} if labels else {"outputs": f"its {outputs:,} outputs have no labels" if outputs else "it has no head"},
    )
    return header, architecture


def _check_network(name: str, architecture: str, fit: Fit, config: Mapping[str, Any]) -> None:
    """Refuses a network that is not the architecture as it usually is."""
    told: Any = config.get("model_args") or {}
    usual = {"num_classes": config.get("num_classes"), "in_chans": 3, "global_pool": fit.pooling}
    if side := re.search(r"_(\d{3})$", architecture):
        usual["img_size"] = [int(side[1])] * 2
    changes = told
    if isinstance(told, dict):
        arguments = cast("dict[str, Any]", told)
        changes = {key: value for key, value in arguments.items() if key not in usual or value != usual[key]}
    if changes:
        raise MismatchError(
            f"{name} is of {architecture} changed by {changes}, which is another function. It is refused."
        )
    if config.get("global_pool", fit.pooling) != fit.pooling:
        raise MismatchError(
            f"{name} is of {architecture} with global_pool={config['global_pool']!r}, which is another function than "
            f"with {fit.pooling!r}. It is refused."
        )


def _preset(name: str, about: Mapping[str, Any]) -> ImageClassification:
    """The preprocessing for testing."""
    try:
        channels, height, width = about.get("test_input_size") or about["input_size"]
        part = float(about.get("test_crop_pct") or about.get("crop_pct") or 0.875)
        mode, mean, std = about.get("crop_mode") or "center", tuple(about["mean"]), tuple(about["std"])
        interpolation = InterpolationMode(about.get("interpolation") or "bicubic")
        if channels != 3 or height != width or mode not in ("center", "squash") or not (len(mean) == len(std) == 3):
            raise ValueError(f"{channels} × {height} × {width} pixels, crop_mode={mode!r}")
        resized = math.floor(height / part)
        return ImageClassification(
            crop_size=int(height),
            resize_size=(resized, resized) if mode == "squash" else resized,
            mean=tuple(map(float, mean)),
            std=tuple(map(float, std)),
            interpolation=interpolation,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise HeaderError(f"{name}: the preprocessing in its config.json cannot be followed: {error!r}.") from None


def _labels(config: Mapping[str, Any], about: Mapping[str, Any], outputs: int) -> tuple[str, ...] | None:
    """The labels that a file names, or ImageNet-1k's where its tag says that these are its classes."""
    named: Any = config.get("label_names")
    if isinstance(named, list) and len(cast("list[Any]", named)) == outputs:
        names = cast("list[Any]", named)
        if all(isinstance(each, str) for each in names) and not all(re.fullmatch(r"n\d{8}", each) for each in names):
            return tuple(names)
    tag = about.get("tag")
    if outputs == 1000 and isinstance(tag, str) and re.search(r"(?:^|_)in1k(?:_\d+)?$", tag):
        return Labels("imagenet1k").read()
    return None
