"""The architectures of other publishers that are networks of ours, and those that only look so. Never imports torch.

An architecture is written `PUBLISHER/NAME`: `timm/resnet50`. That names and shapes of tensors fit says little:
`resnetaa50` has those of `resnet50` and blurs where that one strides. So a file of another publisher is taken for what
its repository, its metadata or the `config.json` beside it call it, and only what is listed here is loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

from multiweight.errors import MismatchError, suggestions


class Fit(NamedTuple):
    """How another publisher's architecture is one of ours.

    Attributes:
        variant: The variant.
        arguments: What its builder must be told for that.
        pooling: How the architecture makes one vector of a picture, as its publisher calls it.
    """

    variant: str
    arguments: Mapping[str, Any] = {}
    pooling: str = "avg"


_EPS = {"batch_norm_eps": 1e-5}
_384 = {"image_size": 384}

FITS: Mapping[str, Fit] = {
    **{
        f"timm/{name}": Fit(name)
        for name in (
            *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
            *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
            *("densenet121", "densenet161", "densenet169", "densenet201"),
            *("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
            *("efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4"),
            *("convnext_tiny", "convnext_small", "convnext_base", "convnext_large"),
        )
    },
    "timm/inception_v3": Fit("inception_v3", {"aux_logits": False, "transform_input": False}),
    "timm/efficientnet_b5": Fit("efficientnet_b5", _EPS),
    "timm/mobilenetv2_100": Fit("mobilenet_v2"),
    "timm/mobilenetv3_large_100": Fit("mobilenet_v3_large", _EPS),
    "timm/mobilenetv3_small_100": Fit("mobilenet_v3_small", _EPS),
    "timm/mnasnet_100": Fit("mnasnet1_0"),
    "timm/regnetx_004_tv": Fit("regnet_x_400mf"),
    "timm/regnetx_008": Fit("regnet_x_800mf"),
    "timm/regnetx_016": Fit("regnet_x_1_6gf"),
    "timm/regnetx_032": Fit("regnet_x_3_2gf"),
    "timm/regnetx_080": Fit("regnet_x_8gf"),
    "timm/regnetx_160": Fit("regnet_x_16gf"),
    "timm/regnetx_320": Fit("regnet_x_32gf"),
    "timm/regnety_004": Fit("regnet_y_400mf"),
    "timm/regnety_008_tv": Fit("regnet_y_800mf"),
    "timm/regnety_016": Fit("regnet_y_1_6gf"),
    "timm/regnety_032": Fit("regnet_y_3_2gf"),
    "timm/regnety_080_tv": Fit("regnet_y_8gf"),
    "timm/regnety_160": Fit("regnet_y_16gf"),
    "timm/regnety_320": Fit("regnet_y_32gf"),
    "timm/regnety_1280": Fit("regnet_y_128gf"),
    "timm/vit_base_patch16_224": Fit("vit_b_16", pooling="token"),
    "timm/vit_base_patch16_224_miil": Fit("vit_b_16", pooling="token"),
    "timm/vit_base_patch16_384": Fit("vit_b_16", _384, "token"),
    "timm/deit_base_patch16_224": Fit("vit_b_16", pooling="token"),
    "timm/deit_base_patch16_384": Fit("vit_b_16", _384, "token"),
    "timm/vit_base_patch32_224": Fit("vit_b_32", pooling="token"),
    "timm/vit_base_patch32_384": Fit("vit_b_32", _384, "token"),
    "timm/vit_large_patch16_224": Fit("vit_l_16", pooling="token"),
    "timm/vit_large_patch16_384": Fit("vit_l_16", _384, "token"),
    "timm/vit_large_patch32_224": Fit("vit_l_32", pooling="token"),
    "timm/vit_large_patch32_384": Fit("vit_l_32", _384, "token"),
    "timm/vit_huge_patch14_224": Fit("vit_h_14", pooling="token"),
    "timm/swin_tiny_patch4_window7_224": Fit("swin_t"),
    "timm/swin_small_patch4_window7_224": Fit("swin_s"),
    "timm/swin_base_patch4_window7_224": Fit("swin_b"),
    "timm/swinv2_tiny_window8_256": Fit("swin_v2_t"),
    "timm/swinv2_small_window8_256": Fit("swin_v2_s"),
    "timm/swinv2_base_window8_256": Fit("swin_v2_b"),
}
"""Each was compared with its publisher's network, live: tests/parity/test_timm.py."""

