"""MNASNet-B1, in four widths.

Paper: MnasNet: Platform-Aware Neural Architecture Search for Mobile, https://arxiv.org/abs/1807.11626.
B1, the variant without squeeze-and-excitation, is drawn in figure 7 of its first version,
https://arxiv.org/abs/1807.11626v1.

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any, Unpack

from torch import Tensor, nn

from multiweight.catalogue.mnasnet import (
    MNASNet0_5_Weights,
    MNASNet0_75_Weights,
    MNASNet1_0_Weights,
    MNASNet1_3_Weights,
)
from multiweight.layers import initialise, make_divisible
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "InvertedResidual",
    "MNASNet",
    "MNASNet0_5_Weights",
    "MNASNet0_75_Weights",
    "MNASNet1_0_Weights",
    "MNASNet1_3_Weights",
    "MNASNetOptions",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
]

# What stays of the running statistics at each training step is 0.9997 of them in the code that made the published
# weights; the paper's last version says 0.99. PyTorch's momentum is the rest.
_MOMENTUM = 1 - 0.9997


class InvertedResidual(nn.Module):
    """The block of MNASNet: 1×1 to more channels, depthwise, linear 1×1 to few (MBConv in figure 7 of the paper).

    Beside it runs the identity where stride and channels allow.

    Args:
        in_ch: Channels that come in.
        out_ch: Channels that come out.
        kernel_size: Side of the depthwise kernel, 3 or 5 pixels.
        stride: 1 or 2; height and width are divided by it.
        expansion_factor: How many times more channels the depthwise convolution has.
        bn_momentum: Share of the running statistics that each training step replaces.

    Raises:
        ValueError: For another stride or kernel.
    """

    def __init__(
        self,
        in_ch: int,
        out_ch: int,
        kernel_size: int,
        stride: int,
        expansion_factor: int,
        bn_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2; got {stride!r}.")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size must be 3 or 5; got {kernel_size!r}.")
        mid_ch = in_ch * expansion_factor
        self.layers = nn.Sequential(
            nn.Conv2d(in_ch, mid_ch, 1, bias=False),
            nn.BatchNorm2d(mid_ch, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid_ch, mid_ch, kernel_size, stride, padding=kernel_size // 2, groups=mid_ch, bias=False),
            nn.BatchNorm2d(mid_ch, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid_ch, out_ch, 1, bias=False),
            nn.BatchNorm2d(out_ch, momentum=bn_momentum),
        )
        self.apply_residual = in_ch == out_ch and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, in_ch, H, W)` to `(N, out_ch, H / stride, W / stride)`."""
        return self.layers(x) + x if self.apply_residual else self.layers(x)


def _stack(in_ch: int, out_ch: int, kernel_size: int, stride: int, expansion: int, repeats: int) -> nn.Sequential:
    """Blocks of which the first has the stride and takes the channels of the stage before."""
    return nn.Sequential(
        InvertedResidual(in_ch, out_ch, kernel_size, stride, expansion, _MOMENTUM),
        *[InvertedResidual(out_ch, out_ch, kernel_size, 1, expansion, _MOMENTUM) for _ in range(1, repeats)],
    )


def _channels(alpha: float, version: int) -> list[int]:
    """Channels of the first two convolutions and the six stacks.

    Version 1 multiplied the stacks' only.
    """
    stem, stacks = [32, 16], [24, 40, 80, 96, 192, 320]
    if version == 1:
        return stem + [make_divisible(channels * alpha) for channels in stacks]
    return [make_divisible(channels * alpha) for channels in stem + stacks]


def _stem(first: int, second: int, third: int) -> list[nn.Module]:
    """What depends on the channels of the first two convolutions: these, and the first stack, which takes them."""
    return [
        nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(first, momentum=_MOMENTUM),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, first, 3, padding=1, groups=first, bias=False),
        nn.BatchNorm2d(first, momentum=_MOMENTUM),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, second, 1, bias=False),
        nn.BatchNorm2d(second, momentum=_MOMENTUM),
        _stack(second, third, 3, 2, 3, 3),
    ]


