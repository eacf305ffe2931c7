"""Faster R-CNN: boxes and classes of the objects on a picture.

Papers:
    Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks, https://arxiv.org/abs/1506.01497
    Feature Pyramid Networks for Object Detection, https://arxiv.org/abs/1612.03144
    Benchmarking Detection Transfer Learning with Vision Transformers, https://arxiv.org/abs/2111.11429 (version 2)

Shapes: R regions, C channels, P × P places of a pooled region; L classes, of which 0 is the background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.detection.faster_rcnn import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FasterRCNN_MobileNet_V3_Large_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
    FasterRCNN_ResNet50_FPN_Weights,
)
from multiweight.catalogue.mobilenetv3 import MobileNet_V3_Large_Weights
from multiweight.catalogue.resnet import ResNet50_Weights
from multiweight.errors import InputError
from multiweight.layers import Conv2dNormActivation, FrozenBatchNorm2d, MultiScaleRoIAlign
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import AnchorGenerator
from multiweight.models.detection.backbone_utils import (
    _mobilenet_extractor,
    _resnet_fpn_extractor,
    _validate_trainable_layers,
    overwrite_eps,
    with_weights,
)
from multiweight.models.detection.checks import check_part, out_channels_of
from multiweight.models.detection.generalized_rcnn import GeneralizedRCNN
from multiweight.models.detection.roi_heads import RoIHeads
from multiweight.models.detection.rpn import RegionProposalNetwork, RPNHead
from multiweight.models.detection.transform import GeneralizedRCNNTransform
from multiweight.models.mobilenetv3 import mobilenet_v3_large
from multiweight.models.resnet import resnet50

__all__ = [
    "FastRCNNConvFCHead",
    "FastRCNNPredictor",
    "FasterRCNN",
    "FasterRCNNOptions",
    "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights",
    "FasterRCNN_MobileNet_V3_Large_FPN_Weights",
    "FasterRCNN_ResNet50_FPN_V2_Weights",
    "FasterRCNN_ResNet50_FPN_Weights",
    "TwoMLPHead",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
]


class FasterRCNN(GeneralizedRCNN):
    """Faster R-CNN on any backbone.

    In training it takes pictures and targets and gives losses; in evaluation it takes pictures and gives detections:
    see `GeneralizedRCNN.forward`.

    ```python
    backbone = mobilenet_v2(weights=MobileNet_V2_Weights.DEFAULT).features
    backbone.out_channels = 1280
    anchors = AnchorGenerator(sizes=((32, 64, 128, 256, 512),), aspect_ratios=((0.5, 1.0, 2.0),))
    pool = MultiScaleRoIAlign(featmap_names=["0"], output_size=7, sampling_ratio=2)
    model = FasterRCNN(backbone, num_classes=2, rpn_anchor_generator=anchors, box_roi_pool=pool).eval()
    detections = model([torch.rand(3, 300, 400), torch.rand(3, 500, 400)])
    ```

    Args:
        backbone: From pictures `(N, 3, H, W)` to one map of features, or several by name, all with `out_channels`
            channels, an attribute that it must have.
        num_classes: How many classes there are, the background included; `None` where `box_predictor` is given.
        min_size: The short side of a picture after resizing, in pixels. Of several, one is drawn for every picture in
            training, and the last one is taken in evaluation.
        max_size: The long side is at most that long.
        image_mean: What is subtracted from each channel; ImageNet's mean unless given.
        image_std: By what each channel is then divided; ImageNet's standard deviation unless given.
        rpn_anchor_generator: Makes the anchors; unless given, one size and three ratios for each of five maps.
        rpn_head: Scores and changes anchors; an `RPNHead` unless given.
        rpn_pre_nms_top_n_train: How many anchors of each map are considered in training.
        rpn_pre_nms_top_n_test: How many in evaluation.
        rpn_post_nms_top_n_train: How many regions of a picture there are at most in training.
        rpn_post_nms_top_n_test: How many in evaluation.
        rpn_nms_thresh: Of two regions that overlap more than this, the better one stays.
        rpn_fg_iou_thresh: From this overlap with an object on, an anchor is taught that it holds one.
        rpn_bg_iou_thresh: Below this one with all objects, that it holds none.
        rpn_batch_size_per_image: From how many anchors of a picture a training step learns.
        rpn_positive_fraction: Which part of these hold objects at most.
        rpn_score_thresh: Regions that less probably hold an object are left out.
        box_roi_pool: Pools the features of regions; unless given, from the maps `"0"` to `"3"` to 7×7.
        box_head: From these to a vector for each region; a `TwoMLPHead` unless given.
        box_predictor: From these to scores and changes; a `FastRCNNPredictor` unless given.
        box_score_thresh: Only detections with more than this score are given.
        box_nms_thresh: Of two detections of a class that overlap more than this, the better one stays.
        box_detections_per_img: How many detections of a picture there are at most.
        box_fg_iou_thresh: From this overlap with an object on, a region is taught to hold it.
        box_bg_iou_thresh: Below this one with all objects, to hold none.
        box_batch_size_per_image: From how many regions of a picture a training step learns.
        box_positive_fraction: Which part of these hold objects at most.
        bbox_reg_weights: See `BoxCoder`; `(10, 10, 5, 5)` unless given.
        **kwargs: What else `GeneralizedRCNNTransform` takes: `size_divisible`, `fixed_size`.

    Raises:
        InputError: If the backbone does not say its `out_channels`, or not one of `num_classes` and `box_predictor` is
            given; also a ValueError.
        InputTypeError: If a part is of another type; also a TypeError.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int | None = None,
        min_size: int | Sequence[int] = 800,
        max_size: int = 1333,
        image_mean: Sequence[float] | None = None,
        image_std: Sequence[float] | None = None,
        rpn_anchor_generator: AnchorGenerator | None = None,
        rpn_head: nn.Module | None = None,
        rpn_pre_nms_top_n_train: int = 2000,
        rpn_pre_nms_top_n_test: int = 1000,
        rpn_post_nms_top_n_train: int = 2000,
        rpn_post_nms_top_n_test: int = 1000,
        rpn_nms_thresh: float = 0.7,
        rpn_fg_iou_thresh: float = 0.7,
        rpn_bg_iou_thresh: float = 0.3,
        rpn_batch_size_per_image: int = 256,
        rpn_positive_fraction: float = 0.5,
        rpn_score_thresh: float = 0.0,
        box_roi_pool: MultiScaleRoIAlign | None = None,
        box_head: nn.Module | None = None,
        box_predictor: nn.Module | None = None,
        box_score_thresh: float = 0.05,
        box_nms_thresh: float = 0.5,
        box_detections_per_img: int = 100,
        box_fg_iou_thresh: float = 0.5,
        box_bg_iou_thresh: float = 0.5,
        box_batch_size_per_image: int = 512,
        box_positive_fraction: float = 0.25,
        bbox_reg_weights: tuple[float, float, float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        channels = out_channels_of(backbone)
        check_part("rpn_anchor_generator", rpn_anchor_generator, AnchorGenerator)
        check_part("box_roi_pool", box_roi_pool, MultiScaleRoIAlign)
        if (num_classes is None) == (box_predictor is None):
            raise InputError(
                f"One of num_classes and box_predictor must be given, and not both; got num_classes={num_classes} and "
                f"box_predictor={type(box_predictor).__name__ if box_predictor is not None else None}."
            )
        # What has tensors is made in this order: that is the order in which random numbers are drawn.
        anchors = rpn_anchor_generator or _default_anchorgen()
        rpn = RegionProposalNetwork(
            anchors,
            rpn_head or RPNHead(channels, anchors.num_anchors_per_location()[0]),
            rpn_fg_iou_thresh,
            rpn_bg_iou_thresh,
            rpn_batch_size_per_image,
            rpn_positive_fraction,
            {"training": rpn_pre_nms_top_n_train, "testing": rpn_pre_nms_top_n_test},
            {"training": rpn_post_nms_top_n_train, "testing": rpn_post_nms_top_n_test},
            rpn_nms_thresh,
            rpn_score_thresh,
        )
        pool = box_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)
        roi_heads = RoIHeads(
            pool,
            box_head or TwoMLPHead(channels * pool.output_size[0] ** 2, _REPRESENTATION),
            box_predictor or FastRCNNPredictor(_REPRESENTATION, num_classes or 0),
            box_fg_iou_thresh,
            box_bg_iou_thresh,
            box_batch_size_per_image,
            box_positive_fraction,
            bbox_reg_weights,
            box_score_thresh,
            box_nms_thresh,
            box_detections_per_img,
        )
        mean, std = image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225]
        transform = GeneralizedRCNNTransform(min_size, max_size, mean, std, **kwargs)
        super().__init__(backbone, rpn, roi_heads, transform)


