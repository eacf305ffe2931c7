"""RetinaNet: every place of a feature pyramid says what is there, taught with the focal loss.

Papers:
    Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002
    Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection,
    https://arxiv.org/abs/1912.02424 (group norm and GIoU, as in version 2)

Shapes: N pictures, C channels, H × W pixels; A anchors a place, K classes; B anchors of all places and levels;
G objects of a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.detection.retinanet import (
    RetinaNet_ResNet50_FPN_V2_Weights,
    RetinaNet_ResNet50_FPN_Weights,
)
from multiweight.catalogue.resnet import ResNet50_Weights
from multiweight.layers import (
    Conv2dNormActivation,
    FrozenBatchNorm2d,
    LastLevelP6P7,
    batched_nms,
    box_iou,
    clip_boxes_to_image,
    complete_box_iou_loss,
    distance_box_iou_loss,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import AnchorGenerator
from multiweight.models.detection.backbone_utils import (
    _resnet_fpn_extractor,
    _validate_trainable_layers,
    overwrite_eps,
    with_weights,
)
from multiweight.models.detection.box_coder import BoxCoder
from multiweight.models.detection.checks import check_part, out_channels_of
from multiweight.models.detection.dense import DenseDetector, at_most, by_anchor, most_likely, start_at
from multiweight.models.detection.matcher import Matcher
from multiweight.models.detection.transform import GeneralizedRCNNTransform
from multiweight.models.resnet import resnet50

__all__ = [
    "RetinaNet",
    "RetinaNetClassificationHead",
    "RetinaNetHead",
    "RetinaNetOptions",
    "RetinaNetRegressionHead",
    "RetinaNet_ResNet50_FPN_V2_Weights",
    "RetinaNet_ResNet50_FPN_Weights",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
]


def _default_anchorgen() -> AnchorGenerator:
    """Three sizes, a third of an octave apart, and three ratios on each of five levels (section 4 of the paper)."""
    sizes = tuple((side, int(side * 2 ** (1 / 3)), int(side * 2 ** (2 / 3))) for side in (32, 64, 128, 256, 512))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


class _Subnet(nn.Module):
    """Four convolutions that all levels share; what follows them is the subclass's."""

    # Version 1 had no norms, so its convolutions were not in blocks.
    _version = 2

    def __init__(self, in_channels: int, norm_layer: Callable[..., nn.Module] | None) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *[Conv2dNormActivation(in_channels, in_channels, norm_layer=norm_layer) for _ in range(4)]
        )

    def _load_from_state_dict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *arguments: Any
    ) -> None:
        if (local_metadata.get("version") or 1) < 2:
            for index in range(4):
                for kind in ("weight", "bias"):
                    # Between the convolutions were the activations.
                    old = f"{prefix}conv.{2 * index}.{kind}"
                    if old in state_dict:
                        state_dict[f"{prefix}conv.{index}.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *arguments)


class RetinaNetClassificationHead(_Subnet):
    """Which classes are at each anchor.

    Args:
        in_channels: Channels of the levels.
        num_anchors: Anchors a place.
        num_classes: How many classes there are; each has a score of its own, the background as well.
        prior_probability: How likely any class is in the beginning (section 4.1 of the paper).
        norm_layer: Makes a normalisation from a number of channels; `None` for none.
    """

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_classes: int,
        prior_probability: float = 0.01,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__(in_channels, norm_layer)
        start_at(self.conv.modules(), std=0.01)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        start_at([self.cls_logits], std=0.01, bias=-math.log((1 - prior_probability) / prior_probability))
        self.num_classes = num_classes
        self.num_anchors = num_anchors
        self.BETWEEN_THRESHOLDS = Matcher.BETWEEN_THRESHOLDS

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        matched_idxs: Sequence[Tensor],
    ) -> Tensor:
        """The focal loss of each picture over the number of its matched anchors, averaged over the pictures.

        Args:
            targets: For each picture `labels` `(G,)`.
            head_outputs: `cls_logits` `(N, B, K)`.
            matched_idxs: For each picture the object of each anchor, `(B,)`, as `Matcher` gives it.

        Returns:
            One number.
        """
        losses: list[Tensor] = []
        for target, logits, matches in zip(targets, head_outputs["cls_logits"], matched_idxs, strict=True):
            matched = matches >= 0
            wanted = torch.zeros_like(logits)  # (B, K)
            wanted[matched, target["labels"][matches[matched]]] = 1.0
            counts = matches != self.BETWEEN_THRESHOLDS
            loss = sigmoid_focal_loss(logits[counts], wanted[counts], reduction="sum")
            losses.append(loss / max(1, int(matched.sum())))
        return _sum(losses) / len(targets)

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """From levels `(N, C, h, w)` to scores before the sigmoid `(N, B, K)`."""
        return torch.cat([by_anchor(self.cls_logits(self.conv(level)), self.num_classes) for level in x], dim=1)