class MNASNet(nn.Module):
    """MNASNet-B1 for classification.

    Files of the first version of this network, in which the stem had 32 and 16 channels whatever `alpha`, still
    load: the network then takes that stem, and is saved as version 1 again. A state dict that does not say its
    version is told by its first convolution.

    Args:
        alpha: Multiplies the channels of every layer but the last convolution.
        num_classes: How many scores come out.
        dropout: Probability that an input of the last layer is zeroed in training.

    Raises:
        ValueError: If `alpha` is not positive.
    """

    _version = 2

    stem_name = "layers.0"
    head_name = "classifier.1"

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha must be positive; got {alpha!r}.")
        self.alpha = alpha
        self.num_classes = num_classes
        channels = _channels(alpha, self._version)
        self.layers = nn.Sequential(
            *_stem(*channels[:3]),
            _stack(channels[2], channels[3], 5, 2, 3, 3),
            _stack(channels[3], channels[4], 5, 2, 6, 3),
            _stack(channels[4], channels[5], 3, 1, 6, 2),
            _stack(channels[5], channels[6], 5, 2, 6, 4),
            _stack(channels[6], channels[7], 3, 1, 6, 1),
            nn.Conv2d(channels[7], 1280, 1, bias=False),
            nn.BatchNorm2d(1280, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(1280, num_classes))
        initialise(self, linear=partial(nn.init.kaiming_uniform_, mode="fan_out", nonlinearity="sigmoid"))

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        version = local_metadata.get("version")
        if version is None:
            first = len(state_dict.get(f"{prefix}layers.0.weight", ()))
            version = 1 if first == _channels(self.alpha, 1)[0] != _channels(self.alpha, 2)[0] else 2
        if version not in (1, 2):
            raise ValueError(f"MNASNet has state dicts of versions 1 and 2; got one of version {version!r}.")
        if _channels(self.alpha, version) != _channels(self.alpha, self._version):
            self._take_stem_of(version)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args, **kwargs)

    def _take_stem_of(self, version: int) -> None:
        if version == 1:
            warnings.warn(
                "This state dict is of the first version of MNASNet, whose stem has 32 and 16 channels whatever alpha. "
                "The network takes that stem and works as it did then; newer weights have a multiplied stem.",
                UserWarning,
                stacklevel=5,
            )
        like = next(self.parameters())
        for index, layer in enumerate(_stem(*_channels(self.alpha, version)[:3])):
            self.layers[index] = layer.to(like.device, like.dtype).train(self.training)
        self._version = version

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, 1280, H/32, W/32)`, before anything is pooled."""
        return self.layers(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.forward_features(x).mean([2, 3])  # (N, 1280)
        return self.classifier(x)


class MNASNetOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `MNASNet`, where each is explained."""

    num_classes: int
    dropout: float


@builder(MNASNet0_5_Weights, MNASNetOptions)
def mnasnet0_5(
    *, weights: MNASNet0_5_Weights | str | None = None, progress: bool = True, **options: Unpack[MNASNetOptions]
) -> MNASNet:
    """MNASNet-B1 with half the channels."""
    return build(MNASNet, weights, progress, 0.5, **options)


@builder(MNASNet0_75_Weights, MNASNetOptions)
def mnasnet0_75(
    *, weights: MNASNet0_75_Weights | str | None = None, progress: bool = True, **options: Unpack[MNASNetOptions]
) -> MNASNet:
    """MNASNet-B1 with three quarters of the channels."""
    return build(MNASNet, weights, progress, 0.75, **options)


@builder(MNASNet1_0_Weights, MNASNetOptions)
def mnasnet1_0(
    *, weights: MNASNet1_0_Weights | str | None = None, progress: bool = True, **options: Unpack[MNASNetOptions]
) -> MNASNet:
    """MNASNet-B1."""
    return build(MNASNet, weights, progress, 1.0, **options)


@builder(MNASNet1_3_Weights, MNASNetOptions)
def mnasnet1_3(
    *, weights: MNASNet1_3_Weights | str | None = None, progress: bool = True, **options: Unpack[MNASNetOptions]
) -> MNASNet:
    """MNASNet-B1 with 1.3 times the channels."""
    return build(MNASNet, weights, progress, 1.3, **options)
