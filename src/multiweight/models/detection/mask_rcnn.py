"""Mask R-CNN: boxes, classes and masks of the objects on a picture.

Papers:
    Mask R-CNN, https://arxiv.org/abs/1703.06870
    Benchmarking Detection Transfer Learning with Vision Transformers, https://arxiv.org/abs/2111.11429 (version 2)

Shapes: R regions, C channels, P × P places of a pooled region; L classes, of which 0 is the background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from torch import nn

from multiweight.catalogue.detection.mask_rcnn import MaskRCNN_ResNet50_FPN_V2_Weights, MaskRCNN_ResNet50_FPN_Weights
from multiweight.catalogue.resnet import ResNet50_Weights
from multiweight.errors import InputError
from multiweight.layers import Conv2dNormActivation, FrozenBatchNorm2d, MultiScaleRoIAlign
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import AnchorGenerator
from multiweight.models.detection.backbone_utils import (
    _resnet_fpn_extractor,
    _validate_trainable_layers,
    overwrite_eps,
    with_weights,
)
from multiweight.models.detection.checks import check_part, out_channels_of
from multiweight.models.detection.faster_rcnn import (
    FasterRCNN,
    FasterRCNNOptions,
    initialise_convolutions,
    second_version,
)
from multiweight.models.resnet import resnet50

__all__ = [
    "MaskRCNN",
    "MaskRCNNHeads",
    "MaskRCNNOptions",
    "MaskRCNNPredictor",
    "MaskRCNN_ResNet50_FPN_V2_Weights",
    "MaskRCNN_ResNet50_FPN_Weights",
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
]


class MaskRCNN(FasterRCNN):
    """Faster R-CNN that also gives each object's mask, on any backbone.

    In training the targets have `masks` `(B, H, W)`, 1 where the object is and 0 elsewhere, and the losses
    `loss_mask`. In evaluation the detections have `masks` `(B, 1, H, W)`: how probably each pixel belongs to the
    object, in `[0, 1]`; `masks > 0.5` is the object.

    ```python
    backbone = mobilenet_v2(weights=MobileNet_V2_Weights.DEFAULT).features
    backbone.out_channels = 1280
    anchors = AnchorGenerator(sizes=((32, 64, 128, 256, 512),), aspect_ratios=((0.5, 1.0, 2.0),))
    boxes = MultiScaleRoIAlign(featmap_names=["0"], output_size=7, sampling_ratio=2)
    masks = MultiScaleRoIAlign(featmap_names=["0"], output_size=14, sampling_ratio=2)
    model = MaskRCNN(backbone, 2, rpn_anchor_generator=anchors, box_roi_pool=boxes, mask_roi_pool=masks).eval()
    detections = model([torch.rand(3, 300, 400), torch.rand(3, 500, 400)])
    ```

    Args:
        backbone: See `FasterRCNN`, as for all that is not said here.
        num_classes: How many classes there are, the background included; `None` where predictors are given.
        mask_roi_pool: Pools the features of regions; unless given, from the maps `"0"` to `"3"` to 14×14.
        mask_head: From these to features; a `MaskRCNNHeads` with four layers unless given.
        mask_predictor: From these to logits; a `MaskRCNNPredictor` unless given.

    Raises:
        InputError: See `FasterRCNN`; or if there are both `num_classes` and a `mask_predictor`.
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
        mask_roi_pool: MultiScaleRoIAlign | None = None,
        mask_head: nn.Module | None = None,
        mask_predictor: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        check_part("mask_roi_pool", mask_roi_pool, MultiScaleRoIAlign)
        if num_classes is not None and mask_predictor is not None:
            raise InputError("num_classes and mask_predictor cannot both be given: the predictor has its own classes.")
        if num_classes is None and mask_predictor is None:
            raise InputError("Without num_classes, box_predictor and mask_predictor must be given.")
        # Before the parts of FasterRCNN: that is the order in which random numbers are drawn.
        pool = mask_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        head = mask_head or MaskRCNNHeads(out_channels_of(backbone), (256, 256, 256, 256), 1)
        predictor = mask_predictor or MaskRCNNPredictor(256, 256, num_classes or 0)
        super().__init__(
            backbone,
            num_classes,
            min_size,
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
        self.roi_heads.mask_roi_pool = pool
        self.roi_heads.mask_head = head
        self.roi_heads.mask_predictor = predictor


class MaskRCNNHeads(nn.Sequential):
    """3×3 convolutions on pooled regions: from `(R, in_channels, P, P)` to `(R, layers[-1], P, P)`.

    Args:
        in_channels: Channels of the pooled features.
        layers: How many channels each convolution gives.
        dilation: Distance between the points of their kernels.
        norm_layer: Makes a normalisation from a number of channels; `None` for none.
    """

    # In version 1 the layers were named mask_fcn1, mask_fcn2 …: files of that time still load.
    _version = 2

    def __init__(
        self,
        in_channels: int,
        layers: Sequence[int],
        dilation: int,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        inputs = (in_channels, *layers)
        super().__init__(
            *(
                Conv2dNormActivation(before, after, padding=dilation, dilation=dilation, norm_layer=norm_layer)
                for before, after in zip(inputs, layers, strict=False)
            )
        )
        initialise_convolutions(self)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:
            for layer in range(len(self)):
                for kind in ("weight", "bias"):
                    if (old := f"{prefix}mask_fcn{layer + 1}.{kind}") in state_dict:
                        state_dict[f"{prefix}{layer}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args, **kwargs)


class MaskRCNNPredictor(nn.Sequential):
    """A mask of each class, at twice the size: from `(R, in_channels, P, P)` to logits `(R, L, 2 P, 2 P)`.

    Args:
        in_channels: Channels that come in.
        dim_reduced: Channels between the two layers.
        num_classes: L.
    """

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__()
        self.conv5_mask = nn.ConvTranspose2d(in_channels, dim_reduced, 2, 2, 0)
        self.relu = nn.ReLU(inplace=True)
        self.mask_fcn_logits = nn.Conv2d(dim_reduced, num_classes, 1, 1, 0)
        for layer in (self.conv5_mask, self.mask_fcn_logits):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


class MaskRCNNOptions(FasterRCNNOptions, total=False):
    """What a builder of this family passes on to `MaskRCNN`, where each is explained."""

    mask_roi_pool: MultiScaleRoIAlign | None
    mask_head: nn.Module | None
    mask_predictor: nn.Module | None


def _on_resnet50(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    trained: bool,
    trainable_layers: int | None,
    /,
    num_classes: int = 91,
    **options: Any,
) -> MaskRCNN:
    """The first version: the normalisations of the backbone are frozen where anything is pretrained."""
    layers = _validate_trainable_layers(trained, trainable_layers, 5, 3)
    resnet = with_weights(
        resnet50(norm_layer=FrozenBatchNorm2d if trained else nn.BatchNorm2d), weights_backbone, progress
    )
    return MaskRCNN(_resnet_fpn_extractor(resnet, layers), num_classes, **options)


def _on_resnet50_v2(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    trained: bool,
    trainable_layers: int | None,
    /,
    num_classes: int = 91,
    **options: Any,
) -> MaskRCNN:
    """The second version: normalisations everywhere, and convolutions in the heads."""
    layers = _validate_trainable_layers(trained, trainable_layers, 5, 3)
    resnet = with_weights(resnet50(), weights_backbone, progress)
    backbone = _resnet_fpn_extractor(resnet, layers, norm_layer=nn.BatchNorm2d)
    parts = second_version(backbone.out_channels)
    parts["mask_head"] = MaskRCNNHeads(backbone.out_channels, (256,) * 4, 1, norm_layer=nn.BatchNorm2d)
    return MaskRCNN(backbone, num_classes, **{**parts, **options})


@builder(MaskRCNN_ResNet50_FPN_Weights, MaskRCNNOptions)
def maskrcnn_resnet50_fpn(
    *,
    weights: MaskRCNN_ResNet50_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    batch_norm_eps: float | None = None,
    **options: Unpack[MaskRCNNOptions],
) -> MaskRCNN:
    """Mask R-CNN with a ResNet-50 and a feature pyramid."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    model = build(_on_resnet50, weights, progress, *backbone, num_classes=num_classes, **options)
    overwrite_eps(model, 0.0 if weights is MaskRCNN_ResNet50_FPN_Weights.COCO_V1 else batch_norm_eps)
    return model


@builder(MaskRCNN_ResNet50_FPN_V2_Weights, MaskRCNNOptions)
def maskrcnn_resnet50_fpn_v2(
    *,
    weights: MaskRCNN_ResNet50_FPN_V2_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = None,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[MaskRCNNOptions],
) -> MaskRCNN:
    """Mask R-CNN with a ResNet-50, a feature pyramid and convolutions in the heads, normalised throughout."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    return build(_on_resnet50_v2, weights, progress, *backbone, num_classes=num_classes, **options)
