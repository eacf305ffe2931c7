"""SSDLite: SSD with depthwise convolutions, for telephones.

Papers:
    MobileNetV2: Inverted Residuals and Linear Bottlenecks, section 6.2, https://arxiv.org/abs/1801.04381
    Searching for MobileNetV3, section 6.3, https://arxiv.org/abs/1905.02244

Shapes: N pictures, C channels, H × W pixels; A default boxes a place, K classes, of which 0 is the background; B boxes
of all places and maps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Unpack

from torch import Tensor, nn

from multiweight.catalogue.detection.ssdlite import SSDLite320_MobileNet_V3_Large_Weights
from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights
from multiweight.layers import Conv2dNormActivation
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import DefaultBoxGenerator
from multiweight.models.detection.backbone_utils import _validate_trainable_layers, with_weights
from multiweight.models.detection.dense import freeze, start_at
from multiweight.models.detection.ssd import SSD, SSDOptions, SSDScoringHead
from multiweight.models.mobilenetv3 import MobileNetV3, mobilenet_v3_large

__all__ = [
    "SSDLite320_MobileNet_V3_Large_Weights",
    "SSDLiteClassificationHead",
    "SSDLiteFeatureExtractorMobileNet",
    "SSDLiteHead",
    "SSDLiteOptions",
    "SSDLiteRegressionHead",
    "ssdlite320_mobilenet_v3_large",
]


def _predictions(
    in_channels: Sequence[int], num_anchors: Sequence[int], columns: int, norm_layer: Callable[..., nn.Module]
) -> nn.ModuleList:
    """For each map a depthwise convolution and a 1×1 one that answers."""
    layers = nn.ModuleList(
        nn.Sequential(
            Conv2dNormActivation(
                channels, channels, 3, groups=channels, norm_layer=norm_layer, activation_layer=nn.ReLU6
            ),
            nn.Conv2d(channels, columns * anchors, 1),
        )
        for channels, anchors in zip(in_channels, num_anchors, strict=True)
    )
    start_at(layers.modules(), std=0.03)
    return layers


class SSDLiteClassificationHead(SSDScoringHead):
    """Which class is at each default box.

    Args:
        in_channels: Channels of each map.
        num_anchors: Default boxes a place, for each map.
        num_classes: How many classes there are, the background included.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_anchors: Sequence[int],
        num_classes: int,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        super().__init__(_predictions(in_channels, num_anchors, num_classes, norm_layer), num_classes)


class SSDLiteRegressionHead(SSDScoringHead):
    """How far the object is from each default box.

    Args:
        in_channels: Channels of each map.
        num_anchors: Default boxes a place, for each map.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self, in_channels: Sequence[int], num_anchors: Sequence[int], norm_layer: Callable[..., nn.Module]
    ) -> None:
        super().__init__(_predictions(in_channels, num_anchors, 4, norm_layer), 4)


class SSDLiteHead(nn.Module):
    """Classes and boxes at every place of all maps.

    Args:
        in_channels: Channels of each map.
        num_anchors: Default boxes a place, for each map.
        num_classes: How many classes there are, the background included.
        norm_layer: Makes a normalisation from a number of channels.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        num_anchors: Sequence[int],
        num_classes: int,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        super().__init__()
        self.classification_head = SSDLiteClassificationHead(in_channels, num_anchors, num_classes, norm_layer)
        self.regression_head = SSDLiteRegressionHead(in_channels, num_anchors, norm_layer)

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """From maps `(N, C, h, w)` to `bbox_regression` `(N, B, 4)` and `cls_logits` `(N, B, K)`."""
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


