"""FCOS: every place of a feature pyramid says how far the sides of its object are, without anchors of many shapes.

Papers:
    FCOS: Fully Convolutional One-Stage Object Detection, https://arxiv.org/abs/1904.01355
    FCOS: A Simple and Strong Anchor-free Object Detector, https://arxiv.org/abs/2006.09214

Shapes: N pictures, C channels, H × W pixels; K classes; B places of all levels; G objects of a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.detection.fcos import FCOS_ResNet50_FPN_Weights
from multiweight.catalogue.resnet import ResNet50_Weights
from multiweight.layers import (
    FrozenBatchNorm2d,
    LastLevelP6P7,
    batched_nms,
    clip_boxes_to_image,
    generalized_box_iou_loss,
    sigmoid_focal_loss,
)
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import AnchorGenerator
from multiweight.models.detection.backbone_utils import (
    _resnet_fpn_extractor,
    _validate_trainable_layers,
    with_weights,
)
from multiweight.models.detection.box_coder import BoxLinearCoder
from multiweight.models.detection.checks import check_part, out_channels_of
from multiweight.models.detection.dense import DenseDetector, at_most, by_anchor, most_likely, start_at
from multiweight.models.detection.transform import GeneralizedRCNNTransform
from multiweight.models.resnet import resnet50

__all__ = [
    "FCOS",
    "FCOSClassificationHead",
    "FCOSHead",
    "FCOSOptions",
    "FCOSRegressionHead",
    "FCOS_ResNet50_FPN_Weights",
    "fcos_resnet50_fpn",
]

_NOTHING = -1
"""The object, and then the class, of a place where there is none."""


def _tower(in_channels: int, num_convs: int, norm_layer: Callable[..., nn.Module] | None) -> nn.Sequential:
    """Convolutions that all levels share, each with a norm, by groups unless given, and an activation."""
    norm = norm_layer or _group_norm
    layers: list[nn.Module] = []
    for _ in range(num_convs):
        layers += [nn.Conv2d(in_channels, in_channels, 3, padding=1), norm(in_channels), nn.ReLU()]
    return nn.Sequential(*layers)


def _group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels)


class FCOSClassificationHead(nn.Module):
    """Which class is at each place.

    Args:
        in_channels: Channels of the levels.
        num_anchors: How often a place answers; 1 in FCOS.
        num_classes: How many classes there are; each has a score of its own, the background as well.
        num_convs: How many convolutions come before the one that answers.
        prior_probability: How likely any class is in the beginning.
        norm_layer: Makes a normalisation from a number of channels; group norm with 32 groups unless given.
    """

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_classes: int,
        num_convs: int = 4,
        prior_probability: float = 0.01,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_anchors = num_anchors
        self.conv = _tower(in_channels, num_convs, norm_layer)
        start_at(self.conv, std=0.01)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        start_at([self.cls_logits], std=0.01, bias=-math.log((1 - prior_probability) / prior_probability))

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """From levels `(N, C, h, w)` to scores before the sigmoid `(N, B, K)`."""
        return torch.cat([by_anchor(self.cls_logits(self.conv(level)), self.num_classes) for level in x], dim=1)


class FCOSRegressionHead(nn.Module):
    """How far the sides of the object are from each place, and how central the place is in it.

    Args:
        in_channels: Channels of the levels.
        num_anchors: How often a place answers; 1 in FCOS.
        num_convs: How many convolutions come before the ones that answer.
        norm_layer: Makes a normalisation from a number of channels; group norm with 32 groups unless given.
    """

    def __init__(
        self,
        in_channels: int,
        num_anchors: int,
        num_convs: int = 4,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.conv = _tower(in_channels, num_convs, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        self.bbox_ctrness = nn.Conv2d(in_channels, num_anchors, 3, padding=1)
        start_at([self.bbox_reg, self.bbox_ctrness, *self.conv], std=0.01)

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """From levels `(N, C, h, w)` to distances `(N, B, 4)` and centralities before the sigmoid `(N, B, 1)`.

        A distance is one of left, top, right and bottom, in sides of the level's anchors; it is never negative.
        """
        distances: list[Tensor] = []
        centralities: list[Tensor] = []
        for level in x:
            features = self.conv(level)
            distances.append(by_anchor(F.relu(self.bbox_reg(features)), 4))
            centralities.append(by_anchor(self.bbox_ctrness(features), 1))
        return torch.cat(distances, dim=1), torch.cat(centralities, dim=1)


class FCOSHead(nn.Module):
    """Classes, boxes and centralities at every place of all levels.

    Args:
        in_channels: Channels of the levels.
        num_anchors: How often a place answers; 1 in FCOS.
        num_classes: How many classes there are, the background included.
        num_convs: How many convolutions come before those that answer.
    """

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int = 4) -> None:
        super().__init__()
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.classification_head = FCOSClassificationHead(in_channels, num_anchors, num_classes, num_convs)
        self.regression_head = FCOSRegressionHead(in_channels, num_anchors, num_convs)

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        anchors: Sequence[Tensor],
        matched_idxs: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """The three losses, each over the number of places with an object in the whole batch.

        Args:
            targets: For each picture `boxes` `(G, 4)` in pixels, and `labels` `(G,)`.
            head_outputs: `cls_logits` `(N, B, K)`, `bbox_regression` `(N, B, 4)`, `bbox_ctrness` `(N, B, 1)`.
            anchors: For each picture `(B, 4)`, in pixels.
            matched_idxs: For each picture the object of each place, `(B,)`, or -1.

        Returns:
            `classification`, `bbox_regression` and `bbox_ctrness`.
        """
        logits = head_outputs["cls_logits"]
        classes, boxes = _wanted(targets, matched_idxs, logits)  # (N, B), (N, B, 4)
        places = torch.stack(list(anchors))  # (N, B, 4)
        matched = classes >= 0
        count = max(1, int(matched.sum()))

        scores = torch.zeros_like(logits)  # (N, B, K)
        scores[matched, classes[matched].long()] = 1.0
        classification = sigmoid_focal_loss(logits, scores, reduction="sum")

        found = self.box_coder.decode(head_outputs["bbox_regression"], places)
        regression = generalized_box_iou_loss(found[matched], boxes[matched], reduction="sum")

        # Equation 3 of the paper.
        left, top, right, bottom = self.box_coder.encode(places, boxes).unbind(-1)
        least, most = torch.minimum(left, right), torch.maximum(left, right)
        lowest, highest = torch.minimum(top, bottom), torch.maximum(top, bottom)
        central = torch.sqrt((least / most) * (lowest / highest))  # (N, B)
        centrality = F.binary_cross_entropy_with_logits(
            head_outputs["bbox_ctrness"].squeeze(2)[matched], central[matched], reduction="sum"
        )
        return {
            "classification": classification / count,
            "bbox_regression": regression / count,
            "bbox_ctrness": centrality / count,
        }

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """From levels `(N, C, h, w)` to `cls_logits`, `bbox_regression` and `bbox_ctrness`, all `(N, B, …)`."""
        logits = self.classification_head(x)
        distances, centralities = self.regression_head(x)
        return {"cls_logits": logits, "bbox_regression": distances, "bbox_ctrness": centralities}


def _wanted(
    targets: Sequence[Mapping[str, Tensor]], matched_idxs: Sequence[Tensor], like: Tensor
) -> tuple[Tensor, Tensor]:
    """The class of each place `(N, B)`, -1 where there is no object, and its box `(N, B, 4)`."""
    classes: list[Tensor] = []
    boxes: list[Tensor] = []
    for target, matches in zip(targets, matched_idxs, strict=True):
        if len(target["labels"]) == 0:
            classes.append(torch.full_like(matches, _NOTHING))
            boxes.append(target["boxes"].new_zeros(len(matches), 4))
            continue
        some = matches.clamp(min=0)
        classes.append(target["labels"][some].long().masked_fill(matches < 0, _NOTHING))
        boxes.append(target["boxes"][some])
    return torch.stack(classes), torch.stack(boxes)


class FCOS(DenseDetector):
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
        anchor_generator: Makes one anchor a place, whose centre is the place and whose side is the unit of distances;
            unless given, five levels of 8 to 128 pixels.
        head: Instead of an `FCOSHead`.
        center_sampling_radius: How far from an object's centre places are taught it, in sides of their anchors.
        score_thresh: What a score must exceed.
        nms_thresh: Of boxes of a class with a greater IoU than this, the best stays.
        detections_per_img: How many boxes a picture has at most.
        topk_candidates: How many scores of a level are looked at, from the highest on.
        **kwargs: Further arguments of `GeneralizedRCNNTransform`.

    Raises:
        InputError: If the backbone does not tell its `out_channels`, or there is not one anchor a place.
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
        center_sampling_radius: float = 1.5,
        score_thresh: float = 0.2,
        nms_thresh: float = 0.6,
        detections_per_img: int = 100,
        topk_candidates: int = 1000,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        channels = out_channels_of(backbone)
        check_part("anchor_generator", anchor_generator, AnchorGenerator)
        self.backbone = backbone
        self.anchor_generator = anchor_generator or AnchorGenerator((8, 16, 32, 64, 128), (1.0,))
        anchors = self.anchor_generator.num_anchors_per_location()[0]
        if anchors != 1:
            raise ValueError(f"FCOS has one anchor a place; anchor_generator makes {anchors}.")
        self.head = head or FCOSHead(channels, anchors, num_classes)
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.transform = GeneralizedRCNNTransform(
            min_size, max_size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs
        )
        self.center_sampling_radius = center_sampling_radius
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        anchors: Sequence[Tensor],
        num_anchors_per_level: Sequence[int],
    ) -> dict[str, Tensor]:
        """The head's losses.

        Args:
            targets: For each picture `boxes` `(G, 4)` in pixels of the resized picture, and `labels` `(G,)`.
            head_outputs: `cls_logits` `(N, B, K)`, `bbox_regression` `(N, B, 4)` and `bbox_ctrness` `(N, B, 1)`.
            anchors: For each picture `(B, 4)`, in pixels.
            num_anchors_per_level: How many of the B belong to each level.

        Returns:
            Numbers by name.
        """
        matches: list[Tensor] = []
        for target, places in zip(targets, anchors, strict=True):
            if target["boxes"].numel() == 0:
                matches.append(places.new_full((len(places),), _NOTHING, dtype=torch.int64))
            else:
                matches.append(self._match(target["boxes"], places, num_anchors_per_level))
        compute: Callable[..., dict[str, Tensor]] = self.head.compute_loss  # pyright: ignore[reportAssignmentType]
        return compute(targets, head_outputs, anchors, matches)

    def _match(self, boxes: Tensor, anchors: Tensor, num_anchors_per_level: Sequence[int]) -> Tensor:
        """The object `(B,)` of each place, or -1.

        Of the objects around whose centre the place is, and whose farthest side is as far as the level is meant for,
        it is the smallest (section 3.2 of the paper).

        Args:
            boxes: `(G, 4)`, in pixels.
            anchors: `(B, 4)`, in pixels.
            num_anchors_per_level: How many of the B belong to each level.
        """
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2  # (G, 2)
        places = (anchors[:, :2] + anchors[:, 2:]) / 2  # (B, 2)
        sides = (anchors[:, 2] - anchors[:, 0])[:, None]  # (B, 1)
        near = (places[:, None] - centres).abs().amax(dim=2) < self.center_sampling_radius * sides  # (B, G)

        distances = torch.cat((places[:, None] - boxes[:, :2], boxes[:, 2:] - places[:, None]), dim=2)  # (B, G, 4)
        inside = distances.amin(dim=2) > 0
        farthest = distances.amax(dim=2)
        # The finest level has no least distance, the coarsest no greatest.
        least, most = sides * 4, sides * 8
        least[: num_anchors_per_level[0]] = 0
        most[len(most) - num_anchors_per_level[-1] :] = float("inf")
        fits = near & inside & (farthest > least) & (farthest < most)

        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])  # (G,)
        # Greatest where the area is smallest, and 0 where nothing fits.
        preference, best = (fits.to(torch.float32) * (1e8 - areas)).max(dim=1)
        return best.masked_fill(preference < 1e-5, _NOTHING)

    def postprocess_detections(
        self,
        head_outputs: Mapping[str, Sequence[Tensor]],
        anchors: Sequence[Sequence[Tensor]],
        image_shapes: Sequence[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """What is on the pictures.

        Args:
            head_outputs: For each level `cls_logits` `(N, b, K)`, `bbox_regression` `(N, b, 4)` and `bbox_ctrness`
                `(N, b, 1)`.
            anchors: For each picture and level `(b, 4)`, in pixels.
            image_shapes: For each picture its height and width, resized.

        Returns:
            For each picture `boxes`, `scores` and `labels`, by falling score; in pixels of the resized picture.
        """
        names = ("cls_logits", "bbox_regression", "bbox_ctrness")
        detections: list[dict[str, Tensor]] = []
        for number, (levels, shape) in enumerate(zip(anchors, image_shapes, strict=True)):
            found = [
                self._detections_of_level(logits[number], codes[number], central[number], boxes, shape)
                for logits, codes, central, boxes in zip(*(head_outputs[name] for name in names), levels, strict=True)
            ]
            boxes, scores, labels = (torch.cat(parts) for parts in zip(*found, strict=True))
            kept = at_most(batched_nms(boxes, scores, labels, self.nms_thresh), self.detections_per_img)
            detections.append({"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]})
        return detections

    def _detections_of_level(
        self, logits: Tensor, codes: Tensor, central: Tensor, anchors: Tensor, shape: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes `(b, 4)`, scores `(b,)` and labels `(b,)` of a picture's level, several of a place perhaps."""
        classes = logits.shape[-1]
        scores = (logits.sigmoid() * central.sigmoid()).sqrt().flatten()
        scores, indices = most_likely(scores, self.score_thresh, self.topk_candidates)
        rows = indices.div(classes, rounding_mode="floor")
        boxes = self.box_coder.decode(codes[rows], anchors[rows])
        return clip_boxes_to_image(boxes, shape), scores, indices % classes

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """From pictures to losses in training, to detections in evaluation.

        Args:
            images: The pictures, `(3, H, W)` of floats from 0 to 1; they may be of different sizes.
            targets: In training, for each picture a dict with `boxes` `(G, 4)` in pixels and `labels` `(G,)`.

        Returns:
            `classification`, `bbox_regression` and `bbox_ctrness`; or for each picture `boxes`, `scores`, `labels`.

        Raises:
            InputError: If pictures or targets are not what a detector takes.
        """
        batch, resized, sizes, levels, outputs, anchors = self._see(images, targets)
        counts = [level.shape[-2] * level.shape[-1] for level in levels]
        if self.training:
            return self.eager_outputs(self.compute_loss(resized, outputs, anchors, counts), [])
        detections = self.postprocess_detections(
            {name: list(output.split(counts, dim=1)) for name, output in outputs.items()},
            [list(boxes.split(counts)) for boxes in anchors],
            batch.image_sizes,
        )
        return self.eager_outputs({}, self.transform.postprocess(detections, batch.image_sizes, sizes))


