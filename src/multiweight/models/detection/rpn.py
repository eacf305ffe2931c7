"""The first stage: which regions of a picture may hold an object, whatever it is.

Paper: Faster R-CNN, section 3, https://arxiv.org/abs/1506.01497; on a feature pyramid:
https://arxiv.org/abs/1612.03144, section 4.1

Shapes: N pictures, A anchors a place, h × w places of a feature map, T anchors of all maps of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.errors import InputError
from multiweight.layers import Conv2dNormActivation, batched_nms, box_iou, clip_boxes_to_image
from multiweight.models.detection.anchor_utils import AnchorGenerator
from multiweight.models.detection.box_coder import BoxCoder
from multiweight.models.detection.dense import at_most
from multiweight.models.detection.image_list import ImageList
from multiweight.models.detection.matcher import Matcher
from multiweight.models.detection.sampler import BalancedPositiveNegativeSampler

__all__ = [
    "AnchorGenerator",
    "ImageList",
    "RPNHead",
    "RegionProposalNetwork",
    "concat_box_prediction_layers",
    "permute_and_flatten",
]


class RPNHead(nn.Module):
    """Says for each anchor whether it holds an object, and how the anchor is to be changed to fit it.

    Args:
        in_channels: Channels of every feature map.
        num_anchors: How many anchors there are at a place.
        conv_depth: How many 3×3 convolutions come first.
    """

    # In version 1 the one convolution was not in a list: files of that time still load.
    _version = 2

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        layers = [Conv2dNormActivation(in_channels, in_channels, norm_layer=None) for _ in range(conv_depth)]
        self.conv = nn.Sequential(*layers)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, 1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any, **kwargs: Any
    ) -> None:
        if local_metadata.get("version", 1) < 2:
            for kind in ("weight", "bias"):
                if (old := f"{prefix}conv.{kind}") in state_dict:
                    state_dict[f"{prefix}conv.0.0.{kind}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args, **kwargs)

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and changes of all anchors.

        Args:
            x: Feature maps, `(N, in_channels, h, w)` each.

        Returns:
            For each map, scores `(N, A, h, w)`, and changes `(N, 4 A, h, w)`.
        """
        scores, changes = [], []
        for features in x:
            hidden = self.conv(features)
            scores.append(self.cls_logits(hidden))
            changes.append(self.bbox_pred(hidden))
        return scores, changes


def permute_and_flatten(layer: Tensor, N: int, A: int, C: int, H: int, W: int) -> Tensor:  # noqa: N803
    """One map's answers in the order of its anchors: `(N, A C, H, W)` to `(N, H W A, C)`."""
    return layer.view(N, A, C, H, W).permute(0, 3, 4, 1, 2).reshape(N, H * W * A, C)


