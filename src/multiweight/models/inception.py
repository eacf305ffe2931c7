"""Inception v3.

Paper: Rethinking the Inception Architecture for Computer Vision, https://arxiv.org/abs/1512.00567

The numbers of channels are those of the published network, which differ from the paper's table 1 in places:
https://github.com/tensorflow/models/blob/master/research/slim/nets/inception_v3.py

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.inception import Inception_V3_Weights
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder
from multiweight.models._inception import BasicConv2d, Branches, from_imagenet_statistics, initialise

__all__ = [
    "BasicConv2d",
    "Inception3",
    "Inception3Options",
    "InceptionA",
    "InceptionAux",
    "InceptionB",
    "InceptionC",
    "InceptionD",
    "InceptionE",
    "InceptionOutputs",
    "Inception_V3_Weights",
    "inception_v3",
]


# Not as a class: TorchScript does not understand the annotations of one, which are strings here.
InceptionOutputs = NamedTuple("InceptionOutputs", [("logits", Tensor), ("aux_logits", Tensor | None)])  # noqa: UP014
InceptionOutputs.__doc__ = """What an Inception v3 with its auxiliary head gives in training: scores `(N, num_classes)`.

Attributes:
    logits: The network's.
    aux_logits: The auxiliary head's.
"""
_InceptionOutputs = InceptionOutputs  # its first name in torchvision


class InceptionA(Branches):
    """A module of the 35×35 grid: a 5×5 convolution, and two 3×3 ones in the place of another (figure 5).

    Args:
        in_channels: Channels that come in; `224 + pool_features` come out.
        pool_features: Channels of the branch that takes the mean of the neighbours.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(
        self, in_channels: int, pool_features: int, conv_block: Callable[..., nn.Module] | None = None
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 64, kernel_size=1)
        self.branch5x5_1 = conv(in_channels, 48, kernel_size=1)
        self.branch5x5_2 = conv(48, 64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, padding=1)
        self.branch_pool = conv(in_channels, pool_features, kernel_size=1)

    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch1x1(x),
            self.branch5x5_2(self.branch5x5_1(x)),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1)),
        ]


class InceptionB(Branches):
    """From the 35×35 grid to the 17×17 one, without a bottleneck: convolutions and a maximum side by side (figure 10).

    Args:
        in_channels: Channels that come in; `480 + in_channels` come out.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(self, in_channels: int, conv_block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3 = conv(in_channels, 384, kernel_size=3, stride=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, stride=2)

    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch3x3(x),
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
            F.max_pool2d(x, 3, stride=2),
        ]


class InceptionC(Branches):
    """A module of the 17×17 grid: 7×7 convolutions made of 1×7 and 7×1 ones (figure 6).

    Args:
        in_channels: Channels that come in; 768 come out.
        channels_7x7: Channels between the 1×7 and 7×1 convolutions.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(self, in_channels: int, channels_7x7: int, conv_block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        width = channels_7x7
        self.branch1x1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7_1 = conv(in_channels, width, kernel_size=1)
        self.branch7x7_2 = conv(width, width, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7_3 = conv(width, 192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = conv(in_channels, width, kernel_size=1)
        self.branch7x7dbl_2 = conv(width, width, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = conv(width, width, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = conv(width, width, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = conv(width, 192, kernel_size=(1, 7), padding=(0, 3))
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch1x1(x),
            self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
            self.branch7x7dbl_5(self.branch7x7dbl_4(self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x))))),
            self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1)),
        ]


