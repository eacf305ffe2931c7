"""A network that can be foretold: it reads its answer off the colour of the picture."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor, nn

from multiweight.catalogue import ImageClassification, Labels, Weights, WeightsEnum

LEVELS = 10
STEP = 25
"""A class's three digits are red, green and blue, this far apart."""


class ColourReader(nn.Module):
    """Answers with the class that a colour stands for; those with near numbers come next."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, pictures: Tensor) -> Tensor:
        if min(pictures.shape[-2:]) < 6:
            raise ValueError(f"The picture has {pictures.shape[-1]} pixels; at least 6 are needed.")
        digits = (pictures.mean((2, 3)) * 255 / STEP).round()
        said = digits @ torch.tensor([100.0, 10.0, 1.0])
        return -(torch.arange(self.classes) - said[:, None]).abs()


def colour_reader(*, weights: WeightsEnum, progress: bool = True) -> ColourReader:
    return ColourReader(len(weights.meta["categories"]))


def colour(number: int) -> tuple[int, int, int]:
    """The colour of a class."""
    return (number // 100 * STEP, number // 10 % 10 * STEP, number % 10 * STEP)


def picture(number: int, size: tuple[int, int] = (12, 9)) -> Image.Image:
    """A picture of a class."""
    return Image.new("RGB", size, colour(number))


_PRESET = ImageClassification(crop_size=8, resize_size=8, mean=(0.0,) * 3, std=(1.0,) * 3)

CLAIM = {"acc@1": 90.0, "acc@5": 100.0}


class Colours_Weights(WeightsEnum, variant="test/colours", builder="tests.evaluate.support:colour_reader"):
    """Entries that need no file."""

    IMAGENET1K_V1 = Weights(
        url="file:///nowhere/colours.pth",
        transforms=_PRESET,
        meta={"categories": Labels("imagenet1k"), "metrics": {"ImageNet-1K": CLAIM}},
    )
    NINE_V1 = Weights(
        url="file:///nowhere/nine.pth",
        transforms=_PRESET,
        meta={"categories": tuple("abcdefghi"), "metrics": {"Letters": {"acc@1": 50.0}}},
    )
    UNTRAINED = Weights(url="file:///nowhere/no.pth", transforms=_PRESET, meta={"categories": None, "metrics": {}})
