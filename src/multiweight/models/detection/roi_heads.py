"""The second stage: what each region holds, its box made finer, and on request its mask and its points.

Papers:
    Faster R-CNN, https://arxiv.org/abs/1506.01497; the losses: Fast R-CNN, https://arxiv.org/abs/1504.08083
    Mask R-CNN, https://arxiv.org/abs/1703.06870

Shapes: R regions of all pictures, r of one; L classes with the background, which is class 0; B objects or detections
of a picture; P × P places of a pooled region, M × M of a mask; K points of an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.errors import InputError, InputTypeError
from multiweight.layers import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from multiweight.models.detection._keypoints import (
    heatmaps_to_keypoints,
    keypointrcnn_inference,
    keypointrcnn_loss,
    keypoints_to_heatmap,
)
from multiweight.models.detection._masks import (
    expand_boxes,
    expand_masks,
    maskrcnn_inference,
    maskrcnn_loss,
    paste_mask_in_image,
    paste_masks_in_image,
    project_masks_on_boxes,
)
from multiweight.models.detection.box_coder import BoxCoder
from multiweight.models.detection.dense import at_most
from multiweight.models.detection.matcher import Matcher
from multiweight.models.detection.sampler import BalancedPositiveNegativeSampler

__all__ = [
    "RoIHeads",
    "expand_boxes",
    "expand_masks",
    "fastrcnn_loss",
    "heatmaps_to_keypoints",
    "keypointrcnn_inference",
    "keypointrcnn_loss",
    "keypoints_to_heatmap",
    "maskrcnn_inference",
    "maskrcnn_loss",
    "paste_mask_in_image",
    "paste_masks_in_image",
    "project_masks_on_boxes",
]


def fastrcnn_loss(
    class_logits: Tensor, box_regression: Tensor, labels: Sequence[Tensor], regression_targets: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """How far the answers for regions are from what they hold.

    Args:
        class_logits: `(R, L)`.
        box_regression: Changes of the region for each class, `(R, 4 L)`.
        labels: For each picture the class of its regions, `(r,)`; 0 for background.
        regression_targets: For each picture the changes that lead to the objects' boxes, `(r, 4)`.

    Returns:
        The mean cross-entropy of the classes; and the smooth L1 distance of the changes for the own class, summed over
        the regions that hold an object and divided by the number of all regions.
    """
    wanted_class, wanted_change = torch.cat(list(labels)), torch.cat(list(regression_targets))
    objects = torch.where(wanted_class > 0)[0]
    changes = box_regression.reshape(len(box_regression), box_regression.shape[1] // 4, 4)  # (R, L, 4)
    own = changes[objects, wanted_class[objects]]
    distance = F.smooth_l1_loss(own, wanted_change[objects], beta=1 / 9, reduction="sum")
    return F.cross_entropy(class_logits, wanted_class), distance / wanted_class.numel()


class RoIHeads(nn.Module):
    """Classifies regions and refines their boxes; then finds masks and points in the boxes, where it has such heads.

    Each head is three modules: one that pools the features of regions to one size, one that computes on these, and one
    that predicts.

    Args:
        box_roi_pool: From features, regions and the pictures' sizes to `(R, C, P, P)`.
        box_head: From these to a vector for each region, `(R, D)`.
        box_predictor: From these to scores `(R, L)` and changes `(R, 4 L)`.
        fg_iou_thresh: From this overlap with an object on, a region is taught to hold it.
        bg_iou_thresh: Below this one with all objects, to hold none.
        batch_size_per_image: From how many regions of a picture a training step learns.
        positive_fraction: Which part of these hold objects at most.
        bbox_reg_weights: See `BoxCoder`; `(10, 10, 5, 5)` unless given.
        score_thresh: Only detections with more than this score are given.
        nms_thresh: Of two detections of a class that overlap more than this, the better one stays.
        detections_per_img: How many detections of a picture there are at most.
        mask_roi_pool: Like `box_roi_pool`, for the masks; `None` for none.
        mask_head: From pooled features to features.
        mask_predictor: From these to logits `(R, L, M, M)`.
        keypoint_roi_pool: Like `box_roi_pool`, for the points; `None` for none.
        keypoint_head: From pooled features to features.
        keypoint_predictor: From these to heat maps `(R, K, S, S)`.
    """

    mask_roi_pool: nn.Module | None
    mask_head: nn.Module | None
    mask_predictor: nn.Module | None
    keypoint_roi_pool: nn.Module | None
    keypoint_head: nn.Module | None
    keypoint_predictor: nn.Module | None

    def __init__(
        self,
        box_roi_pool: nn.Module,
        box_head: nn.Module,
        box_predictor: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        bbox_reg_weights: tuple[float, float, float, float] | None,
        score_thresh: float,
        nms_thresh: float,
        detections_per_img: int,
        mask_roi_pool: nn.Module | None = None,
        mask_head: nn.Module | None = None,
        mask_predictor: nn.Module | None = None,
        keypoint_roi_pool: nn.Module | None = None,
        keypoint_head: nn.Module | None = None,
        keypoint_predictor: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.box_similarity = box_iou
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=False)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self.box_coder = BoxCoder((10.0, 10.0, 5.0, 5.0) if bbox_reg_weights is None else bbox_reg_weights)
        self.box_roi_pool = box_roi_pool
        self.box_head = box_head
        self.box_predictor = box_predictor
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.mask_roi_pool = mask_roi_pool
        self.mask_head = mask_head
        self.mask_predictor = mask_predictor
        self.keypoint_roi_pool = keypoint_roi_pool
        self.keypoint_head = keypoint_head
        self.keypoint_predictor = keypoint_predictor

    def has_mask(self) -> bool:
        """Whether all of the head for masks is there."""
        return None not in (self.mask_roi_pool, self.mask_head, self.mask_predictor)

    def has_keypoint(self) -> bool:
        """Whether all of the head for points is there."""
        return None not in (self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor)

    def assign_targets_to_proposals(
        self, proposals: Sequence[Tensor], gt_boxes: Sequence[Tensor], gt_labels: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """What each region is to be taught.

        Args:
            proposals: For each picture its regions, `(r, 4)` in pixels.
            gt_boxes: For each picture its objects' boxes, `(B, 4)` in pixels.
            gt_labels: For each picture its objects' labels, `(B,)`.

        Returns:
            For each picture, the object of each region, or any one, `(r,)`; and the class of each region `(r,)`: 0 for
            background, -1 for what counts for nothing.
        """
        objects, labels = [], []
        for regions, boxes, classes in zip(proposals, gt_boxes, gt_labels, strict=True):
            if len(boxes) == 0:
                objects.append(torch.zeros(len(regions), dtype=torch.int64, device=regions.device))
                labels.append(torch.zeros_like(objects[-1]))
                continue
            matches = self.proposal_matcher(self.box_similarity(boxes, regions))  # (r,)
            objects.append(matches.clamp(min=0))
            label = classes[objects[-1]].to(torch.int64)
            label = label.masked_fill(matches == Matcher.BELOW_LOW_THRESHOLD, 0)
            labels.append(label.masked_fill(matches == Matcher.BETWEEN_THRESHOLDS, -1))
        return objects, labels

    def subsample(self, labels: Sequence[Tensor]) -> list[Tensor]:
        """Draws regions of each picture by their classes `(r,)`; gives their places in rising order."""
        objects, background = self.fg_bg_sampler(labels)
        return [torch.where(one | other)[0] for one, other in zip(objects, background, strict=True)]

    def add_gt_proposals(self, proposals: Sequence[Tensor], gt_boxes: Sequence[Tensor]) -> list[Tensor]:
        """For each picture its regions `(r, 4)` and then its objects' boxes `(B, 4)`, from which most can be learnt."""
        return [torch.cat(pair) for pair in zip(proposals, gt_boxes, strict=True)]

    def check_targets(self, targets: Sequence[Mapping[str, Tensor]] | None) -> None:
        """Refuses targets that lack what the heads learn from, or have it in another dtype.

        Raises:
            InputError: If something is missing.
            InputTypeError: If boxes are no floats, labels no int64, or points no float32; also a TypeError.
        """
        if targets is None:
            raise InputError("In training the regions need targets; got none.")
        needed = ["boxes", "labels", *["masks"] * self.has_mask(), *["keypoints"] * self.has_keypoint()]
        for number, target in enumerate(targets):
            for key in needed:
                if key not in target:
                    raise InputError(f"The target of picture {number} has no {key!r}; it needs {', '.join(needed)}.")
            if not target["boxes"].is_floating_point():
                raise InputTypeError(f"Boxes are floats; those of picture {number} are {target['boxes'].dtype}.")
            if target["labels"].dtype != torch.int64:
                raise InputTypeError(f"Labels are int64; those of picture {number} are {target['labels'].dtype}.")
            if self.has_keypoint() and target["keypoints"].dtype != torch.float32:
                raise InputTypeError(f"Points are float32; those of picture {number} are {target['keypoints'].dtype}.")

    def select_training_samples(
        self, proposals: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """Draws the regions from which a training step learns.

        Args:
            proposals: For each picture its regions, `(r, 4)` in pixels.
            targets: For each picture what is on it.

        Returns:
            For each picture of the drawn regions: themselves, `(r, 4)`; their objects, or any, `(r,)`; their classes,
            `(r,)`; and the changes that lead to the objects' boxes, `(r, 4)`.

        Raises:
            InputError: If there are no targets, or they lack something.
        """
        self.check_targets(targets)
        assert targets is not None
        boxes = [target["boxes"].to(proposals[0].dtype) for target in targets]
        regions = self.add_gt_proposals(proposals, boxes)
        objects, labels = self.assign_targets_to_proposals(regions, boxes, [target["labels"] for target in targets])
        drawn = self.subsample(labels)
        regions, objects, labels = (
            [each[places] for each, places in zip(one, drawn, strict=True)] for one in (regions, objects, labels)
        )
        matched = [
            each[match] if len(each) else each.new_zeros(len(match), 4)
            for each, match in zip(boxes, objects, strict=True)
        ]
        return regions, objects, labels, self.box_coder.encode(matched, regions)

    def postprocess_detections(
        self,
        class_logits: Tensor,
        box_regression: Tensor,
        proposals: Sequence[Tensor],
        image_shapes: Sequence[tuple[int, int]],
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """The detections: each region may be one of every class.

        Args:
            class_logits: `(R, L)`.
            box_regression: Changes of the region for each class, `(R, 4 L)`.
            proposals: For each picture its regions, `(r, 4)` in pixels.
            image_shapes: Each picture's height and width in pixels, without padding.

        Returns:
            For each picture boxes `(B, 4)` within it, scores `(B,)`, from the highest on, and labels `(B,)`.
        """
        scores = class_logits.softmax(-1)
        changes = box_regression.reshape(box_regression.shape[0], box_regression.shape[1] // 4, 4)  # (R, L, 4)
        boxes_of_all, scores_of_all, labels_of_all = [], [], []
        for score, change, regions, shape in zip(
            _of_pictures(scores, proposals), _of_pictures(changes, proposals), proposals, image_shapes, strict=True
        ):
            # Only the few that are not background and score enough are computed further.
            region, label = (score[:, 1:] > self.score_thresh).nonzero().unbind(1)  # (c,)
            label = label + 1
            certainty = score[region, label]
            boxes = self.box_coder.decode_single(change[region, label], regions[region])  # (c, 4)
            boxes = clip_boxes_to_image(boxes, shape)
            kept = remove_small_boxes(boxes, min_size=1e-2)
            boxes, certainty, label = boxes[kept], certainty[kept], label[kept]
            kept = at_most(batched_nms(boxes, certainty, label, self.nms_thresh), self.detections_per_img)
            boxes_of_all.append(boxes[kept])
            scores_of_all.append(certainty[kept])
            labels_of_all.append(label[kept])
        return boxes_of_all, scores_of_all, labels_of_all

    def forward(
        self,
        features: Mapping[str, Tensor],
        proposals: Sequence[Tensor],
        image_shapes: Sequence[tuple[int, int]],
        targets: Sequence[Mapping[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Finds what regions hold, or how wrong that is.

        Args:
            features: Feature maps `(N, C, h, w)` by name, the finest first.
            proposals: For each picture its regions, `(r, 4)` in pixels.
            image_shapes: Each picture's height and width in pixels, without padding.
            targets: In training, for each picture `boxes` `(B, 4)`, `labels` `(B,)`, and `masks` `(B, H, W)` and
                `keypoints` `(B, K, 3)` where there are heads for them.

        Returns:
            For each picture `boxes` `(B, 4)`, `labels` `(B,)` and `scores` `(B,)`, with `masks` `(B, 1, M, M)` of the
            boxes, `keypoints` `(B, K, 3)` and `keypoints_scores` `(B, K)` where there are heads for them, none in
            training; and the losses by name, none in evaluation.

        Raises:
            InputError: If in training there are no targets, or they lack something.
            InputTypeError: If something of them is of another dtype.
        """
        result: list[dict[str, Tensor]] = []
        losses: dict[str, Tensor] = {}
        if self.training:
            proposals, objects, labels, changes = self.select_training_samples(proposals, targets)
            scores, predicted = self._score(features, proposals, image_shapes)
            class_loss, box_loss = fastrcnn_loss(scores, predicted, labels, changes)
            losses = {"loss_classifier": class_loss, "loss_box_reg": box_loss}
            # The other heads learn only from regions that hold an object.
            held = [torch.where(label > 0)[0] for label in labels]
            regions = [each[places] for each, places in zip(proposals, held, strict=True)]
            matches = [each[places] for each, places in zip(objects, held, strict=True)]
        else:
            answers = self.postprocess_detections(
                *self._score(features, proposals, image_shapes), proposals, image_shapes
            )
            for boxes, certainty, label in zip(*answers, strict=True):
                result.append({"boxes": boxes, "labels": label, "scores": certainty})
            # Masks and points are found in the final boxes.
            regions, matches = answers[0], []
        known = cast(Any, targets)
        if self.has_mask():
            masks = self._predict("mask", features, regions, image_shapes)  # (R, L, M, M)
            if self.training:
                known_masks, known_labels = ([target[key] for target in known] for key in ("masks", "labels"))
                losses["loss_mask"] = maskrcnn_loss(masks, regions, known_masks, known_labels, matches)
            else:
                labels = [answer["labels"] for answer in result]
                for answer, mask in zip(result, maskrcnn_inference(masks, labels), strict=True):
                    answer["masks"] = mask
        if self.has_keypoint():
            heat = self._predict("keypoint", features, regions, image_shapes)  # (R, K, S, S)
            if self.training:
                points = [target["keypoints"] for target in known]
                losses["loss_keypoint"] = keypointrcnn_loss(heat, regions, points, matches)
            else:
                for answer, point, certainty in zip(result, *keypointrcnn_inference(heat, regions), strict=True):
                    answer["keypoints"], answer["keypoints_scores"] = point, certainty
        return result, losses

    def _score(
        self, features: Mapping[str, Tensor], regions: Sequence[Tensor], image_shapes: Sequence[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Scores `(R, L)` and changes `(R, 4 L)` of regions."""
        pooled = self.box_roi_pool(features, regions, image_shapes)
        return self.box_predictor(_of_any_number(self.box_head, pooled))

    def _predict(
        self,
        kind: str,
        features: Mapping[str, Tensor],
        regions: Sequence[Tensor],
        image_shapes: Sequence[tuple[int, int]],
    ) -> Tensor:
        """What the head of that kind says of regions."""
        pool, head, predictor = (getattr(self, f"{kind}_{part}") for part in ("roi_pool", "head", "predictor"))
        return predictor(_of_any_number(head, pool(features, regions, image_shapes)))


def _of_any_number(head: nn.Module, pooled: Tensor) -> Tensor:
    """What a head makes of pooled regions `(R, C, P, P)`, also in an exported program, which does not know R.

    Batch normalisation asks whether there is anything: there it gets one region more, of zeros, than there are.
    """
    asks = torch.compiler.is_exporting() and any(isinstance(module, nn.BatchNorm2d) for module in head.modules())
    if not asks:
        return head(pooled)
    answers = head(torch.cat((pooled, pooled.new_zeros(1, *pooled.shape[1:]))))
    return answers.narrow(0, 0, pooled.shape[0])


def _of_pictures(values: Tensor, regions: Sequence[Tensor]) -> Sequence[Tensor]:
    """What belongs to the regions of each picture, of `(R, …)` for all regions."""
    return [values] if len(regions) == 1 else values.split([each.shape[0] for each in regions])
