"""SSD: default boxes on feature maps of falling size, each taught to be an object or background.

Paper: SSD: Single Shot MultiBox Detector, https://arxiv.org/abs/1512.02325

Shapes: N pictures, C channels, H × W pixels; A default boxes a place, K classes, of which 0 is the background; B boxes
of all places and maps; G objects of a picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.catalogue.detection.ssd import SSD300_VGG16_Weights
from multiweight.catalogue.vgg import VGG16_Weights
from multiweight.layers import batched_nms, box_iou, clip_boxes_to_image
from multiweight.models._builder import build, builder
from multiweight.models.detection.anchor_utils import DefaultBoxGenerator
from multiweight.models.detection.backbone_utils import _validate_trainable_layers, with_weights
from multiweight.models.detection.box_coder import BoxCoder
from multiweight.models.detection.dense import (
    DenseDetector,
    at_most,
    best_of_each_class,
    by_anchor,
    feature_maps,
    freeze,
)
from multiweight.models.detection.matcher import SSDMatcher
from multiweight.models.detection.transform import GeneralizedRCNNTransform
from multiweight.models.vgg import VGG, vgg16

__all__ = [
    "SSD",
    "SSD300_VGG16_Weights",
    "SSDClassificationHead",
    "SSDFeatureExtractorVGG",
    "SSDHead",
    "SSDOptions",
    "SSDRegressionHead",
    "SSDScoringHead",
    "ssd300_vgg16",
]


def _xavier_init(modules: Iterable[nn.Module]) -> None:
    """Fills convolutions as in https://proceedings.mlr.press/v9/glorot10a.html, and their biases with zeros."""
    for module in modules:
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class SSDScoringHead(nn.Module):
    """A layer for each feature map, whose answers are put one after the other.

    Args:
        module_list: For each map what takes `(N, C, h, w)` and gives `(N, A * num_columns, h, w)`.
        num_columns: How many numbers a default box has.
    """

    def __init__(self, module_list: nn.ModuleList, num_columns: int) -> None:
        super().__init__()
        self.module_list = module_list
        self.num_columns = num_columns

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """From maps `(N, C, h, w)` to `(N, B, num_columns)`."""
        answers = [layer(features) for layer, features in zip(self.module_list, x, strict=True)]
        return torch.cat([by_anchor(answer, self.num_columns) for answer in answers], dim=1)


class SSDClassificationHead(SSDScoringHead):
    """Which class is at each default box.

    Args:
        in_channels: Channels of each map.
        num_anchors: Default boxes a place, for each map.
        num_classes: How many classes there are, the background included.
    """

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int) -> None:
        super().__init__(_convolutions(in_channels, num_anchors, num_classes), num_classes)


class SSDRegressionHead(SSDScoringHead):
    """How far the object is from each default box.

    Args:
        in_channels: Channels of each map.
        num_anchors: Default boxes a place, for each map.
    """

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int]) -> None:
        super().__init__(_convolutions(in_channels, num_anchors, 4), 4)


def _convolutions(in_channels: Sequence[int], num_anchors: Sequence[int], columns: int) -> nn.ModuleList:
    layers = nn.ModuleList(
        nn.Conv2d(channels, columns * anchors, 3, padding=1)
        for channels, anchors in zip(in_channels, num_anchors, strict=True)
    )
    _xavier_init(layers)
    return layers


class SSDHead(nn.Module):
    """Classes and boxes at every place of all maps.

    Args:
        in_channels: Channels of each map.
        num_anchors: Default boxes a place, for each map.
        num_classes: How many classes there are, the background included.
    """

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.classification_head = SSDClassificationHead(in_channels, num_anchors, num_classes)
        self.regression_head = SSDRegressionHead(in_channels, num_anchors)

    def forward(self, x: Sequence[Tensor]) -> dict[str, Tensor]:
        """From maps `(N, C, h, w)` to `bbox_regression` `(N, B, 4)` and `cls_logits` `(N, B, K)`."""
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


