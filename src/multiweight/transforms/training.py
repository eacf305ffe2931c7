"""From a picture to what a network is trained on: one part for each picture, two for a batch on its device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import InterpolationMode
from multiweight.errors import suggestions
from multiweight.transforms._arguments import (
    PILLOW_FILTERS,
    interpolation_mode,
    known_only,
    pixels,
    probability,
    span,
)
from multiweight.transforms._pictures import rgb, to_tensor
from multiweight.transforms._tensors import normalise
from multiweight.transforms.erasing import erased_place
from multiweight.transforms.geometry import crop_place, happens
from multiweight.transforms.mixing import CutMix, MixUp, one_hot, one_of
from multiweight.transforms.policies import AugMix, AutoAugment, RandAugment, TrivialAugmentWide


class TrainingPicture:
    """What a recipe does to each picture, up to the tensor of bytes that goes to the device.

    A random resized crop, a mirror image, a policy, a rectangle to erase: the draws from torch's global generator come
    in the order of torchvision's `RandomResizedCrop`, `RandomHorizontalFlip`, the policy, `PILToTensor`,
    `ConvertImageDtype`, `Normalize` and `RandomErasing`, and with `finish` the result is theirs, bit for bit. Steps
    whose probability is 0 draw nothing.

    Args:
        crop_size: The sides of the result, in pixels.
        scale: The least and the largest share of the picture that the crop has.
        ratio: The least and the largest width over height of the crop.
        interpolation: How the crop is resized, and what the policy turns and shears with: nearest, bilinear or bicubic.
        horizontal_flip: How likely the picture is mirrored.
        policy: `"none"`, `"trivial_augment_wide"`, `"rand_augment"`, `"auto_augment"` (ImageNet's) or `"augmix"`.
        magnitude_bins: Into how many steps the magnitudes of TrivialAugmentWide and RandAugment are divided.
        magnitude: The magnitude of RandAugment, in steps; the severity of AugMix.
        operations: How many operations RandAugment puts one after the other.
        random_erasing: How likely a rectangle is erased.

    Raises:
        TypeError: For an argument that is unknown or not of its kind.
        ValueError: For one that cannot be used.
    """

    @known_only
    def __init__(
        self,
        *,
        crop_size: int,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
        horizontal_flip: float = 0.5,
        policy: str = "none",
        magnitude_bins: int = 31,
        magnitude: int = 9,
        operations: int = 2,
        random_erasing: float = 0.0,
    ) -> None:
        self.crop_size = pixels("crop_size", crop_size)
        self.scale = span("scale", scale)
        self.ratio = span("ratio", ratio, positive=True)
        self.interpolation = interpolation_mode(interpolation)
        self.horizontal_flip = probability("horizontal_flip", horizontal_flip)
        self.random_erasing = probability("random_erasing", random_erasing)
        self.policy = policy
        make: dict[str, Callable[[], nn.Module | None]] = {
            "none": lambda: None,
            "trivial_augment_wide": lambda: TrivialAugmentWide(magnitude_bins, interpolation),
            "rand_augment": lambda: RandAugment(operations, magnitude, magnitude_bins, interpolation),
            "auto_augment": lambda: AutoAugment(interpolation=interpolation),
            "augmix": lambda: AugMix(magnitude, interpolation=interpolation),
        }
        if policy not in make:
            raise ValueError(f"There is no policy {policy!r}.{suggestions(str(policy), make)}")
        self._augment = make[policy]()

    def __call__(self, picture: Image.Image) -> tuple[Tensor, Tensor]:
        """Augments a picture.

        Args:
            picture: A PIL picture; one that is not RGB is converted.

        Returns:
            uint8 `(3, crop_size, crop_size)`, and what `finish` will erase, int64 `(4,)`: top, left, height and width
            in pixels, zeros for nothing.
        """
        top, left, height, width = crop_place(picture.height, picture.width, self.scale, self.ratio)
        crop = rgb(picture.crop((left, top, left + width, top + height)))
        size = self.crop_size
        crop = crop.resize((size, size), PILLOW_FILTERS[self.interpolation])
        if self.horizontal_flip and happens(self.horizontal_flip):
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self._augment is not None:
            crop = self._augment(crop)
        erases = self.random_erasing and happens(self.random_erasing)
        return to_tensor(crop), torch.tensor(erased_place(size, size) if erases else (0, 0, 0, 0))


def finish(pictures: Tensor, erased: Tensor | None, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Makes of a batch's bytes what the network takes, on the device where they are.

    Args:
        pictures: uint8 `(N, 3, H, W)`, from 0 to 255.
        erased: int64 `(N, 4)`: top, left, height and width of what becomes 0, the mean colour, in pixels; better left
            in the processor's memory. `None` for nothing.
        mean: What is subtracted, one number for each of red, green and blue, of values in `[0, 1]`.
        std: What is then divided by, likewise.

    Returns:
        float32 `(N, 3, H, W)`, a new tensor.
    """
    finished = normalise(pictures, list(mean), list(std))
    if erased is not None:
        for picture, (top, left, height, width) in zip(finished, erased.tolist(), strict=True):
            if height:
                picture[:, top : top + height, left : left + width] = 0
    return finished


def mix(
    pictures: Tensor, targets: Tensor, *, classes: int, mixup: float = 0.0, cutmix: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Mixes each picture of a batch with its neighbour, by mixup or cutmix; with both, one of them at equal odds.

    With both, it is torchvision's `v2.RandomChoice([v2.MixUp(…), v2.CutMix(…)])`, with one it is that one alone, bit
    for bit, with the same draws from torch's global generator.

    Args:
        pictures: Floats `(N, 3, H, W)`.
        targets: The classes' numbers, int64 `(N,)`.
        classes: How many classes there are.
        mixup: The α of mixup; 0 for none.
        cutmix: The α of cutmix; 0 for none.

    Returns:
        The pictures, and the targets as probabilities, float32 `(N, classes)`: of one class where nothing is mixed.
    """
    mixes = [kind(alpha=alpha, num_classes=classes) for kind, alpha in ((MixUp, mixup), (CutMix, cutmix)) if alpha]
    if not mixes:
        return pictures, one_hot(targets, classes)
    return one_of(mixes)(pictures, targets)
