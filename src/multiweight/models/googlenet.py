"""GoogLeNet, also called Inception v1.

Paper: Going Deeper with Convolutions, https://arxiv.org/abs/1409.4842

As trained by TensorFlow, it has batch norm instead of local response normalisation and, in its Inception modules,
3×3 convolutions where the paper has 5×5 ones (https://github.com/pytorch/vision/issues/906).

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue import WeightsEnum
from multiweight.catalogue.googlenet import GoogLeNet_Weights
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder, warn
from multiweight.models._inception import BasicConv2d, Branches, from_imagenet_statistics, initialise

__all__ = [
    "BasicConv2d",
    "GoogLeNet",
    "GoogLeNetOptions",
    "GoogLeNetOutputs",
    "GoogLeNet_Weights",
    "Inception",
    "InceptionAux",
    "googlenet",
]


# Not as a class: TorchScript does not understand the annotations of one, which are strings here.
GoogLeNetOutputs = NamedTuple(  # noqa: UP014
    "GoogLeNetOutputs", [("logits", Tensor), ("aux_logits2", Tensor | None), ("aux_logits1", Tensor | None)]
)
GoogLeNetOutputs.__doc__ = """What a GoogLeNet with auxiliary heads gives in training: scores `(N, num_classes)`.

Attributes:
    logits: The network's.
    aux_logits2: Those of the head after module 4d.
    aux_logits1: Those of the head after module 4a.
"""
_GoogLeNetOutputs = GoogLeNetOutputs  # its first name in torchvision


class Inception(Branches):
    """An Inception module (figure 2 b of the paper); the arguments are columns of table 1.

    Args:
        in_channels: Channels that come in.
        ch1x1: Of the branch with one 1×1 convolution ("#1×1").
        ch3x3red: Before the 3×3 convolution of the second branch ("#3×3 reduce").
        ch3x3: After it ("#3×3").
        ch5x5red: Before the convolution of the third branch that is 5×5 in the paper ("#5×5 reduce").
        ch5x5: After it ("#5×5").
        pool_proj: Of the branch that takes the maximum of the neighbours ("pool proj").
        conv_block: Makes a convolution; `BasicConv2d` unless given.
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
        conv_block: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1 = conv(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            conv(in_channels, ch3x3red, kernel_size=1), conv(ch3x3red, ch3x3, kernel_size=3, padding=1)
        )
        self.branch3 = nn.Sequential(
            conv(in_channels, ch5x5red, kernel_size=1), conv(ch5x5red, ch5x5, kernel_size=3, padding=1)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), conv(in_channels, pool_proj, kernel_size=1)
        )

    def _forward(self, x: Tensor) -> list[Tensor]:
        return [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]


class InceptionAux(nn.Module):
    """An auxiliary head, which helps in training and is left out afterwards (section 5 of the paper).

    Args:
        in_channels: Channels that come in.
        num_classes: How many scores come out.
        conv_block: Makes a convolution; `BasicConv2d` unless given.
        dropout: Probability that a feature is zeroed in training, before the last layer.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        conv_block: Callable[..., nn.Module] | None = None,
        dropout: float = 0.7,
    ) -> None:
        super().__init__()
        self.conv = (conv_block or BasicConv2d)(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_channels, H, W)` to scores `(N, num_classes)`."""
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)  # (N, 128 * 4 * 4)
        x = F.relu(self.fc1(x), inplace=True)  # (N, 1024)
        return self.fc2(self.dropout(x))