_REPRESENTATION = 1024
"""How many numbers describe a region between the head and the predictor."""


def _default_anchorgen() -> AnchorGenerator:
    """One size of anchor for each of five maps, in three shapes."""
    sizes = ((32,), (64,), (128,), (256,), (512,))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


class TwoMLPHead(nn.Module):
    """Two linear layers: a region's features become a vector.

    Args:
        in_channels: How many numbers a pooled region has, `C * P * P`.
        representation_size: How many the vector has.
    """

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        """From `(R, C, P, P)` to `(R, representation_size)`."""
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(1)))))


class FastRCNNConvFCHead(nn.Sequential):
    """3×3 convolutions and then linear layers: a region's features become a vector `(R, fc_layers[-1])`.

    Args:
        input_size: C, P and P.
        conv_layers: How many channels each convolution gives.
        fc_layers: How many numbers each linear layer gives.
        norm_layer: Makes a normalisation from a number of channels; `None` for none.
    """

    def __init__(
        self,
        input_size: tuple[int, int, int],
        conv_layers: Sequence[int],
        fc_layers: Sequence[int],
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        channels, height, width = input_size
        layers: list[nn.Module] = []
        for out in conv_layers:
            layers.append(Conv2dNormActivation(channels, out, norm_layer=norm_layer))
            channels = out
        layers.append(nn.Flatten())
        numbers = channels * height * width
        for out in fc_layers:
            layers += [nn.Linear(numbers, out), nn.ReLU(inplace=True)]
            numbers = out
        super().__init__(*layers)
        initialise_convolutions(self)


def initialise_convolutions(module: nn.Module) -> None:
    """Draws all convolutions of a head, for ReLUs; their biases are 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class FastRCNNPredictor(nn.Module):
    """A score and a change of the region for each class.

    Args:
        in_channels: How many numbers describe a region.
        num_classes: L.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """From `(R, in_channels)`, or `(R, in_channels, 1, 1)`, to scores `(R, L)` and changes `(R, 4 L)`.

        Raises:
            InputError: If there is more than one place for a region.
        """
        if x.dim() == 4 and tuple(x.shape[2:]) != (1, 1):
            raise InputError(f"The predictor takes (R, C) or (R, C, 1, 1); got {list(x.shape)}.")
        x = x.flatten(1)
        return self.cls_score(x), self.bbox_pred(x)


class FasterRCNNOptions(TypedDict, total=False):
    """What a builder of this family passes on to `FasterRCNN`, where each is explained."""

    min_size: int | Sequence[int]
    max_size: int
    image_mean: Sequence[float] | None
    image_std: Sequence[float] | None
    rpn_anchor_generator: AnchorGenerator | None
    rpn_head: nn.Module | None
    rpn_pre_nms_top_n_train: int
    rpn_pre_nms_top_n_test: int
    rpn_post_nms_top_n_train: int
    rpn_post_nms_top_n_test: int
    rpn_nms_thresh: float
    rpn_fg_iou_thresh: float
    rpn_bg_iou_thresh: float
    rpn_batch_size_per_image: int
    rpn_positive_fraction: float
    rpn_score_thresh: float
    box_roi_pool: MultiScaleRoIAlign | None
    box_head: nn.Module | None
    box_predictor: nn.Module | None
    box_score_thresh: float
    box_nms_thresh: float
    box_detections_per_img: int
    box_fg_iou_thresh: float
    box_bg_iou_thresh: float
    box_batch_size_per_image: int
    box_positive_fraction: float
    bbox_reg_weights: tuple[float, float, float, float] | None
    size_divisible: int
    fixed_size: tuple[int, int] | None
    _skip_resize: bool


def _on_resnet50(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    trained: bool,
    trainable_layers: int | None,
    /,
    num_classes: int = 91,
    **options: Any,
) -> FasterRCNN:
    """The first version: the normalisations of the backbone are frozen where anything is pretrained."""
    layers = _validate_trainable_layers(trained, trainable_layers, 5, 3)
    resnet = with_weights(
        resnet50(norm_layer=FrozenBatchNorm2d if trained else nn.BatchNorm2d), weights_backbone, progress
    )
    return FasterRCNN(_resnet_fpn_extractor(resnet, layers), num_classes, **options)


def _on_resnet50_v2(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    trained: bool,
    trainable_layers: int | None,
    /,
    num_classes: int = 91,
    **options: Any,
) -> FasterRCNN:
    """The second version: normalisations everywhere, and convolutions in the heads."""
    layers = _validate_trainable_layers(trained, trainable_layers, 5, 3)
    resnet = with_weights(resnet50(), weights_backbone, progress)
    backbone = _resnet_fpn_extractor(resnet, layers, norm_layer=nn.BatchNorm2d)
    return FasterRCNN(backbone, num_classes, **{**second_version(backbone.out_channels), **options})


def second_version(channels: int) -> dict[str, Any]:
    """What the second versions of these detectors have in place of the first ones' parts."""
    anchors = _default_anchorgen()
    return {
        "rpn_anchor_generator": anchors,
        "rpn_head": RPNHead(channels, anchors.num_anchors_per_location()[0], conv_depth=2),
        "box_head": FastRCNNConvFCHead((channels, 7, 7), [256] * 4, [_REPRESENTATION], norm_layer=nn.BatchNorm2d),
    }


def _on_mobilenet_v3_large(
    weights_backbone: MobileNet_V3_Large_Weights | None,
    progress: bool,
    trained: bool,
    trainable_layers: int | None,
    /,
    num_classes: int = 91,
    **options: Any,
) -> FasterRCNN:
    """Three maps, on each of which there are anchors of all sizes."""
    layers = _validate_trainable_layers(trained, trainable_layers, 6, 3)
    mobilenet = with_weights(
        mobilenet_v3_large(norm_layer=FrozenBatchNorm2d if trained else nn.BatchNorm2d), weights_backbone, progress
    )
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    settings = {"rpn_anchor_generator": anchors, "rpn_score_thresh": 0.05, **options}
    return FasterRCNN(_mobilenet_extractor(mobilenet, True, layers), num_classes, **settings)


@builder(FasterRCNN_ResNet50_FPN_Weights, FasterRCNNOptions)
def fasterrcnn_resnet50_fpn(
    *,
    weights: FasterRCNN_ResNet50_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    batch_norm_eps: float | None = None,
    **options: Unpack[FasterRCNNOptions],
) -> FasterRCNN:
    """Faster R-CNN with a ResNet-50 and a feature pyramid."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    model = build(_on_resnet50, weights, progress, *backbone, num_classes=num_classes, **options)
    overwrite_eps(model, 0.0 if weights is FasterRCNN_ResNet50_FPN_Weights.COCO_V1 else batch_norm_eps)
    return model


@builder(FasterRCNN_ResNet50_FPN_V2_Weights, FasterRCNNOptions)
def fasterrcnn_resnet50_fpn_v2(
    *,
    weights: FasterRCNN_ResNet50_FPN_V2_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = None,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[FasterRCNNOptions],
) -> FasterRCNN:
    """Faster R-CNN with a ResNet-50, a feature pyramid and convolutions in the heads, normalised throughout."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    return build(_on_resnet50_v2, weights, progress, *backbone, num_classes=num_classes, **options)


@builder(FasterRCNN_MobileNet_V3_Large_FPN_Weights, FasterRCNNOptions)
def fasterrcnn_mobilenet_v3_large_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[FasterRCNNOptions],
) -> FasterRCNN:
    """Faster R-CNN with a MobileNetV3 Large and a feature pyramid, for pictures with a short side of 800 pixels."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    return build(_on_mobilenet_v3_large, weights, progress, *backbone, num_classes=num_classes, **options)


@builder(FasterRCNN_MobileNet_V3_Large_320_FPN_Weights, FasterRCNNOptions)
def fasterrcnn_mobilenet_v3_large_320_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_320_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | str | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[FasterRCNNOptions],
) -> FasterRCNN:
    """Faster R-CNN with a MobileNetV3 Large and a feature pyramid, for phones: a short side of 320 pixels."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    small: FasterRCNNOptions = {"min_size": 320, "max_size": 640}
    few: FasterRCNNOptions = {"rpn_pre_nms_top_n_test": 150, "rpn_post_nms_top_n_test": 150}
    settings = {**small, **few, **options}
    return build(_on_mobilenet_v3_large, weights, progress, *backbone, num_classes=num_classes, **settings)
