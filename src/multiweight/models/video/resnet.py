"""Residual networks for clips: R3D, MC3 and R(2+1)D.

Paper: A Closer Look at Spatiotemporal Convolutions for Action Recognition, https://arxiv.org/abs/1711.11248

Shapes: N clips, C channels, T frames, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

from torch import Tensor, nn

from multiweight.catalogue.video.resnet import MC3_18_Weights, R2Plus1D_18_Weights, R3D_18_Weights
from multiweight.models._builder import build, builder

__all__ = [
    "BasicBlock",
    "BasicStem",
    "Bottleneck",
    "Conv2Plus1D",
    "Conv3DNoTemporal",
    "Conv3DSimple",
    "MC3_18_Weights",
    "R2Plus1D_18_Weights",
    "R2Plus1dStem",
    "R3D_18_Weights",
    "VideoResNet",
    "VideoResNetOptions",
    "mc3_18",
    "r2plus1d_18",
    "r3d_18",
]


class Conv3DSimple(nn.Conv3d):
    """A 3×3×3 convolution without bias: R3D's.

    Args:
        in_planes: Channels that come in.
        out_planes: Channels that come out.
        midplanes: Not used; it is there as `Conv2Plus1D` has it.
        stride: Step of the kernel, in frames and in pixels.
        padding: Zeros around the clip, in frames and in pixels.
    """

    def __init__(
        self, in_planes: int, out_planes: int, midplanes: int | None = None, stride: int = 1, padding: int = 1
    ) -> None:
        super().__init__(in_planes, out_planes, (3, 3, 3), stride=stride, padding=padding, bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """What a stride does to time, height and width."""
        return stride, stride, stride


class Conv2Plus1D(nn.Sequential):
    """A 3×3 convolution of each frame, then one of 3 frames of each pixel: R(2+1)D's (section 3.5 of the paper).

    Args:
        in_planes: Channels that come in.
        out_planes: Channels that come out.
        midplanes: Channels between the two.
        stride: Step of the kernels, in frames and in pixels.
        padding: Zeros around the clip, in frames and in pixels.
    """

    def __init__(self, in_planes: int, out_planes: int, midplanes: int, stride: int = 1, padding: int = 1) -> None:
        super().__init__(
            *_normalised(_of_frames(in_planes, midplanes, 3, stride, padding), midplanes),
            _of_time(midplanes, out_planes, stride, padding),
        )

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """What a stride does to time, height and width."""
        return stride, stride, stride


class Conv3DNoTemporal(nn.Conv3d):
    """A 3×3 convolution of each frame, without bias: MC3's, from its second stage on.

    Args:
        in_planes: Channels that come in.
        out_planes: Channels that come out.
        midplanes: Not used; it is there as `Conv2Plus1D` has it.
        stride: Step of the kernel, in pixels. No frame is left out.
        padding: Zeros around each frame, in pixels.
    """

    def __init__(
        self, in_planes: int, out_planes: int, midplanes: int | None = None, stride: int = 1, padding: int = 1
    ) -> None:
        step, around = (1, stride, stride), (0, padding, padding)
        super().__init__(in_planes, out_planes, (1, 3, 3), stride=step, padding=around, bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        """What a stride does to time, height and width."""
        return 1, stride, stride


def _of_frames(in_planes: int, out_planes: int, side: int, stride: int, padding: int) -> nn.Conv3d:
    """A convolution of each frame, without bias."""
    step, around = (1, stride, stride), (0, padding, padding)
    return nn.Conv3d(in_planes, out_planes, (1, side, side), stride=step, padding=around, bias=False)


def _of_time(in_planes: int, out_planes: int, stride: int, padding: int) -> nn.Conv3d:
    """A convolution of three frames of each pixel, without bias."""
    return nn.Conv3d(in_planes, out_planes, (3, 1, 1), stride=(stride, 1, 1), padding=(padding, 0, 0), bias=False)


def _normalised(convolution: nn.Module, planes: int, *, activated: bool = True) -> list[nn.Module]:
    """A convolution, its normalisation and, unless it ends a branch, its activation."""
    layers = [convolution, nn.BatchNorm3d(planes)]
    return [*layers, nn.ReLU(inplace=True)] if activated else layers


def _midplanes(inplanes: int, planes: int) -> int:
    """The channels with which a (2+1)D convolution has as many parameters as a 3×3×3 one (section 3.5 of the paper)."""
    return (inplanes * planes * 3 * 3 * 3) // (inplanes * 3 * 3 + 3 * planes)


class BasicBlock(nn.Module):
    """Two convolutions beside the identity.

    Args:
        inplanes: Channels that come in.
        planes: Channels inside; `planes * expansion` come out.
        conv_builder: Makes a convolution, from the channels in and out, those between and the stride.
        stride: Of the first convolution.
        downsample: What makes the identity fit the output where stride or channels change.
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        conv_builder: Callable[..., nn.Module],
        stride: int = 1,
        downsample: nn.Module | None = None,
    ) -> None:
        super().__init__()
        between = _midplanes(inplanes, planes)
        self.conv1 = nn.Sequential(*_normalised(conv_builder(inplanes, planes, between, stride), planes))
        self.conv2 = nn.Sequential(*_normalised(conv_builder(planes, planes, between), planes, activated=False))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inplanes, T, H, W)` to `(N, planes, T, H, W)`, the last three divided by the stride."""
        out = self.conv2(self.conv1(x))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """A convolution between two of single positions, beside the identity.

    Args:
        inplanes: Channels that come in.
        planes: Channels inside; `planes * expansion` come out.
        conv_builder: Makes the convolution in the middle, from the channels in and out, those between and the stride.
        stride: Of the convolution in the middle.
        downsample: What makes the identity fit the output where stride or channels change.
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        conv_builder: Callable[..., nn.Module],
        stride: int = 1,
        downsample: nn.Module | None = None,
    ) -> None:
        super().__init__()
        out = planes * self.expansion
        between = _midplanes(inplanes, planes)
        self.conv1 = nn.Sequential(*_normalised(nn.Conv3d(inplanes, planes, 1, bias=False), planes))
        self.conv2 = nn.Sequential(*_normalised(conv_builder(planes, planes, between, stride), planes))
        self.conv3 = nn.Sequential(*_normalised(nn.Conv3d(planes, out, 1, bias=False), out, activated=False))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inplanes, T, H, W)` to `(N, planes * 4, T, H, W)`, the last three divided by the stride."""
        out = self.conv3(self.conv2(self.conv1(x)))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class BasicStem(nn.Sequential):
    """The first layer of R3D and MC3: a convolution of 3 frames of 7×7 pixels, which halves height and width."""

    def __init__(self) -> None:
        convolution = nn.Conv3d(3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)
        super().__init__(*_normalised(convolution, 64))


class R2Plus1dStem(nn.Sequential):
    """The first layers of R(2+1)D: 7×7 pixels of each frame, which halves height and width, then 3 frames."""

    def __init__(self) -> None:
        super().__init__(
            *_normalised(_of_frames(3, 45, 7, stride=2, padding=3), 45),
            *_normalised(_of_time(45, 64, stride=1, padding=1), 64),
        )


class VideoResNet(nn.Module):
    """A residual network for clips: a stem, four stages of blocks, the mean over the clip, one linear layer.

    Args:
        block: `BasicBlock` or `Bottleneck`.
        conv_makers: The kind of convolution of each stage.
        layers: How many blocks each of the four stages has.
        stem: Makes the first layers, which give 64 channels.
        num_classes: How many scores come out.
        zero_init_residual: Start every `Bottleneck` as the identity: its last normalisation has weight 0. Nothing is
            changed for `BasicBlock`, so nothing for the published variants.
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        conv_makers: Sequence[type[Conv3DSimple | Conv3DNoTemporal | Conv2Plus1D]],
        layers: list[int],
        stem: Callable[..., nn.Module],
        num_classes: int = 400,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        self.inplanes = 64
        self.stem = stem()
        self.layer1 = self._make_layer(block, conv_makers[0], 64, layers[0], stride=1)
        self.layer2 = self._make_layer(block, conv_makers[1], 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, conv_makers[2], 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, conv_makers[3], 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        _initialise(self)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, Bottleneck):
                    nn.init.zeros_(module.conv3.get_parameter("1.weight"))

    def _make_layer(
        self,
        block: type[BasicBlock | Bottleneck],
        conv_builder: type[Conv3DSimple | Conv3DNoTemporal | Conv2Plus1D],
        planes: int,
        blocks: int,
        stride: int = 1,
    ) -> nn.Sequential:
        out = planes * block.expansion
        # The shortcut is made before its block: that is the order in which random numbers are drawn.
        downsample = None
        if stride != 1 or self.inplanes != out:
            step = conv_builder.get_downsample_stride(stride)
            shortcut = nn.Conv3d(self.inplanes, out, 1, stride=step, bias=False)
            downsample = nn.Sequential(*_normalised(shortcut, out, activated=False))
        stage = [block(self.inplanes, planes, conv_builder, stride, downsample)]
        self.inplanes = out
        stage += [block(out, planes, conv_builder) for _ in range(1, blocks)]
        return nn.Sequential(*stage)

    def forward(self, x: Tensor) -> Tensor:
        """From clips `(N, 3, T, H, W)` to scores `(N, num_classes)`."""
        x = self.stem(x)  # (N, 64, T, H/2, W/2)
        x = self.layer1(x)  # (N, 64 e, T, H/2, W/2), where e is the block's expansion
        x = self.layer2(x)  # (N, 128 e, T/2, H/4, W/4), but T in MC3, here and below
        x = self.layer3(x)  # (N, 256 e, T/4, H/8, W/8)
        x = self.layer4(x)  # (N, 512 e, T/8, H/16, W/16)
        x = self.avgpool(x).flatten(1)  # (N, 512 e)
        return self.fc(x)


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm3d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)