class SSDLiteFeatureExtractorMobileNet(nn.Module):
    """A MobileNetV3, taken in the middle and at its end, and extra layers on top.

    Args:
        backbone: The `features` of a MobileNetV3; its layers are shared.
        c4_pos: The index of the block whose expansion is the first map; its stride is 2, and so is what follows
            the expansion.
        norm_layer: Makes a normalisation from a number of channels.
        width_mult: Multiplies the channels of the extra layers.
        min_depth: The fewest channels that an extra layer has.

    Raises:
        ValueError: If the block at `c4_pos` keeps height and width.
    """

    def __init__(
        self,
        backbone: nn.Sequential,
        c4_pos: int,
        norm_layer: Callable[..., nn.Module],
        width_mult: float = 1.0,
        min_depth: int = 16,
    ) -> None:
        super().__init__()
        blocks: list[Any] = list(backbone)
        middle = blocks[c4_pos]
        if middle.use_res_connect:
            raise ValueError(f"The block at c4_pos={c4_pos} keeps height and width; one of stride 2 is needed.")
        self.features = nn.Sequential(
            nn.Sequential(*blocks[:c4_pos], middle.block[0]),
            nn.Sequential(middle.block[1:], *blocks[c4_pos + 1 :]),
        )
        depths = [max(min_depth, int(depth * width_mult)) for depth in (512, 256, 256, 128)]
        last: int = blocks[-1].out_channels
        self.extra = nn.ModuleList(
            _extra(before, after, norm_layer) for before, after in zip([last, *depths], depths, strict=False)
        )
        start_at(self.extra.modules(), std=0.03)
        self.out_channels: list[int] = [middle.block[0].out_channels, last, *depths]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From pictures `(N, 3, 320, 320)` to maps `(N, C, h, w)` of 20, 10, 5, 3, 2 and 1 places a side, by name."""
        maps: list[Tensor] = []
        for layers in (*self.features, *self.extra):
            x = layers(x)
            maps.append(x)
        return OrderedDict((str(number), features) for number, features in enumerate(maps))


def _extra(in_channels: int, out_channels: int, norm_layer: Callable[..., nn.Module]) -> nn.Sequential:
    """1×1, depthwise of stride 2, 1×1."""
    hidden = out_channels // 2
    conv = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
    return nn.Sequential(
        conv(in_channels, hidden, 1), conv(hidden, hidden, 3, 2, groups=hidden), conv(hidden, out_channels, 1)
    )


def _mobilenet_extractor(
    backbone: MobileNetV3, trainable_layers: int, norm_layer: Callable[..., nn.Module]
) -> SSDLiteFeatureExtractorMobileNet:
    layers: Any = backbone.features
    # A stage begins where height and width halve; the last layer is one of its own.
    halving = [index for index, layer in enumerate(layers) if getattr(layer, "_is_cn", False)]
    starts = [0, *halving, len(layers) - 1]
    freeze(layers, starts, trainable_layers)
    return SSDLiteFeatureExtractorMobileNet(layers, starts[-2], norm_layer)


class SSDLiteOptions(SSDOptions, total=False):
    """What a builder of this family passes on to `SSD`, where each is explained, and two for the backbone.

    Attributes:
        width_mult: Multiplies the channels of the backbone's layers.
        dilated: Dilates the last blocks of the backbone and keeps their height and width.
    """

    width_mult: float
    dilated: bool


def _ssdlite320(
    weights_backbone: MobileNet_V3_Large_Weights | None,
    progress: bool,
    pretrained: bool,
    trainable_backbone_layers: int | None,
    norm_layer: Callable[..., nn.Module] | None,
    num_classes: int = 91,
    **options: Any,
) -> SSD:
    norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    trainable = _validate_trainable_layers(pretrained, trainable_backbone_layers, 6, 6)
    # Pretrained backbones have whole tails.
    varied = {key: options.pop(key) for key in ("width_mult", "dilated") if key in options}
    mobilenet = mobilenet_v3_large(norm_layer=norm, reduced_tail=weights_backbone is None, **varied)
    if weights_backbone is None:
        start_at(mobilenet.modules(), std=0.03)
    backbone = _mobilenet_extractor(with_weights(mobilenet, weights_backbone, progress), trainable, norm)
    boxes = DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
    head = options.pop("head", None) or SSDLiteHead(
        backbone.out_channels, boxes.num_anchors_per_location(), num_classes, norm
    )
    usual = {
        "score_thresh": 0.001,
        "nms_thresh": 0.55,
        "detections_per_img": 300,
        "topk_candidates": 300,
        # Pictures from -1 to 1.
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    return SSD(backbone, boxes, (320, 320), num_classes, head=head, **{**usual, **options})


@builder(SSDLite320_MobileNet_V3_Large_Weights, SSDLiteOptions)
def ssdlite320_mobilenet_v3_large(
    *,
    weights: SSDLite320_MobileNet_V3_Large_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    norm_layer: Callable[..., nn.Module] | None = None,
    **options: Unpack[SSDLiteOptions],
) -> SSD:
    """SSDLite on pictures of 320 × 320 pixels, with a MobileNetV3-Large."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers, norm_layer)
    return build(_ssdlite320, weights, progress, *backbone, num_classes=num_classes, **options)
