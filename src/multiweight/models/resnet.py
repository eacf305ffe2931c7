"""ResNet, ResNeXt and Wide ResNet.

Papers:
    Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385
    Aggregated Residual Transformations for Deep Neural Networks (ResNeXt), https://arxiv.org/abs/1611.05431
    Wide Residual Networks, https://arxiv.org/abs/1605.07146

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

from torch import Tensor, nn

from multiweight.catalogue.resnet import (
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ResNet152_Weights,
    ResNeXt50_32X4D_Weights,
    ResNeXt101_32X8D_Weights,
    ResNeXt101_64X4D_Weights,
    Wide_ResNet50_2_Weights,
    Wide_ResNet101_2_Weights,
)
from multiweight.layers import initialise
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder, fixed

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "ResNeXt50_32X4D_Weights",
    "ResNeXt101_32X8D_Weights",
    "ResNeXt101_64X4D_Weights",
    "ResNet",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "ResNetOptions",
    "Wide_ResNet50_2_Weights",
    "Wide_ResNet101_2_Weights",
    "conv1x1",
    "conv3x3",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3×3 convolution without bias, padded so that only the stride changes height and width."""
    return nn.Conv2d(
        in_planes, out_planes, 3, stride=stride, padding=dilation, dilation=dilation, groups=groups, bias=False
    )


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """A 1×1 convolution without bias."""
    return nn.Conv2d(in_planes, out_planes, 1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """The block of ResNet-18 and -34: two 3×3 convolutions beside the identity (figure 5, left, of the ResNet paper).

    Args:
        inplanes: Channels that come in.
        planes: Channels inside; `planes * expansion` come out.
        stride: Of the first convolution; height and width are divided by it.
        downsample: What makes the identity fit the output where stride or channels change.
        groups: Only 1.
        base_width: Only 64.
        dilation: Only 1.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.

    Raises:
        ValueError: For other `groups` or `base_width`.
        NotImplementedError: For another `dilation`.
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError(f"BasicBlock has groups=1 and base_width=64; got {groups} and {base_width}.")
        if dilation > 1:
            raise NotImplementedError(f"BasicBlock has dilation=1; got {dilation}. Bottleneck can be dilated.")
        norm = norm_layer or nn.BatchNorm2d
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inplanes, H, W)` to `(N, planes, H / stride, W / stride)`."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """The block of ResNet-50 and deeper: 1×1, 3×3, 1×1 (figure 5, right, of the ResNet paper).

    Args:
        inplanes: Channels that come in.
        planes: Channels of the 3×3 convolution at the ResNet paper's width; `planes * expansion` come out.
        stride: Of the 3×3 convolution; height and width are divided by it.
        downsample: What makes the identity fit the output where stride or channels change.
        groups: Groups of the 3×3 convolution: ResNeXt's cardinality.
        base_width: Channels of each group for 64 `planes`: 4 in ResNeXt-32×4d, 128 in Wide ResNet-2.
        dilation: Of the 3×3 convolution.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, inplanes, H, W)` to `(N, planes * 4, H / stride, W / stride)`."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    """A residual network for classification: four stages of blocks, the mean over the picture, one linear layer.

    In a bottleneck block the stride sits on the 3×3 convolution, not on the first 1×1 as in the paper. This is
    called ResNet v1.5 and gains about half a point of accuracy, see
    https://catalog.ngc.nvidia.com/orgs/nvidia/resources/resnet_50_v1_5_for_pytorch.

    Args:
        block: `BasicBlock` or `Bottleneck`.
        layers: How many blocks each of the four stages has.
        num_classes: How many scores come out.
        zero_init_residual: Start every block as the identity: its last normalisation has weight 0. Gains 0.2 to
            0.3 points, see https://arxiv.org/abs/1706.02677.
        groups: Groups of the 3×3 convolutions: ResNeXt's cardinality.
        width_per_group: Channels of each group in the first stage.
        replace_stride_with_dilation: For each of the last three stages, whether it keeps height and width and
            dilates its 3×3 convolutions instead, as dense prediction needs it.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` unless given.

    Raises:
        ValueError: If `replace_stride_with_dilation` has not three elements, or the block cannot have the groups.
        NotImplementedError: If the block cannot be dilated.
    """

    stem_name = "conv1"
    head_name = "fc"

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        dilate = (False, False, False) if replace_stride_with_dilation is None else replace_stride_with_dilation
        if len(dilate) != 3:
            raise ValueError(f"replace_stride_with_dilation takes None or three truth values; got {dilate!r}.")
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes = 64
        self.dilation = 1
        self.groups = groups
        self.base_width = width_per_group

        self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2, dilate=dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        initialise(self)
        if zero_init_residual:
            self._zero_residual_branches()

    def _make_layer(
        self, block: type[BasicBlock | Bottleneck], planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        # The first block of a dilated stage still sees its neighbours at the distance of the stage before.
        first_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        out = planes * block.expansion
        # The shortcut is made before its block: that is the order in which random numbers are drawn.
        downsample = None
        if stride != 1 or self.inplanes != out:
            downsample = nn.Sequential(conv1x1(self.inplanes, out, stride), self._norm_layer(out))
        same = (self.groups, self.base_width)
        stage = [block(self.inplanes, planes, stride, downsample, *same, first_dilation, self._norm_layer)]
        self.inplanes = out
        stage += [block(out, planes, 1, None, *same, self.dilation, self._norm_layer) for _ in range(1, blocks)]
        return nn.Sequential(*stage)

    def _zero_residual_branches(self) -> None:
        for module in self.modules():
            if isinstance(module, (BasicBlock, Bottleneck)):
                last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                if (weight := getattr(last, "weight", None)) is not None:
                    nn.init.zeros_(weight)

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        x = self.relu(self.bn1(self.conv1(x)))  # (N, 64, H/2, W/2)
        x = self.maxpool(x)  # (N, 64, H/4, W/4)
        x = self.layer1(x)  # (N, 64 e, H/4, W/4), where e is the block's expansion
        x = self.layer2(x)  # (N, 128 e, H/8, W/8)
        x = self.layer3(x)  # (N, 256 e, H/16, W/16)
        return self.layer4(x)  # (N, 512 e, H/32, W/32)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x)).flatten(1)  # (N, 512 e)
        return self.fc(x)


class ResNetOptions(AdaptingOptions, total=False):
    """What a builder of this family passes on to `ResNet`, where each is explained."""

    num_classes: int
    zero_init_residual: bool
    groups: int
    width_per_group: int
    replace_stride_with_dilation: Sequence[bool] | None
    norm_layer: Callable[..., nn.Module] | None


@builder(ResNet18_Weights, ResNetOptions)
def resnet18(
    *, weights: ResNet18_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNet-18."""
    return build(ResNet, weights, progress, BasicBlock, [2, 2, 2, 2], **options)


