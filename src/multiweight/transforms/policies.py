"""Policies of augmentation: which operations a training picture goes through, at random."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from enum import Enum
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import InterpolationMode
from multiweight.errors import suggestions
from multiweight.transforms import _operations
from multiweight.transforms._arguments import Fill, interpolation_mode, positive, whole
from multiweight.transforms.geometry import below, draw_shares
from multiweight.transforms.transforms import dimensions

Magnitudes = dict[str, tuple[float, ...]]
"""Of each operation by its name, weakest first; none for those that have but one strength."""

_MOVES = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
_FACTORS = ("Brightness", "Color", "Contrast", "Sharpness")
_SIGNED = (*_MOVES, *_FACTORS)  # go in two directions, either with the same probability


@functools.lru_cache(maxsize=256)
def _steps(low: float, high: float, bins: int) -> tuple[float, ...]:
    return tuple(torch.linspace(low, high, bins).tolist())


@functools.cache
def _kept_bits(most: int, fewer: int, bins: int) -> tuple[float, ...]:
    """From `most` bits down by up to `fewer`, in as many steps as there are bins, rounded."""
    return tuple((most - (torch.arange(bins) / ((bins - 1) / fewer)).round()).tolist())


def _magnitudes(
    bins: int,
    *,
    shear: float,
    move: tuple[float, float],
    angle: float,
    factor: float,
    bits: tuple[int, int],
) -> Magnitudes:
    """The operations that the policies share, in the order in which two of them number them.

    Args:
        bins: How many steps there are.
        shear: The strongest, as are the next three.
        move: Across and down, in pixels.
        angle: In degrees.
        factor: By how much brightness, colour, contrast and sharpness are changed.
        bits: What Posterize keeps when it is weakest, and how many fewer when it is strongest.
    """
    shears, factors = _steps(0, shear, bins), _steps(0, factor, bins)
    return {
        "Identity": (),
        "ShearX": shears,
        "ShearY": shears,
        "TranslateX": _steps(0, move[0], bins),
        "TranslateY": _steps(0, move[1], bins),
        "Rotate": _steps(0, angle, bins),
        "Brightness": factors,
        "Color": factors,
        "Contrast": factors,
        "Sharpness": factors,
        "Posterize": _kept_bits(*bits, bins),
        "Solarize": _steps(255, 0, bins),
        "AutoContrast": (),
        "Equalize": (),
    }


class _Policy(nn.Module):
    """What the policies have in common."""

    _known = (InterpolationMode.NEAREST, InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)

    def __init__(self, interpolation: InterpolationMode | str | int, fill: Fill) -> None:
        super().__init__()
        self.interpolation = interpolation_mode(interpolation)
        if self.interpolation not in self._known:
            raise ValueError(f"interpolation is one of {', '.join(self._known)}; got {self.interpolation}.")
        if not isinstance(fill, int | float | list | tuple | None):
            raise TypeError(f"fill takes a number, one for each channel or None; got {fill!r}.")
        self.fill = fill

    def _apply_to(self, img: Any, name: str, magnitude: float) -> Any:
        return _operations.apply(img, name, magnitude, self.interpolation, self.fill)

    def _settings(self) -> Iterable[str]:
        """The names of the arguments."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The settings."""
        values = {name: getattr(self, name) for name in (*self._settings(), "interpolation", "fill")}
        return ", ".join(
            f"{name}={value.value if isinstance(value, Enum) else value}" for name, value in values.items()
        )


