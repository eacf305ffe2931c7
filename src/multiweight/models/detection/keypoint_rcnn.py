"""Keypoint R-CNN: boxes of persons on a picture, and the places of their joints.

Paper: Mask R-CNN, section 5, https://arxiv.org/abs/1703.06870

Shapes: R regions, C channels, P × P places of a pooled region; K points of an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.detection.keypoint_rcnn import KeypointRCNN_ResNet50_FPN_Weights
from multiweight.catalogue.resnet import ResNet50_Weights
from multiweight.errors import InputError
from multiweight.layers import FrozenBatchNorm2d, MultiScaleRoIAlign
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import AnchorGenerator
from multiweight.models.detection.backbone_utils import (
    _resnet_fpn_extractor,
    _validate_trainable_layers,
    overwrite_eps,
    with_weights,
)
from multiweight.models.detection.checks import check_part, out_channels_of
from multiweight.models.detection.faster_rcnn import FasterRCNN, FasterRCNNOptions, initialise_convolutions
from multiweight.models.resnet import resnet50

__all__ = [
    "KeypointRCNN",
    "KeypointRCNNHeads",
    "KeypointRCNNOptions",
    "KeypointRCNNPredictor",
    "KeypointRCNN_ResNet50_FPN_Weights",
    "keypointrcnn_resnet50_fpn",
]


class KeypointRCNN(FasterRCNN):
    """Faster R-CNN that also gives points of each object, on any backbone.

    In training the targets have `keypoints` `(B, K, 3)` of float32, x and y in pixels and 1 where the point is visible
    or 0 where it is not, and the losses `loss_keypoint`. In evaluation the detections have `keypoints` `(B, K, 3)`, x
    and y in pixels and 1, and `keypoints_scores` `(B, K)`.

    ```python
    backbone = mobilenet_v2(weights=MobileNet_V2_Weights.DEFAULT).features
    backbone.out_channels = 1280
    anchors = AnchorGenerator(sizes=((32, 64, 128, 256, 512),), aspect_ratios=((0.5, 1.0, 2.0),))
    boxes = MultiScaleRoIAlign(featmap_names=["0"], output_size=7, sampling_ratio=2)
    points = MultiScaleRoIAlign(featmap_names=["0"], output_size=14, sampling_ratio=2)
    model = KeypointRCNN(backbone, 2, rpn_anchor_generator=anchors, box_roi_pool=boxes, keypoint_roi_pool=points).eval()
    detections = model([torch.rand(3, 300, 400), torch.rand(3, 500, 400)])
    ```

    Args:
        backbone: See `FasterRCNN`, as for all that is not said here.
        num_classes: How many classes there are, the background included; `None` where `box_predictor` is given.
        min_size: The short side of a picture after resizing, in pixels. Of several, one is drawn for every picture in
            training, and the last one is taken in evaluation; unless given, they are 640, 672, 704, 736, 768, 800.
        keypoint_roi_pool: Pools the features of regions; unless given, from the maps `"0"` to `"3"` to 14×14.
        keypoint_head: From these to features; a `KeypointRCNNHeads` with eight layers unless given.
        keypoint_predictor: From these to heat maps; a `KeypointRCNNPredictor` unless given.
        num_keypoints: K; 17 unless given, and `None` where `keypoint_predictor` is given.

    Raises:
        InputError: See `FasterRCNN`; or if there are both `num_keypoints` and a `keypoint_predictor`.
        InputTypeError: If a part is of another type; also a TypeError.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int | None = None,
        min_size: int | Sequence[int] | None = None,
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
        keypoint_roi_pool: MultiScaleRoIAlign | None = None,
        keypoint_head: nn.Module | None = None,
        keypoint_predictor: nn.Module | None = None,
        num_keypoints: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_part("keypoint_roi_pool", keypoint_roi_pool, MultiScaleRoIAlign)
        if num_keypoints is not None and keypoint_predictor is not None:
            raise InputError(
                f"num_keypoints={num_keypoints} and keypoint_predictor cannot both be given: the predictor has its own."
            )
        # Before the parts of FasterRCNN: that is the order in which random numbers are drawn.
        pool = keypoint_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        head = keypoint_head or KeypointRCNNHeads(out_channels_of(backbone), (512,) * 8)
        predictor = keypoint_predictor or KeypointRCNNPredictor(512, 17 if num_keypoints is None else num_keypoints)
        super().__init__(
            backbone,
            num_classes,
            (640, 672, 704, 736, 768, 800) if min_size is None else min_size,
            max_size,
            image_mean,
            image_std,
            rpn_anchor_generator,
            rpn_head,
            rpn_pre_nms_top_n_train,
            rpn_pre_nms_top_n_test,
            rpn_post_nms_top_n_train,
            rpn_post_nms_top_n_test,
            rpn_nms_thresh,
            rpn_fg_iou_thresh,
            rpn_bg_iou_thresh,
            rpn_batch_size_per_image,
            rpn_positive_fraction,
            rpn_score_thresh,
            box_roi_pool,
            box_head,
            box_predictor,
            box_score_thresh,
            box_nms_thresh,
            box_detections_per_img,
            box_fg_iou_thresh,
            box_bg_iou_thresh,
            box_batch_size_per_image,
            box_positive_fraction,
            bbox_reg_weights,
            **kwargs,
        )
        self.roi_heads.keypoint_roi_pool = pool
        self.roi_heads.keypoint_head = head
        self.roi_heads.keypoint_predictor = predictor


