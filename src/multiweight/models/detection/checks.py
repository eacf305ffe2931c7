"""What detectors are given, checked before anything is computed, so that a mistake is a sentence.

Shapes: G objects of a picture of H × W pixels, K keypoints an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multiweight.errors import InputError, InputTypeError, suggestions

__all__ = ["check_part", "check_pictures", "check_targets", "out_channels_of"]


def check_pictures(images: Sequence[Tensor], channels: int | None = None) -> None:
    """Refuses what is no list of pictures. An exported program is not checked.

    Args:
        images: Pictures `(3, H, W)` of floats, each of its own size; or a batch `(N, 3, H, W)`, which iterates over
            such pictures.
        channels: How many channels they have, where it is known. A single one will do: it stands for all.

    Raises:
        InputError: If there is no picture, or one of another shape or without pixels.
        InputTypeError: If there is something that is no tensor, or one that does not hold floats.
    """
    if torch.compiler.is_exporting():
        return
    if isinstance(images, Tensor):
        if images.dim() != 4:
            hint = " For one picture give [picture]." if images.dim() == 3 else ""
            raise InputError(
                f"A detector takes a list of pictures (3, H, W); got a tensor of shape {list(images.shape)}.{hint}"
            )
    elif not isinstance(images, (list, tuple)):
        hint = " weights.transforms() makes a tensor of a picture, and [tensor] a list of it."
        raise InputTypeError(f"A detector takes a list of pictures (3, H, W); got a {type(images).__name__}.{hint}")
    if len(images) == 0:
        raise InputError("A detector takes one picture or more; got none.")
    for number, image in enumerate(images):
        if not isinstance(image, Tensor):
            raise InputTypeError(
                f"Picture {number} is a {type(image).__name__}; expected a tensor (3, H, W), as weights.transforms() "
                "makes it."
            )
        shape = list(image.shape)
        if image.dim() != 3:
            raise InputError(f"Picture {number} has the shape {shape}; expected (3, H, W).")
        if channels is not None and shape[0] not in (1, channels):
            hint = ""
            if shape[-1] == channels:
                hint = " It looks like (H, W, 3): movedim(-1, 0) puts the channels first."
            elif shape[0] == channels + 1:
                hint = f" It looks like one with an alpha channel: image[:{channels}] leaves it out."
            raise InputError(f"Picture {number} has the shape {shape}; expected ({channels}, H, W).{hint}")
        if image.numel() == 0:
            raise InputError(f"Picture {number} has no pixels: its shape is {shape}.")
        if not image.is_floating_point():
            hint = " image / 255 makes it one." if image.dtype == torch.uint8 else ""
            raise InputTypeError(f"Picture {number} holds {image.dtype}; expected floats from 0 to 1.{hint}")


def check_targets(
    images: Sequence[Tensor],
    targets: Sequence[Mapping[str, Any]] | None,
    num_classes: int | None,
    *,
    masks: bool = False,
    keypoints: int | None = None,
) -> None:
    """Refuses targets from which a detector cannot learn. An exported program is not checked.

    The values of the tensors are read once for all pictures: a device is waited for once.

    Args:
        images: The pictures, `(3, H, W)` each.
        targets: For each picture a dict with `boxes` `(G, 4)`, which are `x1, y1, x2, y2` in pixels, and `labels`
            `(G,)`.
        num_classes: How many classes there are, the background included; not checked where it is not known.
        masks: Whether `masks` `(G, H, W)` are needed too.
        keypoints: How many points an object has, where `keypoints` `(G, K, 3)` are needed too.

    Raises:
        InputError: If there are no targets, or not one for each picture; if a key is missing, or tensors have other
            shapes; if a box has no area, or a label is no class.
        InputTypeError: If something is no tensor, or one of another kind.
    """
    if torch.compiler.is_exporting():
        return
    if targets is None:
        raise InputError("Training needs targets: model(images, targets). For predictions call model.eval() first.")
    if not isinstance(targets, (list, tuple)):
        raise InputTypeError(f"targets is a list of dicts, one a picture; got a {type(targets).__name__}.")
    if len(targets) != len(images):
        raise InputError(f"There must be a target for each picture; got {len(targets)} for {len(images)}.")
    needed = ["boxes", "labels", *["masks"] * masks, *["keypoints"] * (keypoints is not None)]
    for number, (image, target) in enumerate(zip(images, targets, strict=True)):
        _check_target(number, image, target, needed, keypoints)
    _check_values(targets, num_classes)


def _check_target(
    number: int, image: Tensor, target: Mapping[str, Any], needed: Sequence[str], keypoints: int | None
) -> None:
    """Keys, types and shapes of one picture's target; its values are not read."""
    if not isinstance(target, Mapping):
        raise InputTypeError(f"The target of picture {number} is a {type(target).__name__}; expected a dict.")
    for key in needed:
        if key not in target:
            raise InputError(
                f"The target of picture {number} has no {key!r}. It needs {', '.join(map(repr, needed))}."
                f"{suggestions(key, [str(each) for each in target])}"
            )
        if not isinstance(target[key], Tensor):
            raise InputTypeError(
                f"The {key} of picture {number} are a {type(target[key]).__name__}; expected a tensor."
            )
    count, shape = len(target["boxes"]) if target["boxes"].dim() else 0, list(target["boxes"].shape)
    if target["boxes"].dim() != 2 or shape[1] != 4:
        hint = " Without objects it is torch.zeros(0, 4)." if target["boxes"].numel() == 0 else ""
        raise InputError(f"The boxes of picture {number} have the shape {shape}; expected (G, 4).{hint}")
    expected = {"labels": [count], "masks": [count, *image.shape[-2:]], "keypoints": [count, keypoints, 3]}
    for key in needed[1:]:
        if list(target[key].shape) != expected[key]:
            reason = f"{count} boxes" + (f" in {image.shape[-2]}×{image.shape[-1]} pixels" if key == "masks" else "")
            raise InputError(
                f"The {key} of picture {number} have the shape {list(target[key].shape)}; expected {expected[key]} "
                f"for {reason}."
            )
    labels = target["labels"]
    if labels.dtype not in (torch.int64, torch.int32, torch.int16, torch.int8):
        raise InputTypeError(f"The labels of picture {number} hold {labels.dtype}; expected torch.int64.")