class FCOSOptions(TypedDict, total=False):
    """What a builder of this family passes on to `FCOS`, where each is explained."""

    min_size: int | Sequence[int]
    max_size: int
    image_mean: Sequence[float] | None
    image_std: Sequence[float] | None
    anchor_generator: AnchorGenerator | None
    head: nn.Module | None
    center_sampling_radius: float
    score_thresh: float
    nms_thresh: float
    detections_per_img: int
    topk_candidates: int


def _fcos(
    weights_backbone: ResNet50_Weights | None,
    progress: bool,
    pretrained: bool,
    trainable_backbone_layers: int | None,
    num_classes: int = 91,
    **options: Any,
) -> FCOS:
    layers = _validate_trainable_layers(pretrained, trainable_backbone_layers, 5, 3)
    norm = FrozenBatchNorm2d if pretrained else nn.BatchNorm2d
    resnet = with_weights(resnet50(norm_layer=norm), weights_backbone, progress)
    # P6 is made from P5, as section 3.2 of the paper says.
    backbone = _resnet_fpn_extractor(resnet, layers, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256))
    return FCOS(backbone, num_classes, **options)


@builder(FCOS_ResNet50_FPN_Weights, FCOSOptions)
def fcos_resnet50_fpn(
    *,
    weights: FCOS_ResNet50_FPN_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | str | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[FCOSOptions],
) -> FCOS:
    """FCOS with a ResNet-50 and a feature pyramid."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    return build(_fcos, weights, progress, *backbone, num_classes=num_classes, **options)