class KeypointRCNNHeads(nn.Sequential):
    """3×3 convolutions on pooled regions: from `(R, in_channels, P, P)` to `(R, layers[-1], P, P)`.

    Args:
        in_channels: Channels of the pooled features.
        layers: How many channels each convolution gives.
    """

    def __init__(self, in_channels: int, layers: Sequence[int]) -> None:
        modules: list[nn.Module] = []
        for before, after in zip((in_channels, *layers), layers, strict=False):
            modules += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(inplace=True)]
        super().__init__(*modules)
        initialise_convolutions(self)


class KeypointRCNNPredictor(nn.Module):
    """A heat map of each point, at four times the size: from `(R, in_channels, P, P)` to `(R, K, 4 P, 4 P)`.

    Args:
        in_channels: Channels that come in.
        num_keypoints: K.
    """

    def __init__(self, in_channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.kps_score_lowres = nn.ConvTranspose2d(in_channels, num_keypoints, 4, stride=2, padding=1)
        nn.init.kaiming_normal_(self.kps_score_lowres.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.kps_score_lowres.bias)  # pyright: ignore[reportArgumentType]
        self.up_scale = 2
        self.out_channels = num_keypoints

    def forward(self, x: Tensor) -> Tensor:
        """From `(R, in_channels, P, P)` to `(R, K, 4 P, 4 P)`."""
        x = self.kps_score_lowres(x)  # (R, K, 2 P, 2 P)
        return F.interpolate(x, scale_factor=float(self.up_scale), mode="bilinear", align_corners=False)


class KeypointRCNNOptions(FasterRCNNOptions, total=False):
    """What a builder of this family passes on to `KeypointRCNN`, where each is explained."""

    keypoint_roi_pool: MultiScaleRoIAlign | None
    keypoint_head: nn.Module | None
    keypoint_predictor: nn.Module | None


def _on_resnet50(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    trained: bool,
    trainable_layers: int | None,
    /,
    num_classes: int = 2,
    **options: Any,
) -> KeypointRCNN:
    layers = _validate_trainable_layers(trained, trainable_layers, 5, 3)
    resnet = with_weights(
        resnet50(norm_layer=FrozenBatchNorm2d if trained else nn.BatchNorm2d), weights_backbone, progress
    )
    return KeypointRCNN(_resnet_fpn_extractor(resnet, layers), num_classes, **options)


def _points_of(weights: KeypointRCNN_ResNet50_FPN_Weights | str | None, asked: int | None) -> int | None:
    """How many points an object has: as many as the weights have names of, if they have any.

    Raises:
        ValueError: If others are asked for.
    """
    if weights is None or isinstance(weights, str) or "keypoint_names" not in weights.meta:
        return asked
    count = len(weights.meta["keypoint_names"])
    if asked not in (None, count):
        raise ValueError(f"{weights} has {count} points of an object, so num_keypoints must be {count}; got {asked!r}.")
    return count


@builder(KeypointRCNN_ResNet50_FPN_Weights, KeypointRCNNOptions)
def keypointrcnn_resnet50_fpn(
    *,
    weights: KeypointRCNN_ResNet50_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    num_keypoints: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    batch_norm_eps: float | None = None,
    **options: Unpack[KeypointRCNNOptions],
) -> KeypointRCNN:
    """Keypoint R-CNN with a ResNet-50 and a feature pyramid, for the joints of persons."""
    points = _points_of(weights, num_keypoints)
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    counts: Any = {"num_classes": num_classes, "num_keypoints": points}
    model = build(_on_resnet50, weights, progress, *backbone, **counts, **options)
    overwrite_eps(model, 0.0 if weights is KeypointRCNN_ResNet50_FPN_Weights.COCO_V1 else batch_norm_eps)
    return model