class SSD(DenseDetector):
    """A backbone with maps of falling size, and a head on all of them.

    In training it takes pictures and targets and gives losses; in evaluation it takes pictures and gives for each a
    dict with `boxes` `(b, 4)`, which are `x1, y1, x2, y2` in its pixels, `scores` `(b,)`, falling, and `labels` `(b,)`.

    Args:
        backbone: Gives maps of features by name, or one. If it has `out_channels`, these are the channels of each map;
            else they are found by calling it.
        anchor_generator: Makes the default boxes.
        size: Width and height to which every picture is resized, in pixels.
        num_classes: How many classes there are, the background included.
        image_mean: What is subtracted from each channel; ImageNet's unless given.
        image_std: By what each channel is divided; ImageNet's unless given.
        head: Instead of an `SSDHead`.
        score_thresh: What a score must exceed.
        nms_thresh: Of boxes of a class with a greater IoU than this, the best stays.
        detections_per_img: How many boxes a picture has at most.
        iou_thresh: From this IoU on, a default box is taught an object.
        topk_candidates: How many boxes of a class are looked at, from the highest score on.
        positive_fraction: The share of objects among the boxes that the classes are learned from; the background is
            learned where it is mistaken most (hard negative mining).
        **kwargs: Further arguments of `GeneralizedRCNNTransform`.

    Raises:
        ValueError: If the backbone does not give as many maps as there are default boxes for.
    """

    _classes_of_head = "num_columns"

    def __init__(
        self,
        backbone: nn.Module,
        anchor_generator: DefaultBoxGenerator,
        size: tuple[int, int],
        num_classes: int,
        image_mean: Sequence[float] | None = None,
        image_std: Sequence[float] | None = None,
        head: nn.Module | None = None,
        score_thresh: float = 0.01,
        nms_thresh: float = 0.45,
        detections_per_img: int = 200,
        iou_thresh: float = 0.5,
        topk_candidates: int = 400,
        positive_fraction: float = 0.25,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.anchor_generator = anchor_generator
        self.box_coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
        if head is None:
            channels = _out_channels(backbone, size)
            if len(channels) != len(anchor_generator.aspect_ratios):
                raise ValueError(
                    f"The backbone gives {len(channels)} maps; anchor_generator has aspect_ratios for "
                    f"{len(anchor_generator.aspect_ratios)}."
                )
            head = SSDHead(channels, anchor_generator.num_anchors_per_location(), num_classes)
        self.head = head
        self.proposal_matcher = SSDMatcher(iou_thresh)
        self.transform = GeneralizedRCNNTransform(
            min(size),
            max(size),
            image_mean or [0.485, 0.456, 0.406],
            image_std or [0.229, 0.224, 0.225],
            size_divisible=1,
            fixed_size=size,
            **kwargs,
        )
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates
        self.neg_to_pos_ratio = (1.0 - positive_fraction) / positive_fraction

    def compute_loss(
        self,
        targets: Sequence[Mapping[str, Tensor]],
        head_outputs: Mapping[str, Tensor],
        anchors: Sequence[Tensor],
        matched_idxs: Sequence[Tensor],
    ) -> dict[str, Tensor]:
        """The two losses, each over the number of matched boxes in the whole batch.

        Args:
            targets: For each picture `boxes` `(G, 4)` in pixels of the resized picture, and `labels` `(G,)`.
            head_outputs: `cls_logits` `(N, B, K)` and `bbox_regression` `(N, B, 4)`.
            anchors: For each picture `(B, 4)`, in pixels.
            matched_idxs: For each picture the object of each box, `(B,)`, as `SSDMatcher` gives it.

        Returns:
            `bbox_regression` and `classification`.
        """
        logits = head_outputs["cls_logits"]
        count = 0
        losses: list[Tensor] = []
        classes = logits.new_zeros(logits.shape[:2], dtype=torch.int64)  # (N, B)
        for number, (target, boxes, matches) in enumerate(zip(targets, anchors, matched_idxs, strict=True)):
            matched = torch.where(matches >= 0)[0]
            count += len(matched)
            objects = matches[matched]
            wanted = self.box_coder.encode_single(target["boxes"][objects], boxes[matched])
            found = head_outputs["bbox_regression"][number][matched]
            losses.append(F.smooth_l1_loss(found, wanted, reduction="sum"))
            classes[number, matched] = target["labels"][objects].long()
        total = max(1, count)
        regression = torch.stack(losses).sum() / total

        loss = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view(classes.shape)  # (N, B)
        objects = classes > 0
        background = self._hardest_background(loss, objects)
        return {
            "bbox_regression": regression,
            "classification": (loss[objects].sum() + loss[background].sum()) / total,
        }

    def _hardest_background(self, loss: Tensor, objects: Tensor) -> Tensor:
        """The background boxes with the greatest losses, for each picture some times as many as it has objects.

        Args:
            loss: `(N, B)`.
            objects: `(N, B)`, which boxes are no background.

        Returns:
            `(N, B)` of truth values.
        """
        order = loss.detach().masked_fill(objects, -float("inf")).sort(1, descending=True)[1]
        ranks = order.sort(1)[1]  # (N, B), from 0 on
        return ranks < self.neg_to_pos_ratio * objects.sum(1, keepdim=True)

    def postprocess_detections(
        self,
        head_outputs: Mapping[str, Tensor],
        image_anchors: Sequence[Tensor],
        image_shapes: Sequence[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """What is on the pictures.

        Args:
            head_outputs: `cls_logits` `(N, B, K)` and `bbox_regression` `(N, B, 4)`.
            image_anchors: For each picture `(B, 4)`, in pixels.
            image_shapes: For each picture its height and width, resized.

        Returns:
            For each picture `boxes`, `scores` and `labels`, by falling score; in pixels of the resized picture.
        """
        codes, likelihoods = head_outputs["bbox_regression"], head_outputs["cls_logits"].softmax(dim=-1)
        detections: list[dict[str, Tensor]] = []
        for number, (anchors, shape) in enumerate(zip(image_anchors, image_shapes, strict=True)):
            boxes = clip_boxes_to_image(self.box_coder.decode_single(codes[number], anchors), shape)  # (B, 4)
            rows, labels = best_of_each_class(likelihoods[number], self.score_thresh, self.topk_candidates)
            boxes, scores = boxes[rows], likelihoods[number][rows, labels]  # (b, 4), (b,)
            kept = at_most(batched_nms(boxes, scores, labels, self.nms_thresh), self.detections_per_img)
            detections.append({"boxes": boxes[kept], "scores": scores[kept], "labels": labels[kept]})
        return detections

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """From pictures to losses in training, to detections in evaluation.

        Args:
            images: The pictures, `(3, H, W)` of floats from 0 to 1; they may be of different sizes.
            targets: In training, for each picture a dict with `boxes` `(G, 4)` in pixels and `labels` `(G,)`.

        Returns:
            `bbox_regression` and `classification`; or for each picture `boxes`, `scores` and `labels`.

        Raises:
            InputError: If pictures or targets are not what a detector takes.
        """
        batch, resized, sizes, _, outputs, anchors = self._see(images, targets)
        if self.training:
            matches = [self._match(target["boxes"], boxes) for target, boxes in zip(resized, anchors, strict=True)]
            return self.eager_outputs(self.compute_loss(resized, outputs, anchors, matches), [])
        detections = self.postprocess_detections(outputs, anchors, batch.image_sizes)
        return self.eager_outputs({}, self.transform.postprocess(detections, batch.image_sizes, sizes))

    def _match(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """The object `(B,)` of each default box, or -1, from objects `(G, 4)` and default boxes `(B, 4)`."""
        if boxes.numel() == 0:
            return anchors.new_full((len(anchors),), SSDMatcher.BELOW_LOW_THRESHOLD, dtype=torch.int64)
        return self.proposal_matcher(box_iou(boxes, anchors))


def _out_channels(backbone: nn.Module, size: tuple[int, int]) -> list[int]:
    """The channels of the maps that a backbone gives."""
    known: Any = getattr(backbone, "out_channels", None)
    if known is not None:
        return [known] if isinstance(known, int) else list(known)
    training = backbone.training
    backbone.eval()
    with torch.no_grad():
        like = next(backbone.parameters(), torch.zeros(0))
        maps = feature_maps(backbone(like.new_zeros(1, 3, size[1], size[0])))
    backbone.train(training)
    return [features.shape[1] for features in maps]


class SSDFeatureExtractorVGG(nn.Module):
    """VGG-16 as SSD has it: its last stages made convolutional, and extra layers on top (figure 2 of the paper).

    Args:
        backbone: The `features` of a VGG-16; its layers are shared and changed.
        highres: Whether there is one more extra layer, for pictures of 512 pixels.
    """

    def __init__(self, backbone: nn.Sequential, highres: bool) -> None:
        super().__init__()
        layers: list[Any] = list(backbone)
        third, fourth = _pools(layers)[2:4]
        # 75 pixels become 38, as in the paper's code.
        layers[third].ceil_mode = True
        # Section 3.1: features of conv4_3 are larger than the others, so their length is learned, from 20 on.
        self.scale_weight = nn.Parameter(torch.ones(512) * 20)
        self.features = nn.Sequential(*layers[:fourth])

        extra = [_extra(1024, 256, stride=2), _extra(512, 128, stride=2), _extra(256, 128), _extra(256, 128)]
        if highres:
            extra.append(_extra(256, 128, kernel=4))
        self.extra = nn.ModuleList(extra)
        _xavier_init(self.extra.modules())
        # The linear layers of VGG as convolutions (fc6 and fc7), the first one dilated.
        fc = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6),
            nn.ReLU(inplace=True),
            nn.Conv2d(1024, 1024, 1),
            nn.ReLU(inplace=True),
        )
        _xavier_init(fc)
        self.extra.insert(0, nn.Sequential(*layers[fourth:-1], fc))
        self.out_channels = [512, 1024, 512, 256, 256, 256, *[256] * highres]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From pictures `(N, 3, 300, 300)` to maps `(N, C, h, w)` of 38, 19, 10, 5, 3 and 1 places a side, by name."""
        x = self.features(x)  # (N, 512, 38, 38)
        maps = [self.scale_weight.view(1, -1, 1, 1) * F.normalize(x)]
        for layers in self.extra:
            x = layers(x)
            maps.append(x)
        return OrderedDict((str(number), features) for number, features in enumerate(maps))


def _extra(in_channels: int, hidden: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """A 1×1 convolution that halves the channels or more, and one that makes the map smaller."""
    padding = 1 if stride > 1 else 0
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, 2 * hidden, kernel, stride=stride, padding=padding),
        nn.ReLU(inplace=True),
    )


def _pools(layers: Iterable[nn.Module]) -> list[int]:
    """Where the maxima are that halve height and width."""
    return [index for index, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]


def _vgg_extractor(backbone: VGG, highres: bool, trainable_layers: int) -> SSDFeatureExtractorVGG:
    layers: Any = backbone.features
    # A stage begins with the maximum that the one before ends in.
    freeze(layers, [0, *_pools(layers)[:-1]], trainable_layers)
    return SSDFeatureExtractorVGG(layers, highres)


class SSDOptions(TypedDict, total=False):
    """What a builder of this family passes on to `SSD`, where each is explained."""

    image_mean: Sequence[float] | None
    image_std: Sequence[float] | None
    head: nn.Module | None
    score_thresh: float
    nms_thresh: float
    detections_per_img: int
    iou_thresh: float
    topk_candidates: int
    positive_fraction: float


def _ssd300(
    weights_backbone: VGG16_Weights | None,
    progress: bool,
    pretrained: bool,
    trainable_backbone_layers: int | None,
    num_classes: int = 91,
    **options: Any,
) -> SSD:
    trainable = _validate_trainable_layers(pretrained, trainable_backbone_layers, 5, 4)
    # As with `vgg16(weights=…)`, nothing is drawn but what torch draws; the tensors are replaced anyway.
    vgg = with_weights(vgg16(init_weights=weights_backbone is None), weights_backbone, progress)
    boxes = DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
        scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
        steps=[8, 16, 32, 64, 100, 300],
    )
    # The mean in units of 255 is subtracted, and nothing divided: as the backbone was trained.
    usual = {"image_mean": [0.48235, 0.45882, 0.40784], "image_std": [1.0 / 255.0] * 3}
    backbone = _vgg_extractor(vgg, False, trainable)
    return SSD(backbone, boxes, (300, 300), num_classes, **{**usual, **options})


@builder(SSD300_VGG16_Weights, SSDOptions)
def ssd300_vgg16(
    *,
    weights: SSD300_VGG16_Weights | str | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: VGG16_Weights | str | None = VGG16_Weights.IMAGENET1K_FEATURES,
    trainable_backbone_layers: int | None = None,
    **options: Unpack[SSDOptions],
) -> SSD:
    """SSD on pictures of 300 × 300 pixels, with a VGG-16."""
    backbone = (weights_backbone, progress, bool(weights or weights_backbone), trainable_backbone_layers)
    return build(_ssd300, weights, progress, *backbone, num_classes=num_classes, **options)
