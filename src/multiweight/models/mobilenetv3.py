"""MobileNetV3, large and small.

Paper: Searching for MobileNetV3, https://arxiv.org/abs/1905.02244

Shapes: N pictures, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, Unpack

from torch import Tensor, nn

from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights, MobileNet_V3_Small_Weights
from multiweight.layers import Conv2dNormActivation, SqueezeExcitation, initialise, make_divisible
from multiweight.models._adapting import AdaptingOptions
from multiweight.models._builder import build, builder

__all__ = [
    "InvertedResidual",
    "InvertedResidualConfig",
    "MobileNetV3",
    "MobileNetV3Options",
    "MobileNet_V3_Large_Weights",
    "MobileNet_V3_Small_Weights",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
]

M = TypeVar("M", bound=nn.Module)


class InvertedResidualConfig:
    """What tables 1 and 2 of the paper tell of one block, its channels multiplied and rounded to multiples of 8.

    Args:
        input_channels: Channels that come in.
        kernel: Side of the depthwise kernel, in pixels.
        expanded_channels: Channels of the depthwise convolution (exp size).
        out_channels: Channels that come out (#out).
        use_se: Whether the block has a squeeze-and-excitation (SE).
        activation: `"HS"` for hard-swish, `"RE"` for ReLU (NL).
        stride: 1 or 2 (s).
        dilation: Of the depthwise convolution; if it is not 1, height and width are kept.
        width_mult: Multiplies the three numbers of channels.
    """

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """A number of channels times the multiplier, rounded to a multiple of 8."""
        return make_divisible(channels * width_mult, 8)


# Section 5.3 of the paper: the weights of the channels are found by a hard sigmoid.
_HardSqueezeExcitation = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidual(nn.Module):
    """The block of MobileNetV3: 1×1, depthwise, squeeze-and-excitation, linear 1×1 (figure 4 of the paper).

    Beside it runs the identity where stride and channels allow.

    Args:
        cnf: The block's numbers.
        norm_layer: Makes a normalisation from a number of channels.
        se_layer: Makes a squeeze-and-excitation from the numbers of channels outside and inside.

    Raises:
        ValueError: If the stride is neither 1 nor 2.
    """

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Callable[..., nn.Module],
        se_layer: Callable[..., nn.Module] = _HardSqueezeExcitation,
    ) -> None:
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2; got {cnf.stride!r}.")
        conv = partial(Conv2dNormActivation, norm_layer=norm_layer)
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        hidden = cnf.expanded_channels
        layers: list[nn.Module] = []
        if hidden != cnf.input_channels:
            layers.append(conv(cnf.input_channels, hidden, 1, activation_layer=activation))
        # A dilated block sees as far as a strided one would, and keeps height and width for dense prediction.
        stride = 1 if cnf.dilation > 1 else cnf.stride
        layers.append(
            conv(hidden, hidden, cnf.kernel, stride, groups=hidden, dilation=cnf.dilation, activation_layer=activation)
        )
        if cnf.use_se:
            layers.append(se_layer(hidden, make_divisible(hidden // 4, 8)))
        layers.append(conv(hidden, cnf.out_channels, 1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.out_channels = cnf.out_channels
        # By this mark detection and segmentation networks find where the picture gets smaller.
        self._is_cn = cnf.stride > 1

    def forward(self, x: Tensor) -> Tensor:
        """From `(N, C, H, W)` to `(N, out_channels, H / stride, W / stride)`."""
        out = self.block(x)
        if self.use_res_connect:
            out += x
        return out


class MobileNetV3(nn.Module):
    """A network of inverted residuals for classification, from tables 1 and 2 of the paper.

    Args:
        inverted_residual_setting: The blocks' numbers, in order.
        last_channel: Channels between the two layers of the classifier.
        num_classes: How many scores come out.
        block: Makes a block from its numbers and `norm_layer`; `InvertedResidual` unless given.
        norm_layer: Makes a normalisation from a number of channels; `nn.BatchNorm2d` with the eps and momentum of
            the paper's code (TensorFlow's 0.99 is what stays, PyTorch's 0.01 what is replaced) unless given.
        dropout: Probability that an input of the last layer is zeroed in training.

    Raises:
        ValueError: If the setting is empty.
        TypeError: If it is no sequence of `InvertedResidualConfig`.
    """

    stem_name = "features.0.0"
    head_name = "classifier.3"

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("inverted_residual_setting takes at least one InvertedResidualConfig; got none.")
        if not (isinstance(setting, Sequence) and all(isinstance(cnf, InvertedResidualConfig) for cnf in setting)):
            raise TypeError(f"inverted_residual_setting takes a list of InvertedResidualConfig; got {setting!r}.")
        make_block = block or InvertedResidual
        norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)

        conv = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)
        out = setting[-1].out_channels
        self.features = nn.Sequential(
            conv(3, setting[0].input_channels, 3, stride=2),
            *[make_block(cnf, norm) for cnf in setting],
            conv(out, 6 * out, 1),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * out, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        initialise(self, linear=partial(nn.init.normal_, std=0.01))

    def forward_features(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to the last features, `(N, C, H/32, W/32)`, before anything is pooled."""
        return self.features(x)

    def forward(self, x: Tensor) -> Tensor:
        """From pictures `(N, 3, H, W)` to scores `(N, num_classes)`."""
        x = self.avgpool(self.forward_features(x)).flatten(1)  # (N, C)
        return self.classifier(x)


# Tables 1 and 2 of the paper, the blocks only: kernel, exp size, #out, SE, NL, s.
LARGE = (
    (3, 16, 16, False, "RE", 1),
    (3, 64, 24, False, "RE", 2),
    (3, 72, 24, False, "RE", 1),
    (5, 72, 40, True, "RE", 2),
    (5, 120, 40, True, "RE", 1),
    (5, 120, 40, True, "RE", 1),
    (3, 240, 80, False, "HS", 2),
    (3, 200, 80, False, "HS", 1),
    (3, 184, 80, False, "HS", 1),
    (3, 184, 80, False, "HS", 1),
    (3, 480, 112, True, "HS", 1),
    (3, 672, 112, True, "HS", 1),
    (5, 672, 160, True, "HS", 2),
    (5, 960, 160, True, "HS", 1),
    (5, 960, 160, True, "HS", 1),
)
SMALL = (
    (3, 16, 16, True, "RE", 2),
    (3, 72, 24, False, "RE", 2),
    (3, 88, 24, False, "RE", 1),
    (5, 96, 40, True, "HS", 2),
    (5, 240, 40, True, "HS", 1),
    (5, 240, 40, True, "HS", 1),
    (5, 120, 48, True, "HS", 1),
    (5, 144, 48, True, "HS", 1),
    (5, 288, 96, True, "HS", 2),
    (5, 576, 96, True, "HS", 1),
    (5, 576, 96, True, "HS", 1),
)


def of_table(
    network: Callable[..., M],
    table: Sequence[tuple[int, int, int, bool, str, int]],
    last_channel: int,
    *,
    width_mult: float = 1.0,
    reduced_tail: bool = False,
    dilated: bool = False,
    batch_norm_eps: float | None = None,
    **options: Any,
) -> M:
    """The network of a table, varied as `MobileNetV3Options` says.

    Args:
        network: The network class.
        table: Its blocks: kernel, expanded channels, channels, squeeze-and-excitation, activation and stride.
        last_channel: Channels between the two layers of the classifier.
        width_mult: See `MobileNetV3Options`, as for the two that follow.
        reduced_tail: See there.
        dilated: See there.
        batch_norm_eps: See there.
        **options: The network's options.
    """
    setting: list[InvertedResidualConfig] = []
    channels = 16  # of the first convolution in both tables
    for number, (kernel, expanded, out, use_se, activation, stride) in enumerate(table, start=-len(table)):
        # The tail is the last three blocks. The first of them expands what the body gives, which is not reduced.
        if reduced_tail and number >= -3:
            out //= 2
        if reduced_tail and number > -3:
            expanded //= 2
        dilation = 2 if dilated and number >= -3 else 1
        setting.append(
            InvertedResidualConfig(channels, kernel, expanded, out, use_se, activation, stride, dilation, width_mult)
        )
        channels = out
    last_channel = InvertedResidualConfig.adjust_channels(
        last_channel // 2 if reduced_tail else last_channel, width_mult
    )
    if batch_norm_eps is not None:
        if options.get("norm_layer") is not None:
            raise ValueError("batch_norm_eps is for the variant's own norm_layer; give one of them.")
        options["norm_layer"] = partial(nn.BatchNorm2d, eps=batch_norm_eps, momentum=0.01)
    return network(setting, last_channel, **options)


class MobileNetV3Options(AdaptingOptions, total=False):
    """What the builders of this family can be told; those not explained here are explained at `MobileNetV3`.

    Attributes:
        width_mult: Multiplies the channels of every layer.
        reduced_tail: Halves the channels of the last three blocks and of the classifier, as the paper does for
            detection (section 6.3) and segmentation (section 6.4).
        dilated: Dilates the depthwise convolutions of the last three blocks by 2, so that height and width stay
            a 16th of the picture's, as segmentation needs it (section 6.4).
        batch_norm_eps: What the variant's own batch norms add to the variance; 0.001 unless given.
    """

    num_classes: int
    block: Callable[..., nn.Module] | None
    norm_layer: Callable[..., nn.Module] | None
    dropout: float
    width_mult: float
    reduced_tail: bool
    dilated: bool
    batch_norm_eps: float


@builder(MobileNet_V3_Large_Weights, MobileNetV3Options)
def mobilenet_v3_large(
    *,
    weights: MobileNet_V3_Large_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[MobileNetV3Options],
) -> MobileNetV3:
    """MobileNetV3-Large, table 1 of the paper."""
    return build(of_table, weights, progress, MobileNetV3, LARGE, 1280, **options)


@builder(MobileNet_V3_Small_Weights, MobileNetV3Options)
def mobilenet_v3_small(
    *,
    weights: MobileNet_V3_Small_Weights | str | None = None,
    progress: bool = True,
    **options: Unpack[MobileNetV3Options],
) -> MobileNetV3:
    """MobileNetV3-Small, table 2 of the paper."""
    return build(of_table, weights, progress, MobileNetV3, SMALL, 1024, **options)