class RetinaNetRegressionHead(_Subnet):
    """How far the object is from each anchor.

    Args:
        in_channels: Channels of the levels.
        num_anchors: Anchors a place.
        norm_layer: Makes a normalisation from a number of channels; `None` for none.
    """

    def __init__(self, in_channels: int, num_anchors: int, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__(in_channels, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        start_at([self.bbox_reg], std=0.01)
        start_at(self.conv.modules(), std=0.01)
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self._loss_type = "l1"

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        anchors: Sequence[Tensor],
        matched_idxs: Sequence[Tensor],
    ) -> Tensor:
        """The loss of each picture's matched anchors over their number, averaged over the pictures.

        Args:
            targets: For each picture `boxes` `(G, 4)`, in pixels.
            head_outputs: `bbox_regression` `(N, B, 4)`.
            anchors: For each picture `(B, 4)`, in pixels.
            matched_idxs: For each picture the object of each anchor, `(B,)`, as `Matcher` gives it.

        Returns:
            One number.
        """
        losses: list[Tensor] = []
        outputs = head_outputs["bbox_regression"]
        for target, codes, boxes, matches in zip(targets, outputs, anchors, matched_idxs, strict=True):
            matched = torch.where(matches >= 0)[0]
            loss = self._box_loss(boxes[matched], target["boxes"][matches[matched]], codes[matched])
            losses.append(loss / max(1, len(matched)))
        return _sum(losses) / max(1, len(targets))

    def _box_loss(self, anchors: Tensor, boxes: Tensor, codes: Tensor) -> Tensor:
        """The loss of some anchors, their boxes and what the head says of them, each `(M, 4)`."""
        if self._loss_type in ("l1", "smooth_l1"):
            loss = F.l1_loss if self._loss_type == "l1" else F.smooth_l1_loss
            return loss(codes, self.box_coder.encode_single(boxes, anchors), reduction="sum")
        if (overlap := _OVERLAP_LOSSES.get(self._loss_type)) is None:
            known = ", ".join(("l1", "smooth_l1", *_OVERLAP_LOSSES))
            raise ValueError(f"_loss_type is one of {known}; got {self._loss_type!r}.")
        return overlap(self.box_coder.decode_single(codes, anchors), boxes, reduction="sum", eps=1e-7)

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """From levels `(N, C, h, w)` to what `BoxCoder` decodes, `(N, B, 4)`."""
        return torch.cat([by_anchor(self.bbox_reg(self.conv(level)), 4) for level in x], dim=1)


_OVERLAP_LOSSES = {
    "ciou": complete_box_iou_loss,
    "diou": distance_box_iou_loss,
    "giou": generalized_box_iou_loss,
}


def _sum(losses: Sequence[Tensor]) -> Tensor:
    """The sum, from the first one on: the order decides the last bit."""
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total


class RetinaNetHead(nn.Module):
    """Classes and boxes at every place of all levels.

    Args:
        in_channels: Channels of the levels.
        num_anchors: Anchors a place.
        num_classes: How many classes there are, the background included.
        norm_layer: Makes a normalisation from a number of channels; `None` for none.
    """

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_classes: int,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.classification_head = RetinaNetClassificationHead(
            in_channels, num_anchors, num_classes, norm_layer=norm_layer
        )
        self.regression_head = RetinaNetRegressionHead(in_channels, num_anchors, norm_layer=norm_layer)

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        anchors: Sequence[Tensor],
        matched_idxs: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """The losses of both parts, `classification` and `bbox_regression`; see there."""
        return {
            "classification": self.classification_head.compute_loss(targets, head_outputs, matched_idxs),
            "bbox_regression": self.regression_head.compute_loss(targets, head_outputs, anchors, matched_idxs),
        }

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """From levels `(N, C, h, w)` to `cls_logits` `(N, B, K)` and `bbox_regression` `(N, B, 4)`."""
        return {"cls_logits": self.classification_head(x), "bbox_regression": self.regression_head(x)}


class RetinaNet(DenseDetector):
    """A backbone with a pyramid, and a head on all of its levels.

    In training it takes pictures and targets and gives losses; in evaluation it takes pictures and gives for each a
    dict with `boxes` `(b, 4)`, which are `x1, y1, x2, y2` in its pixels, `scores` `(b,)`, falling, and `labels` `(b,)`.

    Args:
        backbone: Gives maps of features by name, or one, each of `backbone.out_channels` channels.
        num_classes: How many classes there are, the background included.
        min_size: The short side to which pictures are resized, in pixels; of several, one is drawn in training.
        max_size: The longest that the long side may then be.
        image_mean: What is subtracted from each channel; ImageNet's unless given.
        image_std: By what each channel is divided; ImageNet's unless given.
        anchor_generator: Makes the anchors; unless given, those of the paper.
        head: Instead of a `RetinaNetHead`.
        proposal_matcher: Instead of a `Matcher` with the two thresholds below.
        score_thresh: What a score must exceed.
        nms_thresh: Of boxes of a class with a greater IoU than this, the best stays.
        detections_per_img: How many boxes a picture has at most.
        fg_iou_thresh: From this IoU on, an anchor is taught an object.
        bg_iou_thresh: Below this one it is taught that there is none.
        topk_candidates: How many scores of a level are looked at, from the highest on.
        **kwargs: Further arguments of `GeneralizedRCNNTransform`.

    Raises:
        InputError: If the backbone does not tell its `out_channels`.
        InputTypeError: If `anchor_generator` is none.
    """

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        min_size: int | Sequence[int] = 800,
        max_size: int = 1333,
        image_mean: Sequence[float] | None = None,
        image_std: Sequence[float] | None = None,
        anchor_generator: AnchorGenerator | None = None,
        head: nn.Module | None = None,
        proposal_matcher: Matcher | None = None,
        score_thresh: float = 0.05,
        nms_thresh: float = 0.5,
        detections_per_img: int = 300,
        fg_iou_thresh: float = 0.5,
        bg_iou_thresh: float = 0.4,
        topk_candidates: int = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        channels = out_channels_of(backbone)
        check_part("anchor_generator", anchor_generator, AnchorGenerator)
        self.backbone = backbone
        self.anchor_generator = anchor_generator or _default_anchorgen()
        if head is None:
            head = RetinaNetHead(channels, self.anchor_generator.num_anchors_per_location()[0], num_classes)
        self.head = head
        self.proposal_matcher = proposal_matcher or Matcher(
            fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True
        )
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.transform = GeneralizedRCNNTransform(
            min_size, max_size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs
        )
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        anchors: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """The head's losses.

        Args:
            targets: For each picture `boxes` `(G, 4)` in pixels of the resized picture, and `labels` `(G,)`.
            head_outputs: `cls_logits` `(N, B, K)` and `bbox_regression` `(N, B, 4)`.
            anchors: For each picture `(B, 4)`, in pixels.

        Returns:
            Numbers by name.
        """
        matches: list[Tensor] = []
        for target, boxes in zip(targets, anchors, strict=True):
            if target["boxes"].numel() == 0:
                matches.append(boxes.new_full((len(boxes),), Matcher.BELOW_LOW_THRESHOLD, dtype=torch.int64))
            else:
                matches.append(self.proposal_matcher(box_iou(target["boxes"], boxes)))
        compute: Callable[..., dict[str, Tensor]] = self.head.compute_loss  # pyright: ignore[reportAssignmentType]
        return compute(targets, head_outputs, anchors, matches)

    def postprocess_detections(
        self,
        head_outputs: Mapping[str, Sequence[Tensor]],
        anchors: Sequence[Sequence[Tensor]],
        image_shapes: Sequence[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """What is on the pictures.

        Args:
            head_outputs: For each level `cls_logits` `(N, b, K)` and `bbox_regression` `(N, b, 4)`.
            anchors: For each picture and level `(b, 4)`, in pixels.
            image_shapes: For each picture its height and width, resized.

        Returns:
            For each picture `boxes`, `scores` and `labels`, by falling score; in pixels of the resized picture.
        """
        detections: list[dict[str, Tensor]] = []
        for number, (levels, shape) in enumerate(zip(anchors, image_shapes, strict=True)):
            found = [
                self._detections_of_level(logits[number], codes[number], boxes, shape)
                for logits, codes, boxes in zip(
                    head_outputs["cls_logits"], head_outputs["bbox_regression"], levels, strict=True
                )
            ]
            boxes, scores, labels = (torch.cat(parts) for parts in zip(*found, strict=True))
            kept = at_most(batched_nms(boxes, scores, labels, self.nms_thresh), self.detections_per_img)
            detections.append({"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]})
        return detections

    def _detections_of_level(
        self, logits: Tensor, codes: Tensor, anchors: Tensor, shape: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes `(b, 4)`, scores `(b,)` and labels `(b,)` of a picture's level, several of an anchor perhaps."""
        classes = logits.shape[-1]
        scores, places = most_likely(logits.sigmoid().flatten(), self.score_thresh, self.topk_candidates)
        rows = places.div(classes, rounding_mode="floor")
        boxes = self.box_coder.decode_single(codes[rows], anchors[rows])
        return clip_boxes_to_image(boxes, shape), scores, places % classes

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """From pictures to losses in training, to detections in evaluation.

        Args:
            images: The pictures, `(3, H, W)` of floats from 0 to 1; they may be of different sizes.
            targets: In training, for each picture a dict with `boxes` `(G, 4)` in pixels and `labels` `(G,)`.

        Returns:
            `classification` and `bbox_regression`; or for each picture `boxes`, `scores` and `labels`.

        Raises:
            InputError: If pictures or targets are not what a detector takes.
        """
        batch, resized, sizes, levels, outputs, anchors = self._see(images, targets)
        if self.training:
            return self.eager_outputs(self.compute_loss(resized, outputs, anchors), [])
        places = [level.shape[-2] * level.shape[-1] for level in levels]
        each = outputs["cls_logits"].shape[1] // sum(places)
        counts = [each * number for number in places]
        detections = self.postprocess_detections(
            {name: list(output.split(counts, dim=1)) for name, output in outputs.items()},
            [list(boxes.split(counts)) for boxes in anchors],
            batch.image_sizes,
        )
        return self.eager_outputs({}, self.transform.postprocess(detections, batch.image_sizes, sizes))


class RetinaNetOptions(TypedDict, total=False):
    """What a builder of this family passes on to `RetinaNet`, where each is explained."""

    min_size: int | Sequence[int]
    max_size: int
    image_mean: Sequence[float] | None
    image_std: Sequence[float] | None
    anchor_generator: AnchorGenerator | None
    head: nn.Module | None
    proposal_matcher: Matcher | None
    score_thresh: float
    nms_thresh: float
    detections_per_img: int
    fg_iou_thresh: float
    bg_iou_thresh: float
    topk_candidates: int


def _retinanet(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    pretrained: bool,
    trainable_backbone_layers: int | None,
    num_classes: int = 91,
    **options: Any,
) -> RetinaNet:
    layers = _validate_trainable_layers(pretrained, trainable_backbone_layers, 5, 3)
    resnet = with_weights(
        resnet50(norm_layer=FrozenBatchNorm2d if pretrained else nn.BatchNorm2d), weights_backbone, progress
    )
    # P6 is made from P5, for speed, and not from C5 as in the paper.
    backbone = _resnet_fpn_extractor(resnet, layers, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256))
    return RetinaNet(backbone, num_classes, **options)


def _retinanet_v2(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    pretrained: bool,
    trainable_backbone_layers: int | None,
    num_classes: int = 91,
    **options: Any,
) -> RetinaNet:
    layers = _validate_trainable_layers(pretrained, trainable_backbone_layers, 5, 3)
    resnet = with_weights(resnet50(), weights_backbone, progress)
    backbone = _resnet_fpn_extractor(resnet, layers, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(2048, 256))
    generator = options.pop("anchor_generator", None) or _default_anchorgen()
    head = options.pop("head", None)
    if head is None:
        anchors = generator.num_anchors_per_location()[0]
        head = RetinaNetHead(backbone.out_channels, anchors, num_classes, norm_layer=partial(nn.GroupNorm, 32))
        head.regression_head._loss_type = "giou"
    return RetinaNet(backbone, num_classes, anchor_generator=generator, head=head, **options)


@builder(RetinaNet_ResNet50_FPN_Weights, RetinaNetOptions)
def retinanet_resnet50_fpn(
    *,
    weights: RetinaNet_ResNet50_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    batch_norm_eps: float | None = None,
    **options: Unpack[RetinaNetOptions],
) -> RetinaNet:
    """RetinaNet with a ResNet-50 and a feature pyramid."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    model = build(_retinanet, weights, progress, *backbone, num_classes=num_classes, **options)
    overwrite_eps(model, 0.0 if weights is RetinaNet_ResNet50_FPN_Weights.COCO_V1 else batch_norm_eps)
    return model


@builder(RetinaNet_ResNet50_FPN_V2_Weights, RetinaNetOptions)
def retinanet_resnet50_fpn_v2(
    *,
    weights: RetinaNet_ResNet50_FPN_V2_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = None,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[RetinaNetOptions],
) -> RetinaNet:
    """RetinaNet with a ResNet-50 and a feature pyramid, group norm in the head and boxes taught by their overlap."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    return build(_retinanet_v2, weights, progress, *backbone, num_classes=num_classes, **options)