class GoogLeNet(nn.Module):
    """Three convolutions, nine Inception modules, the mean over the picture and one linear layer (table 1).

    Args:
        num_classes: How many scores come out.
        aux_logits: Whether there are two auxiliary heads. In training the network then returns `GoogLeNetOutputs`;
            scripted, it always returns them.
        transform_input: Whether pictures come normalised with ImageNet's mean and standard deviation, and are to be
            normalised with 0.5 and 0.5, as the published weights expect them.
        init_weights: Whether all weights start from a truncated normal distribution of standard deviation 0.01, or
            as torch's defaults have it; `None` means `True`.
        blocks: What makes convolutions, Inception modules and auxiliary heads, called as `BasicConv2d`, `Inception`
            and `InceptionAux` are.
        dropout: Probability that a feature is zeroed in training, before the last layer.
        dropout_aux: The same in the auxiliary heads.

    Raises:
        ValueError: If there are not three `blocks`.
    """

    stem_name = "conv1.conv"
    head_name = "fc"
    auxiliary_head_names = ("aux1.fc2", "aux2.fc2")

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool | None = None,
        blocks: Sequence[Callable[..., nn.Module]] | None = None,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
    ) -> None:
        super().__init__()
        if blocks is None:
            blocks = (BasicConv2d, Inception, InceptionAux)
        if len(blocks) != 3:
            raise ValueError(f"blocks takes three: a convolution, an Inception module and a head; got {blocks!r}.")
        conv, inception, head = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input

        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1 = head(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2 = head(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights is None or init_weights:
            initialise(self, std=0.01)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, 1024, H/32, W/32)`, before anything is pooled."""
        return self._features(x)[0]

    def _features(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The last features, and in training what the auxiliary heads give."""
        if self.transform_input:
            x = from_imagenet_statistics(x)
        x = self.maxpool1(self.conv1(x))  # (N, 64, H/4, W/4)
        x = self.maxpool2(self.conv3(self.conv2(x)))  # (N, 192, H/8, W/8)
        x = self.maxpool3(self.inception3b(self.inception3a(x)))  # (N, 480, H/16, W/16)
        x = self.inception4a(x)  # (N, 512, H/16, W/16)
        aux1: Tensor | None = None
        if self.aux1 is not None and self.training:
            aux1 = self.aux1(x)
        x = self.inception4d(self.inception4c(self.inception4b(x)))  # (N, 528, H/16, W/16)
        aux2: Tensor | None = None
        if self.aux2 is not None and self.training:
            aux2 = self.aux2(x)
        x = self.maxpool4(self.inception4e(x))  # (N, 832, H/32, W/32)
        return self.inception5b(self.inception5a(x)), aux1, aux2

    def forward(self, x: Tensor) -> GoogLeNetOutputs:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`, or to `GoogLeNetOutputs`."""
        x, aux1, aux2 = self._features(x)  # (N, 1024, H/32, W/32)
        x = self.avgpool(x).flatten(1)  # (N, 1024)
        x = self.fc(self.dropout(x))
        heads = self.training and self.aux_logits
        if not torch.jit.is_scripting() and not heads:  # pyright: ignore[reportPrivateImportUsage]
            # TorchScript knows one type for what a function returns.
            return x  # pyright: ignore[reportReturnType]
        return GoogLeNetOutputs(x, aux2, aux1)


class GoogLeNetOptions(AdaptingOptions, total=False):
    """What the builder passes on to `GoogLeNet`, where each is explained."""

    num_classes: int
    aux_logits: bool
    transform_input: bool
    init_weights: bool | None
    blocks: Sequence[Callable[..., nn.Module]] | None
    dropout: float
    dropout_aux: float


@builder(GoogLeNet_Weights, GoogLeNetOptions)
def googlenet(
    *, weights: GoogLeNet_Weights | str | None = None, progress: bool = True, **options: Unpack[GoogLeNetOptions]
) -> GoogLeNet:
    """GoogLeNet.

    With weights, `transform_input` is true and `aux_logits` false unless given: the file's heads were never trained.
    """
    if weights is None:
        return build(GoogLeNet, weights, progress, **options)
    options = {"aux_logits": False, "transform_input": True, **options, "init_weights": True}
    if options["aux_logits"]:
        if not (isinstance(weights, WeightsEnum) and weights.arguments.get("aux_logits")):
            warn(f"The auxiliary heads of {weights} are not trained; train them before they are used.")
        return build(GoogLeNet, weights, progress, **options)
    return build(GoogLeNet, weights, progress, ignore=("aux1.", "aux2."), **options)
