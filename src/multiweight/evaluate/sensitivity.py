"""What the usual preprocessing mistakes cost: the same weights, the same pictures, another preset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from multiweight.catalogue import ImageClassification, InterpolationMode
from multiweight.data import picture_pixels
from multiweight.evaluate.evaluation import Evaluator, Measurement
from multiweight.transforms._arguments import PILLOW_FILTERS

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5,) * 3, (0.5,) * 3)

_INTERPOLATIONS = (
    InterpolationMode.NEAREST,
    InterpolationMode.BILINEAR,
    InterpolationMode.BICUBIC,
    InterpolationMode.LANCZOS,
)

Change = Callable[[Image.Image, ImageClassification], Any]


@dataclass(frozen=True)
class Mistake:
    """A way to prepare pictures otherwise than an entry's preset does.

    It is called as a preset is, and can be pickled.

    Attributes:
        name: What is done wrong, in a few words.
        preset: The settings with which it is done.
        change: What is done to the RGB picture before, if anything.
    """

    name: str
    preset: ImageClassification
    change: Change | None = None

    def __call__(self, picture: Image.Image) -> Tensor:
        """Makes of a picture what the network takes, wrongly."""
        changed = self.change(picture, self.preset) if self.change else picture
        return self.preset()(changed)


@dataclass(frozen=True)
class Cost:
    """What a mistake costs.

    Attributes:
        mistake: What was done wrong.
        measurement: What came out; `None` if the network does not take such pictures.
        reason: Why it does not.
    """

    mistake: Mistake
    measurement: Measurement | None
    reason: str | None = None


def mistakes(preset: ImageClassification) -> list[Mistake]:
    """The usual mistakes, as seen from a preset; those that it makes itself are left out.

    The list is a function of the preset alone, and of no weights: other interpolations; no antialias, where the
    picture is resized as a tensor; a crop of three quarters of the sides or of four thirds (black where the picture
    has ended), and the same with the picture resized in proportion; a picture squashed to a square (or not, where it
    should be); blue, green and red for red, green and blue; the other usual mean and standard deviation; none; values
    up to 255.

    Args:
        preset: The right preset.
    """
    crop, resize = preset.crop_size, preset.resize_size
    less, more = _in_proportion(resize, 3, 4), _in_proportion(resize, 4, 3)
    small, large = _part(crop, 3, 4), _part(crop, 4, 3)
    found = [
        Mistake(f"{mode.value} interpolation", replace(preset, interpolation=mode))
        for mode in _INTERPOLATIONS
        if mode != preset.interpolation
    ]
    if preset.interpolation in _ANTIALIASED:
        found.append(Mistake("resized as a tensor, no antialias", replace(preset, antialias=False), _as_tensor))
    found += [
        Mistake(f"crop too small: {small} of {_shown(resize)} pixels", replace(preset, crop_size=small)),
        Mistake(f"crop too large: {large} of {_shown(resize)} pixels", replace(preset, crop_size=large)),
        Mistake(f"all too small: {small} of {_shown(less)} pixels", replace(preset, crop_size=small, resize_size=less)),
        Mistake(f"all too large: {large} of {_shown(more)} pixels", replace(preset, crop_size=large, resize_size=more)),
        Mistake(f"not squashed: the centre of {max(resize)} pixels", replace(preset, resize_size=max(resize)))
        if isinstance(resize, tuple)
        else Mistake(f"squashed to {crop} × {crop} pixels", replace(preset, resize_size=crop), _squashed),
        Mistake("BGR for RGB", preset, _swapped),
    ]
    for name, (mean, std) in {"mean and std of ImageNet": _IMAGENET, "mean and std 0.5": _HALF}.items():
        if (preset.mean, preset.std) != (mean, std):
            found.append(Mistake(name, replace(preset, mean=mean, std=std)))
    unchanged = replace(preset, mean=(0.0,) * 3, std=(1.0,) * 3)
    if unchanged != preset:
        found.append(Mistake("no normalisation", unchanged))
    # (255 x - mean) / std, of x in [0, 1].
    scaled = {name: tuple(value / 255 for value in getattr(preset, name)) for name in ("mean", "std")}
    found.append(Mistake("0 to 255 for 0 to 1, then normalised", replace(preset, **scaled)))
    return found


def sensitivity(evaluator: Evaluator) -> Iterator[Cost]:
    """Measures what each of the usual mistakes costs, one after the other.

    Args:
        evaluator: The network and the pictures.

    Yields:
        The costs, in the order of `mistakes`.
    """
    for mistake in mistakes(evaluator.preset):
        side = mistake.preset.crop_size
        try:
            with torch.inference_mode():
                evaluator.model(torch.zeros(1, 3, side, side, device=evaluator.device))
        except (
            RuntimeError,
            ValueError,
            AssertionError,
        ) as error:  # networks of one size refuse others each in its way
            yield Cost(mistake, None, str(error).partition("\n")[0])
        else:
            yield Cost(mistake, evaluator.measure(mistake.preset, module=mistake))


_ANTIALIASED = (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)


def _part(side: int, numerator: int, denominator: int) -> int:
    return max(1, round(side * numerator / denominator))


def _in_proportion(size: int | tuple[int, int], numerator: int, denominator: int) -> int | tuple[int, int]:
    if isinstance(size, int):
        return _part(size, numerator, denominator)
    return _part(size[0], numerator, denominator), _part(size[1], numerator, denominator)


def _shown(size: int | tuple[int, int]) -> str:
    return str(size) if isinstance(size, int) else f"{size[0]} × {size[1]}"


def _as_tensor(picture: Image.Image, preset: ImageClassification) -> Tensor:
    return picture_pixels(picture)


def _squashed(picture: Image.Image, preset: ImageClassification) -> Image.Image:
    return picture.resize((preset.crop_size, preset.crop_size), PILLOW_FILTERS[preset.interpolation])


def _swapped(picture: Image.Image, preset: ImageClassification) -> Image.Image:
    return Image.merge("RGB", picture.split()[::-1])
