"""SqueezeNet.

Paper: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size,
    https://arxiv.org/abs/1602.07360
Version 1.1: https://github.com/forresti/SqueezeNet/tree/master/SqueezeNet_v1.1

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from multiweight.catalogue.squeezenet import SqueezeNet1_0_Weights, SqueezeNet1_1_Weights
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "Fire",
    "SqueezeNet",
    "SqueezeNet1_0_Weights",
    "SqueezeNet1_1_Weights",
    "SqueezeNetOptions",
    "squeezenet1_0",
    "squeezenet1_1",
]


class Fire(nn.Module):
    """The fire module (figure 1 of the paper): few 1×1 filters feed many 1×1 and 3×3 filters.

    Args:
        inplanes: Channels that come in.
        squeeze_planes: Channels after the squeeze layer.
        expand1x1_planes: Channels that the 1×1 convolution of the expand layer gives.
        expand3x3_planes: Channels that its 3×3 convolution gives; the sum of the two comes out.
    """

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inplanes, H, W)` to `(N, expand1x1_planes + expand3x3_planes, H, W)`."""
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat(
            [self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1
        )


# The two versions: channels and kernel of the first convolution, and the fire modules after which a maximum halves
# height and width. Fire modules count from 2, as in table 1 of the paper.
_VERSIONS = {"1_0": (96, 7, (4, 8)), "1_1": (64, 3, (3, 5))}


class SqueezeNet(nn.Module):
    """A convolution, eight fire modules, and a 1×1 convolution that gives the scores (table 1 of the paper).

    Args:
        version: `"1_0"`, the paper's, or `"1_1"`, which halves the picture earlier and so needs 2.4 times less
            computation for the same accuracy.
        num_classes: How many scores come out.
        dropout: Probability that a feature is zeroed in training, before the last convolution.

    Raises:
        ValueError: For another version.
    """

    stem_name = "features.0"
    head_name = "classifier.1"

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        if version not in _VERSIONS:
            raise ValueError(f"SqueezeNet has the versions '1_0' and '1_1'; got {version!r}.")
        self.num_classes = num_classes
        channels, kernel_size, halved_after = _VERSIONS[version]
        layers: list[nn.Module] = [
            nn.Conv2d(3, channels, kernel_size, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
        ]
        for number, squeeze in enumerate((16, 16, 32, 32, 48, 48, 64, 64), start=2):
            # Section 5.2: an eighth of the filters squeeze, and half of those that expand are 3×3.
            expand = 4 * squeeze
            layers.append(Fire(channels, squeeze, expand, expand))
            channels = 2 * expand
            if number in halved_after:
                layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv2d(channels, num_classes, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((1, 1)),
        )
        self._initialise()

    def _initialise(self) -> None:
        last = self.classifier[1]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    nn.init.normal_(module.weight, std=0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, 512, H/16, W/16)`, before anything is pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        return self.classifier(self.forward_features(x)).flatten(1)


class SqueezeNetOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `SqueezeNet`, where each is explained."""

    num_classes: int
    dropout: float


@builder(SqueezeNet1_0_Weights, SqueezeNetOptions)
def squeezenet1_0(
    *,
    weights: SqueezeNet1_0_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[SqueezeNetOptions],
) -> SqueezeNet:
    """SqueezeNet 1.0, the paper's."""
    return build(SqueezeNet, weights, progress, "1_0", **options)


@builder(SqueezeNet1_1_Weights, SqueezeNetOptions)
def squeezenet1_1(
    *,
    weights: SqueezeNet1_1_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[SqueezeNetOptions],
) -> SqueezeNet:
    """SqueezeNet 1.1: as accurate as 1.0, with 2.4 times less computation."""
    return build(SqueezeNet, weights, progress, "1_1", **options)