class TrivialAugmentWide(_Policy):
    """One operation of fourteen, at a random strength, out of wide ranges.

    Equal bit for bit to torchvision's `transforms.TrivialAugmentWide`, with the same draws from torch's global
    generator. (Müller and Hutter 2021, https://arxiv.org/abs/2103.10158)

    Args:
        num_magnitude_bins: How many strengths there are.
        interpolation: For what turns, shears or moves: nearest or bilinear; for PIL pictures also bicubic.
        fill: The colour of what comes in from outside: one number, one a channel, or `None` for black.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode | str | int = InterpolationMode.NEAREST,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = whole("num_magnitude_bins", num_magnitude_bins, least=2)
        self._magnitudes = _magnitudes(
            num_magnitude_bins, shear=0.99, move=(32, 32), angle=135, factor=0.99, bits=(8, 6)
        )
        self._names = list(self._magnitudes)

    def forward(self, img: Any) -> Any:
        """The picture after one operation; of the kind that was given.

        Args:
            img: A PIL picture, or a tensor `(…, 3, H, W)` of uint8, whose pictures all go through the same.

        Raises:
            InputTypeError: If it is neither.
        """
        dimensions(img)
        name = self._names[below(len(self._names))]
        steps = self._magnitudes[name]
        magnitude = steps[below(len(steps))] if steps else 0.0
        return self._apply_to(img, name, _signed(name, magnitude))

    def _settings(self) -> Iterable[str]:
        return ("num_magnitude_bins",)


class RandAugment(_Policy):
    """A few random operations of fourteen, all at the same strength.

    Equal bit for bit to torchvision's `transforms.RandAugment`, with the same draws from torch's global generator.
    (Cubuk et al. 2019, https://arxiv.org/abs/1909.13719)

    Args:
        num_ops: How many operations.
        magnitude: Their strength, in steps from 0 on.
        num_magnitude_bins: How many strengths there are.
        interpolation: For what turns, shears or moves: nearest or bilinear; for PIL pictures also bicubic.
        fill: The colour of what comes in from outside: one number, one a channel, or `None` for black.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode | str | int = InterpolationMode.NEAREST,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.num_ops = whole("num_ops", num_ops)
        self.num_magnitude_bins = whole("num_magnitude_bins", num_magnitude_bins, least=2)
        self.magnitude = whole("magnitude", magnitude)
        if magnitude >= num_magnitude_bins:
            raise ValueError(f"magnitude must be less than num_magnitude_bins, {num_magnitude_bins}; got {magnitude}.")

    def forward(self, img: Any) -> Any:
        """The picture after all operations; of the kind that was given.

        Args:
            img: A PIL picture, or a tensor `(…, 3, H, W)` of uint8, whose pictures all go through the same.

        Raises:
            InputTypeError: If it is neither.
        """
        magnitudes = _milder(self.num_magnitude_bins, dimensions(img))
        names = list(magnitudes)
        for _ in range(self.num_ops):
            name = names[below(len(names))]
            steps = magnitudes[name]
            img = self._apply_to(img, name, _signed(name, steps[self.magnitude] if steps else 0.0))
        return img

    def _settings(self) -> Iterable[str]:
        return ("num_ops", "magnitude", "num_magnitude_bins")


class AutoAugmentPolicy(Enum):
    """The data set for which a policy was learned."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


class AutoAugment(_Policy):
    """Two operations, one after the other, of 25 learned pairs; each with a learned probability and strength.

    Equal bit for bit to torchvision's `transforms.AutoAugment`, with the same draws from torch's global generator.
    (Cubuk et al. 2018, https://arxiv.org/abs/1805.09501)

    Args:
        policy: For which data the pairs were learned: an `AutoAugmentPolicy`, its value or torchvision's.
        interpolation: For what turns, shears or moves: nearest or bilinear; for PIL pictures also bicubic.
        fill: The colour of what comes in from outside: one number, one a channel, or `None` for black.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    def __init__(
        self,
        policy: AutoAugmentPolicy | str = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode | str | int = InterpolationMode.NEAREST,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        given = policy.value if isinstance(policy, Enum) else policy
        if given not in (known := [one.value for one in AutoAugmentPolicy]):
            raise ValueError(f"There is no policy {given!r}.{suggestions(str(given), known)}")
        self.policy = AutoAugmentPolicy(given)
        self._pairs = [tuple(map(_parsed, pair.split(","))) for pair in _PAIRS[self.policy].split(";")]

    def forward(self, img: Any) -> Any:
        """The picture after none, one or two operations; of the kind that was given.

        Args:
            img: A PIL picture, or a tensor `(…, 3, H, W)` of uint8, whose pictures all go through the same.

        Raises:
            InputTypeError: If it is neither.
        """
        magnitudes = {**_milder(10, dimensions(img)), "Invert": ()}
        pair = self._pairs[below(len(self._pairs))]
        chances, signs = torch.rand((2,)).tolist(), torch.randint(2, (2,)).tolist()
        for (name, probability, step), chance, upwards in zip(pair, chances, signs, strict=True):
            if chance <= probability:
                magnitude = magnitudes[name][step] if magnitudes[name] else 0.0
                img = self._apply_to(img, name, -magnitude if name in _SIGNED and not upwards else magnitude)
        return img

    def _settings(self) -> Iterable[str]:
        return ("policy",)


class AugMix(_Policy):
    """Mixes a picture with several chains of operations on it.

    Equal bit for bit to torchvision's `transforms.AugMix`, with the same draws from torch's global generator; as there,
    a PIL picture goes through it as a tensor. (Hendrycks et al. 2019, https://arxiv.org/abs/1912.02781)

    Args:
        severity: The largest strength, in steps from 1 to 10.
        mixture_width: How many chains.
        chain_depth: How many operations a chain has; -1 for one to three, at random.
        alpha: The parameter of the distributions of the shares.
        all_ops: Whether brightness, colour, contrast and sharpness are among the operations.
        interpolation: For what turns, shears or moves: nearest or bilinear.
        fill: The colour of what comes in from outside: one number, one a channel, or `None` for black.

    Raises:
        TypeError: For an argument that is not of its kind.
        ValueError: For one that cannot be used.
    """

    _known = (InterpolationMode.NEAREST, InterpolationMode.BILINEAR)  # it has nothing but tensors

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
        fill: Fill = None,
    ) -> None:
        super().__init__(interpolation, fill)
        self.severity = whole("severity", severity, least=1)
        if severity > _AUGMIX_BINS:
            raise ValueError(f"severity must be from 1 to {_AUGMIX_BINS}; got {severity}.")
        self.mixture_width = whole("mixture_width", mixture_width, least=1)
        self.chain_depth = whole("chain_depth", chain_depth, least=-1)
        self.alpha = positive("alpha", alpha)
        self.all_ops = all_ops
        self._names = [*_AUGMIX, *(_FACTORS if all_ops else ())]

    def forward(self, img: Any) -> Any:
        """The picture, mixed; of the kind that was given.

        Args:
            img: A PIL picture, or a tensor `(…, 3, H, W)` of uint8, whose pictures go through the same chains and are
                mixed in shares of their own.

        Raises:
            InputTypeError: If it is neither.
        """
        height, width = dimensions(img)
        magnitudes = _magnitudes(
            _AUGMIX_BINS, shear=0.3, move=(width / 3, height / 3), angle=30, factor=0.9, bits=(4, 4)
        )
        picture = img if isinstance(img, Tensor) else _pixels(img)
        batch = picture.reshape(-1, *picture.shape[-3:])
        kept, changed = draw_shares(self.alpha, 2, len(batch)).to(batch.device).unbind(1)
        shares = draw_shares(self.alpha, self.mixture_width, len(batch)).to(batch.device) * changed[:, None]
        mixed = kept[:, None, None, None] * batch
        for share in shares.unbind(1):
            chain = batch
            depth = self.chain_depth if self.chain_depth > 0 else 1 + below(3)
            for _ in range(depth):
                name = self._names[below(len(self._names))]
                steps = magnitudes[name]
                magnitude = steps[below(self.severity)] if steps else 0.0
                chain = self._apply_to(chain, name, _signed(name, magnitude))
            mixed.add_(share[:, None, None, None] * chain)
        result = mixed.reshape(picture.shape).to(picture.dtype)
        return result if isinstance(img, Tensor) else _picture(result)

    def _settings(self) -> Iterable[str]:
        return ("severity", "mixture_width", "chain_depth", "alpha", "all_ops")


def _signed(name: str, magnitude: float) -> float:
    """The magnitude, in a random direction if the operation has two."""
    return -magnitude if name in _SIGNED and below(2) else magnitude


def _milder(bins: int, size: tuple[int, int]) -> Magnitudes:
    """The magnitudes of AutoAugment and RandAugment, for a height and a width in pixels."""
    height, width = size
    return _magnitudes(
        bins,
        shear=0.3,
        move=(150 / 331 * width, 150 / 331 * height),
        angle=30,
        factor=0.9,
        bits=(8, 4),
    )


def _pixels(picture: Image.Image) -> Tensor:
    values = torch.from_numpy(np.array(picture))
    return (values[..., None] if values.ndim == 2 else values).permute(2, 0, 1)


def _picture(pixels: Tensor) -> Image.Image:
    values = pixels.permute(1, 2, 0).numpy()
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else np.ascontiguousarray(values))


def _parsed(operation: str) -> tuple[str, float, int]:
    """The name, the probability and the step of the magnitude, of one operation of a pair."""
    name, probability, *step = operation.split()
    return name, float(probability), int(step[0]) if step else 0


_AUGMIX_BINS = 10

_AUGMIX = (*_MOVES, "Posterize", "Solarize", "AutoContrast", "Equalize")

_PAIRS = {
    AutoAugmentPolicy.IMAGENET: (
        "Posterize 0.4 8,Rotate 0.6 9;Solarize 0.6 5,AutoContrast 0.6;Equalize 0.8,Equalize 0.6;"
        "Posterize 0.6 7,Posterize 0.6 6;Equalize 0.4,Solarize 0.2 4;Equalize 0.4,Rotate 0.8 8;"
        "Solarize 0.6 3,Equalize 0.6;Posterize 0.8 5,Equalize 1.0;Rotate 0.2 3,Solarize 0.6 8;"
        "Equalize 0.6,Posterize 0.4 6;Rotate 0.8 8,Color 0.4 0;Rotate 0.4 9,Equalize 0.6;Equalize 0.0,Equalize 0.8;"
        "Invert 0.6,Equalize 1.0;Color 0.6 4,Contrast 1.0 8;Rotate 0.8 8,Color 1.0 2;Color 0.8 8,Solarize 0.8 7;"
        "Sharpness 0.4 7,Invert 0.6;ShearX 0.6 5,Equalize 1.0;Color 0.4 0,Equalize 0.6;Equalize 0.4,Solarize 0.2 4;"
        "Solarize 0.6 5,AutoContrast 0.6;Invert 0.6,Equalize 1.0;Color 0.6 4,Contrast 1.0 8;"
        "Equalize 0.8,Equalize 0.6"
    ),
    AutoAugmentPolicy.CIFAR10: (
        "Invert 0.1,Contrast 0.2 6;Rotate 0.7 2,TranslateX 0.3 9;Sharpness 0.8 1,Sharpness 0.9 3;"
        "ShearY 0.5 8,TranslateY 0.7 9;AutoContrast 0.5,Equalize 0.9;ShearY 0.2 7,Posterize 0.3 7;"
        "Color 0.4 3,Brightness 0.6 7;Sharpness 0.3 9,Brightness 0.7 9;Equalize 0.6,Equalize 0.5;"
        "Contrast 0.6 7,Sharpness 0.6 5;Color 0.7 7,TranslateX 0.5 8;Equalize 0.3,AutoContrast 0.4;"
        "TranslateY 0.4 3,Sharpness 0.2 6;Brightness 0.9 6,Color 0.2 8;Solarize 0.5 2,Invert 0.0;"
        "Equalize 0.2,AutoContrast 0.6;Equalize 0.2,Equalize 0.6;Color 0.9 9,Equalize 0.6;"
        "AutoContrast 0.8,Solarize 0.2 8;Brightness 0.1 3,Color 0.7 0;Solarize 0.4 5,AutoContrast 0.9;"
        "TranslateY 0.9 9,TranslateY 0.7 9;AutoContrast 0.9,Solarize 0.8 3;Equalize 0.8,Invert 0.1;"
        "TranslateY 0.7 9,AutoContrast 0.9"
    ),
    AutoAugmentPolicy.SVHN: (
        "ShearX 0.9 4,Invert 0.2;ShearY 0.9 8,Invert 0.7;Equalize 0.6,Solarize 0.6 6;Invert 0.9,Equalize 0.6;"
        "Equalize 0.6,Rotate 0.9 3;ShearX 0.9 4,AutoContrast 0.8;ShearY 0.9 8,Invert 0.4;"
        "ShearY 0.9 5,Solarize 0.2 6;Invert 0.9,AutoContrast 0.8;Equalize 0.6,Rotate 0.9 3;"
        "ShearX 0.9 4,Solarize 0.3 3;ShearY 0.8 8,Invert 0.7;Equalize 0.9,TranslateY 0.6 6;Invert 0.9,Equalize 0.6;"
        "Contrast 0.3 3,Rotate 0.8 4;Invert 0.8,TranslateY 0.0 2;ShearY 0.7 6,Solarize 0.4 8;"
        "Invert 0.6,Rotate 0.8 4;ShearY 0.3 7,TranslateX 0.9 3;ShearX 0.1 6,Invert 0.6;"
        "Solarize 0.7 2,TranslateY 0.6 7;ShearY 0.8 4,Invert 0.8;ShearX 0.7 9,TranslateY 0.8 3;"
        "ShearY 0.8 5,AutoContrast 0.7;ShearX 0.7 2,Invert 0.1"
    ),
}
"""The pairs of each policy: an operation's name, its probability and the step of its magnitude, of ten."""