LOOK_ALIKES: Mapping[str, str] = {
    r"timm/resnetaa\w+": "it smooths its features before it takes every second of them",
    r"timm/resnetblur\w+": "it blurs its features before it takes every second of them",
    r"timm/tf_\w+": "it pads as TensorFlow's SAME does, at the lower right where the sides are even",
    r"timm/(efficientnet_b[67]|efficientnetv2_\w+)": "its batch norms add another eps, 1e-5",
    r"timm/swinv2_\w+_window(?!8_256$)\w+": "its windows are of another size, which no tensor tells",
    r"timm/(regnetx_004|regnety_008|regnety_080)": "its widths are rounded otherwise; the one ending in _tv fits",
}
"""What another function is although names and shapes of its tensors are, or nearly are, a variant's; and why."""

# A repository of the Hugging Face hub under the publisher's own name: `timm/resnet50.a1_in1k`.
_REPOSITORY = re.compile(r"(?:hf://|https?://huggingface\.co/)(timm/[^/.]+)(?:\.[^/]*)?/")


def architecture_in_url(url: str) -> str | None:
    """The architecture that a publisher's repository is named after; `None` for any other URL."""
    match = _REPOSITORY.match(url)
    return match[1] if match else None


def architecture_beside(path: Path, metadata: Mapping[str, Any]) -> str | None:
    """The architecture that a file says it is of, in its metadata or in the `config.json` beside it.

    Args:
        path: The file.
        metadata: Its metadata, as every safetensors file may have them.

    Raises:
        MismatchError: If the two contradict each other.
    """
    named = [said for said in (metadata.get("architecture"), config_beside(path).get("architecture")) if said]
    found = {name if "/" in name else f"timm/{name}" for name in named if isinstance(name, str)}
    if len(found) > 1:
        raise MismatchError(f"{path} says that it is of {' and of '.join(sorted(found))}.")
    return found.pop() if found else None


def config_beside(path: Path) -> dict[str, Any]:
    """What the `config.json` beside a file says, as timm writes it; nothing where there is none that can be read."""
    with suppress(OSError, ValueError, RecursionError):
        said: Any = json.loads(path.with_name("config.json").read_bytes())
        if isinstance(said, dict) and isinstance(cast("dict[str, Any]", said).get("architecture"), str):
            return cast("dict[str, Any]", said)
    return {}


def fit_of(architecture: str, *, name: str) -> Fit:
    """How an architecture is a variant of ours.

    Args:
        architecture: As `PUBLISHER/NAME`.
        name: What has it, for the error.

    Raises:
        MismatchError: If it is another function, or nobody has compared it.
    """
    if fit := FITS.get(architecture):
        return fit
    for pattern, why in LOOK_ALIKES.items():
        if re.fullmatch(pattern, architecture):
            raise MismatchError(
                f"{name} is of {architecture}, which is another function than the variant whose tensors look like its: "
                f"{why}. It is refused."
            )
    raise MismatchError(
        f"{name} is of {architecture}, which nobody has compared with a variant of this package: it is refused, as "
        f"fitting tensors may be another function's.{suggestions(architecture, FITS)}"
    )


def checked_architecture(
    *, given: str | None, url: str, beside: str | None, variant: str | None, arguments: Mapping[str, Any], name: str
) -> str | None:
    """The architecture whose tensors an entry's file holds; `None` where they are not another publisher's.

    Args:
        given: What the entry says.
        url: Where its file is published.
        beside: What the file says.
        variant: Whose weights the entry's are, where known.
        arguments: What the entry's builder is told.
        name: What errors call the entry.

    Raises:
        MismatchError: If these contradict each other, or the architecture is not one that fits.
    """
    said = {"it says": given, f"{url} is": architecture_in_url(url), "its file says": beside}
    known = {who: architecture for who, architecture in said.items() if architecture}
    if not known:
        return None
    # Each is looked at, so that the error is of the look-alike and not of the contradiction with it.
    fits = {architecture: fit_of(architecture, name=name) for architecture in known.values()}
    if len(fits) > 1:
        listed = "; ".join(f"{who} {architecture}" for who, architecture in known.items())
        raise MismatchError(f"{name} is of several architectures, and at most one is right: {listed}.")
    ((architecture, fit),) = fits.items()
    # A third party's enum may have a name of its own for the variant.
    if variant is not None and "/" not in variant and variant.removeprefix("quantized_") != fit.variant:
        raise MismatchError(f"{name} is of {architecture}, which fits {fit.variant} and not {variant}.")
    for argument, value in fit.arguments.items():
        if arguments.get(argument) != value:
            raise MismatchError(
                f"{name} is of {architecture}, which is {fit.variant} with {argument}={value!r} only; the entry "
                f"has to say so in its arguments, which are {dict(arguments)}."
            )
    return architecture