@builder(ResNet34_Weights, ResNetOptions)
def resnet34(
    *, weights: ResNet34_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNet-34."""
    return build(ResNet, weights, progress, BasicBlock, [3, 4, 6, 3], **options)


@builder(ResNet50_Weights, ResNetOptions)
def resnet50(
    *, weights: ResNet50_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNet-50."""
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 6, 3], **options)


@builder(ResNet101_Weights, ResNetOptions)
def resnet101(
    *, weights: ResNet101_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNet-101."""
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 23, 3], **options)


@builder(ResNet152_Weights, ResNetOptions)
def resnet152(
    *, weights: ResNet152_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNet-152."""
    return build(ResNet, weights, progress, Bottleneck, [3, 8, 36, 3], **options)


@builder(ResNeXt50_32X4D_Weights, ResNetOptions)
def resnext50_32x4d(
    *, weights: ResNeXt50_32X4D_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNeXt-50 32×4d: 32 groups of 4 channels."""
    exact = fixed("resnext50_32x4d", options, groups=32, width_per_group=4)
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 6, 3], **exact)


@builder(ResNeXt101_32X8D_Weights, ResNetOptions)
def resnext101_32x8d(
    *, weights: ResNeXt101_32X8D_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNeXt-101 32×8d: 32 groups of 8 channels."""
    exact = fixed("resnext101_32x8d", options, groups=32, width_per_group=8)
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 23, 3], **exact)


@builder(ResNeXt101_64X4D_Weights, ResNetOptions)
def resnext101_64x4d(
    *, weights: ResNeXt101_64X4D_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """ResNeXt-101 64×4d: 64 groups of 4 channels."""
    exact = fixed("resnext101_64x4d", options, groups=64, width_per_group=4)
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 23, 3], **exact)


@builder(Wide_ResNet50_2_Weights, ResNetOptions)
def wide_resnet50_2(
    *, weights: Wide_ResNet50_2_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """Wide ResNet-50-2: ResNet-50 with 3×3 convolutions of twice the channels."""
    exact = fixed("wide_resnet50_2", options, width_per_group=128)
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 6, 3], **exact)


@builder(Wide_ResNet101_2_Weights, ResNetOptions)
def wide_resnet101_2(
    *, weights: Wide_ResNet101_2_Weights | str | None = None, progress: bool = True, **options: Unpack[ResNetOptions]
) -> ResNet:
    """Wide ResNet-101-2: ResNet-101 with 3×3 convolutions of twice the channels."""
    exact = fixed("wide_resnet101_2", options, width_per_group=128)
    return build(ResNet, weights, progress, Bottleneck, [3, 4, 23, 3], **exact)
