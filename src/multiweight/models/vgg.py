"""VGG, with and without batch norm.

Paper: Very Deep Convolutional Networks for Large-Scale Image Recognition, https://arxiv.org/abs/1409.1556

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Unpack

from torch import Tensor, nn

from multiweight.catalogue.vgg import (
    VGG11_BN_Weights,
    VGG11_Weights,
    VGG13_BN_Weights,
    VGG13_Weights,
    VGG16_BN_Weights,
    VGG16_Weights,
    VGG19_BN_Weights,
    VGG19_Weights,
)
from multiweight.layers import initialise
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "VGG",
    "VGG11_BN_Weights",
    "VGG11_Weights",
    "VGG13_BN_Weights",
    "VGG13_Weights",
    "VGG16_BN_Weights",
    "VGG16_Weights",
    "VGG19_BN_Weights",
    "VGG19_Weights",
    "VGGOptions",
    "cfgs",
    "make_layers",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]


def _column(*convolutions: int) -> list[int | str]:
    """A column of table 1: how many convolutions each of the five stages has, a maximum after each stage."""
    layers: list[int | str] = []
    for channels, repeats in zip((64, 128, 256, 512, 512), convolutions, strict=True):
        layers += [*[channels] * repeats, "M"]
    return layers


cfgs = {
    "A": _column(1, 1, 2, 2, 2),
    "B": _column(2, 2, 2, 2, 2),
    "D": _column(2, 2, 3, 3, 3),
    "E": _column(2, 2, 4, 4, 4),
}
"""The columns of table 1 of the paper, in the form that `make_layers` takes.

A column is named for its layers with weights, three linear ones included: A is VGG-11, B 13, D 16 and E 19.
"""


def make_layers(cfg: Iterable[int | str], batch_norm: bool = False) -> nn.Sequential:
    """The convolutional part of a VGG.

    Args:
        cfg: From first to last, the channels of a 3×3 convolution, or `"M"` for a maximum that halves height and width.
        batch_norm: Whether each convolution is followed by a batch norm.

    Returns:
        A module that takes `(N, 3, H, W)`.
    """
    layers: list[nn.Module] = []
    channels = 3
    for item in cfg:
        if item == "M":
            layers.append(nn.MaxPool2d(2, stride=2))
            continue
        width = int(item)
        layers.append(nn.Conv2d(channels, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        channels = width
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """3×3 convolutions in five stages, and three linear layers.

    Args:
        features: The convolutional part, which gives 512 channels: see `make_layers`.
        num_classes: How many scores come out.
        init_weights: Whether convolutions start as in https://arxiv.org/abs/1502.01852 and linear layers with normally
            distributed weights of standard deviation 0.01, instead of torch's defaults.
        dropout: Probability that a feature is zeroed in training, after each of the first two linear layers.
    """

    stem_name = "features.0"
    head_name = "classifier.6"

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            initialise(self, linear=partial(nn.init.normal_, std=0.01))

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, 512, H/32, W/32)`, before anything is pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x)).flatten(1)  # (N, 512 * 7 * 7)
        return self.classifier(x)


class VGGOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `VGG`, where each is explained."""

    num_classes: int
    init_weights: bool
    dropout: float


def _vgg(column: str, batch_norm: bool, **options: Any) -> VGG:
    return VGG(make_layers(cfgs[column], batch_norm), **options)


@builder(VGG11_Weights, VGGOptions)
def vgg11(*, weights: VGG11_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]) -> VGG:
    """VGG-11 (column A of the paper)."""
    return build(_vgg, weights, progress, "A", False, **options)


@builder(VGG11_BN_Weights, VGGOptions)
def vgg11_bn(
    *, weights: VGG11_BN_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]
) -> VGG:
    """VGG-11 with batch norm (column A of the paper)."""
    return build(_vgg, weights, progress, "A", True, **options)


@builder(VGG13_Weights, VGGOptions)
def vgg13(*, weights: VGG13_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]) -> VGG:
    """VGG-13 (column B of the paper)."""
    return build(_vgg, weights, progress, "B", False, **options)


@builder(VGG13_BN_Weights, VGGOptions)
def vgg13_bn(
    *, weights: VGG13_BN_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]
) -> VGG:
    """VGG-13 with batch norm (column B of the paper)."""
    return build(_vgg, weights, progress, "B", True, **options)


@builder(VGG16_Weights, VGGOptions)
def vgg16(*, weights: VGG16_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]) -> VGG:
    """VGG-16 (column D of the paper).

    `IMAGENET1K_FEATURES` are weights for `features` only, as detectors build on them: the classifier's tensors in
    that file have no meaning, and neither have the scores.
    """
    return build(_vgg, weights, progress, "D", False, **options)


@builder(VGG16_BN_Weights, VGGOptions)
def vgg16_bn(
    *, weights: VGG16_BN_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]
) -> VGG:
    """VGG-16 with batch norm (column D of the paper)."""
    return build(_vgg, weights, progress, "D", True, **options)


@builder(VGG19_Weights, VGGOptions)
def vgg19(*, weights: VGG19_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]) -> VGG:
    """VGG-19 (column E of the paper)."""
    return build(_vgg, weights, progress, "E", False, **options)


@builder(VGG19_BN_Weights, VGGOptions)
def vgg19_bn(
    *, weights: VGG19_BN_Weights | str | None = None, progress: bool = True, **options: Unpack[VGGOptions]
) -> VGG:
    """VGG-19 with batch norm (column E of the paper)."""
    return build(_vgg, weights, progress, "E", True, **options)