def _check_values(targets: Sequence[Mapping[str, Tensor]], num_classes: int | None) -> None:
    """Areas of boxes and ranges of labels."""
    boxes = torch.cat([target["boxes"].detach() for target in targets])
    labels = torch.cat([target["labels"] for target in targets])
    if len(boxes) == 0:
        return
    sides = boxes[:, 2:] - boxes[:, :2]
    # Written so that a side that is no number is wrong too.
    wrong_boxes = ~((sides > 0) & (sides < float("inf"))).all(dim=1)
    wrong_labels = labels < 0
    if num_classes is not None:
        wrong_labels = wrong_labels | (labels >= num_classes)
    if not bool((wrong_boxes | wrong_labels.to(wrong_boxes.device)).any()):
        return
    pictures = [number for number, target in enumerate(targets) for _ in range(len(target["boxes"]))]
    if bool(wrong_boxes.any()):
        index = int(wrong_boxes.nonzero()[0])
        raise InputError(
            f"Every box has an area: x1 < x2 and y1 < y2. Picture {pictures[index]} has the box "
            f"{boxes[index].tolist()} (x1, y1, x2, y2)."
        )
    index = int(wrong_labels.nonzero()[0])
    known = "from 0 on" if num_classes is None else f"from 0 to {num_classes - 1}"
    raise InputError(f"Labels are {known}; picture {pictures[index]} has the label {int(labels[index])}.")


def out_channels_of(backbone: nn.Module) -> int:
    """How many channels every feature map of a backbone has.

    Raises:
        InputError: If it does not say so.
    """
    channels: Any = getattr(backbone, "out_channels", None)
    if channels is None:
        raise InputError(
            f"The backbone, a {type(backbone).__name__}, has no attribute out_channels, which says how many channels "
            "its feature maps have, all of them as many."
        )
    return channels


def check_part(name: str, given: object, expected: type) -> None:
    """Refuses a part of another type.

    Raises:
        InputTypeError: If it is neither of the type nor `None`.
    """
    if given is not None and not isinstance(given, expected):
        raise InputTypeError(f"{name} is of type {expected.__name__} or None; got a {type(given).__name__}.")