def concat_box_prediction_layers(box_cls: Sequence[Tensor], box_regression: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """All maps' answers in the order of all pictures' anchors.

    Args:
        box_cls: For each map, scores `(N, A C, h, w)` of C classes.
        box_regression: For each map, changes `(N, 4 A, h, w)`.

    Returns:
        Scores `(N T, C)` and changes `(N T, 4)`.
    """
    scores, changes = [], []
    for score, change in zip(box_cls, box_regression, strict=True):
        pictures, outputs, height, width = score.shape
        anchors = change.shape[1] // 4
        scores.append(permute_and_flatten(score, pictures, anchors, outputs // anchors, height, width))
        changes.append(permute_and_flatten(change, pictures, anchors, 4, height, width))
    return torch.cat(scores, dim=1).flatten(0, 1), torch.cat(changes, dim=1).flatten(0, 1)


class RegionProposalNetwork(nn.Module):
    """Finds the regions: the anchors that seem most to hold an object, changed to fit it, without near duplicates.

    Args:
        anchor_generator: Makes the anchors of a batch from its feature maps.
        head: Scores and changes them, see `RPNHead`.
        fg_iou_thresh: From this overlap with an object on, an anchor is taught that it holds one.
        bg_iou_thresh: Below this one with all objects, that it holds none.
        batch_size_per_image: From how many anchors of a picture a training step learns.
        positive_fraction: Which part of these hold objects at most.
        pre_nms_top_n: How many anchors of each map are considered, the best first: for `"training"` and `"testing"`.
        post_nms_top_n: How many regions of a picture there are in the end at most: likewise.
        nms_thresh: Of two regions of one map that overlap more than this, the better one stays.
        score_thresh: Regions that less probably hold an object are left out.
    """

    def __init__(
        self,
        anchor_generator: AnchorGenerator,
        head: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        pre_nms_top_n: Mapping[str, int],
        post_nms_top_n: Mapping[str, int],
        nms_thresh: float,
        score_thresh: float = 0.0,
    ) -> None:
        super().__init__()
        self.anchor_generator = anchor_generator
        self.head = head
        self.box_coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.box_similarity = box_iou
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh
        self.min_size = 1e-3

    def pre_nms_top_n(self) -> int:
        """How many anchors of each map are considered now."""
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        """How many regions of a picture there are at most now."""
        return self._post_nms_top_n["training" if self.training else "testing"]

    def assign_targets_to_anchors(
        self, anchors: Sequence[Tensor], targets: Sequence[Mapping[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """What each anchor is to be taught.

        Args:
            anchors: For each picture `(T, 4)`, in pixels.
            targets: For each picture, its objects' `boxes` `(B, 4)`, in pixels.

        Returns:
            For each picture, labels `(T,)` of float32: 1 for an object, 0 for background, -1 for what counts for
            nothing; and the box of the object, or of any one, `(T, 4)`.
        """
        labels, boxes = [], []
        for each, target in zip(anchors, targets, strict=True):
            objects = target["boxes"]
            if len(objects) == 0:
                labels.append(torch.zeros(len(each), dtype=torch.float32, device=each.device))
                boxes.append(torch.zeros_like(each))
                continue
            matches = self.proposal_matcher(self.box_similarity(objects, each))  # (T,)
            boxes.append(objects[matches.clamp(min=0)])
            # Of what the matcher says below 0, -1 is background and -2 is neither.
            label = (matches >= 0).to(torch.float32)
            labels.append(label.masked_fill_(matches == Matcher.BETWEEN_THRESHOLDS, -1.0))
        return labels, boxes

    def _get_top_n_idx(self, objectness: Tensor, num_anchors_per_level: Sequence[int]) -> Tensor:
        """The places `(N, best of all maps)` of each map's best anchors in the scores `(N, T)`."""
        places, start = [], 0
        for scores in objectness.split(list(num_anchors_per_level), dim=1):
            count = scores.shape[1]
            wanted: Any = torch.sym_min(self.pre_nms_top_n(), count)
            places.append(scores.topk(wanted, dim=1).indices + start)
            start = start + count
        return torch.cat(places, dim=1)

    def filter_proposals(
        self,
        proposals: Tensor,
        objectness: Tensor,
        image_shapes: Sequence[tuple[int, int]],
        num_anchors_per_level: Sequence[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """The best regions of each picture.

        Args:
            proposals: The changed anchors, `(N, T, 4)`, in pixels.
            objectness: Their scores, `(N T, 1)`.
            image_shapes: Each picture's height and width in pixels, without padding.
            num_anchors_per_level: How many of the T anchors each map has.

        Returns:
            For each picture regions `(R, 4)` within it, from the best one on, and how probably each of them holds an
            object, `(R,)`.
        """
        count = proposals.shape[0]
        # No gradient reaches the first stage by way of where its regions are.
        scores = objectness.detach().reshape(count, -1)  # (N, T)
        levels = torch.cat(
            [
                torch.full((anchors,), level, dtype=torch.int64, device=proposals.device)
                for level, anchors in enumerate(num_anchors_per_level)
            ]
        )
        best = self._get_top_n_idx(scores, num_anchors_per_level)  # (N, P)
        scores = scores.gather(1, best).sigmoid()
        proposals = proposals.gather(1, best[:, :, None].expand(-1, -1, 4))
        regions, certainties = [], []
        for boxes, certainty, level, shape in zip(proposals, scores, levels[best], image_shapes, strict=True):
            boxes = clip_boxes_to_image(boxes, shape)
            sides = boxes[:, 2:] - boxes[:, :2]
            large = (sides >= self.min_size).all(dim=1)
            kept = torch.where(large & (certainty >= self.score_thresh))[0]
            boxes, certainty, level = boxes[kept], certainty[kept], level[kept]
            kept = at_most(batched_nms(boxes, certainty, level, self.nms_thresh), self.post_nms_top_n())
            regions.append(boxes[kept])
            certainties.append(certainty[kept])
        return regions, certainties

    def compute_loss(
        self,
        objectness: Tensor,
        pred_bbox_deltas: Tensor,
        labels: Sequence[Tensor],
        regression_targets: Sequence[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """How far scores and changes are from what they should be, on anchors drawn at random.

        Args:
            objectness: `(N T, 1)`.
            pred_bbox_deltas: `(N T, 4)`.
            labels: For each picture `(T,)`, see `assign_targets_to_anchors`.
            regression_targets: For each picture `(T, 4)`: the changes to the object's box.

        Returns:
            The mean binary cross-entropy of the scores; and the smooth L1 distance of the changes of the anchors that
            hold an object, summed and divided by the number of all drawn anchors.
        """
        drawn_objects, drawn_background = self.fg_bg_sampler(labels)
        objects = torch.where(torch.cat(drawn_objects))[0]
        drawn = torch.cat([objects, torch.where(torch.cat(drawn_background))[0]])
        wanted = torch.cat(list(regression_targets))[objects]
        box_loss = F.smooth_l1_loss(pred_bbox_deltas[objects], wanted, beta=1 / 9, reduction="sum") / drawn.numel()
        score_loss = F.binary_cross_entropy_with_logits(objectness.flatten()[drawn], torch.cat(list(labels))[drawn])
        return score_loss, box_loss

    def forward(
        self,
        images: ImageList,
        features: Mapping[str, Tensor],
        targets: Sequence[Mapping[str, Tensor]] | None = None,
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Finds the regions, and in training how wrong they are.

        Args:
            images: The pictures.
            features: Feature maps `(N, C, h, w)` by name, the finest first.
            targets: In training, for each picture its objects' `boxes` `(B, 4)`, in pixels.

        Returns:
            For each picture regions `(R, 4)`, in pixels; and the losses by name, none in evaluation.

        Raises:
            ValueError: If there are no targets in training.
        """
        maps = list(features.values())
        scores, changes = self.head(maps)
        anchors = self.anchor_generator(images, maps)
        counts = [score.shape[1] * score.shape[2] * score.shape[3] for score in scores]
        scores, changes = concat_box_prediction_layers(scores, changes)  # (N T, 1), (N T, 4)
        proposals = self.box_coder.decode(changes.detach(), anchors).view(len(anchors), -1, 4)
        regions, _ = self.filter_proposals(proposals, scores, images.image_sizes, counts)
        if not self.training:
            return regions, {}
        if targets is None:
            raise InputError("In training the regions need targets; got none.")
        labels, boxes = self.assign_targets_to_anchors(anchors, targets)
        score_loss, box_loss = self.compute_loss(scores, changes, labels, self.box_coder.encode(boxes, anchors))
        return regions, {"loss_objectness": score_loss, "loss_rpn_box_reg": box_loss}