class InceptionD(Branches):
    """From the 17×17 grid to the 8×8 one, as `InceptionB` does it.

    Args:
        in_channels: Channels that come in; `512 + in_channels` come out.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(self, in_channels: int, conv_block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch3x3_2 = conv(192, 320, kernel_size=3, stride=2)
        self.branch7x7x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7x3_2 = conv(192, 192, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = conv(192, 192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = conv(192, 192, kernel_size=3, stride=2)

    def _forward(self, x: Tensor) -> list[Tensor]:
        return [
            self.branch3x3_2(self.branch3x3_1(x)),
            self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))),
            F.max_pool2d(x, 3, stride=2),
        ]


class InceptionE(Branches):
    """A module of the 8×8 grid: 1×3 and 3×1 convolutions side by side, for more features (figure 7).

    Args:
        in_channels: Channels that come in; 2048 come out.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(self, in_channels: int, conv_block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 320, kernel_size=1)
        self.branch3x3_1 = conv(in_channels, 384, kernel_size=1)
        self.branch3x3_2a = conv(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3_2b = conv(384, 384, kernel_size=(3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = conv(in_channels, 448, kernel_size=1)
        self.branch3x3dbl_2 = conv(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = conv(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = conv(384, 384, kernel_size=(3, 1), padding=(1, 0))
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def _forward(self, x: Tensor) -> list[Tensor]:
        single = self.branch1x1(x)
        narrow = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        # Pairs are joined first, as each has a scale of its own once it is quantized.
        return [
            single,
            torch.cat((self.branch3x3_2a(narrow), self.branch3x3_2b(narrow)), 1),
            torch.cat((self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)), 1),
            self.branch_pool(F.avg_pool2d(x, 3, stride=1, padding=1)),
        ]


class InceptionAux(nn.Module):
    """The auxiliary head, which regularises in training and is left out afterwards (section 4).

    Args:
        in_channels: Channels that come in.
        num_classes: How many scores come out.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(self, in_channels: int, num_classes: int, conv_block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1 = conv(128, 768, kernel_size=5)
        self.fc = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, 17, 17)` to scores `(N, num_classes)`."""
        x = F.avg_pool2d(x, 5, stride=3)  # (N, in_channels, 5, 5)
        x = self.conv1(self.conv0(x))  # (N, 768, 1, 1)
        x = F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)  # (N, 768)
        return self.fc(x)


class Inception3(nn.Module):
    """Five convolutions, eleven Inception modules on three grids, the mean over the picture and one linear layer.

    The sizes given are those for pictures of 299×299 pixels, which it was made for.

    Args:
        num_classes: How many scores come out.
        aux_logits: Whether there is an auxiliary head. In training the network then returns `InceptionOutputs` and
            needs pictures of at least 299×299 pixels; scripted, it always returns them.
        transform_input: Whether pictures come normalised with ImageNet's mean and standard deviation, and are to be
            normalised with 0.5 and 0.5, as the published weights expect them.
        inception_blocks: What makes convolutions, the five kinds of modules and the auxiliary head, called as
            `BasicConv2d`, `InceptionA` to `InceptionE` and `InceptionAux` are.
        init_weights: Whether all weights start from a truncated normal distribution of standard deviation 0.1 (0.001
            in the auxiliary head's last layer), or as torch's defaults have it; `None` means `True`.
        dropout: Probability that a feature is zeroed in training, before the last layer.

    Raises:
        ValueError: If there are not seven `inception_blocks`.
    """

    stem_name = "Conv2d_1a_3x3.conv"
    head_name = "fc"
    auxiliary_head_names = ("AuxLogits.fc",)

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        inception_blocks: Sequence[Callable[..., nn.Module]] | None = None,
        init_weights: bool | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if inception_blocks is None:
            inception_blocks = (BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux)
        if len(inception_blocks) != 7:
            raise ValueError(
                "inception_blocks takes seven: a convolution, the modules A to E and a head; "
                f"got {len(inception_blocks)}."
            )
        conv, module_a, module_b, module_c, module_d, module_e, head = inception_blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input

        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b = module_a(192, pool_features=32)
        self.Mixed_5c = module_a(256, pool_features=64)
        self.Mixed_5d = module_a(288, pool_features=64)
        self.Mixed_6a = module_b(288)
        self.Mixed_6b = module_c(768, channels_7x7=128)
        self.Mixed_6c = module_c(768, channels_7x7=160)
        self.Mixed_6d = module_c(768, channels_7x7=160)
        self.Mixed_6e = module_c(768, channels_7x7=192)
        self.AuxLogits = head(768, num_classes) if aux_logits else None
        self.Mixed_7a = module_d(768)
        self.Mixed_7b = module_e(1280)
        self.Mixed_7c = module_e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        if init_weights is None or init_weights:
            initialise(self, std=0.1)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, 2048, H/32, W/32)`, before anything is pooled."""
        return self._features(x)[0]

    def _features(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The last features, and in training what the auxiliary head gives."""
        if self.transform_input:
            x = from_imagenet_statistics(x)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))  # (N, 64, 147, 147)
        x = self.maxpool1(x)  # (N, 64, 73, 73)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))  # (N, 192, 71, 71)
        x = self.maxpool2(x)  # (N, 192, 35, 35)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))  # (N, 288, 35, 35)
        x = self.Mixed_6a(x)  # (N, 768, 17, 17)
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))  # (N, 768, 17, 17)
        aux: Tensor | None = None
        if self.AuxLogits is not None and self.training:
            aux = self.AuxLogits(x)
        x = self.Mixed_7a(x)  # (N, 1280, 8, 8)
        return self.Mixed_7c(self.Mixed_7b(x)), aux

    def forward(self, x: Tensor) -> InceptionOutputs:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`, or to `InceptionOutputs`."""
        x, aux = self._features(x)  # (N, 2048, 8, 8)
        x = self.dropout(self.avgpool(x)).flatten(1)  # (N, 2048)
        x = self.fc(x)
        heads = self.training and self.aux_logits
        if not torch.jit.is_scripting() and not heads:  # pyright: ignore[reportPrivateImportUsage]
            # TorchScript knows one type for what a function returns.
            return x  # pyright: ignore[reportReturnType]
        return InceptionOutputs(x, aux)


class Inception3Options(AdaptingOptions, total=False):
    """What the builder passes on to `Inception3`, where each is explained."""

    num_classes: int
    aux_logits: bool
    transform_input: bool
    inception_blocks: Sequence[Callable[..., nn.Module]] | None
    init_weights: bool | None
    dropout: float


@builder(Inception_V3_Weights, Inception3Options)
def inception_v3(
    *, weights: Inception_V3_Weights | str | None = None, progress: bool = True, **options: Unpack[Inception3Options]
) -> Inception3:
    """Inception v3, for pictures of 299×299 pixels (75×75 at least).

    With weights, `transform_input` is true unless given.
    """
    if weights is None:
        return build(Inception3, weights, progress, **options)
    options = {"transform_input": True, **options, "init_weights": True}
    ignore = () if options.get("aux_logits", True) else ("AuxLogits.",)
    return build(Inception3, weights, progress, ignore=ignore, **options)