class VideoResNetOptions(TypedDict, total=False):
    """What a builder of this family passes on to `VideoResNet`, where each is explained."""

    num_classes: int
    zero_init_residual: bool


_EIGHTEEN: dict[str, Any] = {"block": BasicBlock, "layers": [2, 2, 2, 2]}


@builder(R3D_18_Weights, VideoResNetOptions)
def r3d_18(
    *, weights: R3D_18_Weights | str | None = None, progress: bool = True, **options: Unpack[VideoResNetOptions]
) -> VideoResNet:
    """R3D-18: every convolution sees three frames."""
    kinds = [Conv3DSimple] * 4
    return build(VideoResNet, weights, progress, conv_makers=kinds, stem=BasicStem, **_EIGHTEEN, **options)


@builder(MC3_18_Weights, VideoResNetOptions)
def mc3_18(
    *, weights: MC3_18_Weights | str | None = None, progress: bool = True, **options: Unpack[VideoResNetOptions]
) -> VideoResNet:
    """MC3-18, "mixed convolutions": only the convolutions of the first stage, and the stem, see three frames."""
    kinds = [Conv3DSimple] + [Conv3DNoTemporal] * 3
    return build(VideoResNet, weights, progress, conv_makers=kinds, stem=BasicStem, **_EIGHTEEN, **options)


@builder(R2Plus1D_18_Weights, VideoResNetOptions)
def r2plus1d_18(
    *, weights: R2Plus1D_18_Weights | str | None = None, progress: bool = True, **options: Unpack[VideoResNetOptions]
) -> VideoResNet:
    """R(2+1)D-18: every convolution is one of each frame and one of time."""
    kinds = [Conv2Plus1D] * 4
    return build(VideoResNet, weights, progress, conv_makers=kinds, stem=R2Plus1dStem, **_EIGHTEEN, **options)
